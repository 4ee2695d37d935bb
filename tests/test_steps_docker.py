"""Steps in real containers: their variables, names, conditions and ends."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest
from e2e import DEBIAN, Json, Ran, repository, run, workflow
from test_cli import IMAGE, runwright
from test_leftovers import Running, eventually, running

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


@pytest.mark.covers("STEP-010")
def test_ci_of_a_container_is_its_own(tmp_path: Path) -> None:
    container = f"{{image: '{DEBIAN}', env: {{CI: mine}}}}"
    assert of_steps(tmp_path, "- run: echo $CI", container=container).printed() == "mine\n"


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


# --- ends -----------------------------------------------------------------------------------------

TOLERANT = """
on: push
jobs:
  tolerant:
    runs-on: ubuntu-latest
    strategy: {matrix: {experimental: [true]}}
    env: {'YES': 'true'}
    steps:
      - {id: written, run: 'echo a=kept >>"$GITHUB_OUTPUT"; exit 3', continue-on-error: true}
      - {id: matrix, run: exit 4, continue-on-error: '${{ matrix.experimental }}'}
      - {id: env, run: exit 5, continue-on-error: "${{ env.YES == 'true' }}"}
      - id: step
        run: exit 6
        continue-on-error: ${{ fromJSON(env.YES) && steps.written.outcome == 'failure' }}
      - run: bin/tell '${{ toJSON(steps) }}'
      - run: echo "${{ job.status }} ${{ steps.written.outputs.a }}"
  strict:
    runs-on: ubuntu-latest
    steps:
      - {id: strict, run: exit 7, continue-on-error: "${{ github.ref_name == 'dev' }}"}
      - {run: echo never}
      - {run: "bin/tell '${{ toJSON(steps) }}'", if: failure()}
"""
TELL = """#!/usr/bin/env python3
import json, sys
for name, step in json.loads(sys.argv[1]).items():
    print(name, step["outcome"], step["conclusion"])
"""


@pytest.mark.covers("STEP-016")
def test_outcome_and_conclusion(tmp_path: Path) -> None:
    ran = of_jobs(tmp_path, TOLERANT, tell=TELL)
    assert ran.jobs() == {"tolerant.0": "success", "strict": "failure"}
    names = ("written", "matrix", "env", "step")
    told = [f"{name} failure success" for name in names]
    assert ran.printed("tolerant.0").splitlines() == [*told, "success kept"]
    assert ran.printed("strict") == "strict failure failure\n"
    failed = ran.of("step.finished", job="tolerant.0", outcome="failure", conclusion="success")
    assert [event["exit_code"] for event in failed] == [3, 4, 5, 6]


INTERRUPTED = """
- id: slow
  continue-on-error: true
  run: SCRIPT
- if: always()
  run: echo "saw ${{ steps.slow.outcome }} ${{ steps.slow.conclusion }} ${{ job.status }}"
- run: echo never
"""


def happened(run: Running) -> tuple[Json, ...]:
    """The events of a run so far."""
    lines = run.text.rpartition("\n")[0].splitlines()
    return tuple(json.loads(line) for line in lines if line.startswith("{"))


def of_output(text: str) -> str:
    """How a line that a step prints is found among events."""
    return json.dumps(f"{text}\n")


@pytest.mark.covers("STEP-017")
@pytest.mark.parametrize(
    "script",
    ["echo begun; sleep 600", "trap 'exit 1' INT; echo begun; while :; do sleep 0.1; done"],
)
def test_an_interrupted_step_is_cancelled(tmp_path: Path, script: str) -> None:
    repository(tmp_path, {CI: workflow(INTERRUPTED.replace("SCRIPT", script))})
    with running(tmp_path, "push", "--json", *IMAGE) as run:
        run.until(of_output("begun"))
        run.process.send_signal(signal.SIGINT)
        ran = Ran(run.end(), happened(run), "")
    assert ran.code == 130 and ran.jobs() == {"test": "cancelled"}
    slow = ran.of("step.finished", step=1)[0]
    assert (slow["outcome"], slow["conclusion"]) == ("cancelled", "cancelled")
    assert ran.printed() == "begun\nsaw cancelled cancelled cancelled\n"
    assert list(ran.ends().values()) == ["cancelled", "success", "skipped"]


@pytest.mark.covers("STEP-017")
def test_a_background_step_that_is_cancelled(tmp_path: Path) -> None:
    steps = """
- {id: slow, background: true, continue-on-error: true, run: touch here; sleep 600}
- run: until [ -e here ]; do sleep 0.05; done
- cancel: slow
- run: echo ${{ steps.slow.outcome }} ${{ steps.slow.conclusion }} ${{ job.status }}
"""
    ran = of_steps(tmp_path, steps)
    assert ran.code == 0 and ran.printed() == "cancelled cancelled success\n"


TIMED = """
on: push
env: {LIMIT: 0.01}
jobs:
  tolerant:
    runs-on: ubuntu-latest
    steps:
      - {name: Wait, id: it, run: sleep 600, timeout-minutes: 0.01, continue-on-error: true}
      - run: echo "${{ steps.it.outcome }} ${{ steps.it.conclusion }} $(pgrep -c sleep)"
      - {run: sleep 0.1, timeout-minutes: 0}
      - {run: echo in time, timeout-minutes: 60}
  strict:
    runs-on: ubuntu-latest
    steps:
      - name: Wait ${{ env.LIMIT }}
        timeout-minutes: ${{ fromJSON(env.LIMIT) }}
        run: sleep 600
      - run: echo never
      - {run: 'echo ${{ job.status }}', if: failure()}
"""


@pytest.mark.covers("STEP-018")
def test_a_step_that_takes_too_long(tmp_path: Path) -> None:
    ran = of_jobs(tmp_path, TIMED)
    assert ran.code == 1
    assert ran.jobs() == {"tolerant": "success", "strict": "failure"}
    assert ran.printed("tolerant") == "failure success 0\nin time\n"
    assert ran.printed("strict") == "failure\n"
    assert sorted(ran.annotations("error")) == [
        "The action 'Wait 0.01' has timed out after 0.01 minutes.",
        "The action 'Wait' has timed out after 0.01 minutes.",
    ]


# --- after a failure ------------------------------------------------------------------------------


@pytest.mark.covers("STEP-029")
def test_steps_after_a_failure_are_shown_as_skipped(tmp_path: Path) -> None:
    steps = """
- {name: First, run: exit 3}
- {name: Second, id: second, run: 'echo a=1 >>"$GITHUB_OUTPUT"'}
- uses: actions/checkout@v4
- name: Last
  if: failure()
  run: echo "[${{ steps.second.outcome }}] [${{ steps.second.outputs.a }}]"
"""
    repository(tmp_path, {CI: workflow(steps)})
    done = runwright(tmp_path, "push", *IMAGE)
    assert done.code == 1
    lines = [line.partition("test │ ")[2] for line in done.out.splitlines() if " │ " in line]
    assert [re.sub(r"^([✓✗] \w+) .*", r"\1", line) for line in lines[1:]] == [
        "First",
        "  error: Process completed with exit code 3.",
        "✗ First",
        "- Second skipped: an earlier step failed",
        "- Run actions/checkout@v4 skipped: an earlier step failed",
        "Last",
        "  [skipped] []",
        "✓ Last",
    ]


# --- what goes wrong outside of a step ------------------------------------------------------------

LOST = """
on: push
jobs:
  lost:
    runs-on: ubuntu-latest
    steps:
      - {name: Lost, run: echo lost begun; sleep 600, continue-on-error: true}
      - {name: Never, run: echo never, if: always()}
  other:
    runs-on: ubuntu-latest
    outputs: {text: '${{ steps.it.outputs.text }}'}
    steps:
      - id: it
        run: |
          echo other begun
          until [ -e /tmp/go ]; do sleep 0.05; done
          echo text=whole >>"$GITHUB_OUTPUT"
      - run: echo other ended
  after:
    needs: [lost, other]
    if: always()
    runs-on: ubuntu-latest
    steps:
      - run: echo "${{ needs.lost.result }} ${{ needs.other.result }}"
      - run: echo "${{ needs.other.outputs.text }}"
"""


def container(run: Running, job: str) -> str:
    """The container of a job of the only run that began in a directory."""
    (folder,) = (run.directory / "state" / "runs").iterdir()
    labels = (f"label=runwright.run={folder.name}", f"label=runwright.job={job}")
    filters = [part for label in labels for part in ("--filter", label)]
    listed = subprocess.run(
        ["docker", "ps", "-q", *filters], capture_output=True, text=True, check=True
    )
    (found,) = listed.stdout.split()
    return found


@pytest.mark.covers("STEP-032")
def test_a_container_that_is_killed_is_the_trouble_of_its_job_alone(tmp_path: Path) -> None:
    repository(tmp_path, {CI: LOST})
    with running(tmp_path, "push", "--json", *IMAGE) as run:
        for job in ("lost", "other"):
            run.until(of_output(f"{job} begun"))
        subprocess.run(["docker", "kill", container(run, "lost")], check=True)
        eventually(lambda: "lost" in Ran(0, happened(run), "").jobs())
        subprocess.run(["docker", "exec", container(run, "other"), "touch", "/tmp/go"], check=True)
        ran = Ran(run.end(), happened(run), "")
        eventually(lambda: not run.left())
    assert ran.jobs() == {"lost": "failure", "other": "success", "after": "success"}
    assert ran.printed("other") == "other begun\nother ended\n"
    assert ran.printed("after") == "failure success\nwhole\n"
    assert ran.code == 4
    (lost, never) = ran.of("step.finished", job="lost")
    assert (lost["conclusion"], never["conclusion"]) == ("failure", "skipped")
    assert lost["reason"] == ran.reason("lost") and "lost" in lost["reason"]
    assert never["reason"] == "the machine was lost"


@pytest.mark.covers("STEP-032")
def test_a_step_that_kills_all_around_it_is_the_only_one_to_fail(tmp_path: Path) -> None:
    steps = """
- run: echo A=kept >>"$GITHUB_ENV"
- {run: kill -9 -1, continue-on-error: true}
- run: echo "$A"; echo B=too >>"$GITHUB_ENV"
- run: echo "$A $B"
"""
    ran = of_steps(tmp_path, steps)
    assert ran.code == 0, ran.errors
    assert [event["exit_code"] for event in ran.of("step.finished")] == [0, 137, 0, 0]
    assert ran.printed() == "kept\nkept too\n"
