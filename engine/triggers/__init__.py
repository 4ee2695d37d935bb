"""Whether an event starts a workflow, and which filter of `on:` decided that."""

from __future__ import annotations

from engine.model import Trigger
from engine.triggers.assumed import assumed
from engine.triggers.filters import Filters, Verdict
from engine.triggers.gates import GATES, looks_at_files
from engine.triggers.mistakes import check
from engine.triggers.occasion import Occasion, occasion
from engine.triggers.schedules import Schedule, schedules

__all__ = [
    "Occasion",
    "Schedule",
    "Verdict",
    "assumed",
    "check",
    "decide",
    "looks_at_files",
    "occasion",
    "schedules",
]


def decide(trigger: Trigger, occasion: Occasion) -> Verdict:
    """Whether a trigger answers an event: every filter must agree, and the first that does not
    gives the reason.

    What is not known (no changed files, no activity in the payload) counts as matched, and the
    reason says so. The rules are GitHub's: events that trigger workflows, and the workflow syntax
    of `on`.
    """
    line = trigger.place.line
    if trigger.event != occasion.event:
        return Verdict(False, f"on: {trigger.event} (line {line}) is not {occasion.event}")
    filters = Filters(trigger)
    verdicts: list[Verdict] = []
    for gate in GATES:
        verdict = gate(filters, occasion)
        if verdict and not verdict.runs:
            return verdict
        verdicts += [verdict] if verdict else []
    reasons = [verdict.reason for verdict in verdicts]
    return Verdict(True, "; ".join(reasons) or f"on: {trigger.event} (line {line})")
