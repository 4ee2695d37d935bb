"""What a trigger itself says of an event that nobody has described."""

from __future__ import annotations

from engine.model import Trigger
from engine.triggers.filters import Filters
from engine.triggers.occasion import Payload
from engine.triggers.schedules import cron_lines


def assumed(trigger: Trigger) -> Payload:
    """The part of a payload that only a workflow can name: its first cron line, the first type of
    a dispatch it waits for, or the first workflow it follows."""
    name = _first(trigger)
    match trigger.event:
        case _ if not name:
            return {}
        case "schedule":
            return {"schedule": name}
        case "repository_dispatch":
            return {"action": name}
    return {"workflow": {"name": name}, "workflow_run": {"name": name}}


_NAMING = {"repository_dispatch": "types", "workflow_run": "workflows"}


def _first(trigger: Trigger) -> str:
    """The first name of the filter that names what the workflow waits for; '' where none does."""
    if trigger.event == "schedule":
        return next((line.text for line in cron_lines(trigger)), "")
    found = Filters(trigger).get(_NAMING.get(trigger.event, ""))
    return next(iter(found.texts), "") if found else ""
