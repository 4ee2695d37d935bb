"""Limits that leave nothing: no time, no job at a time."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

from engine.lint.document import Document
from engine.problems import Problem
from engine.tree import Text, Tree


def check(document: Document) -> Iterator[Problem]:
    """`timeout-minutes:` and `max-parallel:` of zero or less."""
    for job in document.workflow.jobs:
        yield from _limit("timeout-minutes", job.timeout_minutes)
        yield from _limit("max-parallel", job.strategy.max_parallel if job.strategy else None)
    for _, step in document.steps:
        yield from _limit("timeout-minutes", step.timeout_minutes)


def _limit(key: str, limit: Tree | None) -> Iterator[Problem]:
    number = limit.node.value if isinstance(limit, Text) and limit.template is None else None
    if limit is None or isinstance(number, bool) or not isinstance(number, (int, float)):
        return
    if number <= 0 and isfinite(number):
        message = f'"{key}" is {number:g}; give it more than 0, or leave it out'
        yield Problem(limit.node.place, message, "limit")
