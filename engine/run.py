"""A nursery over the plan: each job starts the moment its needs are met."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import trio

from engine import contexts, events
from engine.ahead import Ahead, OpenMachine
from engine.contexts import RunFacts
from engine.events import Emit, Event, JobExpanded, JobFinished, JobStarted, Log, Outcome
from engine.expr import to_string
from engine.job import Cancellation, JobOrder, JobResult, run_job
from engine.machine import (
    Credentials,
    Layout,
    Machine,
    MachineSpec,
    PullPolicy,
    Runner,
    WorkspaceMode,
)
from engine.masks import Masks
from engine.model import Job
from engine.plan import Leg, Plan, expand, is_static, strategy_context
from engine.tree import Condition, Scope, Unresolved, holds, string, why_false

MOST_AHEAD = 4  # machines that are open before their jobs may start


@dataclass(frozen=True, slots=True)
class Berth:
    """Where one leg will run."""

    runner: Runner
    image: str


class NoPlace(Exception):
    """This computer has nothing that stands for what a job runs on; the text has the remedy."""


Choose = Callable[[Leg], Berth]
"""Finds the berth of a leg, or raises NoPlace."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user asked of a run, beside the workflow itself."""

    source: Path
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    variables: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    matrix: tuple[tuple[str, str], ...] = ()
    hidden: tuple[str, ...] = ()
    workspace_mode: WorkspaceMode = "overlay"
    pull: PullPolicy = "missing"
    options: str = ""
    network: str = ""
    platform: str = ""
    concurrent_jobs: int = 0  # 0: as many as the processors
    debug: bool = False


@dataclass(frozen=True, slots=True)
class RunResult:
    """`broke`: a machine failed; `ran`: how many legs were not skipped."""

    outcome: Outcome
    broke: bool
    timed_out: bool
    ran: int


@dataclass(slots=True)
class _Finished:
    """A job with all its legs, as the jobs that need it see it."""

    outcome: Outcome
    outputs: dict[str, str] = field(default_factory=dict)
    passes: bool = True  # whether the run may still succeed


async def run(
    plan: Plan,
    facts: RunFacts,
    settings: Settings,
    choose: Choose,
    cancellation: Cancellation,
    emit: Emit,
    slots: trio.CapacityLimiter,
) -> RunResult:
    """Run every job of a plan. A cancellation is passed on to the jobs; it never raises."""
    return await _Run(plan, facts, settings, choose, cancellation, emit, slots).run()


class _Run:
    def __init__(
        self,
        plan: Plan,
        facts: RunFacts,
        settings: Settings,
        choose: Choose,
        cancellation: Cancellation,
        emit: Emit,
        slots: trio.CapacityLimiter,
    ) -> None:
        self.plan = plan
        self.facts = facts
        self.settings = settings
        self.choose = choose
        self.cancellation = cancellation
        self._emit = emit
        self.slots = slots
        self.done = {job.id: trio.Event() for job in plan.jobs}
        self.finished: dict[str, _Finished] = {}
        self.started = trio.Event()
        self.ahead: Ahead
        self.expected: dict[str, tuple[Leg, ...]] = {}
        self.over: set[str] = set()
        self.broke = self.timed_out = False
        self.ran = 0
        token = {"GITHUB_TOKEN": facts.token} if facts.token else {}
        self.secrets = {**token, **settings.secrets}
        self.masks = Masks(self.secrets.values())
        self.base: dict[str, Any] = {
            "github": contexts.github(facts),
            "vars": dict(settings.variables),
            "inputs": dict(settings.inputs),
            "secrets": self.secrets,
        }

    def emit(self, event: Event) -> None:
        if isinstance(event, JobFinished):
            self.over.add(event.job)
        elif isinstance(event, Log) and event.job in self.over:
            return  # of a machine that was opened for nothing
        event = _masked(event, self.masks.hide)
        self._emit(replace(event, run=self.facts.run_id, time=time.time()))

    async def run(self) -> RunResult:
        started = trio.current_time()
        self.emit(self._started())
        async with trio.open_nursery() as nursery:
            self.ahead = Ahead(nursery, MOST_AHEAD)
            nursery.start_soon(self._open_ahead)
            for job in self.plan.jobs:
                nursery.start_soon(self._job, job)
        outcome = self._outcome()
        self.emit(events.RunFinished(outcome=outcome, seconds=trio.current_time() - started))
        return RunResult(outcome, self.broke, self.timed_out, self.ran)

    def _started(self) -> Event:
        workflow = self.plan.workflow
        try:
            title = string(workflow.run_name, Scope(self.base)).strip()
        except Unresolved as error:
            title = ""
            self.emit(Log(level="warning", message=str(error.problem)))
        return events.RunStarted(
            run_id=self.facts.run_id,
            run_number=self.facts.run_number,
            event_name=self.facts.event_name,
            workflow=workflow.name,
            file=workflow.file,
            title=title or self._default_title(),
            jobs=tuple(job.id for job in self.plan.jobs),
        )

    def _default_title(self) -> str:
        if self.facts.event_name == "push":
            subject = self.facts.checkout.commit.message.partition("\n")[0]
            return subject or self.plan.workflow.name
        return self.plan.workflow.name

    def _outcome(self) -> Outcome:
        if self.cancellation.requested:
            return Outcome.CANCELLED
        results = [found.outcome for found in self.finished.values() if not found.passes]
        if Outcome.FAILURE in results:
            return Outcome.FAILURE
        if Outcome.CANCELLED in results:
            return Outcome.CANCELLED
        if all(found.outcome is Outcome.SKIPPED for found in self.finished.values()):
            return Outcome.SKIPPED
        return Outcome.SUCCESS

    # --- one job --------------------------------------------------------------------------------

    async def _job(self, job: Job) -> None:
        try:
            for need in self.plan.needs[job.id]:
                await self.done[need].wait()
            self.finished[job.id] = await self._legs(job)
        finally:
            self.done[job.id].set()
            self.started.set()  # also where it never had a machine: nobody waits for ever
            for leg in self.expected.pop(job.id, ()):
                self.ahead.drop(leg.key)

    async def _open_ahead(self) -> None:
        """Open machines for jobs that still wait, in the order they will be needed."""
        await self.started.wait()
        for job in self.plan.jobs:
            for leg, open_machine in self._foreseen(job):
                await self.ahead.start(leg.key, open_machine)

    def _foreseen(self, job: Job) -> list[tuple[Leg, OpenMachine]]:
        """The legs of a waiting job that are sure enough to open machines for."""
        if self.done[job.id].is_set() or not self.plan.needs[job.id] or not is_static(job):
            return []
        likely = {"always": _yes, "cancelled": _no, "success": _yes, "failure": _no}
        scope = Scope({**self.base, "needs": {}}, likely)
        try:
            if job.condition is not None and not holds(job.condition, scope):
                return []
            legs = self._selected(expand(job, scope))
            found: list[tuple[Leg, OpenMachine]] = [
                (leg, partial(self.open, leg, self.choose(leg))) for leg in legs
            ]
        except (Unresolved, NoPlace):
            return []
        self.expected[job.id] = legs
        return found

    def open(self, leg: Leg, berth: Berth) -> AbstractAsyncContextManager[Machine]:
        """A new machine for a leg."""

        def log(message: str) -> None:
            self.emit(Log(job=leg.key, message=message))

        return berth.runner.open(machine_spec(leg, berth, self), log)

    async def _legs(self, job: Job) -> _Finished:
        scope = self._scope(job)
        try:
            reason = self._why_skipped(job, scope)
            if reason is not None:
                return self._skip(job, reason)
            legs = self._selected(expand(job, scope))
        except Unresolved as error:
            return self._fail(job, str(error.problem))
        if not legs:
            return self._skip(job, "no leg of its matrix was selected by --matrix")
        if len(legs) > 1 or legs[0].matrix:
            self.emit(JobExpanded(job=job.id, legs=tuple(leg.key for leg in legs)))
        return await _Legs(self, job, legs, scope).run()

    def _selected(self, legs: tuple[Leg, ...]) -> tuple[Leg, ...]:
        wanted: dict[str, set[str]] = {}
        for name, value in self.settings.matrix:
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

    def _scope(self, job: Job) -> Scope:
        needs = {
            need: {
                "result": str(self.finished[need].outcome),
                "outputs": dict(self.finished[need].outputs),
            }
            for need in self.plan.needs[job.id]
        }
        github = {**self.base["github"], "job": job.id}
        found = {**self.base, "github": github, "needs": needs}
        return Scope(found, self._functions(job))

    def _functions(self, job: Job) -> dict[str, Callable[..., Any]]:
        """Status functions of a job look at all its ancestors (GitHub, server side)."""
        ancestors = self.plan.ancestors[job.id]
        by_folded = {id_.lower(): id_ for id_ in ancestors}

        def results(names: tuple[str, ...]) -> list[Outcome]:
            chosen = [by_folded[n.lower()] for n in names if n.lower() in by_folded]
            return [self.finished[id_].outcome for id_ in (chosen if names else ancestors)]

        def success(*names: str) -> bool:
            fine = all(found is Outcome.SUCCESS for found in results(names))
            return fine and not self.cancellation.requested

        return {
            "always": lambda: True,
            "cancelled": lambda: self.cancellation.requested,
            "success": success,
            "failure": lambda *names: Outcome.FAILURE in results(names),
        }

    def _why_skipped(self, job: Job, scope: Scope) -> str | None:
        """Why the job does not run, or None where it does. Raises Unresolved."""
        if job.condition is not None:
            if holds(job.condition, scope):
                return None
            return self._explained(job, job.condition, scope)
        if scope.functions["success"]():
            return None
        return self._blamed(job)

    def _explained(self, job: Job, condition: Condition, scope: Scope) -> str:
        reason = why_false(condition, scope)
        asked = "success() is false" in reason.replace("`", "")
        blame = self._blamed(job) if asked else ""
        return f"{reason} ({blame})" if blame else reason

    def _blamed(self, job: Job) -> str:
        if self.cancellation.requested:
            return self.cancellation.reason
        for id_ in (*self.plan.needs[job.id], *sorted(self.plan.ancestors[job.id])):
            outcome = self.finished[id_].outcome
            if outcome is not Outcome.SUCCESS:
                return f'it needs "{id_}", which ended as {outcome}'
        return ""

    def _skip(self, job: Job, reason: str) -> _Finished:
        name = _plain_name(job)
        self.emit(JobFinished(job=job.id, name=name, outcome=Outcome.SKIPPED, reason=reason))
        return _Finished(Outcome.SKIPPED)

    def _fail(self, job: Job, reason: str) -> _Finished:
        name = _plain_name(job)
        self.emit(JobFinished(job=job.id, name=name, outcome=Outcome.FAILURE, reason=reason))
        self.ran += 1
        return _Finished(Outcome.FAILURE, passes=False)


class _Legs:
    """The legs of one job, side by side as far as the strategy allows."""

    def __init__(self, run: _Run, job: Job, legs: tuple[Leg, ...], scope: Scope) -> None:
        self.run_ = run
        self.job = job
        self.legs = legs
        self.scope = scope
        self.places = trio.CapacityLimiter(min(legs[0].max_parallel, len(legs)))
        self.stops = {leg.key: Cancellation() for leg in legs}
        self.results: dict[str, JobResult] = {}
        self.outputs: dict[str, str] = {}

    async def run(self) -> _Finished:
        with self.run_.cancellation.heard_by(self._cancel_all):
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
            stop.request(self.run_.cancellation.reason)

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
        self.run_.broke |= result.broke
        self.run_.timed_out |= result.timed_out
        if result.outcome is Outcome.FAILURE and leg.fail_fast and not leg.continue_on_error:
            for other in self.legs:
                if other.key not in self.results:
                    self.stops[other.key].request(f'"{leg.name}" failed and fail-fast is on')

    async def _result(self, leg: Leg) -> JobResult:
        run, stop, slot = self.run_, self.stops[leg.key], object()
        started = trio.current_time()
        result: JobResult | None = None
        with trio.CancelScope() as waiting, stop.heard_by(waiting.cancel):
            await run.slots.acquire_on_behalf_of(slot)
        if not waiting.cancelled_caught:
            started = trio.current_time()
            try:
                result = await self._run_leg(leg, stop)
            finally:
                run.slots.release_on_behalf_of(slot)
        result = result or JobResult(Outcome.CANCELLED, reason=stop.reason)
        run.emit(
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
        run = self.run_
        try:
            berth = run.choose(leg)
        except NoPlace as error:
            return JobResult(Outcome.SKIPPED, reason=str(error), broke=True)
        run.ran += 1
        machine = partial(self._open, leg, berth)
        return await run_job(self._order(leg), machine, stop, run.emit)

    @asynccontextmanager
    async def _open(self, leg: Leg, berth: Berth) -> AsyncIterator[Machine]:
        run = self.run_
        async with run.ahead.taken(leg.key, partial(run.open, leg, berth)) as machine:
            run.emit(
                JobStarted(
                    job=leg.key,
                    name=leg.name,
                    runs_on=leg.runs_on,
                    isolation=machine.facts.isolation,
                    image=machine.facts.image,
                    matrix=dict(leg.matrix),
                )
            )
            run.started.set()
            yield machine

    def _order(self, leg: Leg) -> JobOrder:
        run = self.run_
        strategy = strategy_context(leg.fail_fast, leg.index, leg.total, leg.max_parallel)
        return JobOrder(
            leg=leg,
            workflow=run.plan.workflow,
            contexts={
                **self.scope.contexts,
                "matrix": dict(leg.matrix) or None,
                "strategy": strategy,
            },
            secrets=run.secrets,
            env=run.settings.env,
            debug=run.settings.debug,
        )

    def _finished(self) -> _Finished:
        outcomes = [
            Outcome.SUCCESS
            if leg.continue_on_error and self.results[leg.key].outcome is Outcome.FAILURE
            else self.results[leg.key].outcome
            for leg in self.legs
        ]
        for worst in (Outcome.FAILURE, Outcome.CANCELLED, Outcome.SKIPPED):
            if worst in outcomes:
                return _Finished(worst, self.outputs, passes=False)
        return _Finished(Outcome.SUCCESS, self.outputs)


def machine_spec(leg: Leg, berth: Berth, run: _Run) -> MachineSpec:
    """What the runner is told: the job's container, or the image that stands for its label."""
    settings, container = run.settings, leg.container
    return MachineSpec(
        run_id=run.facts.run_id,
        name=re.sub(r"[^a-zA-Z0-9_.-]", "-", leg.key),
        layout=layout(run.facts.checkout.name, in_container=container is not None),
        source=settings.source,
        hidden=settings.hidden,
        workspace_mode=settings.workspace_mode,
        image=berth.image,
        env=container.env if container else {},
        volumes=container.volumes if container else (),
        ports=container.ports if container else (),
        options=" ".join(filter(None, (settings.options, container.options if container else ""))),
        network=settings.network,
        platform=settings.platform,
        pull=settings.pull,
        credentials=Credentials(container.username, container.password)
        if container and container.username
        else None,
    )


def layout(repository: str, *, in_container: bool) -> Layout:
    """GitHub's directories on its hosted machines and in job containers (actions/runner)."""
    if in_container:
        return Layout(
            workspace=f"/__w/{repository}/{repository}",
            temp="/__w/_temp",
            tool_cache="/__t",
            home="/github/home",
        )
    return Layout(
        workspace=f"/home/runner/work/{repository}/{repository}",
        temp="/home/runner/work/_temp",
        tool_cache="/opt/hostedtoolcache",
    )


def _masked(event: Event, hide: Callable[[str], str]) -> Event:
    """The events that are not of a step, which a job masks, without secrets."""
    match event:
        case events.RunStarted():
            return replace(event, title=hide(event.title))
        case JobStarted():
            labels = tuple(map(hide, event.runs_on))
            matrix = _hidden(event.matrix, hide)
            return replace(event, name=hide(event.name), runs_on=labels, matrix=matrix)
        case JobFinished():
            return replace(event, name=hide(event.name), reason=hide(event.reason))
        case Log():
            return replace(event, message=hide(event.message))
    return event


def _hidden(value: Any, hide: Callable[[str], str]) -> Any:
    """A JSON value without secrets, its keys and numbers included."""
    match value:
        case Mapping():
            return {hide(name): _hidden(item, hide) for name, item in value.items()}
        case list() | tuple():
            return [_hidden(item, hide) for item in value]
        case str():
            return hide(value)
    shown = to_string(value)
    return value if hide(shown) == shown else hide(shown)


def _yes(*_: object) -> bool:
    return True


def _no(*_: object) -> bool:
    return False


def _plain_name(job: Job) -> str:
    return job.name.node.text if job.name and job.name.template is None else job.id
