"""A step, or one try of it, has only so much time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio
from msgspec.structs import replace

from engine.events import Outcome
from engine.job.result import StepResult, ended


async def timed(
    seconds: float | None, message: str, inner: Callable[[], Awaitable[StepResult]]
) -> StepResult:
    """Fail with `message` when the time is over; None or 0 seconds mean no limit.

    What the step wrote before its time was over still counts.
    """
    if not seconds:
        return await inner()
    result: StepResult | None = None
    with trio.move_on_after(seconds) as scope:
        result = await inner()
    if result is None:
        result = ended(Outcome.CANCELLED)
    if result.outcome is Outcome.CANCELLED and scope.cancel_called:
        failed = Outcome.FAILURE
        return replace(result, outcome=failed, conclusion=failed, reason=message, timed_out=True)
    return result
