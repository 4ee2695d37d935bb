"""One file through the reading rooms: its text, its shape, what it says, when it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine import model, source, triggers
from engine.model import Workflow
from engine.problems import Problem, besides, errors
from engine.source import GITHUB, Limits, Node


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file says; the workflow is None where an error is among its problems."""

    node: Node | None
    workflow: Workflow | None
    problems: tuple[Problem, ...]


def read(
    text: str | bytes,
    name: str,
    path: str,
    check: Callable[[Node], list[Problem]],
    limits: Limits = GITHUB,
) -> Reading:
    """A workflow and all that is wrong with it, in the order of the file.

    `name` is how its places are shown, `path` where it is in the repository. `check` holds a node
    against the schema; it is given, since who remembers an earlier verdict need not load one.
    """
    node, problems = source.load(text, name, limits)
    if node is None:
        return Reading(None, None, tuple(problems))
    problems += besides(problems, check(node))
    unknown = {problem.place for problem in problems if problem.rule == "unknown-key"}
    workflow, found = model.read(source.without(node, unknown), name, path)
    found += [problem for trigger in workflow.triggers for problem in triggers.check(trigger)]
    problems = sorted(problems + besides(problems, found), key=lambda problem: problem.place)
    return Reading(node, None if errors(problems) else workflow, tuple(problems))
