"""A whole job with `retry`: each attempt on a new machine, and only the last one counts."""

from __future__ import annotations

import pytest
from scripted import FakeRunner, Ran, Reply, job, run

from engine.events import JobAttemptFailed, JobFinished, JobStarted
from engine.machine import Command, MachineSpec


def flaky(*replies: Reply) -> FakeRunner:
    """A machine whose command `flaky` answers so, one after the other, the last one for ever."""
    left = list(replies)

    def script(_: MachineSpec, command: Command) -> Reply | None:
        if command.script != "flaky":
            return None
        return left.pop(0) if len(left) > 1 else left[0]

    return FakeRunner(script)


FAIL, OK = Reply(code=1), Reply()


def attempts(ran: Ran) -> list[tuple[int, int, float]]:
    return [(e.attempt, e.attempts, e.delay) for e in ran.of(JobAttemptFailed)]


def count(ran: Ran, job_: str = "test") -> int:
    (finished,) = ran.of(JobFinished, job_)
    return finished.attempts


@pytest.mark.parametrize(
    ("replies", "retry", "made", "outcome"),
    [
        ([OK], "3", 1, "success"),
        ([FAIL, OK], "3", 2, "success"),
        ([FAIL, FAIL, OK], "3", 3, "success"),
        ([FAIL, FAIL, FAIL, OK], "3", 3, "failure"),
        ([FAIL, OK], "1", 1, "failure"),
    ],
)
def test_a_job_is_tried_again(replies: list[Reply], retry: str, made: int, outcome: str) -> None:
    ran = run(job("- run: flaky\n- run: echo", retry=retry), runner=flaky(*replies))
    assert (ran.outcome, ran.jobs, count(ran)) == (outcome, {"test": outcome}, made)
    assert len(ran.of(JobStarted)) == len(ran.runner.opened) == made
    assert attempts(ran) == [(n, int(retry), 0.0) for n in range(1, made)]
    assert len({spec.name for spec in ran.runner.opened}) == made
    assert ran.result is not None and ran.result.ran == 1


def test_each_attempt_has_a_new_machine_and_all_steps() -> None:
    runner = flaky(FAIL, OK)
    steps = "- run: env A=1\n- run: echo ${{ env.A }}\n- run: flaky\n- run: echo ${{ job.status }}"
    ran = run(job(steps, retry="2"), runner=runner)
    assert ran.conclusions() == [*("success", "success", "failure", "skipped"), *["success"] * 4]
    assert ran.printed() == "1\n1\nsuccess\n"
    (told,) = ran.of(JobAttemptFailed)
    assert told.reason == 'Step "Run flaky" failed: Process completed with exit code 1.'
    assert len(runner.closed) == 2


def test_only_the_outputs_of_the_last_attempt_count() -> None:
    first = Reply(code=1, files={"GITHUB_OUTPUT": b"a=first\nb=first\n"})
    last = Reply(files={"GITHUB_OUTPUT": b"a=last\n"})
    outputs = "{a: '${{ steps.s.outputs.a }}', b: '${{ steps.s.outputs.b }}'}"
    ran = run(job("- run: flaky\n  id: s", retry="2", outputs=outputs), runner=flaky(first, last))
    assert ran.outputs == {"test": {"a": "last"}}


@pytest.mark.parametrize(
    ("backoff", "delays"),
    [("fixed", [2.0, 2.0]), ("linear", [2.0, 4.0]), ("exponential", [2.0, 4.0])],
)
def test_the_waits_between_attempts(backoff: str, delays: list[float]) -> None:
    retry = f"{{attempts: 3, delay: 2s, backoff: {backoff}}}"
    ran = run(job("- run: exit 1", retry=retry))
    assert [delay for *_, delay in attempts(ran)] == delays
    assert max(ran.times) == pytest.approx(sum(delays), abs=0.1)


@pytest.mark.parametrize(
    ("on", "reply", "made"),
    [
        ("exit-codes: [75]", Reply(code=75), 2),
        ("exit-codes: [75]", Reply(code=1), 1),
        ("output: [RESET]", Reply(code=1, output=(b"a\nECONNRESET\n",)), 2),
        ("output: ['^never']", Reply(code=1, output=(b"a\nECONNRESET\n",)), 1),
        ("exit-codes: [75], output: [RESET]", Reply(code=75), 2),
        ("timeout: true", Reply(seconds=9000), 2),
        ("timeout: true", Reply(code=1), 1),
        ("exit-codes: [1]", Reply(seconds=9000), 1),
    ],
)
def test_on_what_grounds(on: str, reply: Reply, made: int) -> None:
    text = job("- run: flaky", retry=f"{{attempts: 2, on: {{{on}}}}}", timeout_minutes="1")
    assert count(run(text, runner=flaky(reply))) == made


def test_the_failing_step_decides_not_one_that_was_tolerated_or_came_later() -> None:
    steps = """
    - run: exit 75
      continue-on-error: true
    - run: exit 1
    - run: exit 75
      if: always()
    """
    ran = run(job(steps, retry="{attempts: 2, on: {exit-codes: [75]}}"))
    assert count(ran) == 1


@pytest.mark.parametrize(
    ("keys", "seconds"),
    [
        ({"timeout_minutes": "1", "retry": "2"}, 120),
        ({"timeout_minutes": "1", "retry": "{attempts: 2, timeout: 10s}"}, 20),
        ({"timeout_minutes": "1", "retry": "{attempts: 2, timeout: 10m}"}, 120),
    ],
)
def test_each_attempt_has_its_time(keys: dict[str, str], seconds: float) -> None:
    ran = run(job("- run: sleep 9000", **keys))
    assert (ran.jobs["test"], count(ran)) == ("cancelled", 2)
    assert ran.result is not None and ran.result.timed_out
    assert max(ran.times) == pytest.approx(seconds, abs=0.1)
    assert "time limit" in ran.of(JobAttemptFailed)[0].reason


def test_time_that_was_over_once_is_forgotten() -> None:
    runner = flaky(Reply(seconds=9000), OK)
    ran = run(job("- run: flaky", retry="2", timeout_minutes="1"), runner=runner)
    assert ran.outcome == "success"
    assert ran.result is not None and not ran.result.timed_out


@pytest.mark.parametrize(
    ("steps", "at"), [("- run: sleep 100", 10), ("- run: exit 1", 10), ("- run: exit 1", -1)]
)
def test_what_is_cancelled_is_not_tried_again(steps: str, at: float) -> None:
    """While an attempt runs, while it waits for the next one, and before it begins."""
    ran = run(job(steps, retry="{attempts: 3, delay: 60s}"), cancel_at=at)
    made = 0 if at < 0 else 1
    assert ran.outcome == "cancelled"
    assert ran.jobs == {"test": "cancelled" if made else "skipped"}
    assert len(ran.runner.opened) == made
    assert max(ran.times) == pytest.approx(max(at, 0), abs=0.1)


def test_what_the_last_attempt_left_counts_when_the_wait_is_cut_short() -> None:
    reply = Reply(code=1, files={"GITHUB_OUTPUT": b"a=1\n"})
    text = job(
        "- run: flaky\n  id: s",
        retry="{attempts: 2, delay: 60s}",
        outputs="{a: '${{ steps.s.outputs.a }}'}",
    )
    ran = run(text, runner=flaky(reply), cancel_at=10)
    assert (ran.jobs, ran.outputs) == ({"test": "cancelled"}, {"test": {"a": "1"}})
    assert ran.reasons["test"] == "The run was cancelled."


def test_a_machine_that_can_not_be_had_is_tried_again() -> None:
    refused = FakeRunner(refuse={"test": "The image can't be pulled."})
    ran = run(job("- run: echo", retry="2"), runner=refused)
    assert (ran.outcome, count(ran)) == ("success", 2)
    assert ran.of(JobAttemptFailed)[0].reason == "The image can't be pulled."
    assert ran.result is not None and not ran.result.broke


@pytest.mark.parametrize(("replies", "other"), [([FAIL, OK], "success"), ([FAIL], "cancelled")])
def test_only_the_final_outcome_trips_fail_fast(replies: list[Reply], other: str) -> None:
    text = job(
        "- run: ${{ matrix.do }}",
        strategy="{matrix: {do: [flaky, sleep 100]}}",
        retry="{attempts: 2, delay: 10s}",
    )
    ran = run(text, runner=flaky(*replies))
    assert ran.jobs["test.1"] == other


def test_a_matrix_counts_each_leg_by_itself() -> None:
    def script(spec: MachineSpec, command: Command) -> Reply | None:
        fails = command.script == "flaky" and spec.name == "test.1"
        return Reply(code=1) if fails else None

    text = job("- run: flaky", strategy="{matrix: {n: [1, 2]}}", retry="2")
    ran = run(text, runner=FakeRunner(script))
    assert (count(ran, "test.0"), count(ran, "test.1")) == (1, 2)
    assert [event.job for event in ran.of(JobAttemptFailed)] == ["test.1"]


def test_the_reason_is_masked() -> None:
    text = job("- run: exit 1\n  name: with ${{ secrets.S }}", retry="2")
    ran = run(text, settings={"secrets": {"S": "s3cr3t"}})
    assert ran.of(JobAttemptFailed)[0].reason.startswith('Step "with ***" failed')
