"""Concurrency groups that wait for themselves."""

from __future__ import annotations

from collections.abc import Iterator

from engine.lint.document import Document
from engine.problems import Problem
from engine.source import Scalar
from engine.tree import Fields, Text, Tree


def check(document: Document) -> Iterator[Problem]:
    """Jobs, and called workflows, in the group of the workflow that waits for them."""
    flow = document.workflow
    outer = group(flow.concurrency)
    if outer is None:
        return
    for job in flow.jobs:
        inner = group(job.concurrency)
        if inner is not None and _same(inner, outer):
            message = (
                f'job "{job.id}" is in the group "{inner.text}" of its workflow (line '
                f"{outer.place.line}), so each would wait for the other and GitHub cancels the "
                "run; give the job a group of its own"
            )
            yield Problem(inner.place, message, "concurrency")
        if job.uses is not None and document.project is not None:
            yield from _called(document, job.uses, outer)


def _called(document: Document, uses: Scalar, outer: Scalar) -> Iterator[Problem]:
    if document.project is None or not uses.text.startswith("./"):
        return
    called, _ = document.project.workflow(uses.text, document.workflow.file)
    inner = group(called.concurrency) if called else None
    if inner is not None and _same(inner, outer):
        message = (
            f'"{uses.text}" has the same concurrency group "{inner.text}" as this workflow (line '
            f"{outer.place.line}), since github is the caller's there, so one cancels the other; "
            "give one of them another group"
        )
        yield Problem(uses.place, message, "concurrency", "warning")


def group(concurrency: Tree | None) -> Scalar | None:
    """The name of a group, as written."""
    found = concurrency.get("group") if isinstance(concurrency, Fields) else concurrency
    return found.node if isinstance(found, Text) and found.node.text else None


def _same(one: Scalar, other: Scalar) -> bool:
    """Whether two names are the same in any run."""
    return "".join(one.text.split()).lower() == "".join(other.text.split()).lower()
