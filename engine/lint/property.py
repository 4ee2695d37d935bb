"""Properties that a context or another object can't have: a misspelt output, a missing need."""

from __future__ import annotations

from collections.abc import Iterator

from engine.lint.document import Document
from engine.problems import Problem


def check(document: Document) -> Iterator[Problem]:
    """Properties that are not there."""
    for found in document.expressions:
        yield from found.problems("property")
