"""Events that start nothing as they stand."""

from __future__ import annotations

from collections.abc import Iterator

from engine.lint.document import Document
from engine.problems import Problem

_NEEDED = {
    "schedule": "times; write schedule: [{cron: '30 5 * * 1-5'}]",
    "workflow_run": "the names of workflows; write workflow_run: {workflows: [CI]}",
}


def check(document: Document) -> Iterator[Problem]:
    """`schedule` without times, `workflow_run` without workflows."""
    for trigger in document.workflow.triggers:
        if trigger.event in _NEEDED and trigger.filters is None:
            message = f'"{trigger.event}" starts nothing without {_NEEDED[trigger.event]}'
            yield Problem(trigger.place, message, "event", "warning")
