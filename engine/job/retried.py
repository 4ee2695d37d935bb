"""A step with `retry` is tried again when it fails."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import replace

import trio

from engine.events import Outcome
from engine.expr import to_string
from engine.job.result import CANCELED, StepResult, ended
from engine.job.timed import timed
from engine.retry import Retry

Failed = Callable[[int, StepResult, float], None]
"""Told of each failure that will be tried again: its attempt, its result, the wait."""

Try = Callable[[], Awaitable[StepResult]]


async def retried(retry: Retry | None, failed: Failed, inner: Try) -> StepResult:
    """Try until it works, the attempts are used up, or the failure is none to retry.

    The returned outcome decides, never an exception: a cancellation is not retried. What comes
    back, also from a cancelled wait, is what the last attempt left.
    """
    if retry is None or retry.attempts <= 1:
        return await inner()
    return await _Tries(retry, failed, inner).run()


class _Tries:
    """The attempts of one step."""

    def __init__(self, policy: Retry, failed: Failed, inner: Try) -> None:
        self.policy = policy
        self.failed = failed
        self.inner = inner
        self.attempts = 0
        self.last = ended(Outcome.CANCELLED, CANCELED)
        self.cancelled = False

    async def run(self) -> StepResult:
        from tenacity import AsyncRetrying, retry_if_result, stop_after_attempt

        return await AsyncRetrying(
            sleep=self._sleep,
            stop=stop_after_attempt(self.policy.attempts),
            wait=lambda state: self._delay(state.attempt_number),
            retry=retry_if_result(self._again),
            retry_error_callback=lambda _: self.last,
        )(self._attempt)

    async def _attempt(self) -> StepResult:
        if self.cancelled:
            outcome = Outcome.CANCELLED
            return replace(self.last, outcome=outcome, conclusion=outcome, reason=CANCELED)
        self.attempts += 1
        limit = self.policy.timeout
        message = f"The attempt has timed out after {to_string(limit)} seconds."
        self.last = replace(await timed(limit, message, self.inner), attempts=self.attempts)
        return self.last

    def _delay(self, attempt: int) -> float:
        seconds = self.policy.wait(attempt)
        return random.uniform(seconds / 2, seconds) if self.policy.jitter else seconds

    async def _sleep(self, seconds: float) -> None:
        self.failed(self.attempts, self.last, seconds)
        try:
            await trio.sleep(seconds)
        except trio.Cancelled:  # as Machine.exec: the result says it, what was left still counts
            self.cancelled = True

    def _again(self, result: StepResult) -> bool:
        return result.outcome is Outcome.FAILURE and self.policy.again(
            exit_code=result.exit_code, output=result.printed, timed_out=result.timed_out
        )
