"""The jobs of one workflow in a run: of the one that started it, or of one that a job calls."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from functools import cached_property
from typing import Any

from msgspec import Struct, field

from engine.events import Log, Outcome
from engine.job import Cancellation
from engine.machine import Machine
from engine.model import Job
from engine.permissions import Permissions
from engine.plan import Leg, Plan, expand
from engine.run.berth import Berth, Group, machine_spec
from engine.run.shared import Shared
from engine.secretive import Secretive
from engine.tree import Scope


class Finished(Struct):
    """A job with all its legs, as the jobs that need it see it."""

    outcome: Outcome
    outputs: dict[str, str] = field(default_factory=dict)
    passes: bool = True  # whether the run may still succeed


class Part(Secretive, Struct, dict=True):
    """One workflow's jobs, and what they tell each other.

    `key` and `name` stand before those of its jobs; `held` are the concurrency groups that wait
    for its end; `granted` is what its jobs may do where the workflow does not say it (None: nobody
    said it).
    """

    shared: Shared
    plan: Plan
    cancellation: Cancellation
    inputs: Mapping[str, Any]
    secrets: Mapping[str, str]
    key: str = ""
    name: str = ""
    granted: Permissions | None = None
    held: tuple[Group, ...] = ()
    finished: dict[str, Finished] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for secret in self.secrets.values():
            self.shared.masks.add(secret)

    @cached_property
    def base(self) -> dict[str, Any]:
        """The contexts that all its jobs have."""
        return {
            "github": self.shared.github,
            "vars": dict(self.shared.settings.variables),
            "inputs": dict(self.inputs),
            "secrets": self.secrets,
        }

    def legs(self, job: Job, scope: Scope) -> tuple[Leg, ...]:
        """A job's legs, with keys and names as they are in the run. Raises Unresolved."""
        return expand(job, scope, self.key, self.name, self.plan.workflow.env)

    def open(
        self, leg: Leg, berth: Berth, attempt: int = 1
    ) -> AbstractAsyncContextManager[Machine]:
        """A new machine for an attempt at a leg."""

        def log(message: str) -> None:
            self.shared.emit(Log(job=leg.key, message=message))

        settings, facts = self.shared.settings, self.shared.facts
        for name, service in leg.services.items():
            if not service.image:
                log(f"The service '{name}' has no image, so it is not started.")
        spec = machine_spec(leg, self.plan.workflow, berth, settings, facts, attempt)
        return berth.runner.open(spec, log)

    def permissions(self, job: Job) -> Permissions | None:
        """What a job's token may do; None where no workflow says it."""
        wanted = job.permissions or self.plan.workflow.permissions
        if wanted is None or self.granted is None:
            return wanted or self.granted
        return wanted.within(self.granted)

    def outcome(self) -> Outcome:
        """How the jobs ended together, the worst first; only skipped ones are skipped."""
        finished = self.finished.values()
        results = [found.outcome for found in finished if not found.passes]
        for worst in (Outcome.FAILURE, Outcome.CANCELLED):
            if worst in results:
                return worst
        outcomes = {found.outcome for found in finished}
        return Outcome.SKIPPED if outcomes == {Outcome.SKIPPED} else Outcome.SUCCESS


def entry(shared: Shared, plan: Plan) -> Part:
    """The jobs of the workflow that started the run."""
    token = {"GITHUB_TOKEN": shared.facts.token} if shared.facts.token else {}
    return Part(
        shared=shared,
        plan=plan,
        cancellation=shared.cancellation,
        inputs=shared.settings.inputs,
        secrets={**token, **shared.settings.secrets},
    )
