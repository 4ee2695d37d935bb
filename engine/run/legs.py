"""The legs of one job, side by side as far as the strategy allows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import trio

from engine.events import JobFinished, JobStarted, Outcome
from engine.job import Cancellation, JobOrder, JobResult, run_job
from engine.machine import Machine
from engine.model import Job
from engine.plan import Leg, strategy_context
from engine.run.berth import Berth, NoPlace
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
        shared, stop, slot = self.shared, self.stops[leg.key], object()
        started = trio.current_time()
        result: JobResult | None = None
        with trio.CancelScope() as waiting, stop.heard_by(waiting.cancel):
            await shared.slots.acquire_on_behalf_of(slot)
        if not waiting.cancelled_caught:
            started = trio.current_time()
            try:
                result = await self._run_leg(leg, stop)
            finally:
                shared.slots.release_on_behalf_of(slot)
        result = result or JobResult(Outcome.CANCELLED, reason=stop.reason)
        shared.emit(
            JobFinished(
                job=leg.key,
                name=leg.name,
                outcome=result.outcome,
                seconds=trio.current_time() - started,
                reason=result.reason,
                allowed_to_fail=leg.continue_on_error and result.outcome is Outcome.FAILURE,
                outputs=result.outputs,
            )
        )
        return result

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
            shared.started.set()
            yield machine

    def _order(self, leg: Leg) -> JobOrder:
        shared = self.shared
        strategy = strategy_context(leg.fail_fast, leg.index, leg.total, leg.max_parallel)
        return JobOrder(
            leg=leg,
            workflow=shared.plan.workflow,
            contexts={
                **self.scope.contexts,
                "matrix": dict(leg.matrix) or None,
                "strategy": strategy,
            },
            secrets=shared.secrets,
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
