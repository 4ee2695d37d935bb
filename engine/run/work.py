"""The steps of one leg, on a machine of its own; where it has `retry`, again on a new one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import trio
from msgspec import Struct, field
from msgspec.structs import replace

from engine import contexts
from engine.attempts import Attempts
from engine.events import (
    Emit,
    Event,
    JobAttemptFailed,
    JobStarted,
    Log,
    Outcome,
    Output,
    StepFinished,
)
from engine.job import Cancellation, JobOrder, JobResult, run_job
from engine.machine import Machine
from engine.model import Job
from engine.problems import Place
from engine.retry import Retry
from engine.run.berth import Berth, Environment, NoPlace
from engine.run.legs import Turn
from engine.run.part import Part


async def work(part: Part, turn: Turn) -> JobResult:
    """Run a leg's steps as soon as a slot is free."""
    slots, slot = part.shared.slots, object()
    with trio.CancelScope() as waiting, turn.stop.heard_by(waiting.cancel):
        await slots.acquire_on_behalf_of(slot)
    if waiting.cancelled_caught:
        return JobResult(Outcome.CANCELLED, reason=turn.stop.reason)
    turn.begin()
    try:
        return await _placed(part, turn)
    finally:
        slots.release_on_behalf_of(slot)


async def _placed(part: Part, turn: Turn) -> JobResult:
    shared = part.shared
    try:
        berth = shared.choose(turn.leg)
    except NoPlace as error:
        return JobResult(Outcome.SKIPPED, reason=str(error), broke=True)
    shared.tally.ran += 1
    retry = turn.leg.job.retry
    if retry is None or retry.attempts <= 1:
        return await run_job(
            _order(part, turn), partial(_open, part, turn, berth), turn.stop, shared.emit
        )
    return await _retried(part, turn, berth, retry)


# --- retry ----------------------------------------------------------------------------------------


class _Watch(Struct):
    """Passes the events of one attempt on, and knows the step that failed it.

    What steps print is kept where the policy looks at it.
    """

    emit: Emit
    keep: bool
    failed: StepFinished | None = None
    printed: dict[int, list[str]] = field(default_factory=dict)

    def hear(self, event: Event) -> None:
        match event:
            case Output() if self.keep:
                self.printed.setdefault(event.step, []).append(event.text)
            case StepFinished(depth=0, conclusion=Outcome.FAILURE) if self.failed is None:
                self.failed = event
            case StepFinished(depth=0) if self.failed is None or self.failed.step != event.step:
                self.printed.pop(event.step, None)
        self.emit(event)


class _Tried(Struct, frozen=True):
    """How one attempt ended, and what its policy asks of that."""

    result: JobResult
    exit_code: int | None = None
    printed: str = ""
    reason: str = ""

    def is_one_to_retry(self, policy: Retry) -> bool:
        """A failure, or time that was over; a cancellation never is."""
        ended = self.result.outcome is Outcome.FAILURE or self.result.timed_out
        return ended and policy.again(
            exit_code=self.exit_code, output=self.printed, timed_out=self.result.timed_out
        )


def _tried(result: JobResult, watch: _Watch) -> _Tried:
    failed = watch.failed
    if failed is None:
        return _Tried(result, reason=result.reason)
    printed = "".join(watch.printed.get(failed.step, ()))
    reason = result.reason or f'Step "{failed.name}" failed: {failed.reason}'
    return _Tried(result, failed.exit_code, printed, reason)


async def _retried(part: Part, turn: Turn, berth: Berth, policy: Retry) -> JobResult:
    """As `run_job`, up to the policy's number of times; each attempt has the job's time limit."""
    emit, stop = part.shared.emit, turn.stop

    async def attempt(number: int) -> _Tried:
        turn.attempts = number
        watch = _Watch(emit, keep=policy.looks_at_output)
        own = Cancellation()  # an attempt's time may be over while the job goes on
        with stop.heard_by(lambda: own.request(stop.reason)):
            order, machine = _order(part, turn), partial(_open, part, turn, berth)
            return _tried(await run_job(order, machine, own, watch.hear), watch)

    async def pause(number: int, tried: _Tried, seconds: float) -> bool:
        key, most = turn.leg.key, policy.attempts
        emit(
            JobAttemptFailed(
                job=key, attempt=number, attempts=most, reason=tried.reason, delay=seconds
            )
        )
        with trio.CancelScope() as waiting, stop.heard_by(waiting.cancel):
            await trio.sleep(seconds)
        return not waiting.cancelled_caught

    def again(tried: _Tried) -> bool:
        return not stop.requested and tried.is_one_to_retry(policy)

    last, cut = await Attempts(policy, attempt, again, pause).run()
    if cut:
        return replace(last.result, outcome=Outcome.CANCELLED, reason=stop.reason)
    return last.result


# --- what a job is told ---------------------------------------------------------------------------


@asynccontextmanager
async def _open(part: Part, turn: Turn, berth: Berth) -> AsyncIterator[Machine]:
    shared, leg = part.shared, turn.leg
    new = partial(part.open, leg, berth, turn.attempts)
    async with shared.ahead.taken(leg.key, new) as machine:
        shared.emit(
            JobStarted(
                job=leg.key,
                name=leg.name,
                runs_on=leg.runs_on,
                isolation=machine.facts.isolation,
                image=machine.facts.image,
                matrix=dict(leg.matrix),
                permissions=_permissions(part, leg.job),
            )
        )
        if leg.job.snapshot is not None:
            shared.emit(_no_snapshot(leg.key, leg.job.snapshot.node.place))
        shared.started.set()
        yield machine


def _no_snapshot(key: str, place: Place) -> Log:
    what = "`snapshot` makes an image of GitHub's own machines; a local run leaves it out"
    return Log(job=key, level="warning", message=f"{place}: {what}")


def _permissions(part: Part, job: Job) -> dict[str, str]:
    found = part.permissions(job)
    return {} if found is None else {**found.given, "metadata": "read"}


def _order(part: Part, turn: Turn) -> JobOrder:
    settings, workflow = part.shared.settings, part.plan.workflow
    environment = settings.environments.get(turn.leg.environment.lower(), Environment())
    secrets = {**part.secrets, **environment.secrets}
    found = {
        **turn.scope.contexts,
        "secrets": secrets,
        "vars": {**settings.variables, **environment.variables},
        "job": contexts.job(part.shared.github, workflow, turn.leg.key),
    }
    return JobOrder(
        leg=turn.leg,
        workflow=workflow,
        contexts=found,
        secrets=secrets,
        env=settings.env,
        debug=settings.debug,
        actions=settings.supplies.actions,
        finder=settings.supplies.finder,
        externals=settings.supplies.externals is not None,
    )
