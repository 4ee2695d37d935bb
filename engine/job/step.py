"""One step while it runs: its expressions answered, and the ladder it goes down."""

from __future__ import annotations

import posixpath
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import trio

from engine import contexts
from engine.events import Annotation, AttemptFailed, Outcome, StepStarted
from engine.expr import to_string
from engine.job import files, shells
from engine.job.conditional import conditional
from engine.job.executed import Script, executed
from engine.job.order import Bench, JobOrder
from engine.job.result import StepResult, ended
from engine.job.retried import retried
from engine.job.state import NeedsHash
from engine.job.timed import timed
from engine.job.tolerated import tolerated
from engine.model import Defaults, Step
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


class LiveStep:
    """One step while it runs."""

    def __init__(self, bench: Bench, index: int, step: Step, action: str) -> None:
        self.bench = bench
        self.index = index
        self.step = step
        self.files = files.fresh(bench.state.facts.layout.temp)
        self.github = {"action": action, **self.files.paths}
        self.env: dict[str, str] = {}
        self.name = _default_name(step)
        self.started = trio.current_time()
        self.attempts = 0

    def scope(self) -> Scope:
        return self.bench.state.scope(self.env, **self.github)

    def reconsider(self, scope: trio.CancelScope) -> None:
        """A cancel came: go on only if the step's condition still holds (`always()`)."""
        self.bench.state.status = Outcome.CANCELLED
        try:
            wanted = self.step.condition is not None and holds(self.step.condition, self.scope())
        except (Unresolved, NeedsHash):
            wanted = False
        if not wanted:
            scope.cancel()

    async def run(self) -> StepResult:
        """The ladder: conditional, tolerated, timed, retried, executed."""
        self.bench.state.hashes.clear()  # other steps may have changed the files
        try:
            self.env = await self.bench.answer(lambda: strings(self.step.env, self.scope()))
            self.name = self._foreseen_name()
            return await conditional(self._holds, self._why_not, self._tolerated)
        except Unresolved as error:
            return ended(Outcome.FAILURE, str(error.problem))

    async def _holds(self) -> bool:
        condition = self.step.condition
        if condition is None:
            return self.bench.state.status is Outcome.SUCCESS
        found = condition
        return await self.bench.answer(lambda: holds(found, self.scope()))

    def _why_not(self) -> str:
        status = _STATUS[self.bench.state.status]
        if self.step.condition is None:
            return status
        return f"{why_false(self.step.condition, self.scope())}; {status}"

    async def _tolerated(self) -> StepResult:
        self.name = await self._display_name()
        return await tolerated(self._may_fail, self._attempted)

    async def _may_fail(self) -> bool:
        tree = self.step.continue_on_error
        self.bench.state.hashes.clear()
        try:
            return await self.bench.answer(lambda: boolean(tree, self.scope()))
        except Unresolved as error:  # what the step left behind still counts
            self.annotate(str(error.problem))
            return False

    async def _attempted(self) -> StepResult:
        """What can't be started is a failure like any other, which may be tolerated."""
        try:
            return await self._timed()
        except Unresolved as error:
            return ended(Outcome.FAILURE, str(error.problem))
        except shells.ShellError as error:
            return ended(Outcome.FAILURE, str(error))

    async def _timed(self) -> StepResult:
        minutes = await self.bench.answer(
            lambda: number(self.step.timeout_minutes, self.scope(), 0.0)
        )
        message = f"The action '{self.name}' has timed out after {to_string(minutes)} minutes."
        return await timed(60 * minutes, message, await self._prepared())

    async def _prepared(self) -> Callable[[], Awaitable[StepResult]]:
        """What to run, its expressions answered once for all attempts."""
        if self.step.kind == "uses":
            return self._checkout
        script = await self.bench.answer(self._script)
        self._announce(script)
        return partial(retried, self.step.retry, self._attempt_failed, partial(self._once, script))

    async def _once(self, script: Script) -> StepResult:
        self.attempts += 1
        self.bench.state.has_event = True
        return await executed(script, self.bench.machine, self.bench.masks, self.bench.emit)

    async def _checkout(self) -> StepResult:
        """The workspace already holds the repository; nothing is left to be done."""
        self._announce(None)
        return ended(Outcome.SUCCESS)

    def _script(self) -> Script:
        state, scope = self.bench.state, self.scope()
        defaults = _Defaults(self.bench.order)
        shell = shells.choose(
            string(self.step.shell, scope) or defaults.shell(scope),
            in_container=self.bench.order.leg.container is not None,
            has_bash=state.facts.bash,
        )
        directory = string(self.step.working_directory, scope) or defaults.directory(scope)
        workspace = state.facts.layout.workspace
        policy = self.step.retry
        return Script(
            job=self.bench.order.leg.key,
            step=self.index,
            text=string(self.step.run, scope),
            shell=shell,
            cwd=posixpath.join(workspace, directory) if directory else workspace,
            files=self.files,
            env=self._variables(scope),
            path=tuple(state.path),
            inputs=state.inputs(),
            debug=state.debug,
            keep_printed=bool(policy and policy.on and policy.on.output),
        )

    def _variables(self, scope: Scope) -> dict[str, str]:
        """The step's environment, later entries winning (actions/runner, Handler)."""
        state = self.bench.state
        github: Any = scope.contexts["github"]
        github = {**github, "job": self.bench.order.leg.job.id}
        runner: Any = scope.contexts["runner"]
        home = state.facts.layout.home
        return {
            "CI": "true",
            **({"HOME": home} if home else {}),
            **self.bench.order.env,
            **state.env,
            **self.env,
            **contexts.default_variables(github, runner),
            "GITHUB_ACTIONS": "true",
            "ACT": "true",
        }

    def _foreseen_name(self) -> str:
        """The name of a step that may be skipped: nothing is asked of the machine for it."""
        try:
            return self._name()
        except (Unresolved, NeedsHash):
            return self.name

    async def _display_name(self) -> str:
        try:
            return await self.bench.answer(self._name)
        except Unresolved:
            return self.name

    def _name(self) -> str:
        scope = self.scope()
        name = string(self.step.name, scope)
        if name or self.step.run is None:
            return name or _default_name(self.step)
        return _run_name(string(self.step.run, scope))

    def _announce(self, script: Script | None) -> None:
        hide = self.bench.masks.hide
        self.bench.emit(
            StepStarted(
                job=self.bench.order.leg.key,
                step=self.index,
                name=hide(self.name),
                id=self.step.id,
                script=hide(script.text) if script else "",
                shell=hide(script.shell.shown) if script else "",
                env={
                    name: hide(value)
                    for name, value in {**self.bench.state.env, **self.env}.items()
                },
            )
        )

    def _attempt_failed(self, attempt: int, result: StepResult, delay: float) -> None:
        policy = self.step.retry
        self.bench.emit(
            AttemptFailed(
                job=self.bench.order.leg.key,
                step=self.index,
                attempt=attempt,
                attempts=policy.attempts if policy else attempt,
                reason=self.bench.masks.hide(result.reason),
                delay=delay,
            )
        )

    def annotate(self, message: str) -> None:
        hidden = self.bench.masks.hide(message)
        self.bench.emit(
            Annotation(job=self.bench.order.leg.key, step=self.index, level="error", message=hidden)
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


def _default_name(step: Step) -> str:
    if step.name is not None:
        return step.name.node.text
    if step.uses is not None:
        return f"Run {step.uses.text}"
    return _run_name(step.run.node.text if step.run else step.kind)


def _run_name(script: str) -> str:
    lines = script.strip().splitlines()
    return f"Run {lines[0]}" if lines else "Run"
