"""Arguments that a function can't use: placeholders without a value, text that is no JSON."""

from __future__ import annotations

from collections.abc import Iterator

from engine.lint.document import Document
from engine.problems import Problem


def check(document: Document) -> Iterator[Problem]:
    """Arguments of format and fromJSON that are written out and wrong."""
    for found in document.expressions:
        yield from found.problems("argument")
