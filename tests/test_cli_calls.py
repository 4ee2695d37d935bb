"""Called workflows on the command line: listed, drawn, checked, selected and run."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from test_cli import IMAGE, Done, repository, runwright, write

from engine.cli.called import Called, Commit
from engine.problems import Problem

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


@pytest.mark.parametrize("style", GRAPHS)
def test_graph_draws_the_jobs_of_calls(here: Path, style: str) -> None:
    done = runwright(here, "graph", "--format", style, "-W", ".github/workflows/ci.yml")
    assert (done.code, done.out) == (0, GRAPHS[style])


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
        (
            CI.replace("./.github", "octo/tools/.github").replace("deploy.yml", "deploy.yml@v1"),
            DEPLOY,
            f'{PLACE} "octo/tools/.github/workflows/deploy.yml@v1" can\'t be called: ',
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
    write(here, ci=CI.replace("where: staging", "wear: staging"))
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
    """Other repositories, each a folder; counts how often one is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[tuple[str, str]] = []

    def __call__(self, repository: str, ref: str) -> Commit | str:
        self.asked.append((repository, ref))
        return Commit(self.folder, "a" * 40) if ref == "v1" else f"{repository} has no {ref}"


@pytest.mark.covers("RWF-002")
@pytest.mark.parametrize("job", ["here", "itself"])
def test_a_path_in_a_called_workflow_is_of_its_own_repository(
    repository: Path, tmp_path_factory: pytest.TempPathFactory, job: str
) -> None:
    other = tmp_path_factory.mktemp("other")
    write(other, x=REMOTE, inner=INNER)
    elsewhere = Elsewhere(other)
    find = Called(repository, elsewhere)
    outer, problems = find("octo/tools/.github/workflows/x.yml@v1", ".github/workflows/ci.yml")
    assert outer is not None and problems == []
    uses = next(each.uses for each in outer.jobs if each.id == job)
    assert uses is not None
    inner, problems = find(uses.text, outer.file)
    assert inner is not None and inner.origin is not None and problems == []
    assert inner.file == "octo/tools/.github/workflows/inner.yml@v1"
    assert (inner.origin.repository, inner.origin.sha) == ("octo/tools", "a" * 40)
    assert inner.origin.path == ".github/workflows/inner.yml"
    assert elsewhere.asked == [("octo/tools", "v1")]


@pytest.mark.covers("RWF-002")
def test_a_repository_that_can_not_be_had(repository: Path) -> None:
    uses = "octo/tools/.github/workflows/x.yml@v2"
    found, problems = Called(repository, Elsewhere(repository))(uses, "ci.yml")
    assert found is None
    assert [each.message for each in problems] == ["octo/tools has no v2"]


def test_a_repository_nobody_looks_for(repository: Path) -> None:
    empty: list[Problem] = []
    uses = "octo/tools/.github/workflows/x.yml@v2"
    assert Called(repository)(uses, "ci.yml") == (None, empty)


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
@pytest.mark.covers("RWF-001", "RWF-003", "RWF-004", "RWF-005", "RWF-008")
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
