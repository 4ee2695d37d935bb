"""A `run` step: its script, its shell and where it runs."""

from __future__ import annotations

import posixpath
from functools import partial

from engine.job import shells
from engine.job.environment import variables
from engine.job.executed import Work
from engine.job.files import CommandFiles
from engine.job.frame import Use
from engine.job.order import Bench, JobOrder
from engine.machine import Command
from engine.model import Defaults
from engine.tree import Scope, string


def script(bench: Bench, use: Use, scope: Scope, files: CommandFiles) -> Work:
    """What the step runs. Raises Unresolved, ShellError."""
    order, state, step = bench.order, bench.state, use.step
    defaults = _Defaults(order, use)
    shell = shells.choose(
        string(step.shell, scope) or defaults.shell(scope),
        in_container=order.leg.container is not None,
        has_bash=state.facts.bash,
    )
    directory = string(step.working_directory, scope) or defaults.directory(scope)
    workspace = state.facts.layout.workspace
    text = string(step.run, scope)
    env = variables(state, use, scope, order.env, order.leg)
    command = Command(
        script=shell.script(text.replace("\r\n", "\n")),
        shell=shell.argv,
        extension=shell.extension,
        cwd=posixpath.join(workspace, directory) if directory else workspace,
        env={**env, **files.variables},
        path=tuple(state.path),
        files=files.empty,
        inputs={**state.inputs(), **files.inputs},
    )
    return Work(
        start=partial(bench.machine.exec, command),
        files=files,
        workspace=workspace,
        script=text,
        shell=shell.shown,
        env=env,
    )


class _Defaults:
    """`defaults.run`, key by key: the job's, then the workflow's; a composite has none."""

    def __init__(self, order: JobOrder, use: Use) -> None:
        levels = (order.leg.job.defaults, order.workflow.defaults)
        self.levels: tuple[Defaults, ...] = () if use.frame.depth else levels

    def shell(self, scope: Scope) -> str:
        return next(filter(None, (string(level.shell, scope) for level in self.levels)), "")

    def directory(self, scope: Scope) -> str:
        found = (string(level.working_directory, scope) for level in self.levels)
        return next(filter(None, found), "")
