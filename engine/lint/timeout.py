"""Time limits that leave no time."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

from engine.lint.document import Document
from engine.problems import Problem
from engine.tree import Text, Tree


def check(document: Document) -> Iterator[Problem]:
    """`timeout-minutes:` of zero or less."""
    for job in document.workflow.jobs:
        yield from _limit(job.timeout_minutes)
    for _, step in document.steps:
        yield from _limit(step.timeout_minutes)


def _limit(limit: Tree | None) -> Iterator[Problem]:
    minutes = limit.node.value if isinstance(limit, Text) and limit.template is None else None
    if limit is None or isinstance(minutes, bool) or not isinstance(minutes, (int, float)):
        return
    if minutes <= 0 and isfinite(minutes):
        message = f"timeout-minutes is {minutes:g}; give it more than 0, or leave it out"
        yield Problem(limit.node.place, message, "timeout")
