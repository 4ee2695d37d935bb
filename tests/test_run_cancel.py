"""Cancelling: a run, a job whose time is over, a leg; and what still runs then."""

from __future__ import annotations

import pytest
from scripted import SlowRunner, job, run

from engine.events import JobStarted, StepStarted

AFTER = """
- run: echo default
- run: echo success
  if: success()
- run: echo failure
  if: failure()
- run: echo cancelled
  if: cancelled()
- run: echo always ${{ job.status }}
  if: always()
- run: echo not
  if: '!cancelled()'
"""


@pytest.mark.covers("JOB-024", "JOB-026", "STEP-017")
@pytest.mark.parametrize("tolerant", ["true", "false"])
def test_a_cancel_while_a_step_runs(tolerant: str) -> None:
    step = f"- run: sleep 100\n  continue-on-error: {tolerant}\n"
    ran = run(job(step + AFTER), cancel_at=10)
    assert ran.conclusions()[0] == "cancelled" and ran.outcomes()[0] == "cancelled"
    assert ran.conclusions()[1:] == ["skipped"] * 3 + ["success"] * 2 + ["skipped"]
    assert ran.step(1).reason == "The operation was canceled."
    assert ran.printed() == "cancelled\nalways cancelled\n"
    assert ran.jobs == {"test": "cancelled"} and ran.outcome == "cancelled"
    assert ran.reasons["test"] == "The run was cancelled."
    assert max(ran.times) == pytest.approx(10, abs=0.01)


@pytest.mark.covers("JOB-024")
@pytest.mark.parametrize(
    ("condition", "conclusion", "seconds"),
    [
        ("always()", "success", 100),
        ("cancelled() || always()", "success", 100),
        ("success() || cancelled()", "success", 100),
        ("success()", "cancelled", 10),
        ("'!cancelled()'", "cancelled", 10),
        ("true", "cancelled", 10),
        ("always() && hashFiles('x') == ''", "success", 100),
    ],
)
def test_the_running_steps_condition_is_asked_again(
    condition: str, conclusion: str, seconds: float
) -> None:
    text = job(f"- run: sleep 100\n  if: {condition}\n- run: echo", timeout_minutes="9")
    ran = run(text, cancel_at=10)
    assert ran.conclusions() == [conclusion, "skipped"]
    assert ran.outcome == "cancelled"
    assert max(ran.times) == pytest.approx(seconds, abs=0.01)


@pytest.mark.covers("STEP-020")
@pytest.mark.parametrize(("trap", "seconds"), [(3, 13), (100, 20)])
def test_a_command_may_take_a_moment_to_end(trap: int, seconds: float) -> None:
    text = job(f"- run: |\n    trap-cancel {trap}\n    sleep 100\n- run: echo\n  if: always()")
    ran = run(text, cancel_at=10)
    assert ran.conclusions() == ["cancelled", "success"]
    assert max(ran.times) == pytest.approx(seconds, abs=0.01)


@pytest.mark.covers("JOB-019")
@pytest.mark.parametrize(
    ("written", "seconds"),
    [({}, 300), ({"cancel_timeout_minutes": "2"}, 120), ({"cancel_timeout_minutes": "0"}, 0)],
)
def test_after_the_grace_period_everything_ends(written: dict[str, str], seconds: float) -> None:
    steps = """
    - run: sleep 9000
    - run: sleep 9000
      if: always()
    - run: echo
      if: always()
    """
    ran = run(job(steps, **written), cancel_at=10)
    late = "cancelled" if seconds else "skipped"
    assert ran.conclusions() == ["cancelled", late, "skipped"]
    assert ran.jobs == {"test": "cancelled"}
    assert max(ran.times) == pytest.approx(10 + seconds, abs=0.01)


@pytest.mark.covers("JOB-024")
@pytest.mark.parametrize(
    ("condition", "result"),
    [
        ("", "skipped"),
        ("success()", "skipped"),
        ("'!cancelled()'", "skipped"),
        ("always()", "success"),
        ("cancelled()", "success"),
    ],
)
def test_jobs_that_had_not_started(condition: str, result: str) -> None:
    written = f"\n            if: {condition}" if condition else ""
    ran = run(
        f"""
        jobs:
          a:
            runs-on: x
            steps: [{{run: sleep 100}}]
          b:
            needs: a{written}
            runs-on: x
            steps: [{{run: sleep 5}}]
        """,
        cancel_at=10,
    )
    assert ran.jobs == {"a": "cancelled", "b": result}
    assert ran.outcome == "cancelled"
    if result == "skipped" and "!" not in condition:
        assert "The run was cancelled." in ran.reasons["b"]


@pytest.mark.covers("JOB-024")
def test_a_running_job_whose_condition_still_holds_goes_on() -> None:
    ran = run(job("- run: sleep 50\n- run: echo on", **{"if": "always()"}), cancel_at=10)
    assert ran.conclusions() == ["success", "success"] and ran.jobs == {"test": "success"}
    assert ran.outcome == "cancelled"


@pytest.mark.covers("JOB-024")
def test_a_cancel_while_a_job_waits_for_a_slot() -> None:
    text = "jobs:\n" + "".join(
        f"  {name}:\n    runs-on: x\n    steps: [{{run: sleep 100}}]\n" for name in "abc"
    )
    ran = run(text, slots=1, cancel_at=10)
    assert set(ran.jobs.values()) == {"cancelled"} and len(ran.of(JobStarted)) == 1
    assert set(ran.reasons.values()) == {"The run was cancelled."}
    assert max(ran.times) == pytest.approx(10, abs=0.01)


@pytest.mark.covers("JOB-024")
def test_a_cancel_while_a_machine_is_opened() -> None:
    ran = run(job(AFTER), runner=SlowRunner(100), cancel_at=10)
    assert ran.jobs == {"test": "cancelled"} and not ran.of(JobStarted) and not ran.finished()
    assert max(ran.times) == pytest.approx(10, abs=0.01)


@pytest.mark.covers("JOB-024")
def test_a_cancel_while_a_machine_is_opened_ahead() -> None:
    ran = run(
        """
        jobs:
          a:
            runs-on: x
            steps: [{run: sleep 5}]
          b:
            needs: a
            runs-on: x
            steps: [{run: sleep 5}]
        """,
        runner=SlowRunner(100),
        cancel_at=103,
    )
    assert ran.jobs == {"a": "cancelled", "b": "skipped"}
    assert max(ran.times) == pytest.approx(103, abs=0.01)


@pytest.mark.covers("JOB-024")
@pytest.mark.parametrize(
    ("condition", "result"), [("", "skipped"), ("if: always()", "success")], ids=["", "always"]
)
def test_a_cancel_before_anything_started(condition: str, result: str) -> None:
    ran = run(
        f"jobs:\n  a:\n    runs-on: x\n    steps: [{{run: echo}}]\n    {condition}\n",
        cancel_at=-1,
    )
    assert ran.jobs == {"a": result} and ran.outcome == "cancelled"


@pytest.mark.covers("JOB-024", "JOB-026")
def test_a_failure_after_a_cancel_changes_nothing() -> None:
    ran = run(
        job(
            """
            - run: sleep 100
            - run: exit 1
              if: always()
            - run: echo
              if: failure()
            - run: echo ${{ job.status }}
              if: cancelled()
            """
        ),
        cancel_at=10,
    )
    assert ran.conclusions() == ["cancelled", "failure", "skipped", "success"]
    assert ran.printed() == "cancelled\n" and ran.jobs == {"test": "cancelled"}


def test_a_step_after_a_cancel_may_still_ask_the_machine_and_is_skipped() -> None:
    steps = "- run: sleep 100\n- run: echo\n  env: {H: \"${{ hashFiles('x') }}\"}"
    assert run(job(steps), cancel_at=10).conclusions() == ["cancelled", "skipped"]


# --- time limits ----------------------------------------------------------------------------------


@pytest.mark.covers("JOB-018")
@pytest.mark.parametrize(
    ("written", "minutes"),
    [
        ({}, 360),
        ({"timeout_minutes": "2"}, 2),
        ({"timeout_minutes": "${{ fromJSON('0.5') }}"}, 0.5),
    ],
)
def test_a_jobs_time_is_over(written: dict[str, str], minutes: float) -> None:
    ran = run(job("- run: sleep 99999\n" + AFTER.lstrip(), **written))
    assert ran.conclusions()[0] == "cancelled"
    assert ran.printed() == "cancelled\nalways cancelled\n"
    assert ran.jobs == {"test": "cancelled"} and ran.outcome == "cancelled"
    assert ran.reasons["test"] == f"The job has exceeded its time limit of {minutes} minutes."
    assert max(ran.times) == pytest.approx(60 * minutes, abs=0.01)
    assert ran.result and ran.result.timed_out


@pytest.mark.covers("JOB-018", "JOB-019")
def test_a_jobs_time_is_over_and_its_cleanup_takes_too_long() -> None:
    text = job("- run: sleep 999\n- run: sleep 999\n  if: always()", timeout_minutes="1")
    ran = run(text)
    assert ran.conclusions() == ["cancelled", "cancelled"] and ran.result and ran.result.timed_out
    assert max(ran.times) == pytest.approx(60 + 300, abs=0.01)


@pytest.mark.covers("JOB-018")
def test_a_jobs_time_does_not_stop_the_others() -> None:
    ran = run(
        """
        jobs:
          a:
            runs-on: x
            timeout-minutes: 1
            continue-on-error: true
            steps: [{run: sleep 100}]
          b:
            runs-on: x
            steps: [{run: sleep 200}]
        """
    )
    assert ran.jobs == {"a": "cancelled", "b": "success"}


def test_a_second_request_changes_nothing() -> None:
    text = job("- run: sleep 100\n- run: sleep 50\n  if: always()", timeout_minutes="1")
    ran = run(text, cancel_at=30)
    assert ran.reasons["test"] == "The run was cancelled."
    assert ran.conclusions() == ["cancelled", "success"]
    assert not (ran.result and ran.result.timed_out)


def test_what_is_left_out_after_a_cancel_was_never_started() -> None:
    ran = run(job("- run: sleep 100\n- run: echo"), cancel_at=10)
    assert [event.step for event in ran.of(StepStarted)] == [1]
