"""Which workflows an event starts, with which facts, and which filter keeps the others out."""

from __future__ import annotations

import getpass
import re
import time
from collections.abc import Iterable
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from engine import contexts, git, payloads, triggers
from engine.cli import settings
from engine.cli.request import Request
from engine.cli.workflows import Project
from engine.contexts import ZERO_SHA, Checkout, RunFacts
from engine.events import WorkflowSkipped
from engine.model import Trigger, Workflow
from engine.payloads import Payload
from engine.plan import Plan
from engine.problems import usage
from engine.secretive import Secretive


class Start(Struct, frozen=True):
    """One workflow that runs: its plan, the facts of the run, and its inputs."""

    plan: Plan
    facts: RunFacts
    inputs: dict[str, Any]


class Happening(Secretive, Struct, frozen=True):
    """What is said to have happened, before any workflow is asked; `payload` is what the command
    line and the event file tell of it, `files` what changed where path filters ask for it."""

    event: str
    checkout: Checkout
    actor: str
    payload: Payload
    files: tuple[str, ...] | None = None
    token: str = ""


def happening(request: Request, project: Project, event: str, token: str) -> Happening:
    """What the command line says has happened. Raises Refused for a bad event file."""
    if request.cron and event != "schedule":
        raise usage(f'a cron line is for the event schedule, not for "{event}"', where="--cron")
    checkout = git.checkout(project.root, request.defaultbranch)
    if event == "release":
        checkout = replace(checkout, tag=git.newest_tag(project.root))
    given = {"action": request.activity, "schedule": request.cron}
    payload = {name: value for name, value in given.items() if value}
    if request.eventpath:
        payload = {**settings.event_payload(request.eventpath), **payload}
    files = request.changed or None
    return Happening(event, checkout, request.actor or _user(), payload, files, token)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in many containers
        return "nobody"


def facts_of(workflow: Workflow, trigger: Trigger, seen: Happening) -> RunFacts:
    """The facts of a run that an event starts, its payload completed from git and the workflow."""
    made = payloads.payload(seen.event, seen.checkout, seen.actor)
    known = payloads.with_file(made, triggers.assumed(trigger))
    return RunFacts(
        run_id="1",
        run_number=1,
        event_name=seen.event,
        event=payloads.with_file(known, seen.payload),
        checkout=seen.checkout,
        workflow=workflow.name,
        workflow_file=workflow.file,
        actor=seen.actor,
        token=seen.token,
    )


def why_not(
    workflow: Workflow, trigger: Trigger, facts: RunFacts, files: tuple[str, ...] | None = None
) -> WorkflowSkipped | None:
    """The filter that keeps a workflow from running; None where it runs."""
    occasion = triggers.occasion(
        facts.event_name,
        facts.event,
        contexts.github(facts)["ref"],
        files,
        message=facts.checkout.commit.message,
    )
    verdict = triggers.decide(trigger, occasion)
    return None if verdict.runs else skipped(workflow, facts.event_name, verdict.reason)


def skipped(workflow: Workflow, event: str, reason: str) -> WorkflowSkipped:
    """The event that tells that a workflow was not started."""
    return WorkflowSkipped(
        time=time.time(),
        event_name=event,
        workflow=workflow.name,
        file=workflow.file,
        reason=reason,
    )


# --- changed files --------------------------------------------------------------------------------

_SHA = re.compile(r"[0-9a-f]{40,64}")


def with_files(seen: Happening, found: Iterable[Trigger], project: Project) -> Happening:
    """The same, with the files that changed, if a trigger asks for them and they are not given."""
    if seen.files is not None or not any(map(triggers.looks_at_files, found)):
        return seen
    made = payloads.payload(seen.event, seen.checkout, seen.actor)
    payload = payloads.with_file(made, seen.payload)
    return replace(seen, files=_changed(project, payload, seen.checkout.base))


def _changed(project: Project, payload: Payload, base: str) -> tuple[str, ...] | None:
    """A push is compared with what it moves away from, or, where it makes a branch, with where that
    left the default branch; a pull request with where it left its base (GitHub's workflow syntax,
    git diff comparisons)."""
    pull = payload.get("pull_request")
    if isinstance(pull, dict):
        before, after = _sha(pull.get("base")), _sha(pull.get("head"))
        before = git.fork_point(project.root, before, after) if before and after else ""
    else:
        before, after = _named(payload.get("before")), _named(payload.get("after"))
        if before == ZERO_SHA:
            before = git.fork_point(project.root, base, after) if base and after else ""
    return git.changes(project.root, before, after) if before and after else None


def _sha(side: Any) -> str:
    return _named(side.get("sha")) if isinstance(side, dict) else ""


def _named(value: Any) -> str:
    """A commit's name; anything else could be an option to git."""
    return value if isinstance(value, str) and _SHA.fullmatch(value) else ""
