"""`retry:` on a step, by the clock."""

from __future__ import annotations

import pytest
from scripted import FakeRunner, Ran, Reply, job, run

from engine.events import Annotation, AttemptFailed, Outcome, Output, StepStarted, Summary
from engine.machine import Command, MachineSpec

FAILING = "exit 1"


def retried(retry: str, script: str = FAILING, more: str = "", after: str = "", **keys: str) -> Ran:
    """Step 1 is tried again; step 2 says what it has left."""
    lines = script.replace("\n", "\n    ")
    seen = "${{ steps.it.outcome }} ${{ steps.it.attempts }} [${{ steps.it.outputs.a }}]"
    return run(
        job(
            f"- id: it\n  run: |\n    {lines}\n  retry: {retry}\n{more}"
            f"- run: echo {seen}\n  if: always()\n{after}",
            **keys,
        )
    )


def waits(ran: Ran) -> list[float]:
    return [event.delay for event in ran.of(AttemptFailed)]


@pytest.mark.parametrize(
    ("retry", "script", "outcome", "attempts"),
    [
        ("3", "exit 0", "success", 1),
        ("3", "fail-times 1", "success", 2),
        ("3", "fail-times 2", "success", 3),
        ("3", "fail-times 3", "failure", 3),
        ("1", "fail-times 1", "failure", 1),
        ("{attempts: 5}", "fail-times 4", "success", 5),
        ("{}", "fail-times 2", "success", 3),
        ("{}", "fail-times 3", "failure", 3),
    ],
)
def test_attempts(retry: str, script: str, outcome: str, attempts: int) -> None:
    ran = retried(retry, script)
    assert (str(ran.step(1).outcome), ran.step(1).attempts) == (outcome, attempts)
    assert ran.printed().splitlines()[-1] == f"{outcome} {attempts} []"
    failed = ran.of(AttemptFailed)
    assert [event.attempt for event in failed] == list(range(1, attempts))
    assert len(ran.of(StepStarted)) == 2


def test_a_failed_attempt_is_told_with_its_reason() -> None:
    [event] = retried("{attempts: 2, delay: 3s}", "exit 7").of(AttemptFailed)
    assert (event.attempt, event.attempts, event.delay) == (1, 2, 3.0)
    assert event.reason == "Process completed with exit code 7."


@pytest.mark.parametrize(
    ("policy", "delays"),
    [
        ("", [0, 0, 0, 0]),
        ("delay: 2s", [2, 2, 2, 2]),
        ("delay: 500ms", [0.5, 0.5, 0.5, 0.5]),
        ("delay: 2m, backoff: fixed", [120, 120, 120, 120]),
        ("delay: 2s, backoff: linear", [2, 4, 6, 8]),
        ("delay: 2s, backoff: exponential", [2, 4, 8, 16]),
        ("delay: 2s, backoff: exponential, max-delay: 5s", [2, 4, 5, 5]),
        ("delay: 2s, backoff: linear, max-delay: 1m", [2, 4, 6, 8]),
        ("delay: 1h, max-delay: 10s", [10, 10, 10, 10]),
    ],
)
def test_delays(policy: str, delays: list[float]) -> None:
    ran = retried(f"{{attempts: 5, {policy}}}" if policy else "5")
    assert waits(ran) == delays
    assert ran.step(1).seconds == pytest.approx(sum(delays), abs=0.001)


@pytest.mark.parametrize("backoff", ["fixed", "exponential"])
def test_jitter_waits_half_of_it_at_least(backoff: str) -> None:
    policy = f"{{attempts: 30, delay: 4s, backoff: {backoff}, max-delay: 40s, jitter: true}}"
    found = waits(retried(policy))
    whole = waits(retried(policy.replace("true", "false")))
    assert all(w / 2 <= delay <= w for delay, w in zip(found, whole, strict=True))
    assert len(set(found)) > 10


# --- time -----------------------------------------------------------------------------------------


def test_each_attempt_has_only_so_much_time() -> None:
    ran = retried("{attempts: 3, delay: 5s, timeout: 90s}", "sleep 1000")
    assert (ran.step(1).outcome, ran.step(1).attempts) == (Outcome.FAILURE, 3)
    assert ran.step(1).reason == "The attempt has timed out after 90 seconds."
    assert ran.step(1).seconds == pytest.approx(3 * 90 + 2 * 5, abs=0.01)


@pytest.mark.covers("STEP-018")
@pytest.mark.parametrize(
    ("script", "delay", "attempts"),
    [("sleep 50\nexit 1", "0s", 2), ("exit 1", "59s", 2), ("exit 1", "1h", 1)],
)
def test_the_steps_own_time_is_over_all_attempts(script: str, delay: str, attempts: int) -> None:
    ran = retried(
        f"{{attempts: 9, delay: {delay}}}", f"output a=1\n{script}", "  timeout-minutes: 1\n"
    )
    name = "Run output a=1"
    assert ran.step(1).reason == f"The action '{name}' has timed out after 1 minutes."
    assert ran.step(1).seconds == pytest.approx(60, abs=0.01)
    assert ran.printed() == f"failure {attempts} [1]\n"


# --- on -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on", "script", "attempts"),
    [
        ("exit-codes: [75, 137]", "exit 75", 3),
        ("exit-codes: [75, 137]", "exit 1", 1),
        ("output: [ECONNRESET, 'timed? out']", "echo it time out\nexit 1", 3),
        ("output: [ECONNRESET]", "echo all is lost\nexit 1", 1),
        ("output: ['^b$']", "echo b\nexit 1", 3),
        ("timeout: true", "sleep 100", 3),
        ("timeout: true", "exit 1", 1),
        ("timeout: false", "sleep 100", 1),
        ("exit-codes: [130]", "sleep 100", 1),
        ("exit-codes: [1], output: [never]", "exit 1", 3),
        ("exit-codes: [2], output: [now]", "echo now\nexit 1", 3),
    ],
)
def test_on(on: str, script: str, attempts: int) -> None:
    ran = retried(f"{{attempts: 3, timeout: 10s, on: {{{on}}}}}", script)
    assert (ran.step(1).outcome, ran.step(1).attempts) == (Outcome.FAILURE, attempts)


def test_the_output_of_one_attempt_decides_about_that_attempt_only() -> None:
    ran = retried("{attempts: 5, on: {output: [flaky]}}", "echo flaky\nfail-times 2\nexit 1")
    assert ran.step(1).attempts == 5
    assert ran.printed().count("flaky") == 5


# --- each attempt starts clean --------------------------------------------------------------------


def test_only_the_last_attempt_counts() -> None:
    tries = iter("123")

    def script(_: MachineSpec, command: Command) -> Reply | None:
        if command.script != "try":
            return None
        n = next(tries)
        files = {
            "GITHUB_OUTPUT": f"only_{n}={n}\nlast={n}\n",
            "GITHUB_ENV": f"ONLY_{n}=1\n",
            "GITHUB_PATH": f"/p{n}\n",
            "GITHUB_STEP_SUMMARY": f"# {n}\n",
        }
        printed = f"::set-output name=said::{n}\n::add-mask::secret{n}\n"
        left = {name: text.encode() for name, text in files.items()}
        return Reply(int(n != "3"), (printed.encode(),), left)

    ran = run(
        job(
            """
            - id: it
              run: try
              retry: 3
            - run: echo ${{ join(steps.it.outputs.*) }} ${{ env.ONLY_1 }}${{ env.ONLY_3 }}
            - run: echo secret1 secret3
            """
        ),
        runner=FakeRunner(script),
    )
    assert ran.printed() == "3,3,3 1\n*** ***\n"
    assert ran.commands()[-1].path == ("/p3",)
    assert [event.text for event in ran.of(Summary)] == ["# 3\n"]


def test_the_last_attempt_counts_if_it_failed_too() -> None:
    ran = retried("2", "output a=1\nenv A=2\nexit 1")
    assert ran.printed() == "failure 2 [1]\n"
    assert ran.commands()[-1].env["A"] == "2"


def test_every_attempt_is_the_same_command_and_is_shown() -> None:
    ran = retried("3", "echo try\nfail-times 2")
    first, second, third = ran.commands()[:3]
    assert first == second == third
    kinds = [type(event) for event in ran.events if getattr(event, "step", 0) == 1]
    assert kinds[1:6] == [Output, AttemptFailed, Output, AttemptFailed, Output]


def test_only_the_last_failure_is_an_annotation() -> None:
    assert len(retried("3").of(Annotation)) == 1


# --- with the rest --------------------------------------------------------------------------------


@pytest.mark.covers("STEP-016")
def test_continue_on_error_comes_after_all_attempts() -> None:
    ran = retried("3", more="  continue-on-error: true\n")
    assert (ran.step(1).outcome, ran.step(1).conclusion) == (Outcome.FAILURE, Outcome.SUCCESS)
    assert ran.step(1).attempts == 3 and ran.outcome == "success"


def test_a_skipped_step_is_not_tried() -> None:
    ran = retried("3", more="  if: false\n")
    assert ran.conclusions()[0] == "skipped" and not ran.of(AttemptFailed)


@pytest.mark.parametrize(
    ("script", "delay"), [("exit 1", "1h"), ("sleep 1000", "1s")], ids=["in a wait", "in a try"]
)
def test_a_cancel_is_not_retried(script: str, delay: str) -> None:
    text = job(
        f"- id: it\n  run: |\n    output a=1\n    {script}\n"
        f"  retry: {{attempts: 9, delay: {delay}}}\n"
        "- run: echo ${{ steps.it.attempts }} ${{ steps.it.outputs.a }}\n  if: always()"
    )
    ran = run(text, cancel_at=20)
    assert ran.conclusions() == ["cancelled", "success"]
    assert ran.printed() == "1 1\n" and ran.outcome == "cancelled"
    assert ran.step(1).seconds == pytest.approx(20, abs=0.01)


@pytest.mark.covers("CMD-024")
def test_reasons_of_attempts_are_masked() -> None:
    ran = run(job("- run: output hunter2\n  retry: 2"), settings={"secrets": {"PW": "hunter2"}})
    assert "***" in ran.of(AttemptFailed)[0].reason and "hunter2" not in ran.text()
