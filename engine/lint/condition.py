"""Conditions that decide nothing, since they are the same in every run."""

from __future__ import annotations

from collections.abc import Iterator

from engine.availability import SPECIAL_FUNCTIONS
from engine.expr import ExprError, truthy
from engine.expr.compile import from_tree
from engine.expr.tree import Called, Logic, Named, Node, Not, walk
from engine.lint.document import Document
from engine.lint.expressions import Found
from engine.problems import Level, Problem


def check(document: Document) -> Iterator[Problem]:
    """`if:` with text around its expression, which is always true, and constants."""
    for found in document.expressions:
        if found.use.wanted != "condition":
            continue
        if found.expr.mixed:
            yield _problem(found, "is always true: text around ${{ }} makes it a string", "error")
        elif (answer := _answer(found.expr.tree, found.node.text)) is not None:
            yield _problem(found, f"is always {str(answer).lower()}", "warning")


_ADVICE = {
    "error": "write one expression for the whole, without anything before or after it",
    "warning": "write what it depends on, or remove it",
}


def _problem(found: Found, what: str, level: Level) -> Problem:
    written = " ".join(found.node.text.split())
    return Problem(found.node.place, f'"{written}" {what}; {_ADVICE[level]}', "condition", level)


def _answer(node: Node, text: str) -> bool | None:
    """What a condition always gives; None where that depends on something."""
    if not any(map(_depends, walk(node))):
        return _value(node)
    match node:
        case Not(operand):
            inner = _answer(operand, text)
            return None if inner is None else not inner
        case Logic(operator, parts):
            stops = operator == "||"
            answers = {_answer(part, text) for part in parts if not _is_implied(part, text)}
            if stops in answers:
                return stops
            return (not stops) if answers == {not stops} else None
    return None


def _is_implied(node: Node, text: str) -> bool:
    """Whether this is GitHub's own `success()`, which nobody wrote."""
    return (
        isinstance(node, Called)
        and node.name == "success"
        and not text[node.position - 1 :].lower().startswith("success")
    )


def _depends(node: Node) -> bool:
    return isinstance(node, Named) or (isinstance(node, Called) and node.name in SPECIAL_FUNCTIONS)


def _value(node: Node) -> bool | None:
    try:
        return truthy(from_tree("", node)({}))
    except ExprError:
        return None
