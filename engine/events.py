"""The facts a run emits, in order; all that is shown or kept is a view of these."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, ClassVar, Literal

from msgspec import Struct, field

VERSION = 1


class Outcome(StrEnum):
    """How a step, a job or a run ended; GitHub's four words."""

    SUCCESS = "success"
    FAILURE = "failure"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


AnnotationLevel = Literal["notice", "warning", "error"]
Phase = Literal["pre", "main", "post"]


class Event(Struct, frozen=True, kw_only=True):
    """One fact. `time` is in seconds since the epoch; `run` is the run's id; `job` is the key of
    a job or a leg, unique in the run, '' for what concerns the whole run."""

    type: ClassVar[str] = ""
    time: float = 0.0
    run: str = ""
    job: str = ""


class WorkflowSkipped(Event, frozen=True, kw_only=True):
    """A workflow knows the event and was not started; `reason` names the filter that decided."""

    type: ClassVar[str] = "workflow.skipped"
    event_name: str
    workflow: str
    file: str
    reason: str


class RunStarted(Event, frozen=True, kw_only=True):
    type: ClassVar[str] = "run.started"
    run_id: str
    run_number: int
    event_name: str
    workflow: str
    file: str
    title: str
    jobs: tuple[str, ...]


class RunFinished(Event, frozen=True, kw_only=True):
    type: ClassVar[str] = "run.finished"
    outcome: Outcome
    seconds: float


class JobExpanded(Event, frozen=True, kw_only=True):
    """A job became its legs; `legs` are their keys in matrix order."""

    type: ClassVar[str] = "job.expanded"
    legs: tuple[str, ...]


class JobStarted(Event, frozen=True, kw_only=True):
    """`permissions` are the levels of the job's token by scope; none where no workflow says it."""

    type: ClassVar[str] = "job.started"
    name: str
    runs_on: tuple[str, ...]
    isolation: str
    image: str
    matrix: Mapping[str, Any] = field(default_factory=dict)
    permissions: Mapping[str, str] = field(default_factory=dict)


class JobCalled(Event, frozen=True, kw_only=True):
    """A job, or a leg of it, calls a workflow: it has no machine but `jobs`, by their keys.

    It is finished when they are; `file` names the called workflow.
    """

    type: ClassVar[str] = "job.called"
    name: str
    workflow: str
    file: str
    jobs: tuple[str, ...]
    matrix: Mapping[str, Any] = field(default_factory=dict)


class JobAttemptFailed(Event, frozen=True, kw_only=True):
    """A job that will begin again on a new machine, with its first step, after `delay` seconds."""

    type: ClassVar[str] = "job.attempt"
    attempt: int
    attempts: int
    reason: str
    delay: float


class JobFinished(Event, frozen=True, kw_only=True):
    """`reason` says why a job was skipped or cancelled, or why it failed outside its steps."""

    type: ClassVar[str] = "job.finished"
    name: str
    outcome: Outcome
    seconds: float = 0.0
    attempts: int = 1
    reason: str = ""
    allowed_to_fail: bool = False
    outputs: Mapping[str, str] = field(default_factory=dict)


class StepEvent(Event, frozen=True, kw_only=True):
    """`step` counts a job's steps from 1; actions run in phases, and composites have steps of
    their own, at a `depth` of 1 and more: all that belongs to one step has its number."""

    step: int


class StepStarted(StepEvent, frozen=True, kw_only=True):
    """`script` and `shell` are what will run, `env` what the step itself adds; all masked."""

    type: ClassVar[str] = "step.started"
    name: str
    id: str = ""
    phase: Phase = "main"
    depth: int = 0
    script: str = ""
    shell: str = ""
    env: Mapping[str, str] = field(default_factory=dict)


class StepFinished(StepEvent, frozen=True, kw_only=True):
    """`outcome` is before `continue-on-error`, `conclusion` after; `attempts` counts all."""

    type: ClassVar[str] = "step.finished"
    name: str
    outcome: Outcome
    conclusion: Outcome
    phase: Phase = "main"
    depth: int = 0
    seconds: float = 0.0
    attempts: int = 1
    exit_code: int | None = None
    reason: str = ""


class AttemptFailed(StepEvent, frozen=True, kw_only=True):
    """A try that will be made again after `delay` seconds."""

    type: ClassVar[str] = "step.attempt"
    attempt: int
    attempts: int
    reason: str
    delay: float


class Output(StepEvent, frozen=True, kw_only=True):
    """Whole lines a step printed, masked, each with its newline (the last may lack it)."""

    type: ClassVar[str] = "output"
    text: str


class GroupStarted(StepEvent, frozen=True, kw_only=True):
    type: ClassVar[str] = "group.started"
    title: str


class GroupEnded(StepEvent, frozen=True, kw_only=True):
    type: ClassVar[str] = "group.ended"


class Annotation(StepEvent, frozen=True, kw_only=True):
    """What `::notice`, `::warning` and `::error` say, or what a problem matcher saw in a line.

    '' and 0 stand for what was not given. `text` is the line of a problem matcher. `over_limit`
    says that ten of the level came before in the step: of this one GitHub keeps the line alone.
    """

    type: ClassVar[str] = "annotation"
    level: AnnotationLevel
    message: str
    title: str = ""
    code: str = ""
    file: str = ""
    line: int = 0
    end_line: int = 0
    column: int = 0
    end_column: int = 0
    text: str = ""
    over_limit: bool = False


class Debug(StepEvent, frozen=True, kw_only=True):
    type: ClassVar[str] = "debug"
    message: str


class Summary(StepEvent, frozen=True, kw_only=True):
    """Markdown that a step wrote to GITHUB_STEP_SUMMARY, and the name of the step; masked."""

    type: ClassVar[str] = "summary"
    name: str = ""
    text: str


class Log(Event, frozen=True, kw_only=True):
    """What Runwright itself does for a job or a run: a pull, a volume, a warning."""

    type: ClassVar[str] = "log"
    level: Literal["info", "warning", "error"] = "info"
    message: str


Emit = Callable[[Event], None]


def as_json(event: Event) -> dict[str, Any]:
    """The event as a JSON object: `v`, `type`, and its fields (schema/event.schema.json)."""
    return {"v": VERSION, "type": event.type} | {
        name: getattr(event, name) for name in event.__struct_fields__
    }
