"""The payload of an event where no file gives it: small, true, made from what git knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine import contexts
from engine.contexts import PULL_REQUEST_EVENTS, Checkout, RunFacts
from engine.payloads.parts import MAKERS, Payload, repository, user

__all__ = ["Payload", "followed", "payload", "with_file"]

# What happened, where nobody said it: the first thing that happens to such an object.
_ACTIVITIES = {
    **dict.fromkeys(PULL_REQUEST_EVENTS, "opened"),
    "branch_protection_rule": "created",
    "check_run": "completed",
    "check_suite": "completed",
    "discussion": "created",
    "discussion_comment": "created",
    "image_version": "ready",
    "issue_comment": "created",
    "issues": "opened",
    "label": "created",
    "merge_group": "checks_requested",
    "milestone": "created",
    "project": "created",
    "project_card": "created",
    "project_column": "created",
    "pull_request_review": "submitted",
    "pull_request_review_comment": "created",
    "registry_package": "published",
    "release": "published",
    "watch": "started",
    "workflow_run": "completed",
}


def payload(event: str, checkout: Checkout, actor: str) -> Payload:
    """What `github.event` is, as far as git and the event's name tell."""
    found: Payload = {"repository": repository(checkout), "sender": user(actor)}
    if event in _ACTIVITIES:
        found["action"] = _ACTIVITIES[event]
    for make in MAKERS.get(event, ()):
        found |= make(checkout, actor)
    return found


def with_file(made: Payload, given: Mapping[str, Any]) -> Payload:
    """A made payload with what an event file says: objects are merged, all else is replaced."""
    found = _merged(made, given)
    pull = found.get("pull_request")
    if isinstance(pull, dict) and "number" in made:  # GitHub has it in two places
        number = given.get("number", pull.get("number"))
        found |= {"number": number, "pull_request": {**pull, "number": number}}
    return found


def _merged(made: Payload, given: Mapping[str, Any]) -> Payload:
    found = dict(made)
    for name, value in given.items():
        before = found.get(name)
        inside = isinstance(before, dict) and isinstance(value, dict)
        found[name] = _merged(before, value) if inside and before else value
    return found


def followed(facts: RunFacts, activity: str, conclusion: str = "") -> Payload:
    """The payload of a `workflow_run` that follows a run; `activity` is `requested`,
    `in_progress` or `completed`, and only the last has a conclusion."""
    of_run = contexts.github(facts)
    run = {
        "id": int(facts.run_id) if facts.run_id.isdigit() else facts.run_id,
        "name": facts.workflow,
        "path": facts.workflow_file,
        "run_number": facts.run_number,
        "run_attempt": facts.run_attempt,
        "event": facts.event_name,
        "head_branch": of_run["head_ref"] or of_run["ref_name"],
        "head_sha": of_run["sha"],
        "status": "queued" if activity == "requested" else activity,
        "conclusion": conclusion or None,
    }
    workflow = {"name": facts.workflow, "path": facts.workflow_file}
    given = {"action": activity, "workflow": workflow, "workflow_run": run}
    return _merged(payload("workflow_run", facts.checkout, facts.actor), given)
