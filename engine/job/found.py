"""Which action a step stands for: known before the job, or read on the machine when it runs."""

from __future__ import annotations

import posixpath

import trio

from engine import actions, reference, tarball
from engine.actions import manifest, resolve
from engine.actions.manifest import Action
from engine.actions.reach import of_image
from engine.actions.resolve import ActionError, Found
from engine.job.frame import Use
from engine.job.order import Bench
from engine.job.step import CannotRun
from engine.machine import MachineError
from engine.problems import errors
from engine.reference import Image, Local, Reference, ReferenceError_, Remote

Target = Local | Remote | Image


def foreseen(bench: Bench, use: Use) -> Found | None:
    """The action of a step as far as it is known before the job's first step."""
    if use.step.uses is None or actions.is_checkout(use.step):
        return None
    try:
        wanted = _target(use)
    except CannotRun:  # said when the step runs
        return None
    return bench.order.actions.get(wanted.key) if isinstance(wanted, Remote) else None


async def find(bench: Bench, use: Use) -> Found:
    """The action of a step that is about to run. Raises CannotRun."""
    wanted = _target(use)
    if isinstance(wanted, Image):
        return of_image(wanted)
    if isinstance(wanted, Local):
        return Found(wanted, await _read(bench, folder(bench, wanted), str(wanted)))
    return bench.order.actions.get(wanted.key) or await _fetched(bench, wanted)


def folder(bench: Bench, wanted: Reference) -> str:
    """Where an action lies in the machine; '' for what is no directory."""
    layout = bench.state.facts.layout
    match wanted:
        case Local():
            return posixpath.normpath(f"{layout.workspace}/{wanted.path}")
        case Remote():
            return posixpath.normpath(f"{layout.actions}/{wanted.folder}/{wanted.path}")
    return ""


def _target(use: Use) -> Target:
    assert use.step.uses
    try:
        return reference.placed(reference.parse(use.step.uses.text), use.frame.origin)
    except ReferenceError_ as error:
        raise CannotRun(str(error)) from None


async def _fetched(bench: Bench, remote: Remote) -> Found:
    """An action that nobody foresaw, as of a manifest that an earlier step has made."""
    finder = bench.order.finder
    if finder is None:
        raise CannotRun(f'The action "{remote}" was not found before the job began.')
    try:
        found = await trio.to_thread.run_sync(resolve.find, remote, finder, abandon_on_cancel=True)
    except ActionError as error:
        raise CannotRun(str(error)) from None
    assert found.source
    packed = await trio.to_thread.run_sync(tarball.packed, found.source)
    await bench.machine.put(f"{bench.state.facts.layout.actions}/{remote.folder}", packed)
    return found


async def _read(bench: Bench, directory: str, shown: str) -> Action:
    """The action in a directory of the machine, as it is now."""
    files: dict[str, bytes] = {}
    for name in (*actions.FILES, *manifest.DOCKERFILES):
        content = await _file(bench, f"{directory}/{name}")
        if content is not None:
            files[name] = content
            break
    action, problems = manifest.look(files.get, shown)
    if errors(problems):
        raise CannotRun("\n".join(map(str, errors(problems))))
    if action is None:
        raise CannotRun(
            f"Can't find 'action.yml', 'action.yaml' or 'Dockerfile' under '{directory}'. "
            "Did you forget to run actions/checkout before running your local action?"
        )
    return action


async def _file(bench: Bench, path: str) -> bytes | None:
    try:
        return tarball.content(await bench.machine.get(path))
    except MachineError:
        return None
