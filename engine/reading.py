"""What a workflow file says and all that is wrong with it, from one room to the next."""

from __future__ import annotations

from collections.abc import Sequence

from engine import model, source, triggers
from engine.model import Workflow
from engine.problems import Problem, besides, errors
from engine.source import Node


def workflow(
    node: Node, name: str, path: str, known: Sequence[Problem]
) -> tuple[Workflow | None, list[Problem]]:
    """The workflow, or None where an error is found, and all problems in the order of the file.

    `known` are those of the text and its shape. What stands below a key that does not exist is
    left alone, and so is a place that a sentence is said about already. `name` is how places are
    shown, `path` where the file is in the repository.
    """
    unknown = {problem.place for problem in known if problem.rule == "unknown-key"}
    found, more = model.read(source.without(node, unknown), name, path)
    more += [problem for trigger in found.triggers for problem in triggers.check(trigger)]
    problems = sorted([*known, *besides(known, more)], key=lambda problem: problem.place)
    return (None if errors(problems) else found), problems
