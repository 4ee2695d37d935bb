"""Values of a type that can't be used where they stand."""

from __future__ import annotations

from collections.abc import Iterator

from engine.expr.tree import show
from engine.expr.types import ANY, BOOLEAN, NULL, NUMBER, STRING, Array, Object, Type
from engine.lint.document import Document
from engine.lint.expressions import Found, Wanted
from engine.problems import Problem

_WANTED: dict[Wanted, str] = {
    "boolean": "true or false",
    "number": "a number",
    "object": "a mapping",
    "array": "a list",
    "labels": "a label or a list of labels",
}


def check(document: Document) -> Iterator[Problem]:
    """Arrays and objects as text, text as a number, properties of text, and the like."""
    for found in document.expressions:
        yield from found.problems("type")
        if not found.faults:
            yield from _result(found)


def _result(found: Found) -> Iterator[Problem]:
    """Whether the value of an expression is what its key takes."""
    place = found.node.place_at(found.opening)
    written = show(found.expr.tree)
    if not found.whole or found.use.wanted == "text":
        if isinstance(found.type, (Array, Object)) or found.type == NULL:
            yield Problem(place, _no_text(written, found.type), "type")
    elif found.use.wanted in _WANTED and not _fits(found.type, found.use.wanted):
        message = (
            f'"{found.use.key}" takes {_WANTED[found.use.wanted]}, and "{written}" is '
            f"{found.type.shown}{_advice(found.type, found.use.wanted)}"
        )
        yield Problem(place, message, "type")


def _no_text(written: str, found: Type) -> str:
    if found == NULL:
        return f'"{written}" is null, which leaves nothing in a text; remove it'
    word = "Object" if isinstance(found, Object) else "Array"
    return (
        f'"{written}" is {found.shown}, which becomes the word "{word}" in a text; '
        "name one of its values, or write toJSON around it"
    )


def _fits(found: Type, wanted: Wanted) -> bool:
    match wanted:
        case "boolean":
            return found in (ANY, BOOLEAN, NULL)
        case "number":
            return found in (ANY, NUMBER, NULL)
        case "object":
            return isinstance(found, Object) or found in (ANY, NULL)
        case "array":
            return isinstance(found, Array) or found == ANY
    return not isinstance(found, Object) or found.rest is not None


def _advice(found: Type, wanted: Wanted) -> str:
    if found == STRING:
        return "; write fromJSON around it, if it holds JSON"
    if wanted == "labels":
        return "; name the property that is the label"
    return ""
