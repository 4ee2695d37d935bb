"""The workflow as frozen, typed values whose strings are already compiled."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from typing import Literal, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from engine import availability as may
from engine import forms, permissions
from engine.availability import Allowed, StepKeys
from engine.permissions import Permissions
from engine.problems import Place, Problem, did_you_mean
from engine.retry import Backoff, Retry, RetryOn, seconds
from engine.source import Mapping, Node, Scalar, Sequence, child, entries, one_or_more
from engine.tree import (
    Condition,
    Fields,
    Text,
    Tree,
    build,
    condition,
    has_expression,
    literal,
    text,
)

StepKind = Literal["run", "uses", "wait", "wait-all", "cancel", "parallel"]
STEP_KINDS: tuple[StepKind, ...] = ("run", "uses", "wait", "wait-all", "cancel", "parallel")

_T = TypeVar("_T")


class Trigger(Struct, frozen=True):
    """One event of `on:`; `filters` is None where none were given."""

    event: str
    place: Place
    filters: Node | None = None


class Defaults(Struct, frozen=True):
    """`defaults.run`."""

    shell: Tree | None = None
    working_directory: Tree | None = None


class Step(Struct, frozen=True):
    """One step; of `run`, `uses` and the rest only what its kind has is set."""

    kind: StepKind
    place: Place
    id: str = ""
    name: Text | None = None
    condition: Condition | None = None
    run: Text | None = None
    shell: Text | None = None
    working_directory: Text | None = None
    uses: Scalar | None = None
    with_: Tree | None = None
    env: Tree | None = None
    continue_on_error: Tree | None = None
    timeout_minutes: Tree | None = None
    retry: Retry | None = None
    background: bool = False
    targets: tuple[str, ...] = ()
    children: tuple[Step, ...] = ()


class Need(Struct, frozen=True):
    id: str
    place: Place


class Strategy(Struct, frozen=True):
    matrix: Tree | None = None
    fail_fast: Tree | None = None
    max_parallel: Tree | None = None


class Job(Struct, frozen=True):
    """One entry of `jobs:`, before its matrix is known."""

    id: str
    place: Place
    name: Text | None = None
    needs: tuple[Need, ...] = ()
    condition: Condition | None = None
    runs_on: Tree | None = None
    strategy: Strategy | None = None
    permissions: Permissions | None = None
    env: Tree | None = None
    defaults: Defaults = Defaults()
    outputs: Tree | None = None
    container: Tree | None = None
    services: Tree | None = None
    environment: Tree | None = None
    concurrency: Tree | None = None
    snapshot: Tree | None = None
    continue_on_error: Tree | None = None
    timeout_minutes: Tree | None = None
    cancel_timeout_minutes: Tree | None = None
    retry: Retry | None = None
    steps: tuple[Step, ...] = ()
    uses: Scalar | None = None
    with_: Tree | None = None
    secrets: Tree | None = None


class Output(Struct, frozen=True):
    """An output of `on.workflow_call`."""

    name: str
    place: Place
    value: Text


class Origin(Struct, frozen=True):
    """Where a called workflow is from: `repository` is owner/name, `ref` as its caller wrote it."""

    repository: str
    path: str
    ref: str
    sha: str


class Workflow(Struct, frozen=True):
    """`file` names it among all that a run reads; `origin` is None for what lies in the
    repository that the run is about."""

    file: str
    name: str
    triggers: tuple[Trigger, ...]
    run_name: Text | None = None
    permissions: Permissions | None = None
    outputs: tuple[Output, ...] = ()
    env: Tree | None = None
    defaults: Defaults = Defaults()
    concurrency: Tree | None = None
    jobs: tuple[Job, ...] = ()
    origin: Origin | None = None

    def trigger(self, event: str) -> Trigger | None:
        return next((t for t in self.triggers if t.event == event), None)


def read(node: Node, file: str, path: str = "") -> tuple[Workflow, list[Problem]]:
    """A workflow from a node; what `check` complains of is left out without another word.

    `file` is how its places are shown, `path` where it is in the repository.
    The problems are what a schema can't say: expressions, ids, needs that do not exist.
    """
    problems: list[Problem] = []
    keys = _Keys(node, problems)
    workflow = Workflow(
        file=path or file,
        name=keys.literal("name") or path or file,
        triggers=_triggers(keys.node("on"), problems),
        run_name=keys.text("run-name", may.RUN_NAME),
        permissions=permissions.read(keys.node("permissions")),
        outputs=_outputs(keys.node("on")),
        env=keys.tree("env", may.ENV),
        defaults=_defaults(keys, may.NONE),
        concurrency=keys.tree("concurrency", may.CONCURRENCY),
        jobs=_jobs(keys.node("jobs"), problems),
    )
    keys.literal("description")
    problems.extend(forms.concurrency(keys.node("concurrency")))
    _check_needs(workflow.jobs, problems)
    return workflow, problems


class _Keys:
    """The keys of one mapping, each compiled as what it is."""

    def __init__(self, node: Node | None, problems: list[Problem]) -> None:
        self.mapping = node if isinstance(node, Mapping) else Mapping((), Place(""))
        self.problems = problems

    def node(self, key: str) -> Node | None:
        return self.mapping.get(key)

    def scalar(self, key: str) -> Scalar | None:
        """A value that takes no expression."""
        node = self.node(key)
        if not isinstance(node, Scalar) or node.value is None:
            return None
        return literal(node, self.problems)

    def literal(self, key: str) -> str:
        scalar = self.scalar(key)
        return scalar.text if scalar else ""

    def tree(self, key: str, allowed: Allowed) -> Tree | None:
        node = self.node(key)
        return None if node is None else build(node, allowed, self.problems)

    def fields(self, key: str, allowed: Allowed) -> Tree | None:
        """A mapping whose names take no expressions, only their values."""
        node = self.node(key)
        if not isinstance(node, Mapping):
            return self.tree(key, allowed)
        entries = (
            (Text(literal(name, self.problems)), build(value, allowed, self.problems))
            for name, value in node.entries
        )
        return Fields(node, tuple(entries))

    def text(self, key: str, allowed: Allowed) -> Text | None:
        node = self.node(key)
        if not isinstance(node, Scalar) or node.value is None:
            return None
        return text(node, allowed, self.problems)

    def condition(self, allowed: Allowed) -> Condition | None:
        node = self.node("if")
        return condition(node, allowed, self.problems) if isinstance(node, Scalar) else None


# --- the root -----------------------------------------------------------------------------------


def _triggers(node: Node | None, problems: list[Problem]) -> tuple[Trigger, ...]:
    match node:
        case Scalar() | Sequence():
            return tuple(Trigger(item.text, item.place) for item in one_or_more(node))
        case Mapping():
            return tuple(_trigger(key, value, problems) for key, value in node.entries)
    return ()


def _trigger(event: Scalar, node: Node, problems: list[Problem]) -> Trigger:
    if event.text == "workflow_call":
        _check_contract(node, problems)
    else:
        build(node, may.NONE, problems)
    null = isinstance(node, Scalar) and node.value is None
    return Trigger(event.text, event.place, None if null else node)


def _check_contract(node: Node, problems: list[Problem]) -> None:
    """Below `on.workflow_call`, only defaults and the values of outputs take expressions."""
    for part, declared in entries(node):
        for name, about in entries(declared):
            literal(name, problems)
            for key, value in entries(about):
                allowed = _IN_CONTRACT.get((part.text, key.text), may.NONE)
                build(value, allowed, problems)


_IN_CONTRACT = {
    ("inputs", "default"): may.CALL_INPUT_DEFAULT,
    ("outputs", "value"): may.CALL_OUTPUT,
}


def _outputs(on: Node | None) -> tuple[Output, ...]:
    """The outputs of `on.workflow_call`; what is wrong with them has been said."""
    found = []
    for key, about in entries(child(child(on, "workflow_call"), "outputs")):
        value = _Keys(about, []).text("value", may.CALL_OUTPUT)
        if value is not None:
            found.append(Output(key.text, key.place, value))
    return tuple(found)


def _defaults(keys: _Keys, allowed: Allowed) -> Defaults:
    node = child(keys.node("defaults"), "run")
    if isinstance(node, Scalar):
        whole = text(node, allowed, keys.problems)
        return Defaults(*_parts(whole, allowed, ("shell", "working-directory")))
    run = _Keys(node, keys.problems)
    return Defaults(run.tree("shell", allowed), run.tree("working-directory", allowed))


def _parts(whole: Text, allowed: Allowed, names: Iterable[str]) -> Iterator[Text]:
    """What a mapping that is one expression has under each name, as an expression of its own."""
    template = whole.template
    if template is None or len(template.parts) != 1:
        return
    at = template.offsets[0]
    inner = whole.node.text[at:].rstrip().removesuffix("}}")
    for name in names:
        # the bracket takes the place of a blank, so that positions stay true
        written = f"{'${{':<{max(at - 1, 3)}}({inner}).{name} }}}}"
        scalar = replace(whole.node, value=written, text=written)
        yield Text(whole.node, text(scalar, allowed, []).template)


# --- jobs ---------------------------------------------------------------------------------------


def _jobs(node: Node | None, problems: list[Problem]) -> tuple[Job, ...]:
    if not isinstance(node, Mapping):
        return ()
    for key, _ in node.entries:
        problems.extend(forms.id_(key, "job"))
    return tuple(_job(key, value, problems) for key, value in node.entries)


def _job(key: Scalar, node: Node, problems: list[Problem]) -> Job:
    keys = _Keys(node, problems)
    problems.extend(_misformed(keys))
    return Job(
        id=key.text,
        place=key.place,
        name=keys.text("name", may.JOB_NAME),
        needs=_needs(keys.node("needs"), problems),
        condition=keys.condition(may.JOB_IF),
        runs_on=keys.tree("runs-on", may.JOB_RUNS_ON),
        strategy=_strategy(keys),
        permissions=permissions.read(keys.node("permissions")),
        env=keys.tree("env", may.JOB_ENV),
        defaults=_defaults(keys, may.JOB_DEFAULTS),
        outputs=keys.fields("outputs", may.JOB_OUTPUTS),
        container=_container(keys.node("container"), may.JOB_CONTAINER, problems),
        services=_services(keys.node("services"), problems),
        environment=_environment(keys),
        concurrency=keys.tree("concurrency", may.JOB_CONCURRENCY),
        snapshot=_snapshot(keys),
        continue_on_error=keys.tree("continue-on-error", may.JOB_CONTINUE_ON_ERROR),
        timeout_minutes=keys.tree("timeout-minutes", may.JOB_TIMEOUT),
        cancel_timeout_minutes=keys.tree("cancel-timeout-minutes", may.JOB_TIMEOUT),
        retry=_retry(keys),
        steps=steps(keys.node("steps"), problems),
        uses=_reference(keys, forms.workflow),
        with_=keys.fields("with", may.JOB_WITH),
        secrets=keys.fields("secrets", may.JOB_SECRETS),
    )


def _misformed(keys: _Keys) -> Iterator[Problem]:
    services = keys.node("services")
    yield from forms.strategy(keys.node("strategy"))
    yield from forms.runner(keys.node("runs-on"))
    yield from forms.concurrency(keys.node("concurrency"))
    yield from forms.snapshot(keys.node("snapshot"))
    yield from forms.container(keys.node("container"))
    for _, service in entries(services):
        yield from forms.container(service)


def _needs(node: Node | None, problems: list[Problem]) -> tuple[Need, ...]:
    items = (literal(item, problems) for item in one_or_more(node))
    return tuple(Need(item.text, item.place) for item in items)


def _check_needs(jobs: tuple[Job, ...], problems: list[Problem]) -> None:
    known = {job.id.lower(): job for job in jobs}
    for job in jobs:
        for need in job.needs:
            if need.id.lower() not in known:
                others = [other.id for other in jobs if other is not job]
                hint = did_you_mean(need.id, others)
                message = f'job "{job.id}" needs job "{need.id}", which does not exist{hint}'
                problems.append(Problem(need.place, message, "needs"))
    _check_cycle(known, problems)


def _check_cycle(jobs: dict[str, Job], problems: list[Problem]) -> None:
    needs = {
        id_: [n.id.lower() for n in job.needs if n.id.lower() in jobs] for id_, job in jobs.items()
    }
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        cycle = [jobs[id_] for id_ in error.args[1][:-1]][::-1]
        first = min(range(len(cycle)), key=lambda index: cycle[index].place)
        problems.extend(_endless([*cycle[first:], *cycle[:first], cycle[first]], jobs.values()))


def _endless(chain: list[Job], jobs: Iterable[Job]) -> Iterator[Problem]:
    """Where a cycle could be cut; where no job at all can start, that is told of the first one."""
    shown = " -> ".join(f'"{job.id}" (line {job.place.line})' for job in chain)
    if all(job.needs for job in jobs):
        message = f"these jobs wait for each other and could never start: {shown}"
        yield Problem(next(iter(jobs)).place, message, "needs")
        return
    for job, needed in pairwise(chain):
        need = next(need for need in job.needs if need.id.lower() == needed.id.lower())
        message = f'job "{job.id}" needs job "{need.id}", which waits for it in turn: {shown}'
        yield Problem(need.place, message, "needs")


def _strategy(keys: _Keys) -> Strategy | None:
    node = keys.node("strategy")
    if node is None:
        return None
    if isinstance(node, Scalar):
        whole = text(node, may.JOB_STRATEGY, keys.problems)
        return Strategy(*_parts(whole, may.JOB_STRATEGY, ("matrix", "fail-fast", "max-parallel")))
    inner = _Keys(node, keys.problems)
    allowed = may.JOB_STRATEGY
    return Strategy(
        inner.tree("matrix", allowed),
        inner.tree("fail-fast", allowed),
        inner.tree("max-parallel", allowed),
    )


def _container(node: Node | None, allowed: Allowed, problems: list[Problem]) -> Tree | None:
    """A container or a service: its `env` and `credentials` may ask for more than the rest."""
    if not isinstance(node, Mapping):
        return None if node is None else build(node, allowed, problems)
    special = {"credentials": may.JOB_CONTAINER_CREDENTIALS}
    if isinstance(node.get("env"), Mapping):  # as one expression it asks for no more than the rest
        special["env"] = may.JOB_CONTAINER_ENV
    entries = tuple(
        (Text(key), build(value, special.get(key.text, allowed), problems))
        for key, value in node.entries
    )
    return Fields(node, entries)


def _services(node: Node | None, problems: list[Problem]) -> Tree | None:
    if not isinstance(node, Mapping):
        return None if node is None else build(node, may.JOB_SERVICES, problems)
    entries: list[tuple[Text, Tree]] = []
    for key, value in node.entries:
        service = _container(value, may.JOB_SERVICES, problems)
        if service is not None:
            entries.append((Text(key), service))
    return Fields(node, tuple(entries))


def _environment(keys: _Keys) -> Tree | None:
    node = keys.node("environment")
    if not isinstance(node, Mapping):
        return keys.tree("environment", may.JOB_ENVIRONMENT)
    entries = tuple(
        (Text(key), build(value, _ENVIRONMENT.get(key.text, may.JOB_ENVIRONMENT), keys.problems))
        for key, value in node.entries
    )
    return Fields(node, entries)


_ENVIRONMENT = {"url": may.JOB_ENVIRONMENT_URL}


def _snapshot(keys: _Keys) -> Tree | None:
    node = keys.node("snapshot")
    when = child(node, "if")
    if isinstance(when, Scalar) and not has_expression(when):  # it needs no ${{ }}
        condition(when, may.JOB_SNAPSHOT, keys.problems)
    return keys.tree("snapshot", may.JOB_SNAPSHOT)


# --- steps --------------------------------------------------------------------------------------


def steps(
    node: Node | None, problems: list[Problem], allowed: StepKeys = may.JOB_STEP
) -> tuple[Step, ...]:
    """The steps of a job, or of a composite action; what is no mapping is left out."""
    if not isinstance(node, Sequence):
        return ()
    items = (item for item in node.items if isinstance(item, Mapping))
    found = tuple(_step(item, problems, allowed) for item in items)
    _check_step_ids(node, problems)
    return found


def _check_step_ids(node: Sequence, problems: list[Problem]) -> None:
    seen: dict[str, Scalar] = {}
    for item in node.items:
        id_ = child(item, "id")
        if not isinstance(id_, Scalar) or id_.value is None:
            continue
        problems.extend(forms.id_(id_, "step"))
        first = seen.setdefault(id_.text.lower(), id_)
        if first is not id_:
            message = (
                f'the step id "{id_.text}" is already used at line {first.place.line}, '
                f"column {first.place.column}; ids are unique in a job, without regard to case"
            )
            problems.append(Problem(id_.place, message, "id"))


def _step(node: Mapping, problems: list[Problem], allowed: StepKeys) -> Step:
    keys, other = _Keys(node, problems), allowed.other
    kind: StepKind = next((k for k in STEP_KINDS if node.key(k) is not None), "run")
    return Step(
        kind=kind,
        place=node.place,
        id=keys.literal("id"),
        name=keys.text("name", other("name")),
        condition=keys.condition(allowed.condition),
        run=keys.text("run", other("run")),
        shell=keys.text("shell", allowed.shell),
        working_directory=keys.text("working-directory", other("working-directory")),
        uses=_reference(keys, forms.action),
        with_=keys.tree("with", other("with")),
        env=keys.tree("env", other("env")),
        continue_on_error=keys.tree("continue-on-error", other("continue-on-error")),
        timeout_minutes=keys.tree("timeout-minutes", other("timeout-minutes")),
        retry=_retry(keys),
        background=_typed(keys, "background", bool, False),
        targets=_targets(keys.node(kind), problems) if kind in ("wait", "cancel") else (),
        children=steps(keys.node("parallel"), problems, allowed),
    )


def _reference(keys: _Keys, check: Callable[[Scalar | None], Iterable[Problem]]) -> Scalar | None:
    uses = keys.scalar("uses")
    keys.problems.extend(check(uses))
    return uses


def _targets(node: Node | None, problems: list[Problem]) -> tuple[str, ...]:
    return tuple(need.id for need in _needs(node, problems))


# --- retry --------------------------------------------------------------------------------------


def _retry(keys: _Keys) -> Retry | None:
    node = keys.node("retry")
    if isinstance(node, Scalar) and type(node.value) is int:
        return Retry(attempts=node.value)
    if not isinstance(node, Mapping):
        return None
    block = _Keys(node, keys.problems)
    return Retry(
        attempts=_typed(block, "attempts", int, 3),
        backoff=_backoff(block.literal("backoff")),
        delay=_duration(block, "delay", 0.0),
        max_delay=_duration(block, "max-delay", float("inf")),
        jitter=_typed(block, "jitter", bool, False),
        timeout=_duration(block, "timeout", 0.0) or None,
        on=_retry_on(block),
    )


def _backoff(written: str) -> Backoff:
    match written:
        case "linear" | "exponential":
            return written
    return "fixed"


def _retry_on(block: _Keys) -> RetryOn | None:
    if not isinstance(block.node("on"), Mapping):
        return None
    on = _Keys(block.node("on"), block.problems)
    return RetryOn(
        exit_codes=tuple(
            item.value for item in one_or_more(on.node("exit-codes")) if type(item.value) is int
        ),
        output=tuple(_patterns(on.node("output"), block.problems)),
        timeout=_typed(on, "timeout", bool, False),
    )


def _patterns(node: Node | None, problems: list[Problem]) -> list[re.Pattern[str]]:
    patterns = []
    for item in one_or_more(node):
        try:
            patterns.append(re.compile(item.text))
        except re.error as error:
            message = f'"{item.text}" is not a regular expression: {error}'
            problems.append(Problem(item.place, message, "retry"))
    return patterns


def _duration(keys: _Keys, key: str, default: float) -> float:
    scalar = keys.scalar(key)
    if scalar is None:
        return default
    found = seconds(scalar.text)
    return default if found is None else found


def _typed(keys: _Keys, key: str, wanted: Callable[..., _T], default: _T) -> _T:
    scalar = keys.scalar(key)
    return scalar.value if scalar and type(scalar.value) is wanted else default  # type: ignore[return-value]
