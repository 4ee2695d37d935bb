"""A step runs only if its condition holds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from engine.events import Outcome
from engine.job.result import StepResult, ended


async def conditional(
    holds: Callable[[], Awaitable[bool]],
    why_not: Callable[[], str],
    inner: Callable[[], Awaitable[StepResult]],
) -> StepResult:
    """Skip the step, with the reason, where its condition is false."""
    if await holds():
        return await inner()
    return ended(Outcome.SKIPPED, why_not())
