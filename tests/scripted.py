"""Workflows on the fake machine: YAML text in, what happened out."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import trio
from msgspec.structs import replace
from trio.testing import MockClock

from engine import calls, check, events, model, payloads, source
from engine.calls import Find
from engine.contexts import Checkout, Commit, RunFacts
from engine.events import Event, Outcome
from engine.job import Cancellation
from engine.machine import Command, Log, MachineSpec
from engine.model import Origin, Workflow
from engine.plan import Leg, plan
from engine.problems import Place, Problem, errors
from engine.run import Berth, EnterGroup, NoPlace, RunResult, Settings
from engine.run import run as run_plan
from runners.fake import FakeMachine, FakeRunner, Reply

E = TypeVar("E", bound=Event)

__all__ = ["FakeRunner", "Ran", "Reply", "Scripted", "SlowRunner", "job", "run", "workflow"]


def workflow(text: str, name: str = "ci.runwright.yml", event: str = "push") -> Workflow:
    """A workflow from YAML; the event is put in where there is no `on`."""
    text = textwrap.dedent(text)
    text = text if text.startswith("on:") or "\non:" in text else f"{text}\non: {event}\n"
    node, problems = source.load(text, name)
    assert node is not None and not problems, problems
    found, wrong = model.read(node, name, f".github/workflows/{name}")
    wrong += check.check(node)
    assert not errors(wrong), "\n".join(map(str, wrong))
    return found


def finder(files: Mapping[str, str]) -> Find:
    """Finds called workflows by their name, `x` for ./.github/workflows/x.yml, or by the whole of
    what `uses:` says for one of another repository, which then is at commit 2222…"""

    def find(uses: str, file: str) -> tuple[Workflow | None, list[Problem]]:
        name = uses.removeprefix("./.github/workflows/").removesuffix(".yml")
        if name not in files:
            return None, [Problem(Place(uses), "there is no such file", "calls")]
        found = workflow(files[name], f"{name}.yml", "workflow_call")
        if "@" not in uses:
            return found, []
        owner, repository, path = uses.partition("@")[0].split("/", 2)
        origin = Origin(f"{owner}/{repository}", path, uses.partition("@")[2], "2" * 40)
        return replace(found, file=uses, origin=origin), []

    return find


def job(steps: str, **keys: str) -> str:
    """A workflow of one job, `test`, from its steps and other keys written as flow YAML."""
    extra = "".join(f"    {name.replace('_', '-')}: {value}\n" for name, value in keys.items())
    steps = textwrap.indent(textwrap.dedent(steps).strip("\n"), "      ")
    return f"jobs:\n  test:\n    runs-on: ubuntu-latest\n{extra}    steps:\n{steps}\n"


@dataclass
class Ran:
    """What a run left: its events, when each came (trio's clock), and its result."""

    runner: FakeRunner
    events: list[Event] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    result: RunResult | None = None
    began: float = 0.0

    def hear(self, event: Event) -> None:
        self.events.append(event)
        self.times.append(trio.current_time() - self.began)

    @property
    def outcome(self) -> str:
        assert self.result is not None
        return str(self.result.outcome)

    def of(self, kind: type[E], job: str = "") -> list[E]:
        """All events of a kind, of one job if named."""
        return [e for e in self.events if isinstance(e, kind) and job in ("", e.job)]

    def when(self, kind: type[Event], job: str = "", step: int = 0) -> float:
        """When the first such event came."""
        for event, time in zip(self.events, self.times, strict=True):
            if (
                isinstance(event, kind)
                and job in ("", event.job)
                and (not step or getattr(event, "step", 0) == step)
            ):
                return time
        raise AssertionError(f"there was no {kind.__name__} of {job or 'any job'}")

    @property
    def jobs(self) -> dict[str, str]:
        """How each job or leg ended."""
        return {e.job: str(e.outcome) for e in self.of(events.JobFinished)}

    @property
    def reasons(self) -> dict[str, str]:
        return {e.job: e.reason for e in self.of(events.JobFinished)}

    @property
    def outputs(self) -> dict[str, dict[str, str]]:
        return {e.job: dict(e.outputs) for e in self.of(events.JobFinished)}

    def finished(self, job: str = "") -> list[events.StepFinished]:
        return self.of(events.StepFinished, job)

    def step(self, number: int, job: str = "") -> events.StepFinished:
        return next(e for e in self.finished(job) if e.step == number)

    def conclusions(self, job: str = "") -> list[str]:
        return [str(e.conclusion) for e in self.finished(job)]

    def outcomes(self, job: str = "") -> list[str]:
        return [str(e.outcome) for e in self.finished(job)]

    def printed(self, job: str = "") -> str:
        return "".join(e.text for e in self.of(events.Output, job))

    def errors(self, job: str = "") -> list[str]:
        return [e.message for e in self.of(events.Annotation, job) if e.level == "error"]

    def commands(self, job: str = "") -> list[Command]:
        """What the machine was told to run."""
        return [c for name, c in self.runner.commands if job in ("", name)]

    def text(self) -> str:
        """Everything that the events say."""
        return "\n".join(repr(events.as_json(event)) for event in self.events)


@dataclass
class Scripted:
    """What to run, where, and when to cancel it."""

    text: str
    files: Mapping[str, str] = field(default_factory=dict)  # as `finder` takes them
    settings: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    runner: FakeRunner = field(default_factory=FakeRunner)
    slots: int = 100
    nowhere: tuple[str, ...] = ()  # labels that no machine stands for
    selected: tuple[str, ...] = ()
    cancellation: Cancellation = field(default_factory=Cancellation)
    cancel_at: float | None = None  # below zero: before the run
    on_event: Callable[[Event, Cancellation], None] | None = None
    enter_group: EnterGroup | None = None

    async def run(self) -> Ran:
        entry, find = workflow(self.text), finder(self.files)
        assert not (wrong := calls.check(entry, find)), "\n".join(map(str, wrong))
        found = plan(entry, self.selected, find)
        ran = Ran(self.runner, began=trio.current_time())
        settings = Settings(source=Path("/source"), **self.settings)
        limiter = trio.CapacityLimiter(self.slots)

        def emit(event: Event) -> None:
            ran.hear(event)
            if self.on_event:
                self.on_event(event, self.cancellation)

        async with trio.open_nursery() as nursery:
            if self.cancel_at is not None and self.cancel_at < 0:
                self.cancellation.request("The run was cancelled.")
            elif self.cancel_at is not None:
                nursery.start_soon(self._cancel, self.cancel_at)
            with trio.fail_after(10**7):  # a deadlock is an error too
                ran.result = await run_plan(
                    found,
                    self._facts(),
                    settings,
                    self._choose,
                    self.cancellation,
                    emit,
                    limiter,
                    self.enter_group,
                )
            nursery.cancel_scope.cancel()
        assert _names(self.runner.opened) == _names(self.runner.closed)
        check_laws(ran)
        return ran

    async def _cancel(self, seconds: float) -> None:
        await trio.sleep(seconds)
        self.cancellation.request("The run was cancelled.")

    def _choose(self, leg: Leg) -> Berth:
        for label in leg.runs_on:
            if label in self.nowhere:
                raise NoPlace(f'nothing here stands for "{label}"')
        return Berth(self.runner, "image:1")

    def _facts(self) -> RunFacts:
        checkout = Checkout(
            repository="octo/hello", commit=Commit(sha="1" * 40, message="A subject\n\nA body")
        )
        given = {
            "run_id": "7",
            "run_number": 3,
            "event_name": "push",
            "event": payloads.payload("push", checkout, "mona"),
            "checkout": checkout,
            "workflow": "CI",
            "workflow_file": ".github/workflows/ci.yml",
            "actor": "mona",
            **self.facts,
        }
        return RunFacts(**given)


def run(text: str, **more: Any) -> Ran:
    """Run a workflow to its end, on a clock that jumps: hours pass in no time."""
    return trio.run(Scripted(text, **more).run, clock=MockClock(autojump_threshold=0))


def _names(specs: list[MachineSpec]) -> list[str]:
    return sorted(spec.name for spec in specs)


class SlowRunner(FakeRunner):
    """Its machines take `seconds` to open, and it tells of it, also of their end."""

    def __init__(self, seconds: float, **more: Any) -> None:
        super().__init__(**more)
        self.seconds = seconds

    @asynccontextmanager
    async def open(self, spec: MachineSpec, log: Log) -> AsyncIterator[FakeMachine]:
        try:
            log("opening")
            await trio.sleep(self.seconds)
            async with super().open(spec, log) as machine:
                yield machine
        finally:
            log("closed")


def check_laws(ran: Ran) -> None:
    """What holds for the events of every run."""
    assert isinstance(ran.events[0], events.RunStarted)
    assert isinstance(ran.events[-1], events.RunFinished)
    over: set[str] = set()
    running: Counter[tuple[str, int]] = Counter()  # phases and depths of one step
    started: set[str] = set()
    finished: dict[str, list[int]] = {}
    for event in ran.events:
        assert event.job not in over, f"after the end of {event.job}: {event}"
        match event:
            case events.JobStarted() | events.JobCalled():
                assert event.job not in started
                started.add(event.job)
            case events.JobAttemptFailed():
                started.discard(event.job)
                finished.pop(event.job, None)
            case events.StepStarted():
                assert event.job in started, event
                running[event.job, event.step] += 1
            case events.StepFinished():
                assert event.job in started, event
                if running[event.job, event.step]:  # what is skipped never started
                    running[event.job, event.step] -= 1
                assert event.outcome == event.conclusion or (
                    event.outcome is Outcome.FAILURE and event.conclusion is Outcome.SUCCESS
                )
                if event.phase == "main" and event.depth == 0:
                    finished.setdefault(event.job, []).append(event.step)
            case events.Output() | events.AttemptFailed():
                assert running[event.job, event.step] > 0, event
            case events.JobFinished():
                left = [key for key, count in running.items() if count > 0]
                assert all(job != event.job for job, _ in left), f"{event.job} ended in {left}"
                over.add(event.job)
    for job_, steps in finished.items():
        assert sorted(steps) == list(range(1, len(steps) + 1)), f"steps of {job_}: {steps}"
    expanded = {event.job for event in ran.of(events.JobExpanded)}
    legs = {leg for event in ran.of(events.JobExpanded) for leg in event.legs}
    called = {job for event in ran.of(events.JobCalled) for job in event.jobs}
    jobs = set(ran.of(events.RunStarted)[0].jobs)
    assert over == (jobs | called | legs) - expanded
