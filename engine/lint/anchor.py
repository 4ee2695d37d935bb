"""Anchors that no alias stands for."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine import source
from engine.lint.document import Document
from engine.problems import Place, Problem

_MAYBE = re.compile(r"(?:^|[\s\[{,:-])&[^\s,\[\]{}]", re.MULTILINE)


def check(document: Document) -> Iterator[Problem]:
    """`&name` without a `*name` after it."""
    if not _MAYBE.search(document.text):
        return
    file = document.node.place.file
    waiting: dict[str, Problem] = {}
    for event in source.events(document.text):
        name = getattr(event, "anchor", None)
        if name is None:
            continue
        if type(event).__name__ == "AliasEvent":
            waiting.pop(name, None)
            continue
        if name in waiting:
            yield waiting[name]
        place = Place(file, event.start_mark.line + 1, event.start_mark.column + 1)
        message = (
            f'the anchor "&{name}" is never used; write *{name} where it is meant, or remove it'
        )
        waiting[name] = Problem(place, message, "anchor", "hint")
    yield from waiting.values()
