"""The phases of a step: actions may ask for something before all steps and after them."""

from __future__ import annotations

from typing import Literal

from engine.events import Phase
from engine.job.frame import Use
from engine.tree import Condition


def has(use: Use, phase: Literal["pre", "post"]) -> bool:
    """Whether the step's action asks for this phase."""
    if use.found is None:
        return False
    from engine.actions.manifest import DockerRuns, NodeRuns  # few jobs use actions

    match use.found.action.runs:
        case NodeRuns() as runs:
            return bool(runs.pre if phase == "pre" else runs.post)
        case DockerRuns() as runs:
            return bool(runs.pre_entrypoint if phase == "pre" else runs.post_entrypoint)
    return False


def condition(use: Use, phase: Phase) -> Condition | None:
    """What the phase depends on; before and after the steps None means always."""
    if phase == "main":
        return use.step.condition
    if use.found is None:
        return None
    from engine.actions.manifest import DockerRuns, NodeRuns

    match use.found.action.runs:
        case NodeRuns() | DockerRuns() as runs:
            return runs.pre_if if phase == "pre" else runs.post_if
    return None
