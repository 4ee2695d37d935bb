"""Several things asked of the daemon at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from engine.machine import MachineError


async def together(*tasks: Callable[[], Awaitable[object]]) -> None:
    """Wait for all of them. The first MachineError ends the others, and is raised alone."""
    failed: list[MachineError] = []

    async def run(task: Callable[[], Awaitable[object]]) -> None:
        try:
            await task()
        except MachineError as error:
            failed.append(error)
            nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        for task in tasks:
            nursery.start_soon(run, task)
    if failed:
        raise failed[0]
