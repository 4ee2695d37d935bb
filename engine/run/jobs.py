"""The jobs of a part, each as soon as those it needs have ended."""

from __future__ import annotations

from functools import partial
from typing import TypeAlias

import trio

from engine import handover
from engine.ahead import OpenMachine
from engine.events import JobExpanded, JobFinished, Outcome
from engine.expr import to_string
from engine.model import Job
from engine.plan import Leg, is_static
from engine.run.berth import NoPlace
from engine.run.call import call, part_of
from engine.run.conditions import scope_of, why_skipped
from engine.run.legs import Legs, Turn
from engine.run.part import Finished, Part
from engine.run.work import work
from engine.tree import Scope, Unresolved, holds


async def run_part(part: Part) -> None:
    """Run all jobs of a part; how they ended is in `part.finished`."""
    jobs = _Jobs(part)
    async with trio.open_nursery() as beside:
        beside.start_soon(jobs.open_ahead)
        async with trio.open_nursery() as nursery:
            for job in part.plan.jobs:
                nursery.start_soon(jobs.run, job)
        # the places may be taken by machines of jobs that wait for this part to end
        beside.cancel_scope.cancel()


class _Jobs:
    """The jobs of a part, each waiting for those it needs."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.shared = part.shared
        self.done = {job.id: trio.Event() for job in part.plan.jobs}
        self.expected: dict[str, tuple[Leg, ...]] = {}

    async def run(self, job: Job) -> None:
        """Wait for the needs of a job, run it, and tell those that wait for it."""
        try:
            for need in self.part.plan.needs[job.id]:
                await self.done[need].wait()
            self.part.finished[job.id] = await self._legs(job)
        finally:
            self.done[job.id].set()
            self.shared.started.set()  # also where it had no machine: nobody waits for ever
            for leg in self.expected.pop(job.id, ()):
                self.shared.ahead.drop(leg.key)

    async def _legs(self, job: Job) -> Finished:
        scope = scope_of(self.part, job)
        try:
            reason = why_skipped(self.part, job, scope)
            if reason is not None:
                return self._skip(job, reason)
            legs = self._selected(self.part.legs(job, scope))
        except Unresolved as error:
            return self._fail(job, str(error.problem))
        if not legs:
            return self._skip(job, "no leg of its matrix was selected by --matrix")
        if len(legs) > 1 or legs[0].matrix:
            self.shared.emit(JobExpanded(job=self._key(job), legs=tuple(leg.key for leg in legs)))
        run_leg = work if job.uses is None else partial(call, run_part)
        return await Legs(self.part, job, legs, scope, run_leg).run()

    def _selected(self, legs: tuple[Leg, ...]) -> tuple[Leg, ...]:
        wanted: dict[str, set[str]] = {}
        for name, value in self.shared.settings.matrix:
            wanted.setdefault(name, set()).add(value)
        return tuple(
            leg
            for leg in legs
            if all(
                to_string(leg.matrix[name]) in values
                for name, values in wanted.items()
                if name in leg.matrix
            )
        )

    def _key(self, job: Job) -> str:
        return f"{self.part.key}{job.id}"

    def _skip(self, job: Job, reason: str) -> Finished:
        return self._never_ran(job, Outcome.SKIPPED, reason)

    def _fail(self, job: Job, reason: str) -> Finished:
        self.shared.tally.ran += 1
        return self._never_ran(job, Outcome.FAILURE, reason)

    def _never_ran(self, job: Job, outcome: Outcome, reason: str) -> Finished:
        written = job.name.node.text if job.name and job.name.template is None else job.id
        name = f"{self.part.name}{written}"
        finished = JobFinished(job=self._key(job), name=name, outcome=outcome, reason=reason)
        self.shared.emit(finished)
        return Finished(outcome, passes=outcome is Outcome.SKIPPED)

    # --- ahead of time ----------------------------------------------------------------------------

    async def open_ahead(self) -> None:
        """Open machines for jobs that still wait, in the order they will be needed."""
        await self.shared.started.wait()
        for job in self.part.plan.jobs:
            for leg, open_machine in self._foreseen(job):
                await self.shared.ahead.start(leg.key, open_machine)

    def _foreseen(self, job: Job) -> list[_Ahead]:
        """The legs of a waiting job that are sure enough to open machines for."""
        if not self.part.plan.needs[job.id] or self.done[job.id].is_set():
            return []
        try:
            found = self._likely(job)
        except (Unresolved, NoPlace):
            return []
        self.expected[job.id] = tuple(leg for leg, _ in found)
        return found

    def _likely(self, job: Job) -> list[_Ahead]:
        """The legs with which a job will begin if all goes well. Raises Unresolved, NoPlace."""
        scope = Scope({**self.part.base, "needs": {}}, _LIKELY)
        is_known = is_static(job) and handover.is_static(job)
        if not is_known or (job.condition is not None and not holds(job.condition, scope)):
            return []
        legs = self._selected(self.part.legs(job, scope))
        if job.uses is not None:
            return [each for leg in legs for each in self._first_of(leg, scope)]
        return [(leg, partial(self.part.open, leg, self.shared.choose(leg))) for leg in legs]

    def _first_of(self, caller: Leg, scope: Scope) -> list[_Ahead]:
        """Of a called workflow, the jobs that wait for no other."""
        called = _Jobs(part_of(self.part, Turn(caller, caller.scope(scope))))
        first = (job for job in called.part.plan.jobs if not called.part.plan.needs[job.id])
        return [each for job in first for each in called._likely(job)]


_Ahead: TypeAlias = tuple[Leg, OpenMachine]


def _yes(*_: object) -> bool:
    return True


def _no(*_: object) -> bool:
    return False


_LIKELY = {"always": _yes, "cancelled": _no, "success": _yes, "failure": _no}
