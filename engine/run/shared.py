"""What all jobs of a run share, whichever workflow they are written in."""

from __future__ import annotations

import time
from functools import cached_property
from typing import Any

import trio
from msgspec import Struct, field
from msgspec.structs import replace

from engine import contexts
from engine.ahead import Ahead
from engine.contexts import RunFacts
from engine.events import Emit, Event, JobFinished, Log
from engine.job import Cancellation
from engine.masks import Masks
from engine.run.berth import Choose, EnterGroup, Settings
from engine.run.hiding import masked
from engine.secretive import Secretive


class Tally(Struct):
    """What the exit code will depend on beside the outcome."""

    broke: bool = False
    timed_out: bool = False
    ran: int = 0


class Shared(Secretive, Struct, dict=True):
    """One run: what it was given, and what all its jobs use."""

    facts: RunFacts
    settings: Settings
    choose: Choose
    cancellation: Cancellation
    slots: trio.CapacityLimiter
    ahead: Ahead
    sink: Emit
    enter_group: EnterGroup | None = None
    tally: Tally = field(default_factory=Tally)
    started: trio.Event = field(default_factory=trio.Event)  # the first machine is there
    masks: Masks = field(default_factory=Masks)
    _over: set[str] = field(default_factory=set)

    @cached_property
    def github(self) -> dict[str, Any]:
        """The context of that name, but for what each job adds."""
        return contexts.github(self.facts)

    def emit(self, event: Event) -> None:
        """Pass an event on, masked, and stamped with the run and the time."""
        if isinstance(event, JobFinished):
            self._over.add(event.job)
        elif isinstance(event, Log) and event.job in self._over:
            return  # of a machine that was opened for nothing
        event = masked(event, self.masks.hide)
        self.sink(replace(event, run=self.facts.run_id, time=time.time()))
