"""One job on one machine: each step's condition, time, attempts and outcome."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

import trio
from msgspec.structs import replace

from engine.events import Emit, Outcome
from engine.job.cancellation import Cancellation
from engine.job.order import Bench, JobOrder, JobResult
from engine.job.result import CANCELED
from engine.job.state import JobState
from engine.machine import Machine, MachineError
from engine.masks import Masks

if TYPE_CHECKING:
    from engine.job.steps import Steps

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
    steps: Steps | None = None
    try:
        # until its first step a job can simply be dropped
        with (
            trio.CancelScope() as scope,
            cancellation.heard_by(lambda: scope.cancel() if steps is None else None),
        ):
            async with open_machine() as machine:
                from engine.job.steps import Steps  # while a container started, in most runs

                state = JobState(order.contexts, machine.facts, masks, order.debug)
                steps = Steps(Bench(order, machine, masks, state, emit, cancellation))
                return await steps.run(scope)
    except MachineError as error:
        return _broken(str(error), steps, cancellation)
    if steps is not None:
        steps.abandon(Outcome.CANCELLED, CANCELED, "the job was cancelled")
    return _cancelled(cancellation)


def _broken(reason: str, steps: Steps | None, cancellation: Cancellation) -> JobResult:
    if steps is not None:
        steps.abandon(Outcome.FAILURE, reason, "the machine was lost")
    if cancellation.requested:
        return _cancelled(cancellation)
    return JobResult(Outcome.FAILURE, reason=reason, broke=True)


def _cancelled(cancellation: Cancellation) -> JobResult:
    reason, timed_out = cancellation.reason, cancellation.timed_out
    return JobResult(Outcome.CANCELLED, reason=reason, timed_out=timed_out)
