"""The legs of one job, side by side as far as the strategy allows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio
from msgspec import Struct, field

from engine.events import JobFinished, Outcome
from engine.job import Cancellation, JobResult
from engine.model import Job
from engine.plan import Leg
from engine.run.berth import Group
from engine.run.groups import deadlock, group_of, turn_in
from engine.run.part import Finished, Part
from engine.tree import Scope, Unresolved, holds


class Turn(Struct):
    """One leg on its way; `scope` is what its expressions see before it runs, `since` when it
    began (trio's time), `attempts` how often."""

    leg: Leg
    scope: Scope
    stop: Cancellation = field(default_factory=Cancellation)
    group: Group | None = None
    since: float | None = None
    attempts: int = 1

    def begin(self) -> None:
        self.since = trio.current_time()

    @property
    def seconds(self) -> float:
        """0 for what never began."""
        return 0.0 if self.since is None else trio.current_time() - self.since


RunLeg = Callable[[Part, Turn], Awaitable[JobResult]]
"""What a leg does when its turn has come: its steps, or a call. May raise Unresolved."""


class Legs:
    """The legs of one job, side by side as far as the strategy allows."""

    def __init__(
        self, part: Part, job: Job, legs: tuple[Leg, ...], scope: Scope, run_leg: RunLeg
    ) -> None:
        self.part = part
        self.job = job
        self.scope = scope
        self.run_leg = run_leg
        self.turns = [Turn(leg, leg.scope(scope)) for leg in legs]
        self.places = trio.CapacityLimiter(min(legs[0].max_parallel, len(legs)))
        self.results: dict[str, JobResult] = {}
        self.outputs: dict[str, str] = {}

    async def run(self) -> Finished:
        with self.part.cancellation.heard_by(self._cancel_all):
            async with trio.open_nursery() as nursery:
                for turn in self.turns:
                    # taken here, in order: a nursery starts its tasks in any order
                    place = object()
                    await self.places.acquire_on_behalf_of(place)
                    nursery.start_soon(self._leg, turn, place)
        return self._finished()

    def _cancel_all(self) -> None:
        if self._still_wanted():
            return
        for turn in self.turns:
            turn.stop.request(self.part.cancellation.reason)

    def _still_wanted(self) -> bool:
        """A cancelled run goes on with jobs whose condition still holds, as GitHub's does."""
        try:
            return self.job.condition is not None and holds(self.job.condition, self.scope)
        except Unresolved:
            return False

    async def _leg(self, turn: Turn, place: object) -> None:
        try:
            result = await self._result(turn)
        finally:
            self.places.release_on_behalf_of(place)
        leg, tally = turn.leg, self.part.shared.tally
        self.results[leg.key] = result
        self.outputs.update(result.outputs)
        tally.broke |= result.broke
        tally.timed_out |= result.timed_out
        if result.outcome is Outcome.FAILURE and leg.fail_fast and not leg.continue_on_error:
            for other in self.turns:
                if other.leg.key not in self.results:
                    other.stop.request(f'"{leg.name}" failed and fail-fast is on')

    async def _result(self, turn: Turn) -> JobResult:
        leg = turn.leg
        try:
            result = await self._in_turn(turn)
        except Unresolved as error:
            result = JobResult(Outcome.FAILURE, reason=str(error.problem))
        self.part.shared.emit(
            JobFinished(
                job=leg.key,
                name=leg.name,
                outcome=result.outcome,
                seconds=turn.seconds,
                attempts=turn.attempts,
                reason=result.reason,
                allowed_to_fail=leg.continue_on_error and result.outcome is Outcome.FAILURE,
                outputs=result.outputs,
            )
        )
        return result

    async def _in_turn(self, turn: Turn) -> JobResult:
        """Run a leg when its concurrency group lets it."""
        turn.group = group_of(self.job.concurrency, turn.scope)
        if reason := deadlock(self.part.held, turn.group, self.job.id):
            return JobResult(Outcome.CANCELLED, reason=reason)
        async with turn_in(self.part.shared, turn.group, turn.leg.key, turn.stop):
            return await self.run_leg(self.part, turn)

    def _finished(self) -> Finished:
        results = self.results
        outcomes = [
            Outcome.SUCCESS
            if turn.leg.continue_on_error and results[turn.leg.key].outcome is Outcome.FAILURE
            else results[turn.leg.key].outcome
            for turn in self.turns
        ]
        # a leg that has no machine makes the job skipped; a call whose jobs were is none of it
        skipped = () if self.job.uses and Outcome.SUCCESS in outcomes else (Outcome.SKIPPED,)
        for worst in (Outcome.FAILURE, Outcome.CANCELLED, *skipped):
            if worst in outcomes:
                return Finished(worst, self.outputs, passes=False)
        return Finished(Outcome.SUCCESS, self.outputs)
