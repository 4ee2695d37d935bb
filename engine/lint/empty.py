"""Lists, mappings and texts that are there and say nothing."""

from __future__ import annotations

from collections.abc import Iterator

from engine.lint.document import Document
from engine.problems import Level, Problem
from engine.source import Mapping, Node, Scalar, Sequence, entries

# what stands below is the author's own, where an empty text may well be meant
_FREE = ("env", "with", "secrets", "outputs", "default", "description")
# lists that no run comes through, or that match nothing
_WRONG = (
    *("include", "exclude", "options", "ports", "volumes", "labels", "runs-on", "types"),
    *("branches", "branches-ignore", "tags", "tags-ignore", "paths", "paths-ignore", "workflows"),
)


def check(document: Document) -> Iterator[Problem]:
    """Keys with nothing after them, but those that mean something so."""
    if document.action is None and isinstance(document.node, Mapping):
        yield from _entries(document.node)


def _entries(mapping: Mapping) -> Iterator[Problem]:
    for key, value in mapping.entries:
        if key.text == "on":
            yield from _events(value)
        elif key.text == "permissions":
            continue
        elif key.text in _FREE:
            yield from _whole(key.text, value)
        elif key.text == "matrix":
            yield from _matrix(value)
        else:
            yield from _value(key.text, value)


def _matrix(matrix: Node) -> Iterator[Problem]:
    """Its values are the author's own, too; an empty list of them is not."""
    for key, value in entries(matrix):
        yield from _whole(key.text, value)


def _events(events: Node) -> Iterator[Problem]:
    """An event without filters is whole; what is declared may be empty, but not a filter."""
    for _, filters in entries(events):
        for key, value in entries(filters):
            if key.text in ("inputs", "secrets", "outputs"):
                yield from _declared(value)
            else:
                yield from _value(key.text, value)


def _declared(declared: Node) -> Iterator[Problem]:
    for _, about in entries(declared):
        for key, value in entries(about):
            if key.text not in _FREE:
                yield from _value(key.text, value)


def _value(key: str, value: Node) -> Iterator[Problem]:
    yield from _whole(key, value)
    match value:
        case Mapping():
            yield from _entries(value)
        case Sequence(items):
            for item in items:
                if isinstance(item, Mapping):
                    yield from _entries(item)
                elif isinstance(item, Scalar) and item.value == "" and key in _WRONG:
                    yield _empty(key, item, f'an item of "{key}" is empty')


def _whole(key: str, value: Node) -> Iterator[Problem]:
    match value:
        case Mapping(entries=()):
            yield _empty(key, value, f'"{key}" is an empty mapping')
        case Sequence(items=()):
            yield _empty(key, value, f'"{key}" is an empty list')
        case Scalar() if not value.text and not _is_meant(value):
            yield _empty(key, value, f'"{key}" is empty')


def _is_meant(value: Scalar) -> bool:
    """Who writes null means it."""
    return value.value is None and value.raw.strip() != ""


def _empty(key: str, value: Node, what: str) -> Problem:
    message = f"{what}, which is as good as nothing; give it a value or remove it"
    level: Level = "error" if key in _WRONG else "warning"
    return Problem(value.place, message, "empty", level)
