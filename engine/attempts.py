"""Trying again as a policy says: the attempts, and the waits between them."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from engine.retry import Retry

T = TypeVar("T")


class Attempts(Generic[T]):
    """The attempts of one step or job.

    `attempt` makes one, told its number from 1; `again` says whether its result is one to retry;
    `pause` waits so many seconds and answers whether the wait was whole. The result decides, never
    an exception: a cancellation is not retried.
    """

    def __init__(
        self,
        policy: Retry,
        attempt: Callable[[int], Awaitable[T]],
        again: Callable[[T], bool],
        pause: Callable[[int, T, float], Awaitable[bool]],
    ) -> None:
        self.policy = policy
        self.attempt = attempt
        self.again = again
        self.pause = pause
        self.made: list[T] = []
        self.cut = False

    async def run(self) -> tuple[T, bool]:
        """The last attempt's result, and whether the wait for another one was cut short."""
        from tenacity import AsyncRetrying, retry_if_result, stop_after_attempt

        result: T = await AsyncRetrying(
            sleep=self._sleep,
            stop=stop_after_attempt(self.policy.attempts),
            wait=lambda state: self._delay(state.attempt_number),
            retry=retry_if_result(lambda result: not self.cut and self.again(result)),
            retry_error_callback=lambda _: self.made[-1],
        )(self._next)
        return result, self.cut

    async def _next(self) -> T:
        if not self.cut:
            self.made.append(await self.attempt(len(self.made) + 1))
        return self.made[-1]

    def _delay(self, attempt: int) -> float:
        seconds = self.policy.wait(attempt)
        return random.uniform(seconds / 2, seconds) if self.policy.jitter else seconds

    async def _sleep(self, seconds: float) -> None:
        self.cut = not await self.pause(len(self.made), self.made[-1], seconds)
