"""What a workflow file says and all that is wrong with it, from one room to the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from engine import model, source, triggers
from engine.model import Workflow
from engine.problems import Problem, besides, errors
from engine.source import Node

Rules: TypeAlias = Callable[[Node, Workflow], list[Problem]]


def workflow(
    node: Node, name: str, path: str, known: Sequence[Problem], rules: Rules | None = None
) -> tuple[Workflow | None, list[Problem]]:
    """The workflow, or None where an error is found, and all problems in the order of the file.

    `known` are those of the text and its shape. What stands below a key that does not exist is
    left alone, and so is a place that a sentence is said about already. `name` is how places are
    shown, `path` where the file is in the repository. `rules` are asked for more than what makes a
    run impossible.
    """
    found, problems = as_written(node, name, path, known, rules)
    return (None if errors(problems) else found), problems


def as_written(
    node: Node, name: str, path: str, known: Sequence[Problem], rules: Rules | None = None
) -> tuple[Workflow, list[Problem]]:
    """As `workflow`, but whatever is wrong: what can be read of it."""
    unknown = {problem.place for problem in known if problem.rule == "unknown-key"}
    node = source.without(node, unknown)
    found, more = model.read(node, name, path)
    more += [problem for trigger in found.triggers for problem in triggers.check(trigger)]
    problems = [*known, *besides(known, more)]
    if rules is not None:
        problems += besides(problems, rules(node, found))
    return found, sorted(problems, key=lambda problem: problem.place)
