"""A step with `continue-on-error` may fail."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from engine.events import Outcome
from engine.job.result import StepResult


async def tolerated(
    allowed: Callable[[StepResult], Awaitable[bool]],
    inner: Callable[[], Awaitable[StepResult]],
) -> StepResult:
    """Conclude a failure as success where that is allowed; a cancelled step stays cancelled.

    `allowed` is asked after the step has failed, of what it left (actions/runner, StepsRunner).
    """
    result = await inner()
    if result.outcome is Outcome.FAILURE and await allowed(result):
        return replace(result, conclusion=Outcome.SUCCESS)
    return result
