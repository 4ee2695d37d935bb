"""The workflow as frozen, typed values whose strings are already compiled."""

from engine.model.step import steps
from engine.model.types import (
    STEP_KINDS,
    Defaults,
    Job,
    Need,
    Origin,
    Output,
    Step,
    StepKind,
    Strategy,
    Trigger,
    Workflow,
)
from engine.model.workflow import read

__all__ = [
    "STEP_KINDS",
    "Defaults",
    "Job",
    "Need",
    "Origin",
    "Output",
    "Step",
    "StepKind",
    "Strategy",
    "Trigger",
    "Workflow",
    "read",
    "steps",
]
