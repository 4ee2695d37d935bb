"""One job on one machine: each step's condition, time, attempts and outcome."""

from __future__ import annotations

import io
import json
import posixpath
import tarfile
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import trio

from engine import actions, contexts, hashing
from engine.events import (
    Annotation,
    AttemptFailed,
    Emit,
    Log,
    Outcome,
    StepFinished,
    StepStarted,
    Summary,
)
from engine.expr import to_string
from engine.job import files, shells
from engine.job.cancellation import Cancellation
from engine.job.conditional import conditional
from engine.job.executed import Script, executed
from engine.job.result import StepResult, ended
from engine.job.retried import retried
from engine.job.state import JobState, NeedsHash
from engine.job.timed import timed
from engine.job.tolerated import tolerated
from engine.machine import Machine, MachineError
from engine.masks import Masks
from engine.model import Defaults, Step, Workflow
from engine.plan import Leg
from engine.tree import (
    Scope,
    Unresolved,
    boolean,
    holds,
    number,
    string,
    strings,
    why_false,
)

__all__ = ["Cancellation", "JobOrder", "JobResult", "OpenMachine", "run_job"]

T = TypeVar("T")
OpenMachine = Callable[[], Any]  # an async context manager of Machine, see engine.machine.Runner


@dataclass(frozen=True, slots=True)
class JobOrder:
    """All that one job is told. `contexts` are those that stay the same while it runs."""

    leg: Leg
    workflow: Workflow
    contexts: Mapping[str, Any]
    secrets: Mapping[str, str] = field(repr=False)
    env: Mapping[str, str] = field(default_factory=dict)  # given on the command line
    debug: bool = False


@dataclass(frozen=True, slots=True)
class JobResult:
    """`broke` says that the machine failed, not the author's steps."""

    outcome: Outcome
    outputs: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    broke: bool = False
    timed_out: bool = False


async def run_job(
    order: JobOrder, open_machine: OpenMachine, cancellation: Cancellation, emit: Emit
) -> JobResult:
    """Open the job's machine, run its steps on it and answer with its outputs."""
    masks = Masks(order.secrets.values())
    job: _Job | None = None
    try:
        # until its first step a job can simply be dropped
        with (
            trio.CancelScope() as scope,
            cancellation.heard_by(lambda: scope.cancel() if job is None else None),
        ):
            async with open_machine() as machine:
                job = _Job(order, machine, masks, cancellation, emit)
                return await job.run(scope)
    except MachineError as error:
        return _broken(str(error), job, cancellation)
    return _cancelled(cancellation)


def _broken(reason: str, job: _Job | None, cancellation: Cancellation) -> JobResult:
    if cancellation.requested:
        return _cancelled(cancellation)
    if job is not None:
        job.lost(reason)
    return JobResult(Outcome.FAILURE, reason=reason, broke=True)


def _cancelled(cancellation: Cancellation) -> JobResult:
    reason, timed_out = cancellation.reason, cancellation.timed_out
    return JobResult(Outcome.CANCELLED, reason=reason, timed_out=timed_out)


class _Job:
    """The steps of one job, in order, and what they share."""

    def __init__(
        self,
        order: JobOrder,
        machine: Machine,
        masks: Masks,
        cancellation: Cancellation,
        emit: Emit,
    ) -> None:
        self.order = order
        self.machine = machine
        self.masks = masks
        self.cancellation = cancellation
        self.emit = emit
        self.state = JobState(order.contexts, machine.facts, masks, order.debug)
        self.running: tuple[int, Step] | None = None
        self.done = 0
        self.generated: dict[str, int] = {}

    async def run(self, scope: trio.CancelScope) -> JobResult:
        """All steps, then the outputs. The scope ends what is left after a cancel's grace."""
        await self.machine.put(*self._event_file())
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
        for index, step in enumerate(self.order.leg.job.steps, 1):
            await self._step(index, step)

    async def _limit(self) -> None:
        await trio.sleep(self.order.leg.timeout)
        minutes = to_string(self.order.leg.timeout / 60)
        self.cancellation.request(
            f"The job has exceeded its time limit of {minutes} minutes.", timed_out=True
        )

    def _start_grace(self, scope: trio.CancelScope) -> None:
        self.state.status = Outcome.CANCELLED
        scope.deadline = trio.current_time() + self.order.leg.cancel_timeout

    def _event_file(self) -> tuple[str, bytes]:
        event = json.dumps(self.order.contexts["github"]["event"], indent=2).encode()
        path = f"{self.machine.facts.layout.temp}/_github_workflow"
        return path, _tar("event.json", event)

    def _environment(self) -> str:
        """Evaluate `env` of the workflow and the job; the reason where that fails."""
        workflow, job = self.order.workflow, self.order.leg.job
        try:
            for tree in (workflow.env, job.env):
                self.state.env.update(strings(tree, self.state.scope()))
        except Unresolved as error:
            return str(error.problem)
        return ""

    async def _result(self) -> JobResult:
        status = self.state.status
        try:
            outputs = await self._answer(
                lambda: strings(self.order.leg.job.outputs, self.state.scope())
            )
        except Unresolved as error:
            return JobResult(Outcome.FAILURE, reason=str(error.problem))
        reason = self.cancellation.reason if status is Outcome.CANCELLED else ""
        return JobResult(status, self._safe(outputs), reason, timed_out=self.cancellation.timed_out)

    def _safe(self, outputs: Mapping[str, str]) -> dict[str, str]:
        """Outputs that are not empty and hold no secret (actions/runner, JobExtension)."""
        for name, value in outputs.items():
            if self.masks.found_in(value):
                message = f"Skip output '{name}' since it may contain secret."
                self.emit(Log(job=self.order.leg.key, level="warning", message=message))
        return {
            name: value
            for name, value in outputs.items()
            if value and not self.masks.found_in(value)
        }

    async def _answer(self, ask: Callable[[], T]) -> T:
        """Evaluate; where `hashFiles` is in the way, ask the machine and evaluate again."""
        while True:
            try:
                return ask()
            except NeedsHash as needed:
                self.state.hashes[needed.patterns] = await hashing.hash_files(
                    self.machine, needed.patterns
                )

    # --- one step -------------------------------------------------------------------------------

    async def _step(self, index: int, step: Step) -> None:
        self.running = index, step
        started = time.monotonic()
        live = _LiveStep(self, index, step)
        with (
            trio.CancelScope() as scope,
            self.cancellation.heard_by(lambda: live.reconsider(scope)),
        ):
            result = await live.run()
        if scope.cancelled_caught:
            result = ended(Outcome.CANCELLED, "The operation was canceled.")
        self._finish(live, result, time.monotonic() - started)

    def _finish(self, live: _LiveStep, result: StepResult, seconds: float) -> None:
        self._apply(live, result)
        self.state.worsen(result.conclusion)
        if live.step.id:
            self.state.steps[live.step.id] = {
                "outputs": dict(result.effects.outputs),
                "outcome": str(result.outcome),
                "conclusion": str(result.conclusion),
                "attempts": result.attempts,
            }
        self.emit(
            StepFinished(
                job=self.order.leg.key,
                step=live.index,
                name=live.name,
                outcome=result.outcome,
                conclusion=result.conclusion,
                seconds=seconds,
                attempts=result.attempts,
                exit_code=result.exit_code,
                reason=self.masks.hide(result.reason),
            )
        )
        self.running = None
        self.done = live.index

    def _apply(self, live: _LiveStep, result: StepResult) -> None:
        effects = result.effects
        self.state.env.update(effects.env)
        for entry in effects.path:
            self.state.path = [entry, *(old for old in self.state.path if old != entry)]
        if effects.summary:
            self.emit(Summary(job=self.order.leg.key, step=live.index, text=effects.summary))
        for complaint in (*effects.complaints, *effects.errors):
            live.annotate(complaint)
        if result.outcome is Outcome.FAILURE and result.reason not in effects.errors:
            live.annotate(result.reason)

    def lost(self, reason: str) -> None:
        """The machine is gone: the running step failed, the others can't run."""
        if self.running:
            live = _LiveStep(self, *self.running)
            self._finish(live, ended(Outcome.FAILURE, reason), 0.0)
        for index, step in enumerate(self.order.leg.job.steps, 1):
            if index > self.done:
                gone = ended(Outcome.SKIPPED, "the machine was lost")
                self._finish(_LiveStep(self, index, step), gone, 0.0)

    def action_name(self, step: Step) -> str:
        """`github.action`: the step's id, or a generated one (actions/runner)."""
        if step.id:
            return step.id
        base = "__run" if step.kind == "run" else actions.generated_id(step)
        self.generated[base] = self.generated.get(base, 0) + 1
        count = self.generated[base]
        return base if count == 1 else f"{base}_{count}"


class _LiveStep:
    """One step while it runs."""

    def __init__(self, job: _Job, index: int, step: Step) -> None:
        self.job = job
        self.index = index
        self.step = step
        self.files = files.fresh(job.state.facts.layout.temp)
        self.github = {"action": job.action_name(step), **self.files.paths}
        self.env: dict[str, str] = {}
        self.name = _default_name(step)
        self.holds_always = False

    def scope(self) -> Scope:
        return self.job.state.scope(self.env, **self.github)

    def reconsider(self, scope: trio.CancelScope) -> None:
        """A cancel came: go on only if the step's condition still holds (`always()`)."""
        self.job.state.status = Outcome.CANCELLED
        try:
            wanted = self.step.condition is not None and holds(self.step.condition, self.scope())
        except (Unresolved, NeedsHash):
            wanted = False
        if not wanted:
            scope.cancel()

    async def run(self) -> StepResult:
        """The ladder: conditional, tolerated, timed, retried, executed."""
        try:
            self.env = await self.job._answer(lambda: strings(self.step.env, self.scope()))
            return await conditional(self._holds, self._why_not, self._tolerated)
        except (Unresolved, shells.ShellError) as error:
            return ended(Outcome.FAILURE, _sentence(error))

    async def _holds(self) -> bool:
        condition = self.step.condition
        if condition is None:
            return self.job.state.status is Outcome.SUCCESS
        found = condition
        return await self.job._answer(lambda: holds(found, self.scope()))

    def _why_not(self) -> str:
        status = f"the job's status is {self.job.state.status}"
        if self.step.condition is None:
            return status
        return f"{why_false(self.step.condition, self.scope())}; {status}"

    async def _tolerated(self) -> StepResult:
        self.name = await self._display_name()
        return await tolerated(self._may_fail, self._timed)

    async def _may_fail(self) -> bool:
        return await self.job._answer(lambda: boolean(self.step.continue_on_error, self.scope()))

    async def _timed(self) -> StepResult:
        minutes = await self.job._answer(
            lambda: number(self.step.timeout_minutes, self.scope(), 0.0)
        )
        message = f"The action '{self.name}' has timed out after {to_string(minutes)} minutes."
        return await timed(60 * minutes, message, await self._prepared())

    async def _prepared(self) -> Callable[[], Awaitable[StepResult]]:
        """What to run, its expressions answered once for all attempts."""
        if self.step.kind == "uses":
            return self._checkout
        script = await self.job._answer(self._script)
        self._announce(script)
        once = partial(executed, script, self.job.machine, self.job.masks, self.job.emit)
        return partial(retried, self.step.retry, self._attempt_failed, once)

    async def _checkout(self) -> StepResult:
        self._announce(None)
        message = "The workspace already holds the repository; nothing to check out."
        self.job.emit(Log(job=self.job.order.leg.key, message=message))
        return ended(Outcome.SUCCESS)

    def _script(self) -> Script:
        state, scope = self.job.state, self.scope()
        defaults = _Defaults(self.job.order)
        shell = shells.choose(
            self.step.shell.text if self.step.shell else defaults.shell(scope),
            in_container=self.job.order.leg.container is not None,
            has_bash=state.facts.bash,
        )
        directory = string(self.step.working_directory, scope) or defaults.directory(scope)
        policy = self.step.retry
        return Script(
            job=self.job.order.leg.key,
            step=self.index,
            text=string(self.step.run, scope),
            shell=shell,
            cwd=posixpath.join(state.facts.layout.workspace, directory),
            files=self.files,
            env=self._variables(scope),
            path=tuple(state.path),
            debug=state.debug,
            keep_printed=bool(policy and policy.on and policy.on.output),
        )

    def _variables(self, scope: Scope) -> dict[str, str]:
        """The step's environment, later entries winning (actions/runner, Handler)."""
        state = self.job.state
        github: Any = scope.contexts["github"]
        github = {**github, "job": self.job.order.leg.job.id}
        runner: Any = scope.contexts["runner"]
        home = state.facts.layout.home
        return {
            "CI": "true",
            **({"HOME": home} if home else {}),
            **self.job.order.env,
            **state.env,
            **self.env,
            **contexts.default_variables(github, runner),
            "GITHUB_ACTIONS": "true",
            "ACT": "true",
        }

    async def _display_name(self) -> str:
        try:
            name = await self.job._answer(lambda: string(self.step.name, self.scope()))
            return self.job.masks.hide(name or await self._default_name())
        except Unresolved:
            return self.name

    async def _default_name(self) -> str:
        run = self.step.run
        if run is None:
            return _default_name(self.step)
        return _run_name(await self.job._answer(lambda: string(run, self.scope())))

    def _announce(self, script: Script | None) -> None:
        hide = self.job.masks.hide
        self.job.emit(
            StepStarted(
                job=self.job.order.leg.key,
                step=self.index,
                name=self.name,
                id=self.step.id,
                script=hide(script.text) if script else "",
                shell=script.shell.shown if script else "",
                env={
                    name: hide(value) for name, value in {**self.job.state.env, **self.env}.items()
                },
            )
        )

    def _attempt_failed(self, attempt: int, result: StepResult, delay: float) -> None:
        policy = self.step.retry
        self.job.emit(
            AttemptFailed(
                job=self.job.order.leg.key,
                step=self.index,
                attempt=attempt,
                attempts=policy.attempts if policy else attempt,
                reason=self.job.masks.hide(result.reason),
                delay=delay,
            )
        )

    def annotate(self, message: str) -> None:
        hidden = self.job.masks.hide(message)
        self.job.emit(
            Annotation(job=self.job.order.leg.key, step=self.index, level="error", message=hidden)
        )


class _Defaults:
    """`defaults.run`, key by key: the job's, then the workflow's."""

    def __init__(self, order: JobOrder) -> None:
        self.levels: tuple[Defaults, ...] = (order.leg.job.defaults, order.workflow.defaults)

    def shell(self, scope: Scope) -> str:
        return next(filter(None, (string(level.shell, scope) for level in self.levels)), "")

    def directory(self, scope: Scope) -> str:
        found = (string(level.working_directory, scope) for level in self.levels)
        return next(filter(None, found), "")


def _sentence(error: Exception) -> str:
    return str(error.problem) if isinstance(error, Unresolved) else str(error)


def _default_name(step: Step) -> str:
    if step.name is not None:
        return step.name.node.text
    if step.uses is not None:
        return f"Run {step.uses.text}"
    return _run_name(step.run.node.text if step.run else step.kind)


def _run_name(script: str) -> str:
    lines = script.strip().splitlines()
    return f"Run {lines[0]}" if lines else "Run"


def _tar(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(content), 0o644
        archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()
