"""One job on one machine: each step's condition, time, attempts and outcome."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace
from functools import partial

import trio

from engine import actions
from engine.events import Emit, Log, Outcome, StepFinished, Summary
from engine.expr import to_string
from engine.job.cancellation import Cancellation
from engine.job.order import Bench, JobOrder, JobResult
from engine.job.result import CANCELED, StepResult, ended
from engine.job.state import JobState
from engine.job.step import LiveStep
from engine.machine import Machine, MachineError
from engine.masks import Masks
from engine.model import Step
from engine.tree import Unresolved, strings

__all__ = ["Cancellation", "JobOrder", "JobResult", "OpenMachine", "run_job"]

OpenMachine = Callable[[], AbstractAsyncContextManager[Machine]]


async def run_job(
    order: JobOrder, open_machine: OpenMachine, cancellation: Cancellation, emit: Emit
) -> JobResult:
    """Open the job's machine, run its steps on it and answer with its outputs."""
    masks = Masks(order.secrets.values())
    result = await _run(order, open_machine, cancellation, masks, emit)
    return replace(result, reason=masks.hide(result.reason))


async def _run(
    order: JobOrder,
    open_machine: OpenMachine,
    cancellation: Cancellation,
    masks: Masks,
    emit: Emit,
) -> JobResult:
    job: _Job | None = None
    try:
        # until its first step a job can simply be dropped
        with (
            trio.CancelScope() as scope,
            cancellation.heard_by(lambda: scope.cancel() if job is None else None),
        ):
            async with open_machine() as machine:
                state = JobState(order.contexts, machine.facts, masks, order.debug)
                job = _Job(Bench(order, machine, masks, state, emit), cancellation)
                return await job.run(scope)
    except MachineError as error:
        return _broken(str(error), job, cancellation)
    if job is not None:
        job.abandon(Outcome.CANCELLED, CANCELED, "the job was cancelled")
    return _cancelled(cancellation)


def _broken(reason: str, job: _Job | None, cancellation: Cancellation) -> JobResult:
    if job is not None:
        job.abandon(Outcome.FAILURE, reason, "the machine was lost")
    if cancellation.requested:
        return _cancelled(cancellation)
    return JobResult(Outcome.FAILURE, reason=reason, broke=True)


def _cancelled(cancellation: Cancellation) -> JobResult:
    reason, timed_out = cancellation.reason, cancellation.timed_out
    return JobResult(Outcome.CANCELLED, reason=reason, timed_out=timed_out)


class _Job:
    """The steps of one job, in order."""

    def __init__(self, bench: Bench, cancellation: Cancellation) -> None:
        self.bench = bench
        self.leg = bench.order.leg
        self.state = bench.state
        self.cancellation = cancellation
        self.running: LiveStep | None = None
        self.done = 0
        self.generated: dict[str, int] = {}

    async def run(self, scope: trio.CancelScope) -> JobResult:
        """All steps, then the outputs. The scope ends what is left after a cancel's grace."""
        reason = self._environment()
        if reason:
            return JobResult(Outcome.FAILURE, reason=reason)
        lost: MachineError | None = None
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._limit)
            with self.cancellation.heard_by(partial(self._start_grace, scope)):
                try:
                    await self._steps()
                except MachineError as error:  # kept out of the nursery, which would group it
                    lost = error
            nursery.cancel_scope.cancel()
        if lost is not None:
            raise lost
        return await self._result()

    async def _steps(self) -> None:
        for index, step in enumerate(self.leg.job.steps, 1):
            await self._step(index, step)

    async def _limit(self) -> None:
        await trio.sleep(self.leg.timeout)
        minutes = to_string(self.leg.timeout / 60)
        self.cancellation.request(
            f"The job has exceeded its time limit of {minutes} minutes.", timed_out=True
        )

    def _start_grace(self, scope: trio.CancelScope) -> None:
        self.state.status = Outcome.CANCELLED
        scope.deadline = trio.current_time() + self.leg.cancel_timeout

    def _environment(self) -> str:
        """Evaluate `env` of the workflow and the job; the reason where that fails."""
        try:
            for tree in (self.bench.order.workflow.env, self.leg.job.env):
                self.state.env.update(strings(tree, self.state.scope()))
        except Unresolved as error:
            return str(error.problem)
        return ""

    async def _result(self) -> JobResult:
        status = self.state.status
        self.state.hashes.clear()
        try:
            outputs = await self.bench.answer(
                lambda: strings(self.leg.job.outputs, self.state.scope())
            )
        except Unresolved as error:
            return JobResult(Outcome.FAILURE, reason=str(error.problem))
        reason = self.cancellation.reason if status is Outcome.CANCELLED else ""
        return JobResult(status, self._safe(outputs), reason, timed_out=self.cancellation.timed_out)

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

    # --- one step -------------------------------------------------------------------------------

    async def _step(self, index: int, step: Step) -> None:
        await trio.lowlevel.checkpoint_if_cancelled()  # the grace may be over
        live = self.running = self._live(index, step)
        # a step that starts after the cancel is only asked for its condition
        asked = self.cancellation.requested
        with (
            trio.CancelScope() as scope,
            nullcontext() if asked else self.cancellation.heard_by(lambda: live.reconsider(scope)),
        ):
            result = await live.run()
        if scope.cancelled_caught:
            result = ended(Outcome.CANCELLED, CANCELED)
        self._finish(live, result)

    def _live(self, index: int, step: Step) -> LiveStep:
        return LiveStep(self.bench, index, step, self._action_name(step))

    def _action_name(self, step: Step) -> str:
        """`github.action`: the step's id, or a generated one (actions/runner)."""
        if step.id:
            return step.id
        base = actions.generated_id(step)
        self.generated[base] = self.generated.get(base, 0) + 1
        count = self.generated[base]
        return base if count == 1 else f"{base}_{count}"

    def _finish(self, live: LiveStep, result: StepResult) -> None:
        attempts = max(result.attempts, live.attempts)
        self._apply(live, result)
        self.state.worsen(result.conclusion)
        if live.step.id:
            self.state.steps[live.step.id] = {
                "outputs": dict(result.effects.outputs),
                "outcome": str(result.outcome),
                "conclusion": str(result.conclusion),
                "attempts": attempts,
            }
        self.bench.emit(
            StepFinished(
                job=self.leg.key,
                step=live.index,
                name=self.bench.masks.hide(live.name),
                outcome=result.outcome,
                conclusion=result.conclusion,
                seconds=trio.current_time() - live.started,
                attempts=attempts,
                exit_code=result.exit_code,
                reason=self.bench.masks.hide(result.reason),
            )
        )
        self.running = None
        self.done = live.index

    def _apply(self, live: LiveStep, result: StepResult) -> None:
        effects = result.effects
        self.state.env.update(effects.env)
        for entry in effects.path:
            self.state.path = [entry, *(old for old in self.state.path if old != entry)]
        if effects.summary:
            self.bench.emit(Summary(job=self.leg.key, step=live.index, text=effects.summary))
        for complaint in effects.complaints:
            live.annotate(complaint)
        if result.outcome is Outcome.FAILURE and result.reason not in effects.errors:
            live.annotate(result.reason)

    def abandon(self, outcome: Outcome, reason: str, others: str) -> None:
        """The job can't go on: the running step ends with `outcome`, the others never run."""
        if self.running:
            self._finish(self.running, ended(outcome, reason))
        for index, step in enumerate(self.leg.job.steps, 1):
            if index > self.done:
                self._finish(self._live(index, step), ended(Outcome.SKIPPED, others))
