"""The cron lines of a workflow, and when they are due."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from engine.model import Trigger, Workflow
from engine.source import Mapping, Scalar
from engine.source import Sequence as SequenceNode


class Schedule(Struct, frozen=True):
    """One line of `on.schedule`; `cron` is what `github.event.schedule` holds."""

    cron: str
    timezone: str = ""
    line: int = 0


def schedules(workflow: Workflow) -> tuple[Schedule, ...]:
    """The schedules of a workflow, in the order of the file."""
    trigger = workflow.trigger("schedule")
    found = []
    for node in entries(trigger) if trigger else ():
        if line := scalar(node, "cron"):
            zone = scalar(node, "timezone")
            found.append(Schedule(line.text, zone.text if zone else "", line.place.line))
    return tuple(found)


def entries(trigger: Trigger) -> Iterator[Mapping]:
    node = trigger.filters
    for item in node.items if isinstance(node, SequenceNode) else ():
        if isinstance(item, Mapping):
            yield item


def cron_lines(trigger: Trigger) -> list[Scalar]:
    found = (scalar(node, "cron") for node in entries(trigger))
    return [node for node in found if node]


def scalar(node: Mapping, key: str) -> Scalar | None:
    found = node.get(key)
    return found if isinstance(found, Scalar) and found.value is not None else None
