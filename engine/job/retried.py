"""A step with `retry` is tried again when it fails."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import replace

import trio

from engine.events import Outcome
from engine.job.result import StepResult
from engine.job.timed import timed
from engine.retry import Retry

Failed = Callable[[int, StepResult, float], None]


async def retried(
    retry: Retry | None, failed: Failed, inner: Callable[[], Awaitable[StepResult]]
) -> StepResult:
    """Try until it works, the attempts are used up, or the failure is none to retry.

    `failed(attempt, result, delay)` is told of each failure that will be tried again, before the
    wait. The returned outcome decides, never an exception: a cancellation is not retried.
    """
    if retry is None or retry.attempts <= 1:
        return await inner()
    from tenacity import AsyncRetrying, RetryCallState, retry_if_result, stop_after_attempt

    policy: Retry = retry
    attempts = 0

    async def attempt() -> StepResult:
        nonlocal attempts
        attempts += 1
        message = f"The attempt has timed out after {policy.timeout} seconds."
        result = await timed(policy.timeout, message, inner)
        return replace(result, attempts=attempts)

    def wait(state: RetryCallState) -> float:
        seconds = policy.wait(state.attempt_number)
        return random.uniform(seconds / 2, seconds) if policy.jitter else seconds

    def before_sleep(state: RetryCallState) -> None:
        if state.outcome is not None and state.next_action is not None:
            failed(state.attempt_number, state.outcome.result(), state.next_action.sleep)

    return await AsyncRetrying(
        sleep=trio.sleep,
        stop=stop_after_attempt(policy.attempts),
        wait=wait,
        retry=retry_if_result(lambda result: _again(policy, result)),
        before_sleep=before_sleep,
        retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
    )(attempt)


def _again(policy: Retry, result: StepResult) -> bool:
    return result.outcome is Outcome.FAILURE and policy.again(
        exit_code=result.exit_code, output=result.printed, timed_out=result.timed_out
    )
