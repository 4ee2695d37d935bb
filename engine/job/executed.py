"""What a step does is done once on the machine, and what it left is read back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import trio

from engine.events import Emit, Outcome
from engine.events import Output as OutputEvent
from engine.job import files
from engine.job.files import CommandFiles
from engine.job.result import CANCELED, Effects, StepResult
from engine.machine import Exit, Output
from engine.masks import Masks
from engine.transcript import Transcript


@dataclass(frozen=True, slots=True)
class Work:
    """What one try of a step does, every expression answered.

    `start` does it and tells its output as it comes; `script` and `shell` are what is shown of it.
    """

    start: Callable[[Output], Awaitable[Exit]]
    files: CommandFiles
    script: str = ""
    shell: str = ""
    unsecure_commands: bool = False
    keep_printed: bool = False  # only a retry that looks at the output needs it


async def executed(
    work: Work, job: str, step: int, masks: Masks, emit: Emit, *, debug: bool = False
) -> StepResult:
    """Do the work and read back what it left.

    Raises MachineError when the machine is lost, ContainerError where there is no container.
    """
    transcript = Transcript(
        job=job, step=step, masks=masks, debug=debug, unsecure_commands=work.unsecure_commands
    )
    printed: list[str] = []

    def tell(data: bytes | None) -> None:
        for event in transcript.close() if data is None else transcript.feed(data):
            if work.keep_printed and isinstance(event, OutputEvent):
                printed.append(event.text)
            emit(event)

    exit_ = await work.start(tell)
    cancelled = trio.current_effective_deadline() == float("-inf")
    tell(None)
    found = _merged(transcript, files.effects(work.files, exit_.files, masks))
    outcome, reason = _judge(exit_.code, found, cancelled)
    return StepResult(
        outcome=outcome,
        conclusion=outcome,
        reason=reason,
        exit_code=exit_.code,
        printed="".join(printed),
        effects=found,
    )


def _merged(transcript: Transcript, written: Effects) -> Effects:
    """Commands count as they are printed, files when the step has ended: files win.

    The transcript has shown its own errors; those of the files are still to be shown.
    """
    return Effects(
        outputs={**transcript.outputs, **written.outputs},
        env={**transcript.env, **written.env},
        state={**transcript.state, **written.state},
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
