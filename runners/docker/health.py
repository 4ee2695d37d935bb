"""Waiting for a service until Docker says that it is healthy."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import trio

from engine.machine import Log

POLL = 0.2  # seconds
_FIRST, _LAST = 2.0, 32.0  # seconds (actions/runner, ContainerOperationProvider)

State = dict[str, Any]


def waits() -> Iterator[float]:
    """How many seconds pass between two lines about a service that is starting."""
    seconds = _FIRST
    while True:
        yield seconds
        seconds = min(seconds * 2, _LAST)


async def settled(name: str, inspect: Callable[[], Awaitable[State]], log: Log) -> State:
    """The state that a container comes to be in: without health checks, the present one.

    It is looked at often, so that nobody waits for longer than Docker does. Raises what `inspect`
    does.
    """
    pauses, told_again = waits(), trio.current_time()
    while starting(state := await inspect()):
        if trio.current_time() >= told_again:
            pause = next(pauses)
            told_again += pause
            log(f"{name} service is starting, waiting {pause:.0f} seconds before checking again.")
        await trio.sleep(POLL)
    return state


def starting(state: State) -> bool:
    """Whether its health is not known yet."""
    return status(state) == "starting"


def status(state: State) -> str:
    """healthy, unhealthy or starting; '' without health checks."""
    found = (state.get("Health") or {}).get("Status", "")
    return "" if found == "none" else str(found)


def last_check(state: State) -> str:
    """What the last health check printed."""
    checks = (state.get("Health") or {}).get("Log") or [{}]
    return str(checks[-1].get("Output", "")).strip()
