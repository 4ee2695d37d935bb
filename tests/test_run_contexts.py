"""What the expressions of jobs and steps see: each context where GitHub has it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from scripted import Ran, job, run

from engine import contexts
from engine.contexts import Checkout, Commit, RunFacts
from engine.events import Log, RunStarted
from engine.job.state import JobState
from engine.machine import Facts, Layout
from engine.masks import Masks
from engine.model import Workflow

SETTINGS = {
    "variables": {"COLOUR": "red"},
    "secrets": {"Token": "s3cret"},
    "inputs": {"size": 3, "fast": True},
}

CONTEXTS = """
name: All
env: {WORKFLOW: w, BOTH: w}
jobs:
  before:
    runs-on: x
    outputs: {it: "${{ steps.made.outputs.it }}", none: "${{ steps.made.outputs.none }}"}
    steps:
      - {id: made, run: output it=7}
  test:
    needs: before
    runs-on: ubuntu-latest
    strategy: {fail-fast: false, max-parallel: 1, matrix: {os: [linux], deep: [{a: [1, 2]}]}}
    env: {JOB: j, BOTH: j}
    steps:
      - {id: good, run: output a=b}
      - {id: bad, run: exit 3, continue-on-error: true}
      - {id: skipped, if: false, run: echo}
      - {run: env SET=s}
      - env: {STEP: t}
        run: |
          EXPRESSION
      - {id: later, run: echo}
"""


def seen(expression: str) -> Any:
    """What an expression is to a step in the midst of a job."""
    text = CONTEXTS.replace("EXPRESSION", f"echo ${{{{ toJSON({expression}) }}}}")
    script = [c.script for c in run(text, settings=SETTINGS).commands("test.0")]
    (shown,) = [line for line in script if line.startswith("echo ") and line != "echo"]
    return json.loads(shown.removeprefix("echo "))


@pytest.mark.covers("CTX-014", "CTX-015", "CTX-017")
@pytest.mark.parametrize(
    ("expression", "value"),
    [
        pytest.param("env.WORKFLOW", "w", marks=pytest.mark.covers("WF-010", "CTX-005")),
        pytest.param("env.BOTH", "j", marks=pytest.mark.covers("CTX-005")),
        pytest.param("env.SET", "s", marks=pytest.mark.covers("CTX-005")),
        pytest.param("env.PATH", None, marks=pytest.mark.covers("CTX-005")),
        pytest.param("env.HOME", None, marks=pytest.mark.covers("CTX-005")),
        pytest.param("env.GITHUB_REF", None, marks=pytest.mark.covers("CTX-005")),
        pytest.param("env.both", None, marks=pytest.mark.covers("CTX-005", "EXPR-011")),
        pytest.param("vars.COLOUR", "red", marks=pytest.mark.covers("CTX-006")),
        pytest.param("vars.colour", "red", marks=pytest.mark.covers("CTX-006")),
        pytest.param("vars.NONE", None, marks=pytest.mark.covers("CTX-006")),
        pytest.param("job.status", "success", marks=pytest.mark.covers("CTX-007")),
        pytest.param("steps.good.outputs.a", "b", marks=pytest.mark.covers("CTX-011")),
        pytest.param("steps.good.outcome", "success", marks=pytest.mark.covers("CTX-011")),
        pytest.param("steps.bad.outcome", "failure", marks=pytest.mark.covers("CTX-011")),
        pytest.param("steps.bad.conclusion", "success", marks=pytest.mark.covers("CTX-011")),
        pytest.param("steps.skipped.outcome", "skipped", marks=pytest.mark.covers("CTX-011")),
        pytest.param("steps.skipped.conclusion", "skipped", marks=pytest.mark.covers("CTX-011")),
        pytest.param("steps.skipped.outputs", {}, marks=pytest.mark.covers("CTX-011")),
        pytest.param("steps.later", None, marks=pytest.mark.covers("CTX-011")),
        ("strategy", {"fail-fast": False, "job-index": 0, "job-total": 1, "max-parallel": 1}),
        ("matrix", {"os": "linux", "deep": {"a": [1, 2]}}),
        ("matrix.deep.a[1]", 2),
        ("needs", {"before": {"result": "success", "outputs": {"it": "7"}}}),
        ("needs.before.outputs.it", "7"),
        ("inputs", {"size": 3, "fast": True}),
        ("inputs.size == 3 && inputs.fast", True),
    ],
)
def test_what_a_step_sees(expression: str, value: Any) -> None:
    assert seen(expression) == value


@pytest.mark.covers("CTX-014")
@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("strategy", {"fail-fast": True, "job-index": 0, "job-total": 1, "max-parallel": 1}),
        ("matrix", None),
        ("needs", {}),
        ("inputs", {}),
        ("steps", {}),
    ],
)
def test_what_is_there_without_a_matrix(expression: str, value: Any) -> None:
    ran = run(job(f"- run: echo ${{{{ toJSON({expression}) }}}}"))
    assert json.loads(ran.commands()[0].script.removeprefix("echo ")) == value


@pytest.mark.covers("CTX-007")
@pytest.mark.parametrize(
    ("first", "status"),
    [("exit 0", "success"), ("exit 1", "failure")],
)
def test_the_status_of_a_job(first: str, status: str) -> None:
    ran = run(job(f"- run: {first}\n- {{if: always(), run: 'echo ${{{{ job.status }}}}'}}"))
    assert ran.printed() == f"{status}\n"


@pytest.mark.covers("CTX-007")
def test_the_status_of_a_cancelled_job() -> None:
    steps = "- run: sleep 9\n- {if: always(), run: 'echo ${{ job.status }}'}"
    assert run(job(steps), cancel_at=1).printed() == "cancelled\n"


# --- job ------------------------------------------------------------------------------------------

FACTS = RunFacts(
    run_id="7", run_number=3, event_name="push", event={"ref": "refs/heads/main"},
    checkout=Checkout("octo/hello", commit=Commit(sha="a" * 40)), workflow="CI",
    workflow_file=".github/workflows/ci.yml",
)  # fmt: skip


def of_job(key: str, **workflow: Any) -> dict[str, Any]:
    found = Workflow(file=".github/workflows/ci.yml", name="CI", triggers=(), **workflow)
    return contexts.job(contexts.github(FACTS), found, key)


@pytest.mark.covers("CTX-010")
def test_a_job_knows_its_workflow() -> None:
    found = of_job("test")
    assert isinstance(found.pop("check_run_id"), int)
    assert found == {
        "workflow_ref": "octo/hello/.github/workflows/ci.yml@refs/heads/main",
        "workflow_sha": "a" * 40,
        "workflow_repository": "octo/hello",
        "workflow_file_path": ".github/workflows/ci.yml",
    }


@pytest.mark.covers("CTX-010")
def test_each_leg_has_a_check_run_of_its_own() -> None:
    ids = {of_job(key)["check_run_id"] for key in ("a", "b.0", "b.1")}
    assert len(ids) == 3
    assert of_job("a") == of_job("a")


@pytest.mark.covers("CTX-010")
def test_a_step_sees_all_of_it() -> None:
    ran = run(job("- run: echo ${{ job.workflow_file_path }} ${{ job.check_run_id > 0 }}"))
    assert ran.printed() == ".github/workflows/ci.runwright.yml true\n"


@pytest.mark.covers("CTX-009")
@pytest.mark.parametrize(
    ("id_", "container"), [("", None), ("abc", {"id": "abc", "network": "net"})]
)
def test_a_job_knows_its_container(id_: str, container: dict[str, str] | None) -> None:
    facts = Facts("docker", Layout("/w", "/t", "/c"), id=id_, network="net")
    state = JobState({"github": {}}, facts, Masks(()))
    assert state.job_context().get("container") == container


# --- secrets --------------------------------------------------------------------------------------


@pytest.mark.covers("CTX-013", "CTX-018")
@pytest.mark.parametrize(
    "expression",
    ["github.token", "secrets.GITHUB_TOKEN", "secrets.github_token", "secrets['GitHub_Token']"],
)
def test_the_token_by_all_its_names(expression: str) -> None:
    ran = run(
        job(f"- run: echo ${{{{ {expression} }}}} ${{{{ {expression} == 'ghs_1' }}}}"),
        facts={"token": "ghs_1"},
    )
    assert ran.printed() == "*** true\n"


@pytest.mark.covers("CTX-013")
def test_secrets_ignore_case_and_a_missing_one_is_empty() -> None:
    ran = run(
        job("- run: echo [${{ secrets.token == 's3cret' }}] [${{ secrets.NONE }}]"),
        settings=SETTINGS,
    )
    assert ran.printed() == "[true] []\n"


# --- the workflow's own keys ----------------------------------------------------------------------


@pytest.mark.covers("WF-010")
def test_the_workflows_env_reaches_all_steps() -> None:
    text = "env: {A: '${{ vars.COLOUR }}', B: b}\n" + job(
        "- run: print-env A\n- run: print-env B\n- {run: print-env B, env: {B: c}}"
    )
    assert run(text, settings=SETTINGS).printed() == "red\nb\nc\n"


def title(head: str, **facts: Any) -> str:
    ran: Ran = run(head + job("- run: echo"), facts=facts, settings=SETTINGS)
    return ran.of(RunStarted)[0].title


PULL = {"event_name": "pull_request", "event": {"pull_request": {"title": "Add it"}}}


@pytest.mark.covers("WF-008")
@pytest.mark.parametrize(
    ("head", "facts", "wanted"),
    [
        ("run-name: By ${{ github.actor }} in ${{ vars.COLOUR }}\n", {}, "By mona in red"),
        ("run-name: ${{ inputs.size }}\n", {}, "3"),
        ("run-name: ${{ vars.NONE }}\n", {}, "A subject"),
        ("run-name: ''\n", {}, "A subject"),
        ("", {}, "A subject"),
        ("name: CI\n", PULL, "Add it"),
        ("name: CI\n", {"event_name": "schedule"}, "CI"),
        ("", {"event_name": "schedule"}, ".github/workflows/ci.runwright.yml"),
    ],
)
def test_the_title_of_a_run(head: str, facts: dict[str, Any], wanted: str) -> None:
    assert title(head, **facts) == wanted


@pytest.mark.covers("WF-008")
def test_a_title_without_an_answer_is_said() -> None:
    ran = run("run-name: ${{ fromJSON('{') }}\n" + job("- run: echo"))
    assert ran.of(RunStarted)[0].title == "A subject"
    assert ran.of(Log)[0].message.startswith("ci.runwright.yml:1:15: ")
    assert ran.outcome == "success"


@pytest.mark.covers("WF-009")
def test_a_description_says_nothing_to_us() -> None:
    assert run("description: What it is for\n" + job("- run: echo")).outcome == "success"


@pytest.mark.covers("JOB-023")
@pytest.mark.parametrize("written", ["my-image", "{image-name: my-image, version: 2.*}"])
def test_a_snapshot_is_left_out_and_said(written: str) -> None:
    ran = run(job("- run: echo", snapshot=written))
    (log,) = ran.of(Log, "test")
    assert (ran.outcome, log.level) == ("success", "warning")
    assert log.message == (
        "ci.runwright.yml:4:15: `snapshot` makes an image of GitHub's own machines; "
        "a local run leaves it out"
    )
