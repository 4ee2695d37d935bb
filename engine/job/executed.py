"""A `run` step's script runs once on the machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import trio

from engine.events import Emit, Outcome
from engine.events import Output as OutputEvent
from engine.job import files
from engine.job.files import CommandFiles
from engine.job.result import CANCELED, Effects, StepResult
from engine.job.shells import Shell
from engine.machine import Command, Machine
from engine.masks import Masks
from engine.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Script:
    """A `run` step with every expression answered."""

    job: str
    step: int
    text: str
    shell: Shell
    cwd: str
    files: CommandFiles
    env: Mapping[str, str] = field(default_factory=dict)
    path: tuple[str, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    debug: bool = False
    keep_printed: bool = False  # only a retry that looks at the output needs it


async def executed(script: Script, machine: Machine, masks: Masks, emit: Emit) -> StepResult:
    """Run the script and read back what it left. Raises MachineError when the machine is lost."""
    transcript = _transcript(script, masks)
    printed: list[str] = []

    def tell(data: bytes | None) -> None:
        for event in transcript.close() if data is None else transcript.feed(data):
            if script.keep_printed and isinstance(event, OutputEvent):
                printed.append(event.text)
            emit(event)

    exit_ = await machine.exec(_command(script), tell)
    cancelled = trio.current_effective_deadline() == float("-inf")
    tell(None)
    found = _merged(transcript, files.effects(script.files, exit_.files, masks))
    outcome, reason = _judge(exit_.code, found, cancelled)
    return StepResult(
        outcome=outcome,
        conclusion=outcome,
        reason=reason,
        exit_code=exit_.code,
        printed="".join(printed),
        effects=found,
    )


def _transcript(script: Script, masks: Masks) -> Transcript:
    return Transcript(
        job=script.job,
        step=script.step,
        masks=masks,
        debug=script.debug,
        unsecure_commands=script.env.get("ACTIONS_ALLOW_UNSECURE_COMMANDS", "").lower() == "true",
    )


def _command(script: Script) -> Command:
    return Command(
        script=script.shell.script(script.text.replace("\r\n", "\n")),
        shell=script.shell.argv,
        extension=script.shell.extension,
        cwd=script.cwd,
        env={**script.env, **script.files.variables},
        path=script.path,
        files=tuple(script.files.paths.values()),
        inputs=script.inputs,
    )


def _merged(transcript: Transcript, written: Effects) -> Effects:
    """Commands count as they are printed, files when the step has ended: files win.

    The transcript has shown its own errors; those of the files are still to be shown.
    """
    return Effects(
        outputs={**transcript.outputs, **written.outputs},
        env={**transcript.env, **written.env},
        path=(*transcript.path, *written.path),
        summary=written.summary,
        errors=(*transcript.errors, *written.errors),
        complaints=(*written.complaints, *written.errors),
    )


def _judge(code: int, found: Effects, cancelled: bool) -> tuple[Outcome, str]:
    if cancelled:
        return Outcome.CANCELLED, CANCELED
    if code:
        return Outcome.FAILURE, f"Process completed with exit code {code}."
    if found.errors:
        return Outcome.FAILURE, found.errors[-1]
    return Outcome.SUCCESS, ""
