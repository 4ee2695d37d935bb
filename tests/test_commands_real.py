"""Workflow commands on real machines, as a user of the command line meets them."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from test_cli import IMAGE, Done, repository, runwright, write

__all__ = ["repository"]  # a fixture

KINDS = [pytest.param("docker", marks=pytest.mark.docker), "namespace", "host"]
GCC = json.dumps({"problemMatcher": [{"owner": "gcc", "pattern": [{
    "regexp": r"^(.+?):(\d+):(\d+):\s+(warning|error):\s+(.*)$",
    "file": 1, "line": 2, "column": 3, "severity": 4, "message": 5,
}]}]})  # fmt: skip
LOOP = json.dumps({"problemMatcher": [{"owner": "lint", "severity": "notice", "pattern": [
    {"regexp": r"^> (.+)$", "file": 1},
    {"regexp": r"^  (\d+): (.+)$", "line": 1, "message": 2, "loop": True},
]}]})  # fmt: skip


def run(repository: Path, kind: str, steps: str, *more: str) -> Done:
    """Run one job on a kind of machine; the repository has two files of matchers."""
    (repository / "gcc.json").write_text(GCC)
    write(
        repository, ci=f"on: push\njobs:\n  only:\n    runs-on: ubuntu-latest\n    steps:\n{steps}"
    )
    return runwright(repository, "push", *IMAGE, "--runner", kind, "--json", *more)


def annotations(done: Done) -> list[tuple[Any, ...]]:
    return [
        (event["level"], event["file"], event["line"], event["message"])
        for event in done.events()
        if event["type"] == "annotation"
    ]


def folder(repository: Path) -> Path:
    """Where the only run is kept."""
    (found,) = (repository / "state" / "runs").iterdir()
    return found


@pytest.mark.covers("CMD-020", "CMD-021")
@pytest.mark.parametrize("kind", KINDS)
def test_problem_matchers(repository: Path, kind: str) -> None:
    done = run(repository, kind, f"""
      - run: |
          echo '{LOOP}' >"$RUNNER_TEMP/lint.json"
          echo "src/a.c:1:2: error: before"
          echo "::add-matcher::gcc.json"
          echo "::add-matcher::$RUNNER_TEMP/lint.json"
          echo "src/a.c:3:4: warning: during"
          sleep 0.5
      - run: |
          printf '> %s/b.py\\n  5: one\\n  6: two\\nend\\n  7: three\\n' "$GITHUB_WORKSPACE"
          printf '\\033[1m%s/c.c:8:9: error: \\033[31mred\\033[0m\\n' "$GITHUB_WORKSPACE"
          echo "::remove-matcher owner=gcc::"
          echo "src/a.c:1:2: error: after"
""")  # fmt: skip
    assert done.code == 0, done.text
    assert annotations(done) == [
        ("warning", "src/a.c", 3, "during"),
        ("notice", "b.py", 5, "one"),
        ("notice", "b.py", 6, "two"),
        ("error", "c.c", 8, "red"),
    ]


@pytest.mark.covers("CMD-020")
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_matchers_that_is_not_there(repository: Path, kind: str) -> None:
    done = run(repository, kind, """
      - run: |
          echo "::add-matcher::nowhere.json"
          echo more
""")  # fmt: skip
    assert done.code == 1
    first, second = (message for *_, message in annotations(done))
    assert first == "Unable to process command '::add-matcher::nowhere.json' successfully."
    assert re.match(r"Could not find file '/.*/nowhere\.json': ", second)


@pytest.mark.covers("CMD-006", "CMD-024", "STEP-031")
@pytest.mark.parametrize("kind", KINDS)
def test_summaries_are_collected_and_kept(repository: Path, kind: str) -> None:
    write(repository, ci="""
on: push
jobs:
  only:
    runs-on: ubuntu-latest
    steps:
      - {name: First, run: 'echo "# One hunter2" >>"$GITHUB_STEP_SUMMARY"'}
      - {name: Second, run: 'exit 1'}
      - {name: Third, run: 'echo "* two" >>"$GITHUB_STEP_SUMMARY"', if: always()}
""")  # fmt: skip
    done = runwright(repository, "push", *IMAGE, "--runner", kind, "-s", "PW=hunter2")
    assert done.code == 1
    shown = done.out.partition("\nSummary of ")[2].partition("\n\n   Job")[0]
    assert shown == 'only, step "First"\n# One ***\n\nSummary of only, step "Third"\n* two'
    page = (folder(repository) / "summary.md").read_text()
    assert page == "## only: First\n\n# One ***\n\n## only: Third\n\n* two\n\n"


@pytest.mark.covers("CMD-007")
@pytest.mark.parametrize("kind", KINDS)
def test_declared_artifacts_are_listed_for_later_steps(repository: Path, kind: str) -> None:
    done = run(repository, kind, """
      - run: |
          cat "$GITHUB_ARTIFACTS_LIST"
          printf hello >'a b.txt'
          echo './a b.txt' >>"$GITHUB_ARTIFACTS"
      - run: cat "$GITHUB_ARTIFACTS_LIST"
      - run: echo gone.txt >>"$GITHUB_ARTIFACTS"
""")  # fmt: skip
    assert done.code == 1
    texts = [event["text"] for event in done.events() if event["type"] == "output"]
    assert texts[0].startswith("Captured 1 artifact subject(s) from this step")
    digest = f"sha256:{hashlib.sha256(b'hello').hexdigest()}"
    listed = {"name": "a b.txt", "digest": digest, "kind": "file"}
    assert json.loads(texts[1]) == {"version": 1, "subjects": [listed]}
    assert "'gone.txt' does not exist" in annotations(done)[0][-1]


@pytest.mark.covers("CMD-022", "CMD-023")
@pytest.mark.parametrize("kind", KINDS)
def test_secrets_in_any_form(repository: Path, kind: str) -> None:
    secret = 'pa"ss & <word>\nsecond line'
    done = run(repository, kind, """
      - env: {PW: '${{ secrets.PW }}', AS_JSON: '${{ toJSON(secrets.PW) }}'}
        run: |
          echo "$PW"
          printf %s "$PW" | base64 -w0; echo
          printf %s "user:$PW" | base64 -w0; echo
          echo "$AS_JSON"
""", "-s", f"PW={secret}")  # fmt: skip
    assert done.code == 0, done.text
    text = "".join(event["text"] for event in done.events() if event["type"] == "output")
    first, second, whole, after_user, as_json = text.splitlines()
    assert (first, second, whole, as_json) == ("***", "***", "***", '"***"')
    assert after_user.endswith("***") and len(after_user) < 16
    kept = "".join(path.read_text() for path in folder(repository).rglob("*") if path.is_file())
    for form in ("second line", "<word>", base64.b64encode(secret.encode()).decode()):
        assert form not in kept


@pytest.mark.covers("CMD-025", "STEP-022", "STEP-023")
@pytest.mark.parametrize("kind", KINDS)
def test_the_log_of_a_job_is_kept(repository: Path, kind: str) -> None:
    run(repository, kind, """
      - env: {A: b}
        shell: sh
        run: |
          echo "::group::Details"
          echo one
          echo "::endgroup::"
          echo "::warning file=a.c,line=3::careful"
          exit 3
""")  # fmt: skip
    lines = (folder(repository) / "logs" / "only.log").read_text().splitlines()
    stamp = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z ")
    assert all(stamp.match(line) for line in lines)
    assert sorted(line[:28] for line in lines) == [line[:28] for line in lines]
    bare = [stamp.sub("", line) for line in lines]
    step = bare[bare.index('##[group]Run echo "::group::Details"') :]
    assert step[1:6] == [
        f"\033[36;1m{line}\033[0m"
        for line in ('echo "::group::Details"', "echo one", 'echo "::endgroup::"',
                     'echo "::warning file=a.c,line=3::careful"', "exit 3")
    ]  # fmt: skip
    assert step[6:] == [
        "shell: sh -e {0}",
        "env:",
        "  A: b",
        "##[endgroup]",
        "##[group]Details",
        "one",
        "##[endgroup]",
        "##[warning]careful",
        "##[error]Process completed with exit code 3.",
        "Job only: failure",
    ]


@pytest.mark.covers("CMD-012", "CMD-015", "CMD-026")
@pytest.mark.parametrize(
    "given", [("-s", "ACTIONS_STEP_DEBUG=true"), ("--var", "ACTIONS_STEP_DEBUG=true"), ("-v",), ()]
)
def test_debug_logging_is_asked_for(repository: Path, given: tuple[str, ...]) -> None:
    done = run(repository, "host", """
      - run: |
          echo "::debug::why"
          echo "::group::x"
          echo "RUNNER_DEBUG=$RUNNER_DEBUG"
""", *given)  # fmt: skip
    messages = [event["message"] for event in done.events() if event["type"] == "debug"]
    text = "".join(event["text"] for event in done.events() if event["type"] == "output")
    assert messages == ["why"] * bool(given)
    assert text == ("::group::x\nRUNNER_DEBUG=1\n" if given else "RUNNER_DEBUG=\n")
