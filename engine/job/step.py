"""One phase of one step while it runs: its expressions answered, and the ladder it goes down."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import trio
from msgspec.structs import replace

from engine.events import (
    Annotation,
    AnnotationLevel,
    AttemptFailed,
    Outcome,
    Output,
    Phase,
    StepStarted,
)
from engine.expr import CaseSensitive, to_string
from engine.job import files, phase, shells
from engine.job.conditional import conditional
from engine.job.declared import declared
from engine.job.executed import Work, executed
from engine.job.frame import Use
from engine.job.order import Bench
from engine.job.result import Effects, StepResult, ended
from engine.job.retried import Try, retried
from engine.job.script import script
from engine.job.state import NeedsHash
from engine.job.timed import timed
from engine.job.tolerated import tolerated
from engine.machine import ContainerError
from engine.model import Step
from engine.transcript import MOST_ISSUES, Transcript
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

_STATUS = {
    Outcome.SUCCESS: "no step has failed",
    Outcome.FAILURE: "an earlier step failed",
    Outcome.CANCELLED: "the job was cancelled",
}
_CONTROLS = frozenset(("wait", "wait-all", "cancel", "parallel"))

# What a `uses:` or a control step does is not of this module; asked once the step may run.
Prepare = Callable[["LiveStep"], Awaitable[Try]]


class CannotRun(Exception):
    """The step can't be started; its failure says why."""


class LiveStep:
    """One phase of one step while it runs."""

    def __init__(
        self,
        bench: Bench,
        use: Use,
        phase_: Phase,
        prepare: Prepare,
        began: Callable[[], None] = lambda: None,
    ) -> None:
        self.bench = bench
        self.use = use
        self.phase = phase_
        self.prepare = prepare
        self.began = began
        self.files = files.fresh(bench.state.facts.layout.commands, bench.state.listing())
        self.github = {"action": use.action, **self.files.paths}
        self.name = self._titled(_default_name(use.step))
        self.started = trio.current_time()
        self.attempts = 0
        self.delegates = False  # other steps run in this one, and a cancel is for them

    @property
    def step(self) -> Step:
        return self.use.step

    def scope(self) -> Scope:
        of_job = self.phase != "main"
        return self.bench.state.scope(self.use.frame, self.use.env, of_job=of_job, **self.github)

    def reconsider(self, scope: trio.CancelScope) -> None:
        """A cancel came: go on only if the step's condition still holds (`always()`)."""
        self.bench.state.status = Outcome.CANCELLED
        if not self.delegates and not self._still_wanted():
            scope.cancel()

    def _still_wanted(self) -> bool:
        condition = phase.condition(self.use, self.phase)
        if condition is None:
            return self._always()
        try:
            return holds(condition, self.scope())
        except (Unresolved, NeedsHash):
            return False

    def _always(self) -> bool:
        """Whether the step runs in any case where it has no condition of its own."""
        return self.phase != "main" or self.step.kind in _CONTROLS

    async def run(self) -> StepResult:
        """The ladder: conditional, tolerated, timed, retried, executed."""
        self.bench.state.hashes.clear()  # other steps may have changed the files
        try:
            if self.phase != "post":
                self.use.env = await self.bench.answer(
                    lambda: strings(self.step.env, self.bench.state.scope(self.use.frame))
                )
        except Unresolved as error:
            return ended(Outcome.FAILURE, str(error.problem))
        self.name = self._titled(self._foreseen_name())
        try:
            return await conditional(self._holds, self._why_not, self._tolerated)
        except Unresolved as error:
            return replace(ended(Outcome.FAILURE, str(error.problem)), undecided=True)

    async def _holds(self) -> bool:
        condition = phase.condition(self.use, self.phase)
        if condition is not None:
            return await self.bench.answer(lambda: holds(condition, self.scope()))
        return self._always() or bool(self.scope().functions["success"]())

    def _why_not(self) -> str:
        status = _STATUS[self._status()]
        condition = phase.condition(self.use, self.phase)
        return f"{why_false(condition, self.scope())}; {status}" if condition else status

    def _status(self) -> Outcome:
        status = self.bench.state.status
        own = self.use.frame.status
        return status if own is None or status is Outcome.CANCELLED else own

    async def _tolerated(self) -> StepResult:
        self.name = self._titled(await self._display_name())
        return await tolerated(self._may_fail, self._attempted)

    async def _may_fail(self, result: StepResult) -> bool:
        tree = self.step.continue_on_error
        self.bench.state.hashes.clear()
        try:
            return await self.bench.answer(lambda: boolean(tree, self._afterwards(result.effects)))
        except Unresolved as error:  # what the step left behind still counts
            self.annotate(str(error.problem))
            return False

    def _afterwards(self, effects: Effects) -> Scope:
        """What its expressions see when it has run: what it set is there at once, as GitHub has it,
        but not yet how it ended."""
        scope = self.scope()
        left: dict[str, Any] = {"env": CaseSensitive({**scope.contexts["env"], **effects.env})}
        if self.step.id:
            own = {self.step.id: {"outputs": dict(effects.outputs)}}
            left["steps"] = {**self.use.frame.steps, **own}
        return replace(scope, contexts={**scope.contexts, **left})

    async def _attempted(self) -> StepResult:
        """What can't be started is a failure like any other, which may be tolerated."""
        try:
            return await self._timed()
        except Unresolved as error:
            return ended(Outcome.FAILURE, str(error.problem))
        except (shells.ShellError, CannotRun, ContainerError) as error:
            return ended(Outcome.FAILURE, str(error))

    async def _timed(self) -> StepResult:
        minutes = await self._minutes()
        message = f"The action '{self.name}' has timed out after {to_string(minutes)} minutes."
        return await timed(60 * minutes, message, await self._prepared())

    async def _minutes(self) -> float:
        """Its time; what can't be told is said, and no limit (actions/runner, StepsRunner)."""
        tree = self.step.timeout_minutes
        try:
            return await self.bench.answer(lambda: number(tree, self.scope(), 0.0))
        except Unresolved as error:
            self.annotate(str(error.problem))
            return 0.0

    async def _prepared(self) -> Try:
        """What to do, its expressions answered once for all attempts."""
        if self.step.kind != "run":
            return await self.prepare(self)
        make = partial(script, self.bench, self.use)
        return self.tried(await self.bench.answer(lambda: make(self.scope(), self.files)))

    # --- what `prepare` makes use of ----------------------------------------------------------

    def tried(self, work: Work) -> Try:
        """Announce the work, to be done until it succeeds or its attempts are used up."""
        self.announce(work)
        return self.retried(partial(self._once, work))

    def retried(self, inner: Try) -> Try:
        policy = self.step.retry if self.phase == "main" else None
        return partial(retried, policy, self._attempt_failed, inner)

    async def _once(self, work: Work) -> StepResult:
        self.attempts += 1
        self.bench.state.has_event = True
        bench = self.bench
        heard = self._transcript(work)
        result = await executed(work, heard, bench.machine, bench.emit, keep=self.use.keeps)
        return await self._declared(result, work) if result.effects.declaration else result

    async def _declared(self, result: StepResult, work: Work) -> StepResult:
        bench = self.bench
        result = await declared(result, bench.machine, work.on_machine, bench.state.subjects)
        if new := len(result.effects.subjects):
            total = len({*bench.state.subjects, *result.effects.subjects})
            text = f"Captured {new} artifact subject(s) from this step (job total: {total}).\n"
            bench.emit(Output(job=bench.order.leg.key, step=self.use.index, text=text))
        return result

    def _transcript(self, work: Work) -> Transcript:
        bench = self.bench
        return Transcript(
            job=bench.order.leg.key,
            step=self.use.index,
            masks=bench.masks,
            matchers=bench.state.matchers,
            workspace=work.workspace,
            debug=bench.state.debug,
            unsecure_commands=work.allows("ACTIONS_ALLOW_UNSECURE_COMMANDS"),
            unsecure_tokens=work.allows("ACTIONS_ALLOW_UNSECURE_STOPCOMMAND_TOKENS"),
            issues=bench.issues_of(self.use.index, self.phase),
        )

    def announce(self, work: Work | None = None) -> None:
        """Say that the step starts, and what it will do."""
        self.began()
        hide = self.bench.masks.hide
        state, use = self.bench.state, self.use
        self.bench.emit(
            StepStarted(
                job=self.bench.order.leg.key,
                step=use.index,
                name=hide(self.name),
                id=self.step.id,
                phase=self.phase,
                depth=use.frame.depth,
                script=hide(work.script) if work else "",
                shell=hide(work.shell) if work else "",
                env={
                    hide(name): hide(value)
                    for name, value in {**state.env, **use.frame.env, **use.env}.items()
                },
            )
        )

    def annotate(self, message: str, level: AnnotationLevel = "error") -> None:
        bench, step = self.bench, self.use.index
        issues = bench.issues_of(step, self.phase)
        issues[level] += 1
        bench.emit(
            Annotation(
                job=bench.order.leg.key,
                step=step,
                level=level,
                message=bench.masks.hide(message),
                over_limit=issues[level] > MOST_ISSUES,
            )
        )

    def _attempt_failed(self, attempt: int, result: StepResult, delay: float) -> None:
        policy = self.step.retry
        self.bench.emit(
            AttemptFailed(
                job=self.bench.order.leg.key,
                step=self.use.index,
                attempt=attempt,
                attempts=policy.attempts if policy else attempt,
                reason=self.bench.masks.hide(result.reason),
                delay=delay,
            )
        )

    # --- names ----------------------------------------------------------------------------------

    def _titled(self, name: str) -> str:
        return {"pre": f"Pre {name}", "main": name, "post": f"Post {name}"}[self.phase]

    def _foreseen_name(self) -> str:
        """The name of a step that may be skipped: nothing is asked of the machine for it."""
        try:
            return self._name()
        except (Unresolved, NeedsHash):
            return _default_name(self.step)

    async def _display_name(self) -> str:
        try:
            return await self.bench.answer(self._name)
        except Unresolved:
            return _default_name(self.step)

    def _name(self) -> str:
        scope = self.scope()
        name = string(self.step.name, scope)
        if name or self.step.run is None:
            return name or _default_name(self.step)
        return _run_name(string(self.step.run, scope))


def _default_name(step: Step) -> str:
    if step.name is not None:
        return step.name.node.text
    if step.uses is not None:
        return f"Run {step.uses.text}"
    if step.run is not None:
        return _run_name(step.run.node.text)
    return _CONTROL_NAMES[step.kind].format(", ".join(step.targets))


_CONTROL_NAMES = {
    "wait": "Wait for {}",
    "wait-all": "Wait for all background steps",
    "cancel": "Cancel {}",
    "parallel": "Run steps in parallel",
}


def _run_name(text: str) -> str:
    lines = text.strip().splitlines()
    return f"Run {lines[0]}" if lines else "Run"
