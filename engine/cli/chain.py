"""`on: workflow_run`: workflows that follow others, in the same command."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from engine import payloads, triggers
from engine.cli.request import FOLLOWS
from engine.cli.starts import Start, skipped, why_not
from engine.contexts import RunFacts
from engine.events import WorkflowSkipped
from engine.model import Trigger, Workflow
from engine.plan import Plan
from engine.triggers import Occasion

# https://docs.github.com/actions/reference/events-that-trigger-workflows#workflow_run
MAX_LEVELS = 3


def reachable(started: Iterable[Workflow], known: Sequence[Workflow]) -> list[Workflow]:
    """Every workflow that may run after those that an event starts, each once; those that only a
    longer chain would reach are among them, so that they can be told of."""
    found: dict[str, Workflow] = {}
    level = list(started)
    for _ in range(MAX_LEVELS + 1):
        level = [
            each
            for each in known
            if each.file not in found and any(_follows(each, other) for other in level)
        ]
        found |= {each.file: each for each in level}
    return list(found.values())


def _follows(workflow: Workflow, other: Workflow) -> bool:
    trigger = workflow.trigger(FOLLOWS)
    seen = Occasion(FOLLOWS, workflows=(other.name, other.file))
    return trigger is not None and triggers.decide(trigger, seen).runs


def following(
    followers: Sequence[Plan], facts: RunFacts, level: int, activity: str, conclusion: str = ""
) -> list[Start | WorkflowSkipped]:
    """What follows a run as it is `requested`, `in_progress` or `completed`; `level` counts how
    many runs it follows itself."""
    payload = payloads.followed(facts, activity, conclusion)
    return [
        _start(plan, trigger, facts, payload, level)
        for plan in followers
        if (trigger := plan.workflow.trigger(FOLLOWS)) and _is_asked(trigger, payload)
    ]


def _is_asked(trigger: Trigger, payload: payloads.Payload) -> bool:
    """Whether a trigger names the workflow and the activity, whatever the branch."""
    seen = triggers.occasion(FOLLOWS, payload, "")
    return triggers.decide(trigger, replace(seen, head_branch="")).runs


def _start(
    plan: Plan, trigger: Trigger, before: RunFacts, payload: payloads.Payload, level: int
) -> Start | WorkflowSkipped:
    workflow = plan.workflow
    facts = replace(
        before,
        event_name=FOLLOWS,
        event=payload,
        workflow=workflow.name,
        workflow_file=workflow.file,
    )
    if level >= MAX_LEVELS:
        reason = f'it would follow "{before.workflow}", and a chain ends after {MAX_LEVELS} levels'
        return skipped(workflow, FOLLOWS, reason)
    return why_not(workflow, trigger, facts) or Start(plan, facts, {})
