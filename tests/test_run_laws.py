"""Small workflows of every kind against a second, slower reading of GitHub's rules for jobs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import job, run

from engine.events import JobStarted, Outcome

CONDITIONS = (
    *("", "success()", "always()", "failure()", "cancelled()", "!cancelled()"),
    *("!failure() && !cancelled()", "!success()", "true", "false"),
)
SCRIPTS = {"ok": "echo", "fails": "exit 1", "long": "sleep 600"}  # long: its time is over


@dataclass(frozen=True)
class One:
    """A job of the model: the numbers of the jobs it needs, and what it does."""

    needs: frozenset[int]
    condition: str
    script: str
    tolerant: bool
    seconds: int


@st.composite
def workflows(draw: st.DrawFn) -> list[One]:
    count = draw(st.integers(1, 6))
    return [
        One(
            needs=frozenset(draw(st.sets(st.integers(0, number - 1), max_size=3)))
            if number
            else frozenset(),
            condition=draw(st.sampled_from(CONDITIONS)),
            script=draw(st.sampled_from(sorted(SCRIPTS))),
            tolerant=draw(st.booleans()),
            seconds=draw(st.integers(0, 5)),
        )
        for number in range(count)
    ]


def written(jobs: list[One]) -> str:
    lines = ["jobs:"]
    for number, one in enumerate(jobs):
        lines += [f"  j{number}:", "    runs-on: x", "    timeout-minutes: 1"]
        if one.needs:
            lines.append(f"    needs: [{', '.join(f'j{need}' for need in sorted(one.needs))}]")
        if one.condition:
            lines.append(f"    if: ${{{{ {one.condition} }}}}")
        if one.tolerant:
            lines.append("    continue-on-error: true")
        lines += ["    steps:", f"      - run: sleep {one.seconds}"]
        lines.append(f"      - run: {SCRIPTS[one.script]}")
    return "\n".join(lines) + "\n"


# --- the second reading (contexts-and-expressions.md 4.2 and 6) -----------------------------------


def above(jobs: list[One], number: int) -> set[int]:
    direct = set(jobs[number].needs)
    return direct.union(*(above(jobs, need) for need in direct)) if direct else set()


def seen(one: One, outcome: str) -> str:
    """The result that other jobs see."""
    return "success" if one.tolerant and outcome == "failure" else outcome


def expected(jobs: list[One]) -> dict[str, str]:
    found: dict[int, str] = {}
    for number, one in enumerate(jobs):
        results = [seen(jobs[n], found[n]) for n in above(jobs, number)]
        if not holds(one.condition, results):
            found[number] = "skipped"
        else:
            found[number] = {"ok": "success", "fails": "failure", "long": "cancelled"}[one.script]
    return {f"j{number}": outcome for number, outcome in found.items()}


def holds(condition: str, results: list[str]) -> bool:
    success = all(result == "success" for result in results)
    failure = "failure" in results
    answers: dict[str, Callable[[], bool]] = {
        "": lambda: success,
        "success()": lambda: success,
        "always()": lambda: True,
        "failure()": lambda: failure,
        "cancelled()": lambda: False,
        "!cancelled()": lambda: True,
        "!failure() && !cancelled()": lambda: not failure,
        "!success()": lambda: not success,
        "true": lambda: success,
        "false": lambda: False,
    }
    return answers[condition]()


def of_the_run(jobs: list[One], outcomes: dict[str, str]) -> str:
    results = [seen(one, outcomes[f"j{number}"]) for number, one in enumerate(jobs)]
    for worst in ("failure", "cancelled", "success"):
        if worst in results:
            return worst
    return "skipped"


# --- the laws -------------------------------------------------------------------------------------


@pytest.mark.covers("JOB-003", "JOB-007", "JOB-010", "JOB-011", "JOB-020", "JOB-026")
@settings(deadline=None, max_examples=150)
@given(jobs=workflows())
def test_jobs_end_as_the_rules_say(jobs: list[One]) -> None:
    ran = run(written(jobs))
    outcomes = expected(jobs)
    assert ran.jobs == outcomes
    assert ran.outcome == of_the_run(jobs, outcomes)


@pytest.mark.covers("JOB-003")
@settings(deadline=None, max_examples=100)
@given(jobs=workflows())
def test_jobs_start_when_the_last_of_their_needs_ends(jobs: list[One]) -> None:
    ran = run(written(jobs))
    ends: dict[int, float] = {}
    for number, one in enumerate(jobs):
        ready = max((ends[need] for need in one.needs), default=0.0)
        took = {"ok": one.seconds, "fails": one.seconds, "long": 60}[one.script]
        if ran.jobs[f"j{number}"] == "skipped":
            ends[number] = ready
            continue
        ends[number] = ready + took
        assert ran.when(JobStarted, f"j{number}") == pytest.approx(ready, abs=0.01)


@pytest.mark.covers("JOB-024", "JOB-026")
@settings(deadline=None, max_examples=150)
@given(jobs=workflows(), when=st.integers(-1, 70), slots=st.integers(1, 3))
def test_a_cancel_at_any_moment_ends_in_order(jobs: list[One], when: int, slots: int) -> None:
    """The laws of `check_laws` hold; what asks for it still runs, nothing else begins."""
    ran = run(written(jobs), cancel_at=when, slots=slots)
    if ran.outcome != Outcome.CANCELLED:  # it was over before
        return
    still = ("always()", "cancelled()", "!success()")
    for event, time in zip(ran.events, ran.times, strict=True):
        if isinstance(event, JobStarted) and time > when:
            assert jobs[int(event.job[1:])].condition in (*still, "failure()")
    for number, one in enumerate(jobs):
        if one.condition == "always()":
            assert ran.jobs[f"j{number}"] != "skipped"


# --- steps ----------------------------------------------------------------------------------------

STEPS = ("", "always()", "failure()", "!failure()", "cancelled()", "true", "false")


@pytest.mark.covers("STEP-013", "STEP-016", "STEP-029")
@settings(deadline=None, max_examples=150)
@given(
    st.lists(
        st.tuples(st.sampled_from(STEPS), st.booleans(), st.booleans()), min_size=1, max_size=6
    )
)
def test_steps_end_as_the_rules_say(steps: list[tuple[str, bool, bool]]) -> None:
    """Each step: its condition, whether it fails, whether it may."""
    status, outcomes, conclusions, lines = "success", [], [], []
    for condition, fails, may in steps:
        fine = status == "success"
        runs = {"always()": True, "failure()": not fine, "cancelled()": False, "false": False}
        outcome = "skipped" if not runs.get(condition, fine) else "failure" if fails else "success"
        outcomes.append(outcome)
        conclusions.append("success" if outcome == "failure" and may else outcome)
        status = "failure" if conclusions[-1] == "failure" else status
        lines += [f"- run: exit {int(fails)}", f"  continue-on-error: {str(may).lower()}"]
        lines += [f"  if: ${{{{ {condition} }}}}"] if condition else []
    ran = run(job("\n".join(lines)))
    assert (ran.outcomes(), ran.conclusions()) == (outcomes, conclusions)
    assert ran.jobs == {"test": status}
