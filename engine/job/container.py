"""A container step: a Docker action, or an image that a step names itself."""

from __future__ import annotations

import posixpath
import shlex
from functools import partial

from engine import tarball
from engine.actions.manifest import DockerRuns
from engine.events import Log, Phase
from engine.expr import to_string
from engine.expr.values import lookup
from engine.job.environment import (
    in_container_step,
    of_action,
    out_of_container_step,
    variables,
)
from engine.job.executed import Work
from engine.job.files import CommandFiles
from engine.job.found import folder
from engine.job.frame import Use
from engine.job.order import Bench
from engine.machine import STEP_COMMANDS, STEP_LAYOUT, Build, ContainerCommand, Pull
from engine.tree import Scope, Unresolved, resolve, strings

_PREFIX = "docker://"


async def image_of(bench: Bench, use: Use, runs: DockerRuns) -> str:
    """The action's image, pulled or built. Raises ContainerError, MachineError."""

    def log(message: str) -> None:
        bench.emit(Log(job=bench.order.leg.key, message=bench.masks.hide(message)))

    if runs.image.startswith(_PREFIX):
        return await bench.machine.provide(Pull(runs.image.removeprefix(_PREFIX)), log)
    assert use.found and use.step.uses
    packed = await bench.machine.get(folder(bench, use.found.reference))
    name = use.step.uses.text
    dockerfile = posixpath.normpath(runs.image)
    return await bench.machine.provide(Build(name, tarball.inner(packed), dockerfile), log)


def container(
    bench: Bench,
    use: Use,
    scope: Scope,
    files: CommandFiles,
    runs: DockerRuns,
    phase: Phase,
    image: str,
) -> Work:
    """What a phase of the action runs (actions/runner, ContainerActionHandler).

    Raises Unresolved.
    """
    order, state = bench.order, bench.state
    inner = Scope({"inputs": use.inputs}, scope.functions)
    env = {
        **variables(state, use, scope, order.env, order.leg),
        **of_action(use),
        **files.variables,
    }
    env = {**strings(runs.env, inner), **env}  # does not override what is set
    names = {key: f"{STEP_COMMANDS}/{posixpath.basename(p)}" for key, p in files.paths.items()}
    inside = CommandFiles(names, files.listing)
    command = ContainerCommand(
        image=image,
        entrypoint=_entrypoint(use, runs, phase),
        args=_arguments(use, runs, inner),
        env=in_container_step(env, state.facts.layout),
        files=inside.empty,
        inputs={STEP_LAYOUT.event: state.event(), **inside.inputs},
    )
    return Work(
        start=partial(bench.machine.contain, command),
        files=inside,
        workspace=STEP_LAYOUT.workspace,
        on_machine=partial(out_of_container_step, layout=state.facts.layout),
        script=shlex.join(filter(None, (command.entrypoint, *command.args))),
        env=env,
    )


def _entrypoint(use: Use, runs: DockerRuns, phase: Phase) -> str:
    if phase != "main":
        return runs.pre_entrypoint if phase == "pre" else runs.post_entrypoint
    return runs.entrypoint or _given(use, "entrypoint")


def _arguments(use: Use, runs: DockerRuns, scope: Scope) -> tuple[str, ...]:
    """The manifest's, each a word of its own; else the step's, split like a command line."""
    if runs.args is not None:
        return tuple(to_string(item) for item in resolve(runs.args, scope) or ())
    text = _given(use, "args")
    try:
        return tuple(shlex.split(text))
    except ValueError as error:
        place = use.step.with_.node.place if use.step.with_ else use.step.place
        raise Unresolved(place, f'the args "{text}" can\'t be split: {error}') from None


def _given(use: Use, name: str) -> str:
    return str(lookup(use.inputs, name, ""))
