"""Calls of workflows in the same repository: what they ask for must be given, and no more."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from engine import calls
from engine.lint.document import Document, Project
from engine.model import Workflow
from engine.problems import Problem
from engine.source import Scalar

_HOMES = (".github/workflows", ".runwright")


def check(document: Document) -> Iterator[Problem]:
    """What `engine.calls` says of this file, and calls of files that are not there or broken."""
    project = document.project
    if project is None:
        return

    def find(uses: str, file: str) -> tuple[Workflow | None, list[Problem]]:
        return project.workflow(uses, file)[0], []  # what is wrong with it is told below

    file = document.node.place.file
    for problem in calls.check(document.workflow, find):
        if problem.place.file == file:  # those of other files are told where they are checked
            yield problem
    for job in document.workflow.jobs:
        if job.uses is not None and job.uses.text.startswith("./") and "@" not in job.uses.text:
            yield from _called(document, job.uses, project)


def _called(document: Document, uses: Scalar, project: Project) -> Iterator[Problem]:
    called, wrong = project.workflow(uses.text, document.workflow.file)
    if wrong:
        more = f" ({len(wrong) - 1} more there)" if len(wrong) > 1 else ""
        message = f'"{uses.text}" can\'t be called: {wrong[0].place}: {wrong[0].message}{more}'
        yield Problem(uses.place, message, "calls")
    elif called is None:
        message = (
            f'there is no workflow "{uses.text}"; the path starts at the root of the repository'
        )
        yield Problem(uses.place, message, "calls", "error" if project.complete else "warning")
    elif posixpath.dirname(uses.text.removeprefix("./")) not in _HOMES:
        message = f'GitHub calls only workflows of {_HOMES[0]}; move "{uses.text}" there'
        yield Problem(uses.place, message, "calls", "warning")
