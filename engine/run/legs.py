"""The legs of one job, side by side as far as the strategy allows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import trio

from engine import contexts, permissions
from engine.events import JobFinished, JobStarted, Log, Outcome
from engine.job import Cancellation, JobOrder, JobResult, run_job
from engine.machine import Machine
from engine.model import Job
from engine.plan import Leg, strategy_context
from engine.run.berth import Berth, Environment, NoPlace
from engine.run.groups import deadlock, group_of, turn_in
from engine.run.shared import Finished, Shared
from engine.tree import Scope, Unresolved, holds


class Legs:
    """The legs of one job, side by side as far as the strategy allows."""

    def __init__(self, shared: Shared, job: Job, legs: tuple[Leg, ...], scope: Scope) -> None:
        self.shared = shared
        self.job = job
        self.legs = legs
        self.scope = scope
        self.places = trio.CapacityLimiter(min(legs[0].max_parallel, len(legs)))
        self.stops = {leg.key: Cancellation() for leg in legs}
        self.results: dict[str, JobResult] = {}
        self.outputs: dict[str, str] = {}

    async def run(self) -> Finished:
        with self.shared.cancellation.heard_by(self._cancel_all):
            async with trio.open_nursery() as nursery:
                for leg in self.legs:
                    # taken here, in order: a nursery starts its tasks in any order
                    place = object()
                    await self.places.acquire_on_behalf_of(place)
                    nursery.start_soon(self._leg, leg, place)
        return self._finished()

    def _cancel_all(self) -> None:
        if self._still_wanted():
            return
        for stop in self.stops.values():
            stop.request(self.shared.cancellation.reason)

    def _still_wanted(self) -> bool:
        """A cancelled run goes on with jobs whose condition still holds, as GitHub's does."""
        try:
            return self.job.condition is not None and holds(self.job.condition, self.scope)
        except Unresolved:
            return False

    async def _leg(self, leg: Leg, place: object) -> None:
        try:
            result = await self._result(leg)
        finally:
            self.places.release_on_behalf_of(place)
        self.results[leg.key] = result
        self.outputs.update(result.outputs)
        self.shared.tally.broke |= result.broke
        self.shared.tally.timed_out |= result.timed_out
        if result.outcome is Outcome.FAILURE and leg.fail_fast and not leg.continue_on_error:
            for other in self.legs:
                if other.key not in self.results:
                    self.stops[other.key].request(f'"{leg.name}" failed and fail-fast is on')

    async def _result(self, leg: Leg) -> JobResult:
        shared, stop = self.shared, self.stops[leg.key]
        clock = _Clock()
        try:
            result = await self._in_turn(leg, stop, clock)
        except Unresolved as error:
            result = JobResult(Outcome.FAILURE, reason=str(error.problem))
        shared.emit(
            JobFinished(
                job=leg.key,
                name=leg.name,
                outcome=result.outcome,
                seconds=clock.seconds,
                reason=result.reason,
                allowed_to_fail=leg.continue_on_error and result.outcome is Outcome.FAILURE,
                outputs=result.outputs,
            )
        )
        return result

    async def _in_turn(self, leg: Leg, stop: Cancellation, clock: _Clock) -> JobResult:
        """Run a leg when its concurrency group lets it and a slot is free."""
        group = group_of(self.job.concurrency, self._scope_of(leg))
        if reason := deadlock(self.shared, group, self.job.id):
            stop.request(reason)
        slot = object()
        async with turn_in(self.shared, group, leg.key, stop):
            with trio.CancelScope() as waiting, stop.heard_by(waiting.cancel):
                await self.shared.slots.acquire_on_behalf_of(slot)
            if waiting.cancelled_caught:
                return JobResult(Outcome.CANCELLED, reason=stop.reason)
            clock.start()
            try:
                return await self._run_leg(leg, stop)
            finally:
                self.shared.slots.release_on_behalf_of(slot)

    async def _run_leg(self, leg: Leg, stop: Cancellation) -> JobResult:
        shared = self.shared
        try:
            berth = shared.choose(leg)
        except NoPlace as error:
            return JobResult(Outcome.SKIPPED, reason=str(error), broke=True)
        shared.tally.ran += 1
        machine = partial(self._open, leg, berth)
        return await run_job(self._order(leg), machine, stop, shared.emit)

    @asynccontextmanager
    async def _open(self, leg: Leg, berth: Berth) -> AsyncIterator[Machine]:
        shared = self.shared
        async with shared.ahead.taken(leg.key, partial(shared.open, leg, berth)) as machine:
            shared.emit(
                JobStarted(
                    job=leg.key,
                    name=leg.name,
                    runs_on=leg.runs_on,
                    isolation=machine.facts.isolation,
                    image=machine.facts.image,
                    matrix=dict(leg.matrix),
                )
            )
            self._note(leg)
            shared.started.set()
            yield machine

    def _note(self, leg: Leg) -> None:
        """What GitHub says of a job before its steps, and what it would do after them."""
        granted = permissions.granted(self.shared.plan.workflow.permissions, leg.job.permissions)
        if granted is not None:
            message = f"GITHUB_TOKEN permissions: {permissions.shown(granted)}"
            self.shared.emit(Log(job=leg.key, message=message))
        if leg.job.snapshot is not None:
            message = (
                f"{leg.job.snapshot.node.place}: `snapshot` makes an image of GitHub's own "
                "machines; a local run leaves it out"
            )
            self.shared.emit(Log(job=leg.key, level="warning", message=message))

    def _scope_of(self, leg: Leg) -> Scope:
        """What the expressions of one leg see before it runs."""
        strategy = strategy_context(leg.fail_fast, leg.index, leg.total, leg.max_parallel)
        own = {"matrix": dict(leg.matrix) or None, "strategy": strategy}
        return Scope({**self.scope.contexts, **own}, self.scope.functions)

    def _order(self, leg: Leg) -> JobOrder:
        shared = self.shared
        environment = shared.settings.environments.get(leg.environment.lower(), Environment())
        secrets = {**shared.secrets, **environment.secrets}
        variables = {**shared.settings.variables, **environment.variables}
        of_leg = {"secrets": secrets, "vars": variables, "job": contexts.job(shared.facts, leg.key)}
        return JobOrder(
            leg=leg,
            workflow=shared.plan.workflow,
            contexts={**self._scope_of(leg).contexts, **of_leg},
            secrets=secrets,
            env=shared.settings.env,
            debug=shared.settings.debug,
        )

    def _finished(self) -> Finished:
        outcomes = [
            Outcome.SUCCESS
            if leg.continue_on_error and self.results[leg.key].outcome is Outcome.FAILURE
            else self.results[leg.key].outcome
            for leg in self.legs
        ]
        for worst in (Outcome.FAILURE, Outcome.CANCELLED, Outcome.SKIPPED):
            if worst in outcomes:
                return Finished(worst, self.outputs, passes=False)
        return Finished(Outcome.SUCCESS, self.outputs)


class _Clock:
    """Trio's time since the start; 0 seconds for what never started."""

    def __init__(self) -> None:
        self._since: float | None = None

    def start(self) -> None:
        self._since = trio.current_time()

    @property
    def seconds(self) -> float:
        return 0.0 if self._since is None else trio.current_time() - self._since
