"""`runwright run`: from the command line to running workflows and back to an exit code."""

from __future__ import annotations

import getpass
import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from engine import actions, contexts, git
from engine import cli as codes
from engine.cli import options, settings, show, workflows
from engine.cli.workflows import Project
from engine.contexts import Checkout, RunFacts
from engine.events import Emit, Event, Outcome
from engine.expr import to_string
from engine.model import Workflow
from engine.plan import Plan, plan, unknown_jobs
from engine.problems import Place, Problem, Refused, did_you_mean, usage


@dataclass(frozen=True, slots=True)
class Request:
    """The command line, as given."""

    event: str = ""
    workflows: tuple[str, ...] = ()
    directory: str = ""
    jobs: tuple[str, ...] = ()
    matrix: tuple[str, ...] = ()
    eventpath: str = ""
    secret: tuple[str, ...] = field(default=(), repr=False)
    secret_file: str = ""
    var: tuple[str, ...] = ()
    var_file: str = ""
    env: tuple[str, ...] = ()
    env_file: str = ""
    input: tuple[str, ...] = ()
    input_file: str = ""
    actor: str = ""
    defaultbranch: str = ""
    runner: str = "auto"
    platform: tuple[str, ...] = ()
    pull: str = "missing"
    container_architecture: str = ""
    container_options: str = ""
    network: str = ""
    bind: bool = False
    copy: bool = False
    use_gitignore: bool = True
    concurrent_jobs: int = 0
    quiet: bool = False
    verbose: bool = False
    events: str = ""
    as_json: bool = False


@click.command()
@click.argument("event", required=False, default="")
@options.workflows
@options.selection
@options.values
@options.machines
@options.output
@click.option("-n", "--dryrun", is_flag=True, help="Show what would run; start nothing.")
@click.option("-l", "--list", "list_only", is_flag=True, help="As `runwright list`.")
@click.option("-g", "--graph", "graph_only", is_flag=True, help="As `runwright graph`.")
@click.pass_context
def run(
    ctx: click.Context, /, dryrun: bool, list_only: bool, graph_only: bool, **given: Any
) -> int:
    """Run the workflows that EVENT starts (default: push, or the only event there is)."""
    if list_only or graph_only:
        from engine.cli import listing

        command = listing.list_ if list_only else listing.graph
        ctx.invoke(command, workflows=given["workflows"], directory=given["directory"])
        return codes.SUCCESS
    request = Request(**given)
    prepared = prepare(request)
    if dryrun:
        from engine.cli import listing

        return listing.dry_run(prepared)
    return execute(prepared)


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


# --- running ------------------------------------------------------------------------------------


def execute(prepared: Prepared) -> int:
    """Run what was prepared; the exit code."""
    import trio

    from engine.cli import places

    if prepared.request.runner != "auto":
        places.runner(prepared.request.runner)  # refuses an unknown one before a run begins
    with _reporting(prepared) as (facts, emit):
        try:
            return trio.run(_run, replace(prepared, facts=facts), emit)
        except BaseExceptionGroup as group:
            raise _first(group) from None


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one exception worth showing of a nursery's group."""
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


async def _run(prepared: Prepared, emit: Emit) -> int:
    import trio

    from engine.cli import places
    from engine.job import Cancellation
    from engine.machine import MachineError

    cancellation = Cancellation()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_on_signals, cancellation, nursery.cancel_scope)
        try:
            isolation = await places.decide(prepared.request.runner)
        except MachineError as error:
            problem = Problem(Place("runwright run"), str(error), "environment")
            show.show([problem])
            nursery.cancel_scope.cancel()
            return codes.ENVIRONMENT
        if prepared.request.runner == "auto" and isolation.name != "docker":
            print(f"runwright: jobs run in a namespace: {isolation.why}", file=sys.stderr)
        if isolation.name == "namespace" and prepared.request.runner == "auto":
            note = f"runwright: {isolation.why} Jobs run in namespaces of this machine instead."
            print(note, file=sys.stderr)
        choose = places.chooser(isolation, prepared.request.runner, prepared.images)
        code = await _all_workflows(prepared, choose, cancellation, emit)
        nursery.cancel_scope.cancel()
        return code
    return codes.CANCELLED


async def _all_workflows(prepared: Prepared, choose: Any, cancellation: Any, emit: Emit) -> int:
    import trio

    from engine.job import Cancellation
    from engine.run import RunResult
    from engine.run import run as run_plan
    from engine.store import groups

    results: list[RunResult] = []
    most = prepared.request.concurrent_jobs or max(4, os.cpu_count() or 1)
    slots = trio.CapacityLimiter(most)

    async def one(index: int) -> None:
        found, facts = prepared.plans[index], prepared.facts[index]
        wanted = _settings(prepared, index)
        enter = partial(groups.member, facts.checkout.repository)
        # a run that another one replaces is cancelled alone, not with its neighbours
        stop = Cancellation()
        with cancellation.heard_by(lambda: stop.request(cancellation.reason)):
            results.append(await run_plan(found, facts, wanted, choose, stop, emit, slots, enter))

    async with trio.open_nursery() as nursery:
        for index in range(len(prepared.plans)):
            nursery.start_soon(one, index)
    return _exit_code(results, cancellation.requested)


def _settings(prepared: Prepared, index: int) -> Any:
    from engine.run import Settings

    request = prepared.request
    pull: Any = request.pull
    return Settings(
        environments=settings.environments(prepared.project.directory),
        source=prepared.project.root,
        hidden=git.ignored(prepared.project.root) if request.use_gitignore else (),
        secrets=prepared.secrets,
        variables=prepared.variables,
        inputs=prepared.inputs[index],
        env=prepared.environment,
        matrix=prepared.matrix,
        workspace_mode="bind" if request.bind else "copy" if request.copy else "overlay",
        pull=pull,
        options=request.container_options,
        network=request.network,
        platform=request.container_architecture,
        debug=request.verbose
        or prepared.secrets.get("ACTIONS_STEP_DEBUG") == "true"
        or prepared.variables.get("ACTIONS_STEP_DEBUG") == "true",
    )


def _matrix(given: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    found = []
    for item in given:
        name, colon, value = item.partition(":")
        if not colon or not name:
            raise usage(f'"{item}" selects nothing; write KEY:VALUE', where="--matrix")
        found.append((name, value))
    return tuple(found)


def _exit_code(results: list[Any], cancelled: bool) -> int:
    if cancelled:
        return codes.CANCELLED
    if any(result.broke for result in results):
        return codes.ENVIRONMENT
    if any(result.timed_out for result in results):
        return codes.TIMED_OUT
    if any(result.outcome in (Outcome.FAILURE, Outcome.CANCELLED) for result in results):
        return codes.FAILED
    return codes.SUCCESS if any(result.ran for result in results) else codes.NOTHING_RAN


async def _on_signals(cancellation: Any, scope: Any) -> None:
    """The first interrupt cancels as GitHub does; the second one ends everything at once."""
    import trio

    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for number in signals:
            if cancellation.requested:
                scope.cancel()
                return
            name = signal.Signals(number).name
            print(f"\nrunwright: {name}: cancelling; once more to stop at once", file=sys.stderr)
            cancellation.request(f"The run was cancelled ({name}).")


# --- reporting ----------------------------------------------------------------------------------


@contextmanager
def _reporting(prepared: Prepared) -> Iterator[tuple[tuple[RunFacts, ...], Emit]]:
    """The runs' ids, and an emit that stores each event and shows it."""
    facts, sinks = _recorded(prepared)
    reporter = _Careful(_reporter(prepared.request, len(facts) > 1))
    with ExitStack() as stack:
        shows = [reporter, *_event_file(prepared.request, stack)]

        def emit(event: Event) -> None:
            for sink in (*sinks.get(event.run, ()), *shows):
                sink(event)

        try:
            yield facts, emit
        finally:
            reporter.close()


def _event_file(request: Request, stack: ExitStack) -> list[_Careful]:
    if not request.events:
        return []
    from engine.report.jsonl import jsonl

    try:
        opened = Path(request.events).open("w", encoding="utf-8")  # noqa: SIM115 (the stack closes)
    except OSError as error:
        raise usage(f"can't be written: {error.strerror}", where=request.events) from None
    return [_Careful(jsonl(_writer(stack.enter_context(opened))))]


class _Careful:
    """A reporter that raises is dropped with one warning: a closed pipe must not fail a run."""

    def __init__(self, reporter: Callable[[Event], None]) -> None:
        self.reporter = reporter
        self.broken = False

    def __call__(self, event: Event) -> None:
        if self.broken:
            return
        try:
            self.reporter(event)
        except Exception as error:
            self.broken = True
            with suppress(OSError):
                print(f"runwright: the output stopped: {error!r}", file=sys.stderr)

    def close(self) -> None:
        """Let the reporter say what it says at the end."""
        close = getattr(self.reporter, "close", None)
        if close is not None and not self.broken:
            close()


def _recorded(prepared: Prepared) -> tuple[tuple[RunFacts, ...], dict[str, list[Emit]]]:
    from engine.store import runs

    facts: list[RunFacts] = []
    sinks: dict[str, list[Emit]] = {}
    for index, fact in enumerate(prepared.facts):
        try:
            record = runs.begin(fact.checkout.repository, fact.workflow_file)
            sinks[record.run_id] = [runs.writer(record)]
            facts.append(replace(fact, run_id=record.run_id, run_number=record.run_number))
        except OSError as error:
            if not index:
                print(f"runwright: this run is not kept: {error}", file=sys.stderr)
            facts.append(replace(fact, run_id=str(index + 1)))
    return tuple(facts), sinks


def _reporter(request: Request, many: bool) -> Callable[[Event], None]:
    if request.as_json:
        from engine.report.jsonl import jsonl

        return jsonl(_writer(sys.stdout))
    if os.environ.get("GITHUB_ACTIONS") == "true" and "GITHUB_STEP_SUMMARY" in os.environ:
        from engine.report.annotations import Annotations

        return Annotations(_writer(sys.stdout), _summarize)
    from engine.report.plain import Plain
    from engine.report.style import Style

    encoding = (sys.stdout.encoding or "").lower()
    style = Style(show.has_colour(sys.stdout), encoding.startswith("utf"))
    return Plain(
        _writer(sys.stdout),
        style,
        many=many,
        again=lambda job, matrix: _again(request, job, matrix),
        verbose=request.verbose,
        quiet=request.quiet,
    )


_OPTIONS = {"workflows": "-W", "directory": "-C", "platform": "-P", "pull": "--pull"}
_NOT_AGAIN = frozenset(("event", "jobs", "matrix", "quiet", "verbose", "events", "as_json"))


def _again(request: Request, job: str, matrix: Mapping[str, Any]) -> str:
    """The command that runs one job, or one leg of it, once more, with the same options."""
    words = ["runwright", request.event or "run"]
    for option in fields(request):
        value = getattr(request, option.name)
        if option.name not in _NOT_AGAIN and value != option.default:
            name = _OPTIONS.get(option.name, f"--{option.name.replace('_', '-')}")
            words += _given(name, value)
    legs = [
        f"--matrix={name}:{to_string(value)}"
        for name, value in matrix.items()
        if not isinstance(value, (list, dict))
    ]
    return shlex.join([*words, "--job", job, *legs, "--verbose"])


def _given(name: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [name if value else name.replace("--", "--no-", 1)]
    values = value if isinstance(value, tuple) else (value,)
    if name == "--secret":  # the name alone: its value is asked for, or in the environment
        values = tuple(item.partition("=")[0] for item in values)
    return [word for item in values for word in (name, str(item))]


def _writer(stream: Any) -> Callable[[str], None]:
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="replace")

    def write(text: str) -> None:
        stream.write(text)
        stream.flush()

    return write


def _summarize(text: str) -> None:
    with Path(os.environ["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as file:
        file.write(text)
