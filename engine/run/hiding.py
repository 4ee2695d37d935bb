"""Secrets in the events of a run that no job has masked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from engine import events
from engine.events import Event
from engine.expr import to_string


def masked(event: Event, hide: Callable[[str], str]) -> Event:
    """The events that are not of a step, which a job masks, without secrets."""
    match event:
        case events.RunStarted():
            return replace(event, title=hide(event.title))
        case events.JobStarted():
            labels = tuple(map(hide, event.runs_on))
            matrix = _hidden(event.matrix, hide)
            return replace(event, name=hide(event.name), runs_on=labels, matrix=matrix)
        case events.JobCalled():
            matrix = _hidden(event.matrix, hide)
            return replace(event, name=hide(event.name), matrix=matrix)
        case events.JobAttemptFailed():
            return replace(event, reason=hide(event.reason))
        case events.JobFinished():
            return replace(event, name=hide(event.name), reason=hide(event.reason))
        case events.Log():
            return replace(event, message=hide(event.message))
    return event


def _hidden(value: Any, hide: Callable[[str], str]) -> Any:
    """A JSON value without secrets, its keys and numbers included."""
    match value:
        case Mapping():
            return {hide(name): _hidden(item, hide) for name, item in value.items()}
        case list() | tuple():
            return [_hidden(item, hide) for item in value]
        case str():
            return hide(value)
    shown = to_string(value)
    return value if hide(shown) == shown else hide(shown)
