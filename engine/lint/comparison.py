"""Comparisons whose answer is known before anything runs."""

from __future__ import annotations

from collections.abc import Iterator

from engine.lint.document import Document
from engine.problems import Problem


def check(document: Document) -> Iterator[Problem]:
    """Comparisons of values that can't be equal, such as a boolean with the text 'true'."""
    for found in document.expressions:
        yield from found.problems("comparison")
