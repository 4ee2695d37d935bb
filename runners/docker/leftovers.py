"""What a job makes on the daemon, known before it is made, and removed behind its back."""

from __future__ import annotations

import secrets
from functools import cached_property

import trio
from msgspec import Struct, field

from engine.machine import MachineError, MachineSpec
from runners.docker import owner
from runners.docker.api import Api
from runners.docker.reaper import Reaper

REMOVAL = 30.0  # seconds that the removal of one job's things may take


class Leftovers:
    """Removes in the background, so that a job's place is free at once.

    Things are paths of the API, such as "/containers/NAME". What is not removed when the run ends
    is left to a process beside it.
    """

    def __init__(self, api: Api) -> None:
        self._api = api
        self._removals: set[trio.Event] = set()
        self._reaper: Reaper | None = None

    def expect(self, *things: str) -> None:
        """These will be made."""
        socket = self._api.address.socket
        if socket and self._reaper is None:
            self._reaper = Reaper(socket)
        if self._reaper is not None:
            self._reaper.expect(things)

    def remove(self, *things: str) -> None:
        """These are not wanted any more."""
        gone = trio.Event()
        self._removals.add(gone)
        trio.lowlevel.spawn_system_task(self._remove, things, gone)

    async def settle(self) -> None:
        """Wait until everything that is not wanted any more is removed."""
        while self._removals:
            await next(iter(self._removals)).wait()

    async def _remove(self, things: tuple[str, ...], gone: trio.Event) -> None:
        try:
            lasts = self._reaper is not None and owner.is_outermost()
            with trio.move_on_after(REMOVAL, shield=not lasts):  # nobody else would do it
                await owner.remove(self._api, things)
                if self._reaper is not None:
                    self._reaper.forget(things)
        except trio.Cancelled:  # trio.run ends
            if self._reaper is not None:
                self._reaper.take(things)
            raise
        except MachineError:
            pass  # what is left is labelled, and `clean` finds it
        finally:
            self._removals.discard(gone)
            gone.set()


class Job(Struct, dict=True):
    """One job's name and labels on the daemon, and the things it has there."""

    spec: MachineSpec
    leftovers: Leftovers
    starts: trio.Event = field(default_factory=trio.Event)  # its own container is being started
    _things: list[str] = field(default_factory=list)
    _count: int = 0

    @cached_property
    def name(self) -> str:
        return f"runwright-{self.spec.run_id}-{self.spec.name}-{secrets.token_hex(3)}"

    @cached_property
    def labels(self) -> dict[str, str]:
        return owner.labels(self.spec)

    def fresh(self, kind: str = "") -> str:
        """A name that nothing else has."""
        self._count += 1
        return f"{self.name}-{kind}{self._count}"

    def expect(self, *things: str) -> None:
        """These will be made, and removed with the job."""
        self._things += things
        self.leftovers.expect(*things)

    def remove(self, *things: str) -> None:
        """Some of them are not wanted any more."""
        self._things = [thing for thing in self._things if thing not in things]
        self.leftovers.remove(*things)

    def end(self) -> None:
        """None of them is."""
        if self._things:
            self.leftovers.remove(*self._things)
