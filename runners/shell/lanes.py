"""The shells of one machine: as many as commands run at once, each kept for the next command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Self

import trio

from engine.machine import Command, Exit, Output
from runners.shell.session import Session, ShellLost, Step


class Lanes:
    """Runs commands, several at once: each in a session of its own.

    `first` is the shell that the machine lives and dies with. Further ones are opened when there
    is none idle; a command that kills them all does not end the machine.
    """

    def __init__(
        self, first: Session, open_lane: Callable[[], AbstractAsyncContextManager[Session]]
    ) -> None:
        self._first = first
        self._open_lane = open_lane
        self._idle = [first]  # the last one is taken first
        self._opened = AsyncExitStack()

    async def exec(self, command: Command, output: Output) -> Exit:
        """As Machine.exec."""
        lost: Step | None = None
        while True:
            # what has begun must be accounted for, though nobody may want to wait any more
            with trio.CancelScope(shield=lost is not None and lost.group > 0):
                lane = self._idle.pop() if self._idle else await self._another()
            try:
                exit_ = await (
                    lane.account(lost, output)
                    if lost is not None and lost.group
                    else lane.exec(command, output)
                )
            except ShellLost as error:
                if lane is self._first:
                    raise
                lost = error.step
            except trio.Cancelled:  # before it began
                self._keep(lane)
                raise
            else:
                self._keep(lane)
                return exit_

    async def read(self, files: tuple[str, ...]) -> Mapping[str, bytes]:
        """Those of these files that are there and not empty. Raises MachineError."""
        while True:
            lane = self._idle.pop() if self._idle else await self._another()
            try:
                found = await lane.read(files)
            except ShellLost:
                if lane is self._first:
                    raise
            else:
                self._keep(lane)
                return found

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self._opened.aclose()

    async def _another(self) -> Session:
        return await self._opened.enter_async_context(self._open_lane())

    def _keep(self, lane: Session) -> None:
        """For the next command; the first one is the one that can't be lost."""
        self._idle.insert(len(self._idle) if lane is self._first else 0, lane)
