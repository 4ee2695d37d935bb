"""Steps that run beside the others, and the steps that wait for them or end them."""

from __future__ import annotations

from collections.abc import Iterable

import trio
from msgspec import Struct, field

from engine.events import Outcome
from engine.job.frame import Use
from engine.job.order import Bench
from engine.job.result import CANCELED, StepResult, ended
from engine.job.step import Prepare
from engine.job.take import pass_over, perform, settle
from engine.machine import MachineError
from engine.model import Step

MOST = 10  # that run at once; others wait for their turn (actions/runner)


class _Task(Struct, eq=False):
    """A background step on its way."""

    use: Use
    result: StepResult = field(default_factory=lambda: ended(Outcome.CANCELLED, CANCELED))
    lost: MachineError | None = None
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    began: trio.Event = field(default_factory=trio.Event)
    done: trio.Event = field(default_factory=trio.Event)


class Background:
    """The background steps of one job that nobody has waited for yet.

    What such a step leaves is seen only by the steps after the one that waits for it.
    """

    def __init__(self, bench: Bench, nursery: trio.Nursery, prepare: Prepare) -> None:
        self.bench = bench
        self.nursery = nursery
        self.prepare = prepare
        self.places = trio.CapacityLimiter(MOST)
        self.tasks: list[_Task] = []

    @property
    def any_left(self) -> bool:
        return bool(self.tasks)

    async def start(self, use: Use) -> None:
        """Start a step: it has begun, or waits for its turn, before the job goes on."""
        task = _Task(use)
        self.tasks.append(task)
        has_turn = self.places.available_tokens > 0
        self.nursery.start_soon(self._run, task)
        if has_turn:
            await task.began.wait()

    async def _run(self, task: _Task) -> None:
        try:
            async with self.places:
                with task.scope:
                    task.result = await perform(
                        self.bench, task.use, "main", self.prepare, task.began.set
                    )
            if task.use not in self.bench.begun:  # cancelled while it waited for its turn
                pass_over(self.bench, task.use, task.result)
        except MachineError as error:  # kept out of the nursery, which would group it
            task.lost = error
        finally:
            task.began.set()
            task.done.set()

    async def control(self, step: Step, children: Iterable[Use]) -> StepResult:
        """Do what a `wait`, `wait-all`, `cancel` or `parallel` step says."""
        match step.kind:
            case "parallel":
                uses = list(children)
                for use in uses:
                    await self.start(use)
                return await self._collect([task for task in self.tasks if task.use in uses])
            case "cancel":
                tasks = self._named(step.targets)
                for task in tasks:
                    task.scope.cancel()
                return await self._collect(tasks)
            case "wait":
                return await self._collect(self._named(step.targets))
        return await self._collect(self.tasks)

    def _named(self, ids: tuple[str, ...]) -> list[_Task]:
        wanted = {id_.lower() for id_ in ids}
        return [task for task in self.tasks if task.use.step.id.lower() in wanted]

    async def _collect(self, tasks: list[_Task]) -> StepResult:
        """Wait for some; a failure of one is a failure of the step that waits."""
        chosen = list(tasks)
        for task in chosen:
            await task.done.wait()
        for task in chosen:
            self.tasks.remove(task)
            if task.lost:
                raise task.lost
            settle(self.bench, task.use, "main", task.result)
        failed = [task for task in chosen if task.result.conclusion is Outcome.FAILURE]
        if not failed:
            return ended(Outcome.SUCCESS)
        names = ", ".join(f'"{task.use.step.id or task.use.action}"' for task in failed)
        return ended(Outcome.FAILURE, f"Background step {names} failed: {failed[0].result.reason}")
