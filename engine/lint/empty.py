"""Lists and texts that are there and say nothing."""

from __future__ import annotations

from collections.abc import Iterator

from engine.lint.document import Document
from engine.problems import Place, Problem
from engine.source import Mapping, Node, Scalar, Sequence

_NEVER_EMPTY = ("needs", "runs-on", "labels", "include", "exclude", "ports", "volumes", "options")
_TEXTS = ("container", "image", "runs-on", "environment", "value")
_HARMLESS = ("needs", "container", "image", "environment", "value")


def check(document: Document) -> Iterator[Problem]:
    """Empty filters, needs, options, images and the like."""
    if not isinstance(document.node, Mapping):
        return
    events = document.node.get("on")
    for _, filters in events.entries if isinstance(events, Mapping) else ():
        for key, value in filters.entries if isinstance(filters, Mapping) else ():
            yield from _below(key.text, value, filters=key.text not in ("inputs", "secrets"))
    jobs = document.node.get("jobs")
    for _, job in jobs.entries if isinstance(jobs, Mapping) else ():
        for key, value in job.entries if isinstance(job, Mapping) else ():
            if key.text not in ("steps", "env", "with", "secrets"):
                yield from _below(key.text, value)


def _below(key: str, value: Node, *, filters: bool = False) -> Iterator[Problem]:
    match value:
        case Mapping():
            for name, inner in value.entries:
                if name.text != "env":
                    yield from _below(name.text, inner)
        case Sequence(items, place):
            if not items and (filters or key in _NEVER_EMPTY):
                yield _empty(place, key, f'"{key}" is an empty list')
            for item in items:
                if isinstance(item, Scalar) and item.value == "" and key in _NEVER_EMPTY:
                    yield _empty(item.place, key, f'an item of "{key}" is empty')
                elif isinstance(item, Mapping):
                    yield from _below(key, item)
        case Scalar():
            # somebody who writes null means it
            if key in _TEXTS and not value.text and not value.raw.lower().startswith(("~", "null")):
                yield _empty(value.place, key, f'"{key}" is empty')


def _empty(place: Place, key: str, what: str) -> Problem:
    message = f"{what}, which is as good as nothing; give it a value or remove it"
    return Problem(place, message, "empty", "warning" if key in _HARMLESS else "error")
