"""The steps of one job: before, in order, those in the background, and after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from itertools import count

import trio

from engine import actions
from engine.events import Log, Outcome
from engine.expr import to_string
from engine.job.background import Background
from engine.job.frame import Frame, Use
from engine.job.order import Bench, JobResult
from engine.job.result import ended
from engine.job.retried import Try
from engine.job.step import LiveStep
from engine.job.take import finish, pass_over, take
from engine.machine import MachineError
from engine.model import Step
from engine.tree import Unresolved, strings


class Steps:
    """The steps of one job, in order."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.leg = bench.order.leg
        self.state = bench.state
        self.frame = Frame(origin=actions.home(bench.order.workflow))
        self.uses = tuple(self._uses(self.leg.job.steps, count(1)))

    def _uses(self, steps: Iterable[Step], numbers: Iterator[int]) -> Iterator[Use]:
        """Each step with its number in the file, those of a parallel group included."""
        for step in steps:
            use = Use(step, next(numbers), self.frame, self.frame.action_name(step))
            if step.uses is not None:
                from engine.job.found import foreseen  # here and below: few jobs use actions

                use.found = foreseen(self.bench, use)
            use.inner = tuple(self._uses(step.children, numbers))
            yield use

    async def run(self, scope: trio.CancelScope) -> JobResult:
        """All steps, then the outputs. The scope ends what is left after a cancel's grace."""
        reason = self._environment()
        if reason:
            return JobResult(Outcome.FAILURE, reason=reason)
        lost: MachineError | None = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._limit)
            with self.bench.cancellation.heard_by(partial(self._start_grace, scope)):
                try:
                    await self._phases(Background(self.bench, nursery, self._prepare))
                except MachineError as error:  # kept out of the nursery, which would group it
                    lost = error
            nursery.cancel_scope.cancel()
        if lost is not None:
            raise lost
        return await self._result()

    async def _phases(self, background: Background) -> None:
        self.background = background
        if any(use.found for use in _all(self.uses)):
            from engine.job.before import before

            await before(self.bench, self.uses, self._prepare)
        for use in self.uses:
            if use.step.background:
                await background.start(use)
            else:
                await take(self.bench, use, "main", self._prepare)
        if background.any_left:
            await take(self.bench, self._final_wait(), "main", self._prepare)
        while self.bench.posts:
            await take(self.bench, self.bench.posts.pop(), "post", self._prepare)

    async def _prepare(self, live: LiveStep) -> Try:
        if live.step.kind == "uses":
            from engine.job import uses

            return await uses.prepare(live, self._prepare)
        live.announce()
        return partial(self.background.control, live.step, live.use.inner)

    def _final_wait(self) -> Use:
        """GitHub's own last step where background steps are left (BackgroundStepCoordinator)."""
        step = Step(kind="wait-all", place=self.leg.job.place)
        last = max((use.index for use in _all(self.uses)), default=0)
        return Use(step, last + 1, self.frame, "__wait_all")

    async def _limit(self) -> None:
        await trio.sleep(self.leg.timeout)
        minutes = to_string(self.leg.timeout / 60)
        self.bench.cancellation.request(
            f"The job has exceeded its time limit of {minutes} minutes.", timed_out=True
        )

    def _start_grace(self, scope: trio.CancelScope) -> None:
        self.state.status = Outcome.CANCELLED
        scope.deadline = trio.current_time() + self.leg.cancel_timeout

    def _environment(self) -> str:
        """Evaluate `env` of the workflow and the job; the reason where that fails."""
        try:
            for tree in (self.bench.order.workflow.env, self.leg.job.env):
                self.state.env.update(strings(tree, self.state.scope(self.frame)))
        except Unresolved as error:
            return str(error.problem)
        return ""

    async def _result(self) -> JobResult:
        status, cancellation = self.state.status, self.bench.cancellation
        self.state.hashes.clear()
        try:
            outputs = await self.bench.answer(
                lambda: strings(self.leg.job.outputs, self.state.scope(self.frame))
            )
        except Unresolved as error:
            return JobResult(Outcome.FAILURE, reason=str(error.problem))
        reason = cancellation.reason if status is Outcome.CANCELLED else ""
        return JobResult(status, self._safe(outputs), reason, timed_out=cancellation.timed_out)

    def _safe(self, outputs: Mapping[str, str]) -> dict[str, str]:
        """Outputs that are not empty and hold no secret (actions/runner, JobExtension)."""
        safe: dict[str, str] = {}
        for name, value in outputs.items():
            if self.bench.masks.found_in(value):
                message = f"Skip output '{name}' since it may contain secret."
                self.bench.emit(Log(job=self.leg.key, level="warning", message=message))
            elif value:
                safe[name] = value
        return safe

    def abandon(self, outcome: Outcome, reason: str, others: str) -> None:
        """The job can't go on: what runs ends with `outcome`, the others never run."""
        for live in reversed(list(self.bench.running)):
            finish(live, ended(outcome, reason))
        for use in _all(self.uses):
            if use not in self.bench.begun:
                pass_over(self.bench, use, ended(Outcome.SKIPPED, others))


def _all(some: Iterable[Use]) -> Iterator[Use]:
    """The uses of the workflow's own steps, those of parallel groups included."""
    for use in some:
        yield use
        if use.step.kind == "parallel":
            yield from _all(use.inner)
