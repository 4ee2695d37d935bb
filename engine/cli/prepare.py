"""Everything that is decided before the first container: what runs, and with which values."""

from __future__ import annotations

import getpass
from dataclasses import dataclass, field
from typing import Any

from engine import actions, contexts, git
from engine import cli as codes
from engine.cli import settings, show, workflows
from engine.cli.request import Request
from engine.cli.workflows import Project
from engine.contexts import Checkout, RunFacts
from engine.model import Workflow
from engine.plan import Plan, plan, unknown_jobs
from engine.problems import Place, Problem, Refused, did_you_mean, usage


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything that is decided before the first container: one plan and its facts a workflow."""

    request: Request
    project: Project
    plans: tuple[Plan, ...]
    facts: tuple[RunFacts, ...]
    secrets: dict[str, str] = field(repr=False)
    variables: dict[str, str]
    environment: dict[str, str]
    inputs: tuple[dict[str, Any], ...]
    matrix: tuple[tuple[str, str], ...]
    images: dict[str, str]


def prepare(request: Request, *, lenient: bool = False) -> Prepared:
    """Read, check and plan. Raises Refused; `lenient` plans what can't be run too."""
    project = workflows.project(request.directory)
    found, warnings = workflows.read_or_refuse(workflows.find(project, request.workflows))
    event = choose_event(request, found)
    started = [workflow for workflow in found if workflow.trigger(event)]
    chosen = _with_jobs(started, request)
    plans = tuple(plan(workflow, _own(workflow, request.jobs)) for workflow in chosen)
    show.show(warnings)
    if not lenient:
        _refuse_unsupported(plans)
    given = settings.pairs(request.input, "--input")
    given = {
        **settings.from_file(request.input_file, ".input", project.directory, "--input-file"),
        **given,
    }
    checkout = git.checkout(project.root, request.defaultbranch)
    return Prepared(
        request=request,
        project=project,
        plans=plans,
        facts=tuple(_facts(request, event, checkout, p.workflow, given) for p in plans),
        secrets=_merged(request, project, "secret", ".secrets"),
        variables=_merged(request, project, "var", ".vars"),
        environment=_merged(request, project, "env", ".env"),
        inputs=tuple(settings.inputs(p.workflow, event, given) for p in plans),
        matrix=_matrix(request.matrix),
        images=settings.images(request.platform, project.directory),
    )


def choose_event(request: Request, found: list[Workflow]) -> str:
    """The event asked for; else push, or the only one that the workflows know."""
    names = {trigger.event for workflow in found for trigger in workflow.triggers}
    event = request.event or ("push" if "push" in names or len(names) != 1 else names.pop())
    names.add(event)
    if not any(workflow.trigger(event) for workflow in found):
        known = sorted({trigger.event for workflow in found for trigger in workflow.triggers})
        hint = did_you_mean(event, known)
        message = f'no workflow runs on "{event}"{hint}; the events here are: {", ".join(known)}'
        raise Refused([Problem(Place("runwright run"), message, "nothing-ran")], codes.NOTHING_RAN)
    return event


def _with_jobs(found: list[Workflow], request: Request) -> list[Workflow]:
    if not request.jobs:
        return found
    problems = unknown_jobs(found, request.jobs)
    if problems:
        raise Refused(problems, codes.USAGE)
    return [workflow for workflow in found if _own(workflow, request.jobs)]


def _own(workflow: Workflow, jobs: tuple[str, ...]) -> list[str]:
    ids = {job.id.lower() for job in workflow.jobs}
    return [name for name in jobs if name.lower() in ids]


def _refuse_unsupported(plans: tuple[Plan, ...]) -> None:
    problems = [p for found in plans for p in actions.unsupported(found.workflow, found.jobs)]
    if problems:
        raise Refused(problems, codes.INVALID)


def _merged(request: Request, project: Project, name: str, default: str) -> dict[str, str]:
    file = getattr(request, f"{name}_file")
    given = getattr(request, name)
    return {
        **settings.from_file(file, default, project.directory, f"--{name}-file"),
        **settings.pairs(given, f"--{name}"),
    }


def _facts(
    request: Request,
    event: str,
    checkout: Checkout,
    workflow: Workflow,
    inputs: dict[str, str],
) -> RunFacts:
    actor = request.actor or _user()
    payload = contexts.payload(event, checkout, actor, inputs)
    if request.eventpath:
        payload |= settings.event_payload(request.eventpath)
    return RunFacts(
        run_id="1",
        run_number=1,
        event_name=event,
        event=payload,
        checkout=checkout,
        workflow=workflow.name,
        workflow_file=workflow.file,
        actor=actor,
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without a name, as in many containers
        return "nobody"


def _matrix(given: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    found = []
    for item in given:
        name, colon, value = item.partition(":")
        if not colon or not name:
            raise usage(f'"{item}" selects nothing; write KEY:VALUE', where="--matrix")
        found.append((name, value))
    return tuple(found)
