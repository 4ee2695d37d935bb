"""Needs that are named twice."""

from __future__ import annotations

from collections.abc import Iterator

from engine.lint.document import Document
from engine.model import Need
from engine.problems import Problem


def check(document: Document) -> Iterator[Problem]:
    """The same job twice in one `needs:`."""
    for job in document.workflow.jobs:
        first: dict[str, Need] = {}
        for need in job.needs:
            before = first.setdefault(need.id.lower(), need)
            if before is not need:
                message = (
                    f'job "{job.id}" needs "{need.id}" twice (first at line {before.place.line}, '
                    f"column {before.place.column}); remove one"
                )
                yield Problem(need.place, message, "needs", "warning")
