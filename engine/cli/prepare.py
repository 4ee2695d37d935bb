"""Everything that is decided before the first container: what runs, and with which values."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from engine import cli as codes
from engine import contexts
from engine.cli import answers, called, chain, settings, show, starts, workflows
from engine.cli.called import Called
from engine.cli.request import Request
from engine.cli.starts import Happening, Start
from engine.cli.workflows import Project
from engine.contexts import RunFacts
from engine.events import WorkflowSkipped
from engine.expr.values import lookup
from engine.inputs import Answer
from engine.model import Trigger, Workflow
from engine.plan import Plan, unknown_jobs
from engine.problems import Place, Problem, Refused, did_you_mean, usage
from engine.secretive import Secretive
from engine.tree import Scope

if TYPE_CHECKING:
    from engine.actions.resolve import Finder
    from engine.run import Supplies

Candidate = tuple[Workflow, Trigger, RunFacts]


class Prepared(Secretive, Struct, frozen=True):
    """Everything that is decided before the first container: what starts, what does not and why,
    and what may follow."""

    request: Request
    project: Project
    starts: tuple[Start, ...]
    skipped: tuple[WorkflowSkipped, ...]
    followers: tuple[Plan, ...]
    secrets: dict[str, str]
    variables: dict[str, str]
    environment: dict[str, str]
    matrix: tuple[tuple[str, str], ...]
    images: dict[str, str]
    finder: Callable[[], Finder]  # of repositories elsewhere; the same for all that runs
    supplies: Supplies | None = None

    @property
    def plans(self) -> tuple[Plan, ...]:
        """All that may run, what follows others included."""
        return (*(start.plan for start in self.starts), *self.followers)

    @property
    def remedy(self) -> str:
        """What to do about workflows that are not started, where the user seems to want them."""
        asked_for = not self.starts or self.request.workflows or self.request.jobs
        if not self.skipped or not asked_for:
            return ""
        none = "nothing runs; " if not self.starts else ""
        return f"runwright: {none}--ignore-filters runs what the filters leave out"


def prepare(request: Request) -> Prepared:
    """Read, check, choose and plan. Raises Refused."""
    project = workflows.project(request.directory)
    found, warnings = workflows.read_or_refuse(workflows.find(project, request.workflows))
    event = choose_event(request, found)
    secrets = _merged(request, project, "secret", ".secrets")
    variables = _merged(request, project, "var", ".vars")
    show.show(warnings)
    seen = starts.happening(request, project, event, lookup(secrets, "GITHUB_TOKEN", ""))
    chosen, skipped = _choose(request, project, seen, _with_jobs(found, event, request))
    finder = _finder(request, project, seen)
    find = Called(project.root, finder)
    plans = called.plans([(each, _own(each, request.jobs)) for each, _, _ in chosen], find)
    followers = called.plans(_followers(request, [each for each, _, _ in chosen], found), find)
    return Prepared(
        request=request,
        project=project,
        starts=_started(request, project, seen, chosen, plans, variables),
        skipped=skipped,
        followers=followers,
        secrets=secrets,
        variables=variables,
        environment=_merged(request, project, "env", ".env"),
        matrix=_matrix(request.matrix),
        images=settings.images(request.platform, project.directory),
        finder=finder,
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


def _with_jobs(found: list[Workflow], event: str, request: Request) -> list[Workflow]:
    """The workflows that know the event, and have one of the jobs that were asked for."""
    found = [workflow for workflow in found if workflow.trigger(event)]
    known = [job.id for workflow in found for job in workflow.jobs]
    problems = unknown_jobs(known, [name.partition("/")[0] for name in request.jobs])
    if problems:
        raise Refused(problems, codes.USAGE)
    return [workflow for workflow in found if not request.jobs or _own(workflow, request.jobs)]


def _own(workflow: Workflow, jobs: tuple[str, ...]) -> list[str]:
    ids = {job.id.lower() for job in workflow.jobs}
    return [name for name in jobs if name.partition("/")[0].lower() in ids]


def _finder(request: Request, project: Project, seen: Happening) -> Callable[[], Finder]:
    """Made when first asked for: most runs take nothing from elsewhere."""

    @cache
    def finder() -> Finder:
        from engine.cli import fetching

        server = seen.checkout.server_url
        return fetching.finder(request, project.directory, server, seen.token)

    return finder


def _choose(
    request: Request, project: Project, seen: Happening, found: list[Workflow]
) -> tuple[list[Candidate], tuple[WorkflowSkipped, ...]]:
    """Those of the workflows that start, and why the others do not."""
    asked = [(each, trigger) for each in found if (trigger := each.trigger(seen.event))]
    if request.ignore_filters:
        return [(*each, starts.facts_of(*each, seen)) for each in asked], ()
    seen = starts.with_files(seen, [trigger for _, trigger in asked], project)
    chosen, skipped = [], []
    for workflow, trigger in asked:
        facts = starts.facts_of(workflow, trigger, seen)
        reason = starts.why_not(workflow, trigger, facts, seen.files)
        if reason:
            skipped.append(reason)
        else:
            chosen.append((workflow, trigger, facts))
    return chosen, tuple(skipped)


def _started(
    request: Request,
    project: Project,
    seen: Happening,
    chosen: list[Candidate],
    plans: tuple[Plan, ...],
    variables: dict[str, str],
) -> tuple[Start, ...]:
    """Each workflow that starts with its plan, and the inputs it asked for. Raises Refused."""
    given = answers.given(request, project, seen.event, seen.payload)
    asked = [
        (trigger, Scope({"github": contexts.github(facts), "inputs": {}, "vars": variables}))
        for _, trigger, facts in chosen
    ]
    answered = answers.answers(asked, given)
    each = zip(plans, chosen, answered, strict=True)
    return tuple(_start(plan, facts, answer) for plan, (_, _, facts), answer in each)


def _start(plan: Plan, facts: RunFacts, answer: Answer) -> Start:
    if facts.event_name in answers.TAKE_INPUTS:
        facts = replace(facts, event={**facts.event, "inputs": answer.event})
    return Start(plan, facts, answer.inputs)


def _followers(
    request: Request, started: list[Workflow], found: list[Workflow]
) -> list[tuple[Workflow, list[str]]]:
    """What may run after the others: with jobs chosen, only workflows that have one of them."""
    if not request.chain:
        return []
    later = [(each, _own(each, request.jobs)) for each in chain.reachable(started, found)]
    return [(workflow, jobs) for workflow, jobs in later if jobs or not request.jobs]


def _merged(request: Request, project: Project, name: str, default: str) -> dict[str, str]:
    file = getattr(request, f"{name}_file")
    given = getattr(request, name)
    return {
        **settings.from_file(file, default, project.directory, f"--{name}-file"),
        **settings.pairs(given, f"--{name}"),
    }


def _matrix(given: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    found = []
    for item in given:
        name, colon, value = item.partition(":")
        if not colon or not name:
            raise usage(f'"{item}" selects nothing; write KEY:VALUE', where="--matrix")
        found.append((name, value))
    return tuple(found)
