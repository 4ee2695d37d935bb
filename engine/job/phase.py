"""The phases of a step: actions may ask for something before all steps and after them."""

from __future__ import annotations

from typing import Literal

from engine.actions.manifest import DockerRuns, NodeRuns
from engine.events import Phase
from engine.job.frame import Use
from engine.tree import Condition


def has(use: Use, phase: Literal["pre", "post"]) -> bool:
    """Whether the step's action asks for this phase."""
    match use.found and use.found.action.runs:
        case NodeRuns() as runs:
            return bool(runs.pre if phase == "pre" else runs.post)
        case DockerRuns() as runs:
            return bool(runs.pre_entrypoint if phase == "pre" else runs.post_entrypoint)
    return False


def condition(use: Use, phase: Phase) -> Condition | None:
    """What the phase depends on; before and after the steps None means always."""
    if phase == "main":
        return use.step.condition
    match use.found and use.found.action.runs:
        case NodeRuns() | DockerRuns() as runs:
            return runs.pre_if if phase == "pre" else runs.post_if
    return None
