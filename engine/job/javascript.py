"""A JavaScript action: one of its files, run by Node in the workspace."""

from __future__ import annotations

from functools import partial

from engine.actions.manifest import NODE, NODE_FOR_MUSL, NodeRuns
from engine.events import Phase
from engine.job.environment import of_action, variables
from engine.job.executed import Work
from engine.job.files import CommandFiles
from engine.job.found import folder
from engine.job.frame import Use
from engine.job.order import Bench
from engine.machine import Command
from engine.tree import Scope


def javascript(
    bench: Bench, use: Use, scope: Scope, files: CommandFiles, runs: NodeRuns, phase: Phase
) -> Work:
    """What a phase of the action runs (actions/runner, NodeScriptActionHandler)."""
    assert use.found
    order, state = bench.order, bench.state
    entry = {"pre": runs.pre, "main": runs.main, "post": runs.post}[phase]
    env = variables(state, use, scope, order.env, order.leg)
    command = Command(
        script="",
        shell=(_node(bench), f"{folder(bench, use.found.reference)}/{entry}"),
        cwd=state.facts.layout.workspace,
        env={**env, **of_action(use), **files.variables},
        path=tuple(state.path),
        files=files.empty,
        inputs={**state.inputs(), **files.inputs},
    )
    return Work(
        start=partial(bench.machine.exec, command),
        files=files,
        workspace=command.cwd,
        env=env,
    )


def _node(bench: Bench) -> str:
    """The Node that the engine supplies, else the image's own."""
    if not bench.order.externals:
        return "node"
    facts = bench.state.facts
    return f"{facts.layout.externals}/{NODE_FOR_MUSL if facts.musl else NODE}/bin/node"
