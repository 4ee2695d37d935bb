"""Called workflows on the command line: listed, drawn, checked, selected and run."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from test_cli import IMAGE, Done, repository, runwright, write

from engine.actions.resolve import Absent, Located
from engine.cli.called import Called
from engine.problems import Problem
from engine.reference import Remote

__all__ = ["repository"]

CI = """
name: CI
on: push
jobs:
  build:
    runs-on: ubuntu-latest
    steps: [run: echo building]
  call:
    name: Deploy
    needs: build
    uses: ./.github/workflows/deploy.yml
    with: {where: staging}
    secrets: inherit
"""

DEPLOY = """
name: Deploying
on:
  workflow_call:
    inputs: {where: {type: string, required: true}}
jobs:
  check:
    runs-on: ubuntu-latest
    steps: [run: 'echo checking ${{ inputs.where }}']
  go:
    name: Go to ${{ inputs.where }}
    needs: check
    runs-on: ubuntu-latest
    steps: [run: 'echo going to ${{ inputs.where }} for ${{ github.workflow }}']
"""


@pytest.fixture
def here(repository: Path) -> Path:
    write(repository, ci=CI, deploy=DEPLOY)
    return repository


def printed(done: Done) -> list[str]:
    return sorted(line for line in done.out.splitlines() if "│   " in line)


@pytest.mark.covers("RWF-001", "RWF-011")
def test_it_runs(here: Path) -> None:
    done = runwright(here, "push", "--runner", "host")
    assert done.code == 0, done.text
    assert printed(done) == [
        "Deploy / Go to staging │   going to staging for CI",
        "Deploy / check │   checking staging",
        "build │   building",
    ]
    rows = done.out.partition("Notes\n")[2].splitlines()[:4]
    names = [re.split("  +", row)[1] for row in rows if row]
    assert names == ["build", "Deploy / check", "Deploy / Go to staging"]


@pytest.mark.covers("OPS-001")
def test_list_shows_the_jobs_of_calls(here: Path) -> None:
    done = runwright(here, "list", "--json", "-W", ".github/workflows/ci.yml")
    rows = {row["job"]: row for row in json.loads(done.out)}
    assert list(rows) == ["build", "call", "call/check", "call/go"]
    assert rows["call/go"] == {
        "job": "call/go",
        "name": "Deploy / Go to ${{ inputs.where }}",
        "needs": ["call/check"],
        "runs-on": "ubuntu-latest",
        "events": ["push"],
        "workflow": "CI",
        "file": ".github/workflows/deploy.yml",
    }
    assert rows["call"]["runs-on"] == "./.github/workflows/deploy.yml"


GRAPHS = {
    "text": """\
CI
  build
    call  (needs build)
      call/check
        call/go  (needs check)
""",
    "mermaid": """\
---
title: "CI"
---
graph LR
  build
  subgraph call
    call/check
    call/go
    call/check --> call/go
  end
  build --> call
""",
    "dot": """\
digraph "CI" {
  rankdir=LR;
  "build";
  "call";
  "build" -> "call";
  subgraph "cluster call" {
  "call/check";
  "call/go";
  "call/check" -> "call/go";
  }
}
""",
}


@pytest.mark.covers("OPS-001")
@pytest.mark.parametrize("style", GRAPHS)
def test_graph_draws_the_jobs_of_calls(here: Path, style: str) -> None:
    done = runwright(here, "graph", "--format", style, "-W", ".github/workflows/ci.yml")
    assert (done.code, done.out) == (0, GRAPHS[style])


@pytest.mark.covers("JOB-027", "OPS-003")
@pytest.mark.parametrize(
    ("selected", "said"),
    [
        ("call", {"Go to staging", "build", "check"}),
        ("call/check", {"build", "check"}),
        ("Call/GO", {"Go to staging", "build", "check"}),
    ],
)
def test_a_job_of_a_called_workflow_can_be_chosen(
    here: Path, selected: str, said: set[str]
) -> None:
    done = runwright(here, "push", "--runner", "host", "-j", selected)
    assert done.code == 0, done.text
    names = {line.partition(" │")[0].removeprefix("Deploy / ") for line in printed(done)}
    assert names == said


@pytest.mark.parametrize(
    ("selected", "message"),
    [
        ("call/chek", 'there is no job "call/chek"; did you mean "call/check"?'),
        ("cal/check", 'there is no job "cal"; did you mean "call"?'),
        ("build/x", 'there is no job "build/x"'),
    ],
)
def test_a_job_that_is_not_there(here: Path, selected: str, message: str) -> None:
    done = runwright(here, "push", "-j", selected)
    assert done.code == 2
    assert message in done.err


def test_a_failure_says_how_to_run_it_again(here: Path) -> None:
    write(here, deploy=DEPLOY.replace("echo going", "exit 3 #"))
    done = runwright(here, "push", "--runner", "host")
    assert done.code == 1
    assert "First failure: Deploy / Go to staging, step" in done.out
    assert "--job call/go --verbose" in done.out


@pytest.mark.covers("RWF-001", "RWF-003")
@pytest.mark.parametrize(
    ("ci", "lines"),
    [
        (CI, []),
        (CI.replace("where:", "wear:"), ["ci.yml:11:12", "ci.yml:10:11"]),
        (CI.replace("deploy.yml", "deplay.yml"), ["ci.yml:10:11"]),
        (CI.replace("./.github", "octo/x/.github").replace("deploy.yml", "deploy.yml@v1"), []),
    ],
)
@pytest.mark.parametrize("place", [".", ".github/workflows", "/"])
def test_validate_looks_at_calls(here: Path, ci: str, lines: list[str], place: str) -> None:
    write(here, ci=ci)
    file = here / ".github" / "workflows" / "ci.yml"
    done = runwright(here / place, "validate", str(file))
    told = [line for line in done.out.splitlines() if " [calls]" in line]
    found = [line.partition(": ")[0].rpartition("/")[2] for line in told]
    assert (done.code, found) == (3 if lines else 0, sorted(lines)), done.text


@pytest.mark.covers("OPS-002")
def test_dry_run_shows_the_jobs_of_calls(here: Path) -> None:
    done = runwright(here, "push", "-n")
    assert done.code == 0, done.text
    assert done.out == (
        "CI on push\n"
        "  build\n"
        "    - echo building\n"
        "  Deploy after build\n"
        "    calls ./.github/workflows/deploy.yml\n"
        "  Deploy / check\n"
        "    - echo checking ${{ inputs.where }}\n"
        "  Deploy / Go to staging after call/check\n"
        "    - echo going to ${{ inputs.where }} for ${{ github.workflow }}\n"
    )


def planned(directory: Path) -> dict[str, Any]:
    """The called jobs of a plan by id."""
    done = runwright(directory, "plan")
    assert done.code == 0, done.text
    (found,) = json.loads(done.out)
    (call,) = (job for job in found["jobs"] if job["id"] == "call")
    return {job["id"]: job for job in call["calls"]["jobs"]}


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ("with: {where: staging}", ["Deploy / Go to staging"]),
        (
            "strategy: {matrix: {w: [a, b]}}\n    with: {where: '${{ matrix.w }}'}",
            ["Deploy (a) / Go to a", "Deploy (b) / Go to b"],
        ),
        ("with: {where: '${{ needs.build.result }}'}", None),
    ],
)
def test_plan_has_the_jobs_of_calls(here: Path, given: str, names: list[str] | None) -> None:
    write(here, ci=CI.replace("with: {where: staging}", given))
    found = planned(here)
    assert list(found) == ["check", "go"]
    assert found["go"]["needs"] == ["check"]
    legs = found["go"]["legs"]
    assert (legs and [leg["name"] for leg in legs]) == names
    if names and len(names) == 2:
        assert [leg["key"] for leg in legs] == ["call.0/go", "call.1/go"]


def test_a_plan_without_end_is_refused(here: Path) -> None:
    """Matrices of calls multiply: 200 legs of 200 legs."""
    values = json.dumps(list(range(200)))
    strategy = f"strategy: {{matrix: {{w: {values}}}}}"
    write(here, ci=CI.replace("needs: build", strategy))
    write(here, deploy=DEPLOY.replace("needs: check", strategy))
    done = runwright(here, "plan")
    assert done.code == 3
    assert "has more than 20000 jobs" in done.err


# --- refused before anything runs -----------------------------------------------------------------

PLACE = ".github/workflows/ci.yml:10:11:"


@pytest.mark.covers("RWF-003", "RWF-007")
@pytest.mark.parametrize(
    ("ci", "deploy", "message"),
    [
        (
            CI.replace("deploy.yml", "deplay.yml"),
            DEPLOY,
            f'{PLACE} "./.github/workflows/deplay.yml" can\'t be called: there is no such file',
        ),
        (
            CI.replace("./.github/workflows", "./flows"),
            DEPLOY,
            f'{PLACE} "./flows/deploy.yml" can\'t be called: a workflow that is called lies in',
        ),
        (
            CI.replace("./.github/workflows/", "./.github/workflows/../../"),
            DEPLOY,
            f'{PLACE} "./.github/workflows/../../deploy.yml" can\'t be called: a workflow',
        ),
        (CI.replace("where: staging", "wear: staging"), DEPLOY, 'has no input "wear"'),
        (CI.replace("with: {where: staging}", "if: true"), DEPLOY, 'requires the input "where"'),
        (CI, DEPLOY.replace("workflow_call", "workflow_dispatch"), "give it `on: workflow_call`"),
        (CI, DEPLOY.replace("needs: check", "needs: chek"), "deploy.yml:11:12: "),
    ],
)
def test_what_can_not_be_called(here: Path, ci: str, deploy: str, message: str) -> None:
    write(here, ci=ci, deploy=deploy)
    done = runwright(here, "push", "--runner", "host", "-W", ".github/workflows/ci.yml")
    assert done.code == 3, done.text
    assert message in done.err
    assert "runs in" not in done.out


@pytest.mark.covers("RWF-007")
def test_a_loop_is_refused_with_its_chain(here: Path) -> None:
    write(here, deploy=DEPLOY + "  back: {uses: ./.github/workflows/other.yml}\n")
    write(here, other="on: workflow_call\njobs: {a: {uses: ./.github/workflows/deploy.yml}}\n")
    for command in ("push", "list", "graph", "plan"):
        done = runwright(here, command, "-W", ".github/workflows/ci.yml")
        assert done.code == 3
        chain = ("deploy.yml", "other.yml", "deploy.yml")
        assert " -> ".join(f".github/workflows/{name}" for name in chain) in done.err


def test_calls_that_multiply_are_refused(here: Path) -> None:
    """Ten calls on each of nine levels would be a thousand million jobs."""
    for level in range(1, 9):
        calls = "".join(
            f"  c{n}: {{uses: ./.github/workflows/w{level + 1}.yml}}\n" for n in range(10)
        )
        write(here, **{f"w{level}": f"on: [push, workflow_call]\njobs:\n{calls}"})
    last = "on: workflow_call\njobs: {a: {runs-on: ubuntu-latest, steps: [run: echo]}}\n"
    write(here, w9=last)
    done = runwright(here, "list", "-W", ".github/workflows/w1.yml")
    assert done.code == 3
    assert "the limit is 10000" in done.err


def test_other_jobs_do_not_need_what_a_call_needs(here: Path) -> None:
    uses = "octo/tools/.github/workflows/x.yml@v1"
    write(here, ci=CI.replace("./.github/workflows/deploy.yml", uses))
    done = runwright(here, "push", "--runner", "host", "-j", "build")
    assert done.code == 0, done.text


# --- other repositories ---------------------------------------------------------------------------

REMOTE = """
on: workflow_call
jobs:
  here: {uses: ./.github/workflows/inner.yml}
  itself: {uses: $/.github/workflows/inner.yml}
"""
INNER = "on: workflow_call\njobs: {a: {runs-on: x, steps: [run: echo]}}\n"


class Elsewhere:
    """A finder of other repositories, all in one folder; remembers what was asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []

    def find(self, wanted: Sequence[Remote]) -> Sequence[Located | Absent]:
        self.asked += map(str, wanted)
        known = Located(self.folder, "a" * 40)
        return [known if one.ref == "v1" else Absent(f"no {one.ref}") for one in wanted]


@pytest.mark.covers("RWF-002")
@pytest.mark.parametrize("job", ["here", "itself"])
def test_a_path_in_a_called_workflow_is_of_its_own_repository(
    repository: Path, tmp_path_factory: pytest.TempPathFactory, job: str
) -> None:
    other = tmp_path_factory.mktemp("other")
    write(other, x=REMOTE, inner=INNER)
    elsewhere = Elsewhere(other)
    find = Called(repository, lambda: elsewhere)
    outer, problems = find("octo/tools/.github/workflows/x.yml@v1", ".github/workflows/ci.yml")
    assert outer is not None and problems == []
    uses = next(each.uses for each in outer.jobs if each.id == job)
    assert uses is not None
    inner, problems = find(uses.text, outer.file)
    assert inner is not None and inner.origin is not None and problems == []
    assert inner.file == "octo/tools/.github/workflows/inner.yml@v1"
    assert (inner.origin.repository, inner.origin.sha) == ("octo/tools", "a" * 40)
    assert inner.origin.path == ".github/workflows/inner.yml"
    assert find("octo/tools/.github/workflows/x.yml@v1", "ci.yml") == (outer, [])
    names = ("x", "inner")
    assert elsewhere.asked == [f"octo/tools/.github/workflows/{name}.yml@v1" for name in names]


@pytest.mark.covers("RWF-002")
def test_a_repository_that_can_not_be_had(repository: Path) -> None:
    uses = "octo/tools/.github/workflows/x.yml@v2"
    found, problems = Called(repository, lambda: Elsewhere(repository))(uses, "ci.yml")
    assert found is None
    assert [(each.message, each.rule) for each in problems] == [("no v2", "fetch")]


def test_a_repository_nobody_looks_for(repository: Path) -> None:
    empty: list[Problem] = []
    uses = "octo/tools/.github/workflows/x.yml@v2"
    assert Called(repository)(uses, "ci.yml") == (None, empty)


ACTION = """
name: Say
runs: {using: composite, steps: [{run: echo from SOMEWHERE, shell: sh}]}
"""
ELSEWHERE = """
on: workflow_call
jobs:
  first:
    runs-on: ubuntu-latest
    steps:
      - uses: $/say
      - uses: ./say
      - run: echo ${{ job.workflow_repository }} ${{ job.workflow_file_path }} ${{ github.sha }}
  next:
    needs: first
    uses: ./.github/workflows/inner.yml
"""
DEEP = """
on: workflow_call
jobs: {a: {runs-on: ubuntu-latest, steps: [run: 'echo in ${{ job.workflow_ref }}']}}
"""


def there(directory: Path, caller: Path) -> tuple[str, ...]:
    """Another repository, and the options that let a command find it."""
    write(directory, x=ELSEWHERE, inner=DEEP)
    for place, name in ((directory, "there"), (caller, "here")):
        (place / "say").mkdir()
        (place / "say" / "action.yml").write_text(ACTION.replace("SOMEWHERE", name))
    write(caller, ci="on: push\njobs: {call: {uses: octo/tools/.github/workflows/x.yml@v1}}\n")
    return ("--local-repository", f"octo/tools@v1={directory}")


@pytest.mark.covers("RWF-002", "CTX-010", "ACT-005")
def test_a_workflow_of_another_repository(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """`./` of its actions is the workspace; `$/`, and `./` of its calls, its own repository."""
    options = there(tmp_path_factory.mktemp("other"), repository)
    done = runwright(repository, "push", "--runner", "host", *options)
    assert done.code == 0, done.text
    lines = (line.partition("│   ")[2].strip() for line in printed(done))
    assert {line for line in lines if not line.startswith(("Run", "✓"))} == {
        "from here",
        "from there",
        "in octo/tools/.github/workflows/inner.yml@v1",
        f"octo/tools .github/workflows/x.yml {'0' * 40}",
    }


def test_plan_says_what_steps_elsewhere_stand_for(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    done = runwright(repository, "plan", *there(other, repository))
    (call,) = json.loads(done.out)[0]["jobs"]
    first, after = call["calls"]["jobs"]
    assert [step["stands-for"]["where"] for step in first["steps"][:2]] == [str(other), "workspace"]
    assert call["calls"]["file"] == "octo/tools/.github/workflows/x.yml@v1"
    assert after["calls"]["file"] == "octo/tools/.github/workflows/inner.yml@v1"


@pytest.mark.covers("RWF-002")
def test_a_workflow_that_can_not_be_fetched_is_the_environments(repository: Path) -> None:
    write(repository, ci="on: push\njobs: {call: {uses: octo/tools/.github/workflows/x.yml@v1}}\n")
    done = runwright(repository, "push", "--runner", "host", "--action-offline-mode")
    assert done.code == 4
    assert 'ci.yml:2:21: "octo/tools/.github/workflows/x.yml@v1" can\'t be called: ' in done.err


def test_list_fetches_nothing(repository: Path) -> None:
    write(repository, ci="on: push\njobs: {call: {uses: octo/tools/.github/workflows/x.yml@v1}}\n")
    done = runwright(repository, "list", "--json")
    assert [row["job"] for row in json.loads(done.out)] == ["call"]


# --- on Docker ------------------------------------------------------------------------------------

MADE = """
on: push
jobs:
  make:
    strategy: {matrix: {word: [one, two]}}
    uses: ./.github/workflows/made.yml
    with: {word: '${{ matrix.word }}', loud: true}
    secrets: {key: '${{ secrets.KEY }}'}
  tell:
    needs: make
    runs-on: ubuntu-latest
    steps: [run: 'echo "${{ needs.make.result }} ${{ needs.make.outputs.length }}"']
"""

INSIDE = """
on:
  workflow_call:
    inputs: {word: {type: string}, loud: {type: boolean}}
    secrets: {key: {required: true}}
    outputs: {length: {value: '${{ jobs.count.outputs.length }}'}}
jobs:
  count:
    runs-on: ubuntu-latest
    outputs: {length: '${{ steps.c.outputs.length }}'}
    steps:
      - id: c
        env: {WORD: '${{ inputs.word }}', KEY: '${{ secrets.key }}'}
        run: |
          echo "length=${#WORD}" >> "$GITHUB_OUTPUT"
          echo "$WORD ${{ inputs.loud && 'LOUD' }} $KEY ${#KEY}"
"""


@pytest.mark.docker
@pytest.mark.covers("RWF-001", "RWF-003", "RWF-004", "RWF-005", "RWF-008", "RWF-011")
def test_calls_on_docker(repository: Path) -> None:
    write(repository, ci=MADE, made=INSIDE)
    done = runwright(repository, "push", *IMAGE, "--no-pull", "-s", "KEY=hush-hush")
    assert done.code == 0, done.text
    assert printed(done) == [
        "make (one) / count │   one LOUD *** 9",
        "make (two) / count │   two LOUD *** 9",
        "tell │   success 3",
    ]


FLAKY = """
on: push
jobs:
  flaky:
    runs-on: ubuntu-latest
    retry: {attempts: 3, delay: 100ms, on: {exit-codes: [75]}}
    outputs: {tried: '${{ steps.t.outputs.tried }}'}
    steps:
      - run: test ! -e /tmp/mine && touch /tmp/mine
      - id: t
        run: |
          echo x >> tried
          echo "tried=$(wc -l < tried)" | tee -a "$GITHUB_OUTPUT"
          test "$(wc -l < tried)" -eq 2 || exit 75
"""


@pytest.mark.docker
def test_a_job_is_tried_again_in_a_new_container(repository: Path) -> None:
    """Nothing is left of the first attempt but what it wrote to this directory itself."""
    folder = repository / ".runwright"
    folder.mkdir()
    (folder / "flaky.yml").write_text(FLAKY)
    done = runwright(repository, "push", *IMAGE, "--no-pull", "--bind", "--json")
    assert done.code == 0, done.text
    events = done.events()
    types = [event["type"] for event in events]
    assert (types.count("job.started"), types.count("job.attempt")) == (2, 1)
    (finished,) = (event for event in events if event["type"] == "job.finished")
    assert (finished["outcome"], finished["attempts"]) == ("success", 2)
    assert finished["outputs"] == {"tried": "2"}
