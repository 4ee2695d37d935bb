"""Steps in real containers: their variables, names and conditions."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest
from e2e import Ran, repository, run, workflow
from test_cli import runwright

pytestmark = pytest.mark.docker
CI = ".github/workflows/ci.yml"
BUSYBOX = "runwright-test/busybox"


def of_steps(tmp_path: Path, steps: str, *arguments: str, **keys: str) -> Ran:
    """A run of one job, `test`."""
    return run(repository(tmp_path / "repo", {CI: workflow(steps, **keys)}), *arguments)


def of_jobs(tmp_path: Path, text: str, *arguments: str, **files: str) -> Ran:
    """A run of a whole workflow in a repository with these files in `bin`."""
    scripts = {f"bin/{name}": content for name, content in files.items()}
    return run(repository(tmp_path / "repo", {CI: text, **scripts}), *arguments)


# --- variables ------------------------------------------------------------------------------------

LEVELS = """
on: push
env: {B: workflow, C: workflow, D: workflow, E: workflow}
jobs:
  test:
    runs-on: ubuntu-latest
    env: {C: job, D: job, E: job}
    steps:
      - run: echo "$A $B $C $D $E"
      - run: |
          echo D=file >>"$GITHUB_ENV"
          echo E=file >>"$GITHUB_ENV"
          echo "$D $E"
      - env: {E: step}
        run: |
          echo "$A $B $C $D $E"
          echo "${{ env.B }} ${{ env.C }} ${{ env.D }} ${{ env.E }}"
      - run: echo "$A $B $C $D $E"
"""


@pytest.mark.covers("STEP-009")
def test_the_nearest_variable_wins(tmp_path: Path) -> None:
    given = [part for name in "ABCDE" for part in ("--env", f"{name}=command")]
    ran = of_jobs(tmp_path, LEVELS, *given)
    assert ran.printed().splitlines() == [
        "command workflow job job job",
        "job job",
        "command workflow job file step",
        "workflow job file step",
        "command workflow job file file",
    ]


# docs.github.com, "Variables reference"; what only actions or some events have is left out
DEFAULT = """
GITHUB_ACTION GITHUB_ACTIONS GITHUB_ACTOR GITHUB_ACTOR_ID GITHUB_API_URL GITHUB_BASE_REF GITHUB_ENV
GITHUB_EVENT_NAME GITHUB_EVENT_PATH GITHUB_GRAPHQL_URL GITHUB_HEAD_REF GITHUB_JOB GITHUB_OUTPUT
GITHUB_PATH GITHUB_REF GITHUB_REF_NAME GITHUB_REF_PROTECTED GITHUB_REF_TYPE GITHUB_REPOSITORY
GITHUB_REPOSITORY_ID GITHUB_REPOSITORY_OWNER GITHUB_REPOSITORY_OWNER_ID GITHUB_RETENTION_DAYS
GITHUB_RUN_ATTEMPT GITHUB_RUN_ID GITHUB_RUN_NUMBER GITHUB_SERVER_URL GITHUB_SHA GITHUB_STATE
GITHUB_STEP_SUMMARY GITHUB_TRIGGERING_ACTOR GITHUB_WORKFLOW GITHUB_WORKFLOW_REF GITHUB_WORKFLOW_SHA
GITHUB_WORKSPACE RUNNER_ARCH RUNNER_ENVIRONMENT RUNNER_NAME RUNNER_OS RUNNER_TEMP RUNNER_TOOL_CACHE
RUNNER_WORKSPACE
""".split()
MINE = json.dumps(dict.fromkeys([*DEFAULT, "GITHUB_OTHER"], "mine"))
OVERRIDDEN = f"""
on: push
jobs:
  by-job:
    runs-on: ubuntu-latest
    env: {MINE}
    steps:
      - &look {{id: it, run: sh bin/look}}
      - &see {{run: 'echo "${{{{ steps.it.outputs.a }}}}"'}}
  by-step:
    runs-on: ubuntu-latest
    steps:
      - {{id: it, run: sh bin/look, env: {MINE}}}
      - *see
  by-file:
    runs-on: ubuntu-latest
    steps:
      - run: |
          for name in {" ".join(DEFAULT)} GITHUB_OTHER; do
            echo "$name=mine" >>"$GITHUB_ENV"
          done
      - *look
      - *see
  by-container:
    runs-on: ubuntu-latest
    container: {{image: {BUSYBOX}, env: {MINE}}}
    steps:
      - *look
      - *see
"""
LOOK = """
env | grep '=mine$' | sort
echo "$GITHUB_REF_NAME $GITHUB_JOB $GITHUB_ACTIONS $GITHUB_ACTION $RUNNER_OS [$GITHUB_HEAD_REF]"
echo a=kept >>"$GITHUB_OUTPUT"
"""


@pytest.mark.covers("STEP-010")
def test_what_can_not_be_overridden(tmp_path: Path) -> None:
    ran = of_jobs(tmp_path, OVERRIDDEN, look=LOOK)
    assert ran.code == 0, ran.errors + ran.printed()
    for job in ("by-job", "by-step", "by-file", "by-container"):
        assert ran.printed(job).splitlines() == [
            *("GITHUB_OTHER=mine", f"main {job} true it Linux []", "kept")
        ]


@pytest.mark.covers("STEP-010")
def test_ci_may_be_overridden(tmp_path: Path) -> None:
    ran = of_steps(tmp_path, "- run: echo $CI\n- {run: echo $CI, env: {CI: mine}}")
    assert ran.printed() == "true\nmine\n"


# --- names ----------------------------------------------------------------------------------------

NAMES = r"""
- id: first
  run: "\n  \n  echo a=one >>$GITHUB_OUTPUT\n  echo B=two >>$GITHUB_ENV\n"
- run: echo ${{ steps.first.outputs.a }} >lock
- name: Got ${{ steps.first.outputs.a }} and ${{ env.B }} for ${{ env.OWN }}
  env: {OWN: x}
  run: echo
- name: Raw ${{ fromJSON(env.B) }}
  run: echo
- name: Of ${{ hashFiles('lock') }}
  run: echo
- uses: actions/checkout@v4
- name: Skipped on ${{ github.ref_name }}
  if: false
  run: echo
"""


@pytest.mark.covers("STEP-011", "STEP-012")
def test_names(tmp_path: Path) -> None:
    ran = of_steps(tmp_path, NAMES)
    assert ran.code == 0, ran.errors
    digest = sha256(sha256(b"one\n").digest()).hexdigest()
    names = [
        "Run echo a=one >>$GITHUB_OUTPUT",
        "Run echo one >lock",
        "Got one and two for x",
        "Raw ${{ fromJSON(env.B) }}",
        f"Of {digest}",
        "Run actions/checkout@v4",
        "Skipped on main",
    ]
    assert list(ran.ends()) == names
    assert [event["name"] for event in ran.of("step.started")] == names[:6]


# --- conditions -----------------------------------------------------------------------------------

RAN, LEFT_OUT = "success", "skipped"
# each with the conclusion of its step after a success and after a failure
CONDITIONS = {
    "": (RAN, LEFT_OUT),
    "success()": (RAN, LEFT_OUT),
    "${{ success() }}": (RAN, LEFT_OUT),
    "failure()": (LEFT_OUT, RAN),
    "${{ failure() }}": (LEFT_OUT, RAN),
    "always()": (RAN, RAN),
    "cancelled()": (LEFT_OUT, LEFT_OUT),
    "${{ !cancelled() }}": (RAN, RAN),
    "false": (LEFT_OUT, LEFT_OUT),
    "github.ref_name == 'main'": (RAN, LEFT_OUT),
    "${{ github.ref_name == 'main' }}": (RAN, LEFT_OUT),
    "github.ref_name == 'dev'": (LEFT_OUT, LEFT_OUT),
    "failure() && github.ref_name == 'main'": (LEFT_OUT, RAN),
    "github.ref_name == 'always()'": (LEFT_OUT, LEFT_OUT),
    "false && always()": (LEFT_OUT, LEFT_OUT),
    "steps.first.outcome == 'failure' && always()": (LEFT_OUT, RAN),
    "env.OWN == 'x'": (RAN, LEFT_OUT),
}
# always true, but as everywhere `success()` is meant where no status is asked for
MIXED = {
    "${{ github.ref_name }} == 'dev'": (RAN, LEFT_OUT),
    "success() && ${{ false }}": (RAN, LEFT_OUT),
    "${{ always() }} && false": (RAN, RAN),
}


def conclusions(tmp_path: Path, conditions: dict[str, tuple[str, str]]) -> dict[str, list[str]]:
    """How steps with these conditions end after a first step that succeeds, and that fails."""
    steps = [
        {"name": f"step {number}", "if": condition, "run": "echo", "env": {"OWN": "x"}}
        for number, condition in enumerate(conditions)
    ]
    jobs = {
        name: {"runs-on": "ubuntu-latest", "steps": [{"id": "first", "run": first}, *steps]}
        for name, first in (("good", "exit 0"), ("bad", "exit 1"))
    }
    ran = of_jobs(tmp_path, json.dumps({"on": "push", "jobs": jobs}))
    assert ran.jobs() == {"good": "success", "bad": "failure"}
    return {
        condition: [
            ran.of("step.finished", job=job, name=f"step {number}")[0]["conclusion"]
            for job in ("good", "bad")
        ]
        for number, condition in enumerate(conditions)
    }


@pytest.mark.covers("STEP-013")
def test_conditions(tmp_path: Path) -> None:
    found = conclusions(tmp_path, CONDITIONS)
    assert found == {condition: list(ends) for condition, ends in CONDITIONS.items()}


@pytest.mark.covers("STEP-014")
def test_a_condition_with_text_around_its_expression(tmp_path: Path) -> None:
    found = conclusions(tmp_path, MIXED)
    assert found == {condition: list(ends) for condition, ends in MIXED.items()}


@pytest.mark.covers("STEP-014")
def test_text_around_an_expression_is_found_before_the_run(tmp_path: Path) -> None:
    steps = "".join(f"- run: echo\n  if: {condition}\n" for condition in MIXED)
    repository(tmp_path, {CI: workflow(steps)})
    done = runwright(tmp_path, "validate")
    assert done.code == 3
    for line, condition in zip((7, 9, 11), MIXED, strict=True):
        told = f'{CI}:{line}:13: "{condition}" is always true: text around ${{{{ }}}} makes it'
        assert told in done.out


@pytest.mark.covers("STEP-015")
@pytest.mark.parametrize("tolerant", ["true", "false"])
def test_a_condition_without_an_answer_fails_the_step(tmp_path: Path, tolerant: str) -> None:
    steps = f"""
- run: echo never
  id: it
  if: fromJSON('{{')
  continue-on-error: {tolerant}
- run: echo not either
- run: echo ${{{{ steps.it.outcome }}}} ${{{{ steps.it.conclusion }}}} ${{{{ job.status }}}}
  if: always()
"""
    ran = of_steps(tmp_path, steps)
    assert ran.code == 1 and ran.jobs() == {"test": "failure"}
    assert ran.printed() == "failure failure failure\n"
    assert list(ran.ends().values()) == ["failure", "skipped", "success"]
    (error,) = ran.annotations("error")
    assert f"{CI}:8:13: Error parsing fromJson: " in error
