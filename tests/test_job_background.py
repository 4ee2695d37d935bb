"""Steps beside the others: when they start, what waits for them, what they leave and to whom."""

from __future__ import annotations

import pytest
from scripted import Ran, job, run

from engine import events

SLOW = '- {id: slow, background: true, run: "sleep 100\\noutput a=1\\nenv B=2"}\n'


def of(steps: str, **keys: str) -> Ran:
    return run(job(steps, **keys))


def names(ran: Ran) -> list[str]:
    return [event.name for event in ran.of(events.StepStarted)]


@pytest.mark.covers("STEP-024")
def test_a_background_step_lets_the_job_go_on() -> None:
    ran = of(SLOW + "- run: echo next\n- wait: slow")
    assert ran.when(events.StepStarted, step=2) == ran.when(events.StepStarted, step=1)
    assert ran.when(events.StepFinished, step=2) == 0
    assert ran.when(events.StepFinished, step=1) == 100
    assert ran.outcome == "success"


@pytest.mark.covers("STEP-024")
def test_ten_run_at_once_and_the_others_queue() -> None:
    steps = "".join(f"- {{id: s{n}, background: true, run: sleep 10}}\n" for n in range(12))
    ran = of(steps + "- wait-all:")
    ends = [ran.when(events.StepFinished, step=n) for n in range(1, 13)]
    assert sorted(ends) == [10] * 10 + [20] * 2


@pytest.mark.covers("STEP-025", "STEP-027")
@pytest.mark.parametrize(
    ("control", "seen"),
    [
        ("run: echo nothing", "-"),
        ("wait: slow", "1"),
        ("wait: [slow]", "1"),
        ("wait-all:", "1"),
        ("wait-all: true", "1"),
        ("cancel: slow", "-"),
        ("wait: other", "-"),
    ],
)
def test_what_it_leaves_is_seen_after_a_wait(control: str, seen: str) -> None:
    other = "- {id: other, background: true, run: echo}\n"
    see = "- run: echo ${{ steps.slow.outputs.a || '-' }}\n- run: print-env B\n"
    ran = of(SLOW + other + f"- {control}\n" + see)
    assert f"{seen}\n" in ran.printed()
    assert ("2\n" in ran.printed()) == (seen == "1")


@pytest.mark.covers("STEP-027")
def test_its_outcome_is_absent_until_then() -> None:
    see = "- run: echo (${{ steps.slow.outcome }})\n"
    ran = of(SLOW + see + "- wait: slow\n" + see)
    assert ran.printed() == "()\n(success)\n"


@pytest.mark.covers("STEP-025")
@pytest.mark.parametrize(
    ("first", "wait", "conclusions", "outcome"),
    [
        ("exit 1", "wait: a", ["success", "failure"], "failure"),
        ("exit 1", "wait-all:", ["success", "failure"], "failure"),
        ("exit 1", "{wait: a, continue-on-error: true}", ["success", "success"], "success"),
        ("exit 0", "wait: a", ["success", "success"], "success"),
        ("sleep 9\nexit 1", "cancel: a", ["success", "success"], "success"),
    ],
)
def test_a_failure_is_that_of_the_step_that_waits(
    first: str, wait: str, conclusions: list[str], outcome: str
) -> None:
    text = first.replace("\n", "\\n")
    steps = f'- {{id: a, background: true, run: "{text}"}}\n- run: echo between\n- {wait}\n'
    ran = of(steps)
    assert [str(ran.step(n).conclusion) for n in (2, 3)] == conclusions
    assert ran.outcome == outcome


@pytest.mark.covers("STEP-025")
def test_a_failure_before_the_cancel_counts() -> None:
    ran = of("- {id: a, background: true, run: exit 3}\n- run: sleep 5\n- cancel: a")
    assert str(ran.step(3).conclusion) == "failure" and ran.outcome == "failure"
    assert 'Background step "a" failed: Process completed with exit code 3.' in ran.step(3).reason


@pytest.mark.covers("STEP-025")
def test_a_cancelled_step_gets_its_signals_and_the_job_goes_on() -> None:
    slow = '- {id: a, background: true, run: "trap-cancel 3\\nsleep 50"}\n'
    ran = of(slow + "- run: sleep 4\n- cancel: a\n- run: echo")
    assert (str(ran.step(1).outcome), ran.outcome) == ("cancelled", "success")
    assert ran.when(events.StepFinished, step=1) == 4 + 3


@pytest.mark.covers("STEP-025")
def test_control_steps_always_run() -> None:
    ran = of("- {id: a, background: true, run: sleep 5}\n- run: exit 1\n- wait: a\n- run: echo")
    assert [str(ran.step(n).conclusion) for n in range(1, 5)] == [
        *("success", "failure", "success", "skipped")
    ]
    assert ran.when(events.StepFinished, step=3) == 5


@pytest.mark.covers("STEP-026")
@pytest.mark.parametrize("failing", [False, True])
def test_a_parallel_group(failing: bool) -> None:
    code = "exit 1" if failing else "output x=1"
    ran = of(f"""
        - parallel:
            - run: sleep 5
            - {{id: b, run: "sleep 9\\n{code}"}}
        - run: echo ${{{{ steps.b.outputs.x }}}}
    """)
    ends = {event.step: ran.when(events.StepFinished, step=event.step) for event in ran.finished()}
    assert ends == {1: 9, 2: 5, 3: 9, 4: 9}
    assert ran.outcome == ("failure" if failing else "success")
    assert ran.printed() == ("" if failing else "1\n")


@pytest.mark.covers("STEP-026")
def test_the_children_of_a_group_have_conditions() -> None:
    ran = of("- run: exit 1\n- parallel:\n    - run: echo no\n    - {run: echo yes, if: always()}")
    assert ran.printed() == "yes\n"
    assert str(ran.step(3).conclusion) == "skipped"


@pytest.mark.covers("STEP-028")
def test_what_nobody_waits_for_is_waited_for_at_the_end() -> None:
    ran = of(SLOW + "- run: echo", outputs="{o: '${{ steps.slow.outputs.a }}'}")
    assert names(ran)[-1] == "Wait for all background steps"
    assert ran.outputs["test"] == {"o": "1"}
    failing = of("- {background: true, run: exit 1}\n- run: echo")
    assert failing.outcome == "failure" and str(failing.step(3).conclusion) == "failure"


@pytest.mark.covers("STEP-028")
def test_no_wait_where_nothing_is_left() -> None:
    assert len(of(SLOW + "- wait: slow").finished()) == 2


def test_a_cancelled_job_cancels_them() -> None:
    ran = run(job(SLOW + "- run: sleep 50\n- wait-all:"), cancel_at=10)
    assert ran.outcome == "cancelled"
    assert [str(ran.step(n).outcome) for n in (1, 2)] == ["cancelled", "cancelled"]


def test_a_lost_machine_ends_them_all() -> None:
    ran = of(SLOW + "- run: lost gone away\n- run: echo")
    assert ran.outcome == "failure" and "gone away" in ran.reasons["test"]
    assert {event.step for event in ran.finished()} == {1, 2, 3}
