"""What a step does is done once on the machine, and what it left is read back."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import trio
from msgspec import Struct, field

from engine.events import Annotation, Emit, Event, Outcome
from engine.events import Output as OutputEvent
from engine.job import files
from engine.job.files import CommandFiles
from engine.job.heard import Start, heard, read_file
from engine.job.result import CANCELED, Effects, StepResult
from engine.machine import Machine
from engine.transcript import Transcript


class Work(Struct, frozen=True):
    """What one try of a step does, every expression answered.

    `start` does it and tells its output as it comes; `workspace` is where the step sees that, and
    `on_machine` says what a path of the step is called in the machine. `script` and `shell` are
    what is shown of it.
    """

    start: Start
    files: CommandFiles
    workspace: str
    on_machine: Callable[[str], str] = str
    script: str = ""
    shell: str = ""
    env: Mapping[str, str] = field(default_factory=dict)

    def allows(self, variable: str) -> bool:
        """Whether the step is trusted with what GitHub forbids unless this variable is true."""
        return self.env.get(variable, "").lower() == "true"


async def executed(
    work: Work, transcript: Transcript, machine: Machine, emit: Emit, *, keep: bool = False
) -> StepResult:
    """Do the work and read back what it left; what it printed only where that is to be kept.

    Raises MachineError when the machine is lost, ContainerError where there is no container.
    """
    printed: list[str] = []

    def tell(events: list[Event]) -> None:
        for event in events:
            if keep and isinstance(event, OutputEvent | Annotation):
                printed.append(event.text)
            emit(event)

    async def read(path: str) -> bytes | str:
        return await read_file(machine, work.on_machine(path))

    exit_ = await heard(work.start, transcript, read, tell)
    cancelled = trio.current_effective_deadline() == float("-inf")
    found = _merged(transcript, files.effects(work.files, exit_.files, transcript.masks))
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
        outputs=files.without_case((*transcript.outputs, *written.outputs.items())),
        env={**transcript.env, **written.env},
        state={**transcript.state, **written.state},
        path=(*transcript.path, *written.path),
        summary=written.summary,
        declaration=written.declaration,
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
