"""The command line as its users meet it: what each command prints, and its exit codes."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import engine

ROOT = Path(engine.__file__).parent.parent
GUARD = 120  # seconds after which a command hangs
DEBIAN = "runwright-test/debian:bookworm"
IMAGE = ("-P", f"ubuntu-latest={DEBIAN}")
docker = pytest.mark.docker

HELLO = """
on: push
jobs:
  hello:
    runs-on: ubuntu-latest
    steps:
      - run: echo "hello from $RUNNER_OS"
"""

CHAIN = """
name: Chain
on: [push, workflow_dispatch]
jobs:
  build:
    runs-on: ubuntu-latest
    steps: [run: make]
  test:
    name: Test it
    needs: build
    runs-on: ubuntu-latest
    strategy: {matrix: {os: [x, y], version: [1, 2]}}
    steps: [{name: Testing, run: make test}]
  lint:
    runs-on: [self-hosted, linux]
    steps: [run: make lint]
  ship:
    needs: [test, lint]
    if: github.ref == 'refs/heads/main'
    runs-on: ubuntu-latest
    steps: [run: make ship]
"""


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


def environment(directory: Path, **more: str) -> dict[str, str]:
    """A newcomer's environment: nothing but what the tests of one directory need."""
    kept = ("PATH", "DOCKER_HOST", "LANG", "TMPDIR")
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "HOME": str(directory),
        "PYTHONPATH": str(ROOT),
        "RUNWRIGHT_STATE": str(directory / "state"),
        "NO_COLOR": "1",
        **more,
    }


def runwright(directory: Path, *arguments: str, env: Mapping[str, str] | None = None) -> Done:
    """Run the command in a directory; whatever happens, no user sees a traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "engine", *arguments],
        cwd=directory,
        env=environment(directory) if env is None else dict(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=GUARD,
        check=False,
    )
    out, err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    assert "Traceback" not in out + err
    return Done(done.returncode, out, err)


def write(directory: Path, **workflows: str) -> None:
    """Put workflows where a repository has them."""
    folder = directory / ".github" / "workflows"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in workflows.items():
        (folder / f"{name}.yml").write_text(text.lstrip("\n"))


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository without a commit, so that nothing in it depends on a user's settings."""
    subprocess.run(["git", "init", "-q", "-b", "main", str(tmp_path)], check=True)
    return tmp_path


def job(*steps: str, head: str = "on: push") -> str:
    """A workflow of one job; each step is what stands behind its dash."""
    listed = "\n".join(f"      - {step}" for step in steps)
    return f"{head}\njobs:\n  only:\n    runs-on: ubuntu-latest\n    steps:\n{listed}\n"


def said(done: Done) -> list[str]:
    """The lines that the steps of the job `only` printed."""
    return [line.partition("│   ")[2] for line in done.out.splitlines() if "│   " in line]


# --- the frame ----------------------------------------------------------------------------------


def test_version(tmp_path: Path) -> None:
    done = runwright(tmp_path, "--version")
    assert (done.code, done.err) == (0, "")
    assert re.fullmatch(r"runwright \d+\.\d+\.\d+\S*\n", done.out)


def test_help_says_what_the_exit_codes_mean(tmp_path: Path) -> None:
    done = runwright(tmp_path, "--help")
    codes = (0, 1, 2, 3, 4, 5, 70, 124, 130)
    text = " ".join(done.out.split())
    epilog = text.partition("Exit codes: ")[2]
    assert done.code == 0
    assert [int(code) for code in re.findall(r"\b(\d+) ", epilog)] == list(codes)


@pytest.mark.parametrize(
    "command",
    ["run", "list", "graph", "plan", "validate", "eval", "schema", "doctor", "clean"],
)
def test_every_command_helps(tmp_path: Path, command: str) -> None:
    done = runwright(tmp_path, command, "--help")
    assert done.code == 0
    assert done.out.startswith(f"Usage: runwright {command}")
    assert command in runwright(tmp_path, "--help").out


@pytest.mark.parametrize(
    ("typed", "meant"), [("lst", "list"), ("pus", "push"), ("pull-request", "pull_request")]
)
def test_a_typing_error_gets_a_guess(tmp_path: Path, typed: str, meant: str) -> None:
    done = runwright(tmp_path, typed)
    assert done.code == 2
    assert f'there is no command or event "{typed}"; did you mean "{meant}"?' in done.err


@pytest.mark.parametrize(
    "arguments",
    [(), ("run",), ("push",), ("run", "push"), ("-j", "hello"), ("push", "-j", "HELLO")],
    ids=" ".join,
)
def test_all_ways_to_say_run(repository: Path, arguments: tuple[str, ...]) -> None:
    write(repository, hello=HELLO)
    done = runwright(repository, *arguments, "--runner", "host")
    assert done.code == 0
    assert "hello │   hello from Linux" in done.out


def test_the_only_event_is_the_default(repository: Path) -> None:
    write(repository, only=job("run: echo on $GITHUB_EVENT_NAME", head="on: release"))
    assert "on release" in said(runwright(repository, "--runner", "host"))


# --- looking ------------------------------------------------------------------------------------


@pytest.mark.covers("OPS-001")
@pytest.mark.parametrize("arguments", [("list",), ("-l",), ("run", "-l"), ("push", "--list")])
def test_list(repository: Path, arguments: tuple[str, ...]) -> None:
    write(repository, chain=CHAIN, hello=HELLO)
    done = runwright(repository, *arguments)
    assert (done.code, done.err) == (0, "")
    assert [line.split("  ")[0] for line in done.out.splitlines()] == [
        *("Job", "build", "test", "lint", "ship", "hello")
    ]
    assert re.search(
        r"^ship +ship +test, lint +ubuntu-latest +push, workflow_dispatch +Chain "
        r" *\.github/workflows/chain\.yml$",
        done.out,
        re.MULTILINE,
    )


def test_list_as_json(repository: Path) -> None:
    write(repository, chain=CHAIN)
    done = runwright(repository, "list", "--json")
    found = json.loads(done.out)
    assert [row["job"] for row in found] == ["build", "test", "lint", "ship"]
    assert found[1] == {
        "job": "test",
        "name": "Test it",
        "needs": ["build"],
        "runs-on": "ubuntu-latest",
        "events": ["push", "workflow_dispatch"],
        "workflow": "Chain",
        "file": ".github/workflows/chain.yml",
    }


GRAPHS = {
    "text": """\
Chain
  build
  lint
    test  (needs build)
      ship  (needs test, lint)
""",
    "mermaid": """\
---
title: "Chain"
---
graph LR
  build
  test
  build --> test
  lint
  ship
  test --> ship
  lint --> ship
""",
    "dot": """\
digraph "Chain" {
  rankdir=LR;
  "build";
  "test";
  "build" -> "test";
  "lint";
  "ship";
  "test" -> "ship";
  "lint" -> "ship";
}
""",
}


@pytest.mark.covers("OPS-001")
@pytest.mark.parametrize("style", GRAPHS)
def test_graph(repository: Path, style: str) -> None:
    write(repository, chain=CHAIN)
    done = runwright(repository, "graph", "--format", style)
    assert (done.code, done.out, done.err) == (0, GRAPHS[style], "")


def test_run_g_draws_too(repository: Path) -> None:
    write(repository, chain=CHAIN)
    assert runwright(repository, "-g").out == GRAPHS["text"]


def plan(directory: Path, *arguments: str) -> dict[str, Any]:
    done = runwright(directory, "plan", *arguments)
    assert (done.code, done.err) == (0, "")
    (found,) = json.loads(done.out)
    return {found_job["id"]: found_job for found_job in found["jobs"]}


def test_plan(repository: Path) -> None:
    write(repository, chain=CHAIN)
    found = plan(repository)
    assert {id_: job["needs"] for id_, job in found.items()} == {
        "build": [],
        "test": ["build"],
        "lint": [],
        "ship": ["test", "lint"],
    }
    assert [leg["name"] for leg in found["test"]["legs"]] == [
        f"Test it ({os}, {version})" for os in "xy" for version in (1, 2)
    ]
    assert found["lint"]["legs"][0]["runs-on"] == ["self-hosted", "linux"]
    assert found["test"]["steps"] == [
        {"kind": "run", "name": "Testing", "line": 12, "run": "make test"}
    ]


def test_plan_of_some_jobs_and_legs(repository: Path) -> None:
    write(repository, chain=CHAIN)
    found = plan(repository, "-j", "test", "--matrix", "os:y")
    assert list(found) == ["build", "test"]
    assert [leg["matrix"]["os"] for leg in found["test"]["legs"]] == ["y", "y"]


DISPATCHED = """
on:
  workflow_dispatch:
    inputs:
      names: {default: '["a", "b"]'}
jobs:
  only:
    strategy: {matrix: {name: "${{ fromJSON(inputs.names) }}"}}
    runs-on: ubuntu-latest
    steps: [run: make]
"""


@pytest.mark.covers("OPS-002")
def test_dry_run(repository: Path) -> None:
    write(repository, chain=CHAIN)
    done = runwright(repository, "push", "-n")
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        "Chain on push\n"
        "  build\n"
        "    - make\n"
        "  lint\n"
        "    - make lint\n"
        "  Test it (x, 1) after build\n"
        "  Test it (x, 2) after build\n"
        "  Test it (y, 1) after build\n"
        "  Test it (y, 2) after build\n"
        "    - Testing\n"
        "  ship after test, lint if github.ref == 'refs/heads/main'\n"
        "    - make ship\n"
    )


@pytest.mark.parametrize(
    ("options", "legs"),
    [
        ((), ["only (a)", "only (b)"]),
        (("--input", 'names=["c"]'), ["only (c)"]),
        (("--matrix", "name:b"), ["only (b)"]),
        (("--matrix", "name:b", "--matrix", "name:a"), ["only (a)", "only (b)"]),
        (("--matrix", "name:z"), ["only skipped: no leg of its matrix was selected by --matrix"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_dry_run_expands_what_would_run(
    repository: Path, options: tuple[str, ...], legs: list[str]
) -> None:
    write(repository, only=DISPATCHED)
    done = runwright(repository, "-n", *options)
    shown = [line.strip() for line in done.out.splitlines()[1:]]
    assert [line for line in shown if not line.startswith("- ")] == legs


# --- checking -----------------------------------------------------------------------------------

WRONG = HELLO.replace("runs-on", "run-on")
COMPLAINT = ".github/workflows/wrong.yml:4:5: "


def test_validate_what_is_right(repository: Path) -> None:
    write(repository, hello=HELLO, chain=CHAIN)
    done = runwright(repository, "validate")
    assert (done.code, done.out, done.err) == (0, "", "2 files, no errors\n")


def test_validate_what_is_wrong(repository: Path) -> None:
    write(repository, hello=HELLO, wrong=WRONG)
    done = runwright(repository, "validate")
    assert done.code == 3
    assert done.out.startswith(COMPLAINT)
    assert 'did you mean "runs-on"?' in done.out
    assert done.err.endswith(" in 2 files\n")


def test_validate_named_files_only(repository: Path) -> None:
    write(repository, hello=HELLO, wrong=WRONG)
    assert runwright(repository, "validate", ".github/workflows/hello.yml").code == 0


@pytest.mark.covers("RWF-003")
def test_validate_what_is_called(repository: Path) -> None:
    called = HELLO.replace("on: push", "on: {workflow_call: {inputs: {who: {type: string}}}}")
    call = "on: push\njobs:\n  a: {{uses: ./.github/workflows/called.yml, with: {{{}: x}}}}\n"
    write(repository, called=called, caller=call.format("who"))
    assert runwright(repository, "validate").code == 0
    write(repository, caller=call.format("whom"))
    done = runwright(repository, "validate")
    assert done.code == 3
    assert done.out.startswith(".github/workflows/caller.yml:3:52: ")
    assert 'has no input "whom"; did you mean "who"?' in done.out


def on_a_terminal(directory: Path, *arguments: str) -> str:
    """What a command writes to a terminal."""
    outer, inner = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "engine", *arguments],
        cwd=directory,
        env=environment(directory, TERM="xterm"),
        stdin=subprocess.DEVNULL,
        stdout=inner,
        stderr=inner,
    ):
        os.close(inner)
        text = b""
        while True:
            try:
                data = os.read(outer, 4096)
            except OSError:  # how a terminal says that all writers are gone
                break
            if not data:
                break
            text += data
    os.close(outer)
    return text.decode().replace("\r\n", "\n")


def test_a_terminal_sees_the_line_with_a_caret(repository: Path) -> None:
    write(repository, wrong=WRONG)
    shown = on_a_terminal(repository, "list")
    assert f"{COMPLAINT}" in shown
    assert "    4 |     run-on: ubuntu-latest\n      |     ^^^^^^\n" in shown


# --- expressions --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "value", "kind"),
    [
        ("github.ref", "refs/heads/main", "String"),
        ("github.event_name", "push", "String"),
        ("1.5", "1.5", "Number"),
        ("1 == 1", "true", "Boolean"),
        ("null", "null", "Null"),
        ("github.nothing", "null", "Null"),
        ("fromJSON('[1, \"ö\"]')", '[\n  1,\n  "ö"\n]', "Array"),
        ("fromJSON('{}')", "{}", "Object"),
        ("${{ 1 == 1 }} and ${{ 'x' }}", "true and x", "String"),
        ("'a b' | replace(' ', '_') | upper", "A_B", "String"),
        ("secrets.A && vars.B && env.C && inputs.D", "d", "String"),
    ],
)
def test_eval(repository: Path, expression: str, value: str, kind: str) -> None:
    given = ("-s", "A=a", "--var", "B=b", "--env", "C=c", "--input", "D=d")
    done = runwright(repository, "eval", expression, *given)
    assert (done.code, done.out, done.err) == (0, f"{value}\n", f"{kind}\n")


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("1 +", "expression:1:3: Unexpected symbol: '+'"),
        ("nope.x", "expression:1:1: Unrecognized named-value: 'nope'"),
        ("1 == nope()", "expression:1:6: Unrecognized function: 'nope'"),
        ("fromJSON('{')", "expression:1:"),
    ],
)
def test_eval_says_where_it_went_wrong(tmp_path: Path, expression: str, message: str) -> None:
    done = runwright(tmp_path, "eval", expression)
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith(message)
    assert done.err.endswith("[expression]\n")


@pytest.mark.parametrize("name", ["workflow", "action", "event"])
def test_schema(tmp_path: Path, name: str) -> None:
    done = runwright(tmp_path, "schema", name)
    found = json.loads(done.out)
    jsonschema.Draft7Validator.check_schema(found)
    assert (ROOT / "schema" / f"{name}.schema.json").read_text() == done.out


# --- the machine --------------------------------------------------------------------------------


@docker
def test_doctor(repository: Path) -> None:
    done = runwright(repository, "doctor", "-P", "mine=my/image")
    assert done.code == 0
    assert re.search(r"^Docker +\d+\.", done.out, re.MULTILINE)
    assert re.search(r"^jobs run in +docker +Docker answers$", done.out, re.MULTILINE)
    assert re.search(r"^runs-on: ubuntu-latest +\S+$", done.out, re.MULTILINE)
    assert re.search(r"^runs-on: mine +my/image$", done.out, re.MULTILINE)
    assert re.search(rf"^repository +{re.escape(str(repository))}$", done.out, re.MULTILINE)


@docker
def test_clean_with_nothing_to_do(tmp_path: Path) -> None:
    assert runwright(tmp_path, "clean").code == 0


@pytest.mark.covers("OPS-005", "OPS-011")
@docker
def test_images_from_actrc(repository: Path) -> None:
    write(repository, hello=HELLO)
    (repository / ".actrc").write_text(f"--rm\n-P ubuntu-latest={DEBIAN}\n-P other=x # no\n")
    done = runwright(repository, "--runner", "docker")
    assert done.code == 0
    assert f"image mapping from {repository / '.actrc'}: ubuntu-latest={DEBIAN}" in done.err
    assert f"hello │ runs in docker ({DEBIAN})" in done.out


@pytest.mark.covers("OPS-009", "OPS-005")
def test_a_label_can_mean_this_machine(repository: Path) -> None:
    write(repository, hello=HELLO)
    done = runwright(repository, "-P", "ubuntu-latest=-self-hosted")
    assert done.code == 0
    assert "hello │ runs in host" in done.out


@pytest.mark.covers("OPS-006")
@docker
@pytest.mark.parametrize("runner", ["docker", "namespace"])
@pytest.mark.parametrize("options", [(), ("--bind",), ("--copy",)], ids=" ".join)
def test_jobs_write_here_only_with_bind(
    repository: Path, runner: str, options: tuple[str, ...]
) -> None:
    write(repository, only=job("run: cat there; echo changed | tee there >new"))
    (repository / "there").write_text("original\n")
    done = runwright(repository, *IMAGE, "--runner", runner, *options)
    bound = "--bind" in options
    assert (done.code, said(done)[0]) == (0, "original")
    assert (repository / "there").read_text() == ("changed\n" if bound else "original\n")
    assert (repository / "new").exists() == bound


# --- what is given beside the workflow ----------------------------------------------------------


def given(directory: Path, expression: str, *options: str, head: str = "on: push") -> str:
    """What an expression is for a step of a run with these options."""
    write(directory, only=job(f"run: echo ${{{{ {expression} }}}}", head=head))
    (line,) = said(runwright(directory, "--runner", "host", *options))
    return line


DISPATCH = "on: {workflow_dispatch: {inputs: {size: {type: number, default: 3}}}}"


@pytest.mark.covers("OPS-003", "OPS-004")
@pytest.mark.parametrize(
    ("options", "expression", "value"),
    [
        (("--var", "COLOUR=red"), "vars.COLOUR", "red"),
        (("--var-file", "some"), "vars.FROM", "a file"),
        (("-e", "event.json"), "github.event.issue.title", "It breaks"),
        (("--actor", "somebody"), "github.actor", "somebody"),
        (("--defaultbranch", "trunk"), "github.event.repository.default_branch", "trunk"),
        (("-s", "TOKEN=abc"), "secrets.TOKEN == 'abc'", "true"),
        (("--secret-file", "some"), "secrets.FROM == 'a file'", "true"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_given_arrives(
    repository: Path, options: tuple[str, ...], expression: str, value: str
) -> None:
    (repository / "some").write_text('FROM="a file"\n')
    (repository / "event.json").write_text('{"issue": {"title": "It breaks"}}')
    assert given(repository, expression, *options) == value


@pytest.mark.parametrize(
    ("options", "value"),
    [((), "4"), (("--input", "size=7"), "8"), (("--input-file", "some"), "6")],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
)
def test_inputs_have_their_types(repository: Path, options: tuple[str, ...], value: str) -> None:
    (repository / "some").write_text("size=5\n")
    one_more = "inputs.size == 3 && 4 || inputs.size == 5 && 6 || inputs.size == 7 && 8"
    assert given(repository, one_more, *options, head=DISPATCH) == value


def test_default_files_are_read(repository: Path) -> None:
    for name in ("secrets", "vars", "env"):
        (repository / f".{name}").write_text(f"NAME={name} of a file\n")
    step = "run: echo ${{ secrets.NAME == 'secrets of a file' }}, ${{ vars.NAME }}, $NAME"
    write(repository, only=job(step))
    assert said(runwright(repository, "--runner", "host")) == [
        "true, vars of a file, env of a file"
    ]


@pytest.mark.parametrize(
    ("options", "value"),
    [
        (("--env", "COLOUR=red"), "red"),
        (("--env-file", "some"), "green"),
        (("--env", "COLOUR=red", "--env-file", "some"), "red"),
    ],
    ids=["option", "file", "both"],
)
def test_env_is_the_environment_of_steps(
    repository: Path, options: tuple[str, ...], value: str
) -> None:
    (repository / "some").write_text("export COLOUR=green\n")
    write(repository, only=job("run: echo $COLOUR"))
    assert said(runwright(repository, "--runner", "host", *options)) == [value]


@pytest.mark.covers("OPS-004")
def test_a_bare_name_takes_its_value_from_the_environment(repository: Path) -> None:
    write(repository, only=job("run: echo ${{ vars.COLOUR }}"))
    env = environment(repository, COLOUR="blue")
    done = runwright(repository, "--runner", "host", "--var", "COLOUR", env=env)
    assert said(done) == ["blue"]


# --- secrets ------------------------------------------------------------------------------------

LEAKS = job(
    "run: echo $IT; echo $IT | rev >&2; printf 'a %s b\\n' \"$IT\"\n        env:\n"
    "          IT: ${{ secrets.TOKEN }}",
    "run: for it in other-; do echo ::add-mask::${it}secret; echo ${it}secret; done",
    "name: named ${{ secrets.TOKEN }}\n        run: exit 3",
)


@pytest.mark.parametrize("options", [(), ("--json",), ("-v",), ("-q",)], ids=" ".join)
def test_secrets_are_masked_everywhere(repository: Path, options: tuple[str, ...]) -> None:
    write(repository, only=LEAKS)
    done = runwright(repository, "--runner", "host", "-s", "TOKEN=sw0rdfish", *options)
    (stored,) = (repository / "state" / "runs").glob("*/events.jsonl")
    assert done.code == 1
    for text in (done.text, stored.read_text()):
        assert "sw0rdfish" not in text
        assert "other-secret" not in text
    if "-q" not in options:
        assert "a *** b" in done.out
        assert "hsifdr0ws" in done.out


# --- exit codes ---------------------------------------------------------------------------------

STATUS = {
    "success": (0, job("run: 'true'")),
    "failure": (1, job("run: 'false'")),
    "tolerated failure": (0, job("run: 'false'\n        continue-on-error: true")),
    "invalid workflow": (3, job("runn: 'true'")),
    "nothing ran": (5, job("run: 'true'").replace("  only:", "  only:\n    if: false")),
    "no place": (4, job("run: 'true'").replace("ubuntu-latest", "amiga")),
    "timed out": (
        124,
        job("run: sleep 60").replace("  only:", "  only:\n    timeout-minutes: 0.005"),
    ),
}


@docker
@pytest.mark.parametrize("name", STATUS)
def test_exit_codes(repository: Path, name: str) -> None:
    code, text = STATUS[name]
    write(repository, only=text)
    done = runwright(repository, *IMAGE, "--runner", "docker")
    assert done.code == code, done.text


def test_the_worst_of_several_workflows_counts(repository: Path) -> None:
    write(repository, a=job("run: 'true'"), b=job("run: 'false'"))
    done = runwright(repository, "--runner", "host")
    assert done.code == 1
    assert "✓ .github/workflows/a.yml: success" in done.out
    assert "✗ .github/workflows/b.yml: failure" in done.out


# --- output for machines ------------------------------------------------------------------------

FULL = """
on: push
jobs:
  first:
    runs-on: ubuntu-latest
    outputs: {it: "${{ steps.set.outputs.it }}"}
    steps:
      - {id: set, run: 'echo it=7 >>$GITHUB_OUTPUT; echo "# Page" >>$GITHUB_STEP_SUMMARY'}
      - run: |
          echo "::group::Inside"
          echo in
          echo "::endgroup::"
          echo "::warning file=a.py,line=3::Mind, 100%"
          echo "::debug::seen"
      - {run: 'exit 1', retry: {attempts: 2, delay: 0s}, continue-on-error: true}
      - {if: false, run: echo no}
  legs:
    needs: first
    runs-on: ubuntu-latest
    strategy: {fail-fast: false, matrix: {n: [1, 2]}}
    steps: [run: "exit ${{ needs.first.outputs.it }}"]
"""


def schema() -> jsonschema.Draft7Validator:
    return jsonschema.Draft7Validator(json.loads((ROOT / "schema/event.schema.json").read_text()))


def test_json_fits_the_schema(repository: Path) -> None:
    write(repository, full=FULL)
    done = runwright(repository, "--runner", "host", "--json", "-v")
    found = done.events()
    types = [event["type"] for event in found]
    assert done.code == 1
    for event in found:
        schema().validate(event)
    assert (types[0], types[-1]) == ("run.started", "run.finished")
    assert {"job.started", "job.finished", "step.started", "step.finished", "output"} <= {*types}
    (stored,) = (repository / "state" / "runs").glob("*/events.jsonl")
    assert [json.loads(line) for line in stored.read_text().splitlines()] == found


def test_events_into_a_file(repository: Path) -> None:
    write(repository, hello=HELLO)
    done = runwright(repository, "--runner", "host", "--events", "out.jsonl")
    first, *_, last = (repository / "out.jsonl").read_text().splitlines()
    assert json.loads(first)["type"] == "run.started"
    assert json.loads(last)["type"] == "run.finished"
    assert "hello from Linux" in done.out


def test_inside_github_actions(repository: Path) -> None:
    write(repository, full=FULL)
    page = repository / "page.md"
    env = environment(repository, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(page))
    done = runwright(repository, "--runner", "host", env=env)
    lines = done.out.splitlines()
    opened = [i for i, line in enumerate(lines) if line.startswith("::group::")]
    closed = [i for i, line in enumerate(lines) if line == "::endgroup::"]
    assert done.code == 1
    assert len(opened) == len(closed) == 6
    assert all(a < b for a, b in zip(opened, closed, strict=True))
    assert "::warning title=first,file=a.py,line=3::Mind, 100%25" in lines
    assert "| ✅ | first | success |" in page.read_text()
    assert "| ❌ | legs (1) | failure |" in page.read_text()
    assert re.search(r"### first: .+\n\n# Page", page.read_text())


# --- output for eyes ----------------------------------------------------------------------------


@pytest.mark.covers("OPS-012")
def test_the_end_says_what_to_look_at(repository: Path) -> None:
    write(repository, only=job("run: echo fine", "{name: Break, run: echo why; exit 9}"))
    done = runwright(repository, "--runner", "host")
    end = done.out.partition("\n\n")[2]
    assert re.search(r"^✗  only +failure +\S+s +host", end, re.MULTILINE)
    assert 'First failure: only, step "Break"\n    why\n' in end
    assert "exit code 9" in end
    assert "--job only" in end


@pytest.mark.parametrize(
    ("options", "shown", "hidden"),
    [
        ((), ["│   fine", "Run echo fine"], ["debug: "]),
        (("-q",), ["Run echo fine"], ["│   fine"]),
        (("-v",), ["│   fine", "│   echo fine", "│   shell: bash -e", "debug: deep"], []),
    ],
    ids=["plain", "quiet", "verbose"],
)
def test_how_much_is_shown(
    repository: Path, options: tuple[str, ...], shown: list[str], hidden: list[str]
) -> None:
    write(repository, only=job("run: echo fine; echo '::debug::deep'"))
    done = runwright(repository, "--runner", "host", *options)
    for text in shown:
        assert text in done.out
    for text in hidden:
        assert text not in done.out


@pytest.mark.parametrize(
    ("more", "coloured"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)],
    ids=["file", "forced", "refused"],
)
def test_colour_is_for_who_wants_it(repository: Path, more: dict[str, str], coloured: bool) -> None:
    write(repository, hello=HELLO)
    env = environment(repository)
    del env["NO_COLOR"]
    done = runwright(repository, "--runner", "host", env=env | more)
    assert ("\033[" in done.out) == coloured
