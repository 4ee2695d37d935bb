"""A step with `retry` is tried again when it fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio
from msgspec.structs import replace

from engine.attempts import Attempts
from engine.events import Outcome
from engine.expr import to_string
from engine.job.result import CANCELED, StepResult
from engine.job.timed import timed
from engine.retry import Retry

Failed = Callable[[int, StepResult, float], None]
"""Told of each failure that will be tried again: its attempt, its result, the wait."""

Try = Callable[[], Awaitable[StepResult]]


async def retried(retry: Retry | None, failed: Failed, inner: Try) -> StepResult:
    """Try until it works, the attempts are used up, or the failure is none to retry.

    What comes back, also from a cancelled wait, is what the last attempt left.
    """
    if retry is None or retry.attempts <= 1:
        return await inner()
    policy = retry
    message = f"The attempt has timed out after {to_string(policy.timeout)} seconds."

    async def attempt(number: int) -> StepResult:
        return replace(await timed(policy.timeout, message, inner), attempts=number)

    def again(result: StepResult) -> bool:
        return result.outcome is Outcome.FAILURE and policy.again(
            exit_code=result.exit_code, output=result.printed, timed_out=result.timed_out
        )

    async def pause(number: int, result: StepResult, seconds: float) -> bool:
        failed(number, result, seconds)
        try:
            await trio.sleep(seconds)
        except trio.Cancelled:  # as Machine.exec: the result says it, what was left still counts
            return False
        return True

    last, cut = await Attempts(policy, attempt, again, pause).run()
    cancelled = Outcome.CANCELLED
    return replace(last, outcome=cancelled, conclusion=cancelled, reason=CANCELED) if cut else last
