"""A nursery over the plan: each job starts the moment its needs are met."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import trio

from engine import events
from engine.ahead import Ahead, OpenMachine
from engine.contexts import RunFacts
from engine.events import Emit, JobExpanded, JobFinished, Log, Outcome
from engine.expr import to_string
from engine.job import Cancellation
from engine.model import Job
from engine.plan import Leg, Plan, expand, is_static
from engine.run.berth import Berth, Choose, EnterGroup, Environment, Group, NoPlace, Settings
from engine.run.conditions import scope_of, why_skipped
from engine.run.groups import group_of, turn_in
from engine.run.legs import Legs
from engine.run.shared import Finished, Shared
from engine.tree import Scope, Unresolved, holds, string

__all__ = [
    "Berth",
    "Choose",
    "EnterGroup",
    "Environment",
    "Group",
    "NoPlace",
    "RunResult",
    "Settings",
    "run",
]

MOST_AHEAD = 4  # machines that are open before their jobs may start


@dataclass(frozen=True, slots=True)
class RunResult:
    """`broke`: a machine failed; `ran`: how many legs were not skipped."""

    outcome: Outcome
    broke: bool
    timed_out: bool
    ran: int


async def run(
    plan: Plan,
    facts: RunFacts,
    settings: Settings,
    choose: Choose,
    cancellation: Cancellation,
    emit: Emit,
    slots: trio.CapacityLimiter,
    enter_group: EnterGroup | None = None,
) -> RunResult:
    """Run every job of a plan. A cancellation is passed on to the jobs; it never raises.

    Without `enter_group`, concurrency groups are not waited for.
    """
    started = trio.current_time()
    async with trio.open_nursery() as nursery:
        ahead = Ahead(nursery, MOST_AHEAD)
        shared = Shared(
            plan, facts, settings, choose, cancellation, slots, ahead, emit, enter_group
        )
        _start(shared)
        shared.group = _group(shared)
        async with turn_in(shared, shared.group, "run", cancellation):
            await _all_jobs(shared)
    outcome, tally = _outcome(shared), shared.tally
    shared.emit(events.RunFinished(outcome=outcome, seconds=trio.current_time() - started))
    return RunResult(outcome, tally.broke, tally.timed_out, tally.ran)


async def _all_jobs(shared: Shared) -> None:
    async with trio.open_nursery() as nursery:
        jobs = _Jobs(shared)
        nursery.start_soon(jobs.open_ahead)
        for job in shared.plan.jobs:
            nursery.start_soon(jobs.run, job)


def _group(shared: Shared) -> Group | None:
    """The run's own group; an expression without an answer cancels the run."""
    try:
        return group_of(shared.plan.workflow.concurrency, Scope(shared.base))
    except Unresolved as error:
        shared.emit(Log(level="error", message=str(error.problem)))
        shared.cancellation.request(str(error.problem))
        return None


def _start(shared: Shared) -> None:
    """Tell that the run starts, and then why its title is not the one that was asked for."""
    workflow, facts = shared.plan.workflow, shared.facts
    title, wrong = "", None
    try:
        title = string(workflow.run_name, Scope(shared.base)).strip()
    except Unresolved as error:
        wrong = Log(level="warning", message=str(error.problem))
    shared.emit(
        events.RunStarted(
            run_id=facts.run_id,
            run_number=facts.run_number,
            event_name=facts.event_name,
            workflow=workflow.name,
            file=workflow.file,
            title=title or _default_title(shared),
            jobs=tuple(job.id for job in shared.plan.jobs),
        )
    )
    if wrong:
        shared.emit(wrong)


def _default_title(shared: Shared) -> str:
    """The subject of what was pushed, the title of a pull request, else the workflow's name."""
    facts = shared.facts
    pull = facts.event.get("pull_request")
    subject = facts.checkout.commit.message.partition("\n")[0] if facts.event_name == "push" else ""
    title = pull.get("title") if isinstance(pull, dict) else subject
    return title if title and isinstance(title, str) else shared.plan.workflow.name


def _outcome(shared: Shared) -> Outcome:
    if shared.cancellation.requested:
        return Outcome.CANCELLED
    finished = shared.finished.values()
    results = [found.outcome for found in finished if not found.passes]
    for worst in (Outcome.FAILURE, Outcome.CANCELLED):
        if worst in results:
            return worst
    if all(found.outcome is Outcome.SKIPPED for found in finished):
        return Outcome.SKIPPED
    return Outcome.SUCCESS


class _Jobs:
    """The jobs of a run, each waiting for those it needs."""

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.done = {job.id: trio.Event() for job in shared.plan.jobs}
        self.expected: dict[str, tuple[Leg, ...]] = {}

    async def run(self, job: Job) -> None:
        """Wait for the needs of a job, run it, and tell those that wait for it."""
        try:
            for need in self.shared.plan.needs[job.id]:
                await self.done[need].wait()
            self.shared.finished[job.id] = await self._legs(job)
        finally:
            self.done[job.id].set()
            self.shared.started.set()  # also where it had no machine: nobody waits for ever
            for leg in self.expected.pop(job.id, ()):
                self.shared.ahead.drop(leg.key)

    async def _legs(self, job: Job) -> Finished:
        scope = scope_of(self.shared, job)
        try:
            reason = why_skipped(self.shared, job, scope)
            if reason is not None:
                return self._skip(job, reason)
            legs = self._selected(expand(job, scope))
        except Unresolved as error:
            return self._fail(job, str(error.problem))
        if not legs:
            return self._skip(job, "no leg of its matrix was selected by --matrix")
        if len(legs) > 1 or legs[0].matrix:
            self.shared.emit(JobExpanded(job=job.id, legs=tuple(leg.key for leg in legs)))
        return await Legs(self.shared, job, legs, scope).run()

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

    def _skip(self, job: Job, reason: str) -> Finished:
        name = _plain_name(job)
        self.shared.emit(JobFinished(job=job.id, name=name, outcome=Outcome.SKIPPED, reason=reason))
        return Finished(Outcome.SKIPPED)

    def _fail(self, job: Job, reason: str) -> Finished:
        name = _plain_name(job)
        self.shared.emit(JobFinished(job=job.id, name=name, outcome=Outcome.FAILURE, reason=reason))
        self.shared.tally.ran += 1
        return Finished(Outcome.FAILURE, passes=False)

    # --- ahead of time ----------------------------------------------------------------------------

    async def open_ahead(self) -> None:
        """Open machines for jobs that still wait, in the order they will be needed."""
        await self.shared.started.wait()
        for job in self.shared.plan.jobs:
            for leg, open_machine in self._foreseen(job):
                await self.shared.ahead.start(leg.key, open_machine)

    def _foreseen(self, job: Job) -> list[tuple[Leg, OpenMachine]]:
        """The legs of a waiting job that are sure enough to open machines for."""
        if self.done[job.id].is_set() or not self.shared.plan.needs[job.id] or not is_static(job):
            return []
        likely = {"always": _yes, "cancelled": _no, "success": _yes, "failure": _no}
        scope = Scope({**self.shared.base, "needs": {}}, likely)
        try:
            if job.condition is not None and not holds(job.condition, scope):
                return []
            legs = self._selected(expand(job, scope))
            found: list[tuple[Leg, OpenMachine]] = [
                (leg, partial(self.shared.open, leg, self.shared.choose(leg))) for leg in legs
            ]
        except (Unresolved, NoPlace):
            return []
        self.expected[job.id] = legs
        return found


def _yes(*_: object) -> bool:
    return True


def _no(*_: object) -> bool:
    return False


def _plain_name(job: Job) -> str:
    return job.name.node.text if job.name and job.name.template is None else job.id
