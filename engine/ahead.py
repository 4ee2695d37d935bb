"""Machines that are opened before their jobs may start."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import trio
from msgspec import Struct, field

from engine.machine import Machine, MachineError

OpenMachine = Callable[[], AbstractAsyncContextManager[Machine]]


class _Kept(Struct, eq=False):
    """One machine on its way to its job, or its failure."""

    ready: trio.Event = field(default_factory=trio.Event)
    done: trio.Event = field(default_factory=trio.Event)
    closed: trio.Event = field(default_factory=trio.Event)
    machine: Machine | None = None
    error: MachineError | None = None
    opening: trio.CancelScope = field(default_factory=trio.CancelScope)

    def let_go(self) -> None:
        """Close the machine; where it is still being opened, stop that."""
        self.done.set()
        if not self.ready.is_set():
            self.opening.cancel()


class Ahead:
    """Holds at most `most` machines that no job has taken yet.

    A container takes longer to start than most steps take to run, so what will be needed is
    started while other jobs still work.
    """

    def __init__(self, nursery: trio.Nursery, most: int) -> None:
        self._nursery = nursery
        self._places = trio.CapacityLimiter(most)
        self._kept: dict[str, _Kept] = {}
        self._late: set[str] = set()  # jobs that have begun or ended: too late for them

    async def start(self, key: str, open_machine: OpenMachine) -> None:
        """Open a machine for the job with this key, when there is a place for one more."""
        kept = _Kept()
        await self._places.acquire_on_behalf_of(kept)
        if key in self._late:
            self._places.release_on_behalf_of(kept)
            return
        self._kept[key] = kept
        self._nursery.start_soon(self._keep, kept, open_machine)

    async def _keep(self, kept: _Kept, open_machine: OpenMachine) -> None:
        try:
            with kept.opening:
                async with open_machine() as kept.machine:
                    kept.ready.set()
                    await kept.done.wait()
        except MachineError as error:
            kept.error = error
        finally:
            kept.ready.set()
            kept.closed.set()

    def drop(self, key: str) -> None:
        """Let a machine go that its job does not want."""
        self._late.add(key)
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._places.release_on_behalf_of(kept)
            kept.let_go()

    @asynccontextmanager
    async def taken(self, key: str, open_machine: OpenMachine) -> AsyncIterator[Machine]:
        """The machine kept for this key, or a new one. Raises MachineError."""
        self._late.add(key)
        kept = self._kept.pop(key, None)
        if kept is None:
            async with open_machine() as machine:
                yield machine
            return
        self._places.release_on_behalf_of(kept)
        try:
            await kept.ready.wait()
            if kept.machine is None:
                raise kept.error or MachineError("The machine ended before its job began.")
            yield kept.machine
        finally:
            kept.let_go()
            with trio.CancelScope(shield=True):
                await kept.closed.wait()
