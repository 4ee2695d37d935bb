"""One leg that calls a workflow: the called one's jobs run as a part of the run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from engine import handover
from engine.events import JobCalled, Log, Outcome
from engine.job import Cancellation, JobResult
from engine.run.conditions import result_of
from engine.run.groups import deadlock, group_of, turn_in
from engine.run.legs import Turn
from engine.run.part import Part
from engine.tree import Scope, Unresolved

RunPart = Callable[[Part], Awaitable[None]]


async def call(run_part: RunPart, caller: Part, turn: Turn) -> JobResult:
    """Run the called workflow when its own concurrency group lets it. Raises Unresolved."""
    if turn.stop.requested:
        return JobResult(Outcome.CANCELLED, reason=turn.stop.reason)
    turn.begin()
    part = part_of(caller, turn)
    group = group_of(part.plan.workflow.concurrency, Scope(part.base))
    if reason := deadlock(part.held, group, turn.leg.job.id):
        return JobResult(Outcome.CANCELLED, reason=reason)
    _announce(part, turn)
    with (
        turn.stop.heard_by(lambda: part.cancellation.request(turn.stop.reason)),
        # whatever the call's own `if` says: its jobs are asked for theirs
        caller.cancellation.heard_by(lambda: part.cancellation.request(caller.cancellation.reason)),
    ):
        async with turn_in(caller.shared, group, part.key, part.cancellation):
            part.held = (*part.held, group) if group else part.held
            await run_part(part)
    return _result(part, turn.leg.key)


def part_of(caller: Part, turn: Turn) -> Part:
    """The called workflow with what the caller hands to it. Raises Unresolved."""
    job, plan = turn.leg.job, caller.plan.calls[turn.leg.job.id]
    return Part(
        shared=caller.shared,
        plan=plan,
        cancellation=Cancellation(),
        inputs=handover.inputs_of(job, plan.workflow, turn.scope),
        secrets=handover.secrets_of(job, turn.scope, caller.secrets),
        key=f"{turn.leg.key}/",
        name=f"{turn.leg.name} / ",
        granted=caller.permissions(job),
        held=(*caller.held, turn.group) if turn.group else caller.held,
    )


def _announce(part: Part, turn: Turn) -> None:
    part.shared.emit(
        JobCalled(
            job=turn.leg.key,
            name=turn.leg.name,
            workflow=part.plan.workflow.name,
            file=part.plan.workflow.file,
            jobs=tuple(f"{part.key}{job.id}" for job in part.plan.jobs),
            matrix=dict(turn.leg.matrix),
        )
    )


def _result(part: Part, key: str) -> JobResult:
    jobs = {job.id: result_of(part, job.id) for job in part.plan.jobs}
    try:
        outputs = handover.outputs_of(part.plan.workflow, Scope({**part.base, "jobs": jobs}))
    except Unresolved as error:
        return JobResult(Outcome.FAILURE, reason=str(error.problem))
    return JobResult(_outcome(part), _safe(part, key, outputs))


def _safe(part: Part, key: str, outputs: Mapping[str, str]) -> dict[str, str]:
    """The outputs that hold no secret, as those of a job."""
    secret = [name for name, value in outputs.items() if part.shared.masks.found_in(value)]
    for name in secret:
        message = f"Skip output '{name}' since it may contain secret."
        part.shared.emit(Log(job=key, level="warning", message=message))
    return {name: value for name, value in outputs.items() if name not in secret}


def _outcome(part: Part) -> Outcome:
    """As its jobs ended; what a cancellation kept from running is cancelled, not skipped."""
    outcome = part.outcome()
    left_out = any(found.outcome is Outcome.SKIPPED for found in part.finished.values())
    is_cancelled = outcome is not Outcome.FAILURE and part.cancellation.requested and left_out
    return Outcome.CANCELLED if is_cancelled else outcome
