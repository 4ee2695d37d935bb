"""What is wrong with a trigger beside what the schema reports: patterns, cron lines, inputs."""

from __future__ import annotations

from typing import cast

from engine import globs, inputs
from engine.model import Trigger
from engine.problems import Problem
from engine.source import Mapping
from engine.triggers.schedules import entries, scalar

# The filters whose values are patterns, by event.
_PATTERNS = {
    "push": ("branches", "branches-ignore", "tags", "tags-ignore", "paths", "paths-ignore"),
    "pull_request": ("branches", "branches-ignore", "paths", "paths-ignore"),
    "pull_request_target": ("branches", "branches-ignore", "paths", "paths-ignore"),
    "merge_group": ("branches", "branches-ignore"),
    "workflow_run": ("branches", "branches-ignore"),
    "image_version": ("names", "versions"),
}


def check(trigger: Trigger) -> list[Problem]:
    """Mistakes in patterns, cron lines and inputs; the schema has reported wrong keys and types."""
    filters = trigger.filters
    if trigger.event == "schedule":
        return [problem for each in entries(trigger) for problem in _check_schedule(each)]
    if trigger.event == "workflow_dispatch" or trigger.event == "workflow_call":
        return inputs.check(filters, cast(inputs.By, trigger.event))
    if not isinstance(filters, Mapping):
        return []
    keys = _PATTERNS.get(trigger.event, ())
    return [
        problem
        for key, node in filters.entries
        if key.text in keys
        for problem in globs.check(node, key.text)
    ]


def _check_schedule(schedule: Mapping) -> list[Problem]:
    from engine import cron  # few workflows have a schedule

    line, timezone = scalar(schedule, "cron"), scalar(schedule, "timezone")
    problems = cron.check(line) if line else []
    return problems + (cron.check_timezone(timezone) if timezone else [])
