"""The artifacts that a step declares are looked at on its machine."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping

import trio
from msgspec.structs import replace

from engine import subjects
from engine.events import Outcome
from engine.job.result import StepResult
from engine.machine import Command, Machine
from engine.subjects import Subject, SubjectError

HASHING = 30.0  # seconds for the files of one step

_ASK = """for f in {files}; do
if [ -d "$f" ]; then echo folder
elif [ ! -f "$f" ]; then echo missing
else sha256sum <"$f" || echo failed; fi
done"""
_WRONG = {
    "folder": "is a folder",
    "missing": "does not exist; paths are relative to the workspace",
}


async def declared(
    result: StepResult,
    machine: Machine,
    on_machine: Callable[[str], str],
    known: Mapping[str, Subject],
) -> StepResult:
    """The result with what the step adds to the artifacts of its job; a mistake fails it.

    Those of a cancelled step count too. `on_machine` says what a path of the step is called in
    the machine.
    """
    effects = result.effects
    try:
        found = subjects.read(effects.declaration)
        digests = await _digests(machine, [on_machine(one.path) for one in found if one.path])
        new = subjects.added(known, [_hashed(one, digests) for one in found])
    except SubjectError as error:
        wrong = f"Unable to process file command 'artifacts' successfully. {error}"
        errors, complaints = (*effects.errors, wrong), (*effects.complaints, wrong)
        result = replace(result, effects=replace(effects, errors=errors, complaints=complaints))
        if result.outcome is Outcome.SUCCESS:
            failed = Outcome.FAILURE
            result = replace(result, outcome=failed, conclusion=failed, reason=wrong)
        return result
    return replace(result, effects=replace(effects, subjects=new))


async def _digests(machine: Machine, paths: list[str]) -> Iterator[str]:
    """What the machine says to each file: its digest, or what is wrong with it."""
    chunks: list[bytes] = []
    if paths:
        script = _ASK.format(files=" ".join(map(shlex.quote, paths)))
        command = Command(script, ("sh", "{0}"), machine.facts.layout.workspace)
        with trio.move_on_after(HASHING, shield=True):
            await machine.exec(command, chunks.append)
    return iter(b"".join(chunks).decode("utf-8", "replace").splitlines())


def _hashed(subject: Subject, digests: Iterator[str]) -> Subject:
    """A file with its digest, which is the next one; an image as it is. Raises SubjectError."""
    if not subject.path:
        return subject
    answer = next(digests, "")
    digits = answer.partition(" ")[0]
    if len(digits) != 64:
        why = _WRONG.get(answer, f"can't be read, or not within {HASHING:g} s")
        raise SubjectError(f"Line {subject.line}: '{subject.path}' {why}")
    return subject.hashed(digits)
