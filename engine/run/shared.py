"""What the jobs of one run share."""

from __future__ import annotations

import time
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import Any

import trio

from engine import contexts
from engine.ahead import Ahead
from engine.contexts import RunFacts
from engine.events import Emit, Event, JobFinished, Log, Outcome
from engine.job import Cancellation
from engine.machine import Machine
from engine.masks import Masks
from engine.plan import Leg, Plan
from engine.run.berth import Berth, Choose, EnterGroup, Group, Settings, machine_spec
from engine.run.hiding import masked


@dataclass(slots=True)
class Finished:
    """A job with all its legs, as the jobs that need it see it."""

    outcome: Outcome
    outputs: dict[str, str] = field(default_factory=dict)
    passes: bool = True  # whether the run may still succeed


@dataclass(slots=True)
class Tally:
    """What the exit code will depend on beside the outcome."""

    broke: bool = False
    timed_out: bool = False
    ran: int = 0


@dataclass(slots=True)
class Shared:
    """One run: what it was given, and what its jobs tell each other."""

    plan: Plan
    facts: RunFacts
    settings: Settings
    choose: Choose
    cancellation: Cancellation
    slots: trio.CapacityLimiter
    ahead: Ahead
    sink: Emit
    enter_group: EnterGroup | None = None
    group: Group | None = None  # the run's own
    finished: dict[str, Finished] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    started: trio.Event = field(default_factory=trio.Event)  # the first machine is there
    secrets: dict[str, str] = field(init=False, repr=False)
    masks: Masks = field(init=False)
    base: dict[str, Any] = field(init=False, repr=False)
    _over: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        token = {"GITHUB_TOKEN": self.facts.token} if self.facts.token else {}
        self.secrets = {**token, **self.settings.secrets}
        self.masks = Masks(self.secrets.values())
        self.base = {
            "github": contexts.github(self.facts),
            "vars": dict(self.settings.variables),
            "inputs": dict(self.settings.inputs),
            "secrets": self.secrets,
        }

    def emit(self, event: Event) -> None:
        """Pass an event on, masked, and stamped with the run and the time."""
        if isinstance(event, JobFinished):
            self._over.add(event.job)
        elif isinstance(event, Log) and event.job in self._over:
            return  # of a machine that was opened for nothing
        event = masked(event, self.masks.hide)
        self.sink(replace(event, run=self.facts.run_id, time=time.time()))

    def open(self, leg: Leg, berth: Berth) -> AbstractAsyncContextManager[Machine]:
        """A new machine for a leg."""

        def log(message: str) -> None:
            self.emit(Log(job=leg.key, message=message))

        return berth.runner.open(machine_spec(leg, berth, self.settings, self.facts), log)
