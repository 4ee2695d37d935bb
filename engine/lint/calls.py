"""Calls of workflows in the same repository: what they ask for must be given, and no more."""

from __future__ import annotations

from collections.abc import Iterator

from engine import calls
from engine.lint.document import Document
from engine.problems import Problem, errors


def check(document: Document) -> Iterator[Problem]:
    """What `engine.calls` says of this file, and calls of files that are not there."""
    project = document.project
    if project is None:
        return
    file = document.node.place.file
    for problem in calls.check(document.workflow, project.workflow):
        if problem.place.file == file:  # those of other files are said where they are checked
            yield problem
    for job in document.workflow.jobs:
        uses = job.uses
        if uses is None or not uses.text.startswith("./") or "@" in uses.text:
            continue
        called, problems = project.workflow(uses.text, document.workflow.file)
        if called is None and not errors(problems):
            message = (
                f'there is no workflow "{uses.text}"; the path starts at the root of the repository'
            )
            yield Problem(uses.place, message, "calls", "error" if project.complete else "warning")
