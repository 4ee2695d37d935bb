"""Jobs become a graph of needs; a job becomes its matrix as soon as that is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from graphlib import TopologicalSorter
from math import inf
from typing import Any

from engine import matrix
from engine.calls import Find
from engine.expr import to_string
from engine.model import Job, Workflow
from engine.problems import Place, Problem, did_you_mean
from engine.tree import (
    Fields,
    Scope,
    Tree,
    Unresolved,
    boolean,
    list_of_strings,
    number,
    resolve,
    roots,
    string,
    strings,
)

MAX_NAME = 100
DEFAULT_TIMEOUT = 360.0  # minutes
DEFAULT_CANCEL_TIMEOUT = 5.0


@dataclass(frozen=True)
class Plan:
    """What will happen and after what: jobs in file order, `needs` and `ancestors` by job id.

    `calls` are the plans of called workflows by the id of the job that calls.
    """

    workflow: Workflow
    jobs: tuple[Job, ...]
    needs: Mapping[str, tuple[str, ...]]
    ancestors: Mapping[str, frozenset[str]]
    calls: Mapping[str, Plan] = field(default_factory=dict)

    @cached_property
    def by_id(self) -> dict[str, Job]:
        return {job.id: job for job in self.jobs}

    def whole(self) -> Iterator[Plan]:
        """This plan and those of all that it calls, each workflow as often as it is called."""
        yield self
        for called in self.calls.values():
            yield from called.whole()

    def names(self) -> Iterator[str]:
        """All jobs, those of called workflows as `caller/called`."""
        for job in self.jobs:
            yield job.id
            called = self.calls.get(job.id)
            yield from (f"{job.id}/{name}" for name in (called.names() if called else ()))

    def levels(self) -> list[list[str]]:
        """Job ids by how many jobs must end before them, for showing only: nothing waits for it."""
        import networkx

        return [sorted(level) for level in networkx.topological_generations(graph(self.needs))]

    def longest(self) -> list[str]:
        """The most jobs that have to run one after another: no run has fewer rounds than these."""
        import networkx

        return list(networkx.dag_longest_path(graph(self.needs)))


@dataclass(frozen=True, slots=True)
class Container:
    """A job's own container, its expressions answered."""

    image: str
    env: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    options: str = ""
    username: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Leg:
    """One job as it will run: a leg of its matrix, or the whole job where there is none.

    `key` is unique in the workflow. Times are in seconds.
    """

    key: str
    job: Job
    name: str
    index: int
    total: int
    matrix: Mapping[str, Any]
    runs_on: tuple[str, ...]
    container: Container | None
    fail_fast: bool
    max_parallel: int
    continue_on_error: bool
    timeout: float
    cancel_timeout: float
    environment: str = ""

    def scope(self, job: Scope) -> Scope:
        """What the leg's expressions see before it runs."""
        strategy = strategy_context(self.fail_fast, self.index, self.total, self.max_parallel)
        own = {"matrix": dict(self.matrix) or None, "strategy": strategy}
        return Scope({**job.contexts, **own}, job.functions)


def _nobody(uses: str, file: str) -> tuple[None, list[Problem]]:
    return None, []


def strategy_context(fail_fast: bool, index: int, total: int, most: int) -> dict[str, Any]:
    """The `strategy` context of one leg."""
    return {"fail-fast": fail_fast, "job-index": index, "job-total": total, "max-parallel": most}


def plan(workflow: Workflow, selected: Iterable[str] = (), find: Find = _nobody) -> Plan:
    """The plan of all jobs, or of those selected and what they need.

    `find` gives the workflows that jobs call; what `calls.check` refuses must not be planned.
    `caller/called` selects a job of a called workflow.
    """
    ids = {job.id.lower(): job.id for job in workflow.jobs}
    needs = {
        job.id: tuple(dict.fromkeys(ids[need.id.lower()] for need in job.needs))
        for job in workflow.jobs
    }
    ancestors = _ancestors(needs)
    inner = _inner(selected, ids)
    wanted = set(inner).union(*(ancestors[id_] for id_ in inner)) if inner else set(ids.values())
    jobs = tuple(job for job in workflow.jobs if job.id in wanted)
    return Plan(
        workflow=workflow,
        jobs=jobs,
        needs={id_: before for id_, before in needs.items() if id_ in wanted},
        ancestors={id_: before for id_, before in ancestors.items() if id_ in wanted},
        calls={
            job.id: plan(called, inner.get(job.id, ()), find)
            for job in jobs
            if (called := _called(job, workflow, find)) is not None
        },
    )


def _inner(selected: Iterable[str], ids: Mapping[str, str]) -> dict[str, list[str]]:
    """What is selected of each job's called workflow, by job; nothing where all of it is."""
    found: dict[str, list[str]] = {}
    for name in selected:
        head, _, rest = name.partition("/")
        found.setdefault(ids[head.lower()], []).append(rest)
    return {id_: [] if "" in names else names for id_, names in found.items()}


def _called(job: Job, workflow: Workflow, find: Find) -> Workflow | None:
    return find(job.uses.text, workflow.file)[0] if job.uses else None


def unknown_jobs(known: Iterable[str], selected: Iterable[str]) -> list[Problem]:
    """The selected names that are no job."""
    names = {name.lower(): name for name in known}
    return [
        Problem(
            Place("--job"),
            f'there is no job "{name}"{did_you_mean(name, names.values())}; '
            f"the jobs are: {', '.join(names.values()) or 'none'}",
            "usage",
        )
        for name in selected
        if name.lower() not in names
    ]


def graph(needs: Mapping[str, Iterable[str]]) -> Any:
    """A networkx.DiGraph with an edge from each need to the job that needs it."""
    import networkx  # a seventh of a second to import: only where there is a graph to ask

    digraph: Any = networkx.DiGraph()
    digraph.add_nodes_from(needs)
    digraph.add_edges_from((need, id_) for id_, before in needs.items() for need in before)
    return digraph


def _ancestors(needs: Mapping[str, tuple[str, ...]]) -> dict[str, frozenset[str]]:
    """All that each job waits for, its needs' needs included."""
    found: dict[str, frozenset[str]] = {}
    for id_ in TopologicalSorter(needs).static_order():
        found[id_] = frozenset(needs[id_]).union(*(found[need] for need in needs[id_]))
    return found


# --- expansion ----------------------------------------------------------------------------------


def is_static(job: Job) -> bool:
    """Whether the job's legs and containers are known before any other job has run."""
    strategy = job.strategy
    trees: tuple[Tree | None, ...] = (
        *((strategy.matrix, strategy.fail_fast, strategy.max_parallel) if strategy else ()),
        job.container,
        job.runs_on,
        job.name,
        job.continue_on_error,
        job.timeout_minutes,
        job.environment.get("name") if isinstance(job.environment, Fields) else job.environment,
        job.cancel_timeout_minutes,
    )
    return all("needs" not in roots(tree) for tree in trees)


def expand(job: Job, scope: Scope, key: str = "", name: str = "") -> tuple[Leg, ...]:
    """The job's legs. Raises Unresolved where an expression or the matrix is wrong.

    `scope` needs the contexts github, needs, vars and inputs; env and secrets where a
    container's credentials ask for them. `key` and `name` are put before those of the legs.
    """
    strategy = job.strategy
    legs, has_matrix = _legs(job, scope)
    total = len(legs)
    fail_fast = boolean(strategy.fail_fast if strategy else None, scope, default=True)
    wanted = number(strategy.max_parallel if strategy else None, scope, total)
    found = (
        _leg(job, scope, values, (index, total), fail_fast, int(wanted) or total, has_matrix)
        for index, values in enumerate(legs)
    )
    return tuple(replace(leg, key=f"{key}{leg.key}", name=f"{name}{leg.name}") for leg in found)


def _legs(job: Job, scope: Scope) -> tuple[list[dict[str, Any]], bool]:
    tree = job.strategy.matrix if job.strategy else None
    value = resolve(tree, scope)
    if tree is None or value is None:
        return [{}], False
    try:
        return matrix.expand(value), True
    except matrix.MatrixError as error:
        raise Unresolved(tree.node.place, str(error)) from None


def _leg(
    job: Job,
    scope: Scope,
    values: Mapping[str, Any],
    position: tuple[int, int],
    fail_fast: bool,
    max_parallel: int,
    has_matrix: bool,
) -> Leg:
    index, total = position
    strategy = strategy_context(fail_fast, index, total, max_parallel)
    inner = Scope(
        {**scope.contexts, "matrix": values or None, "strategy": strategy}, scope.functions
    )
    return Leg(
        key=f"{job.id}.{index}" if has_matrix else job.id,
        job=job,
        name=display_name(job, inner, values),
        index=index,
        total=total,
        matrix=values,
        runs_on=_runs_on(job.runs_on, inner),
        container=_container(job.container, inner),
        fail_fast=fail_fast,
        max_parallel=max_parallel,
        continue_on_error=boolean(job.continue_on_error, inner),
        timeout=_timeout(job, inner),
        environment=_environment(job.environment, inner),
        cancel_timeout=60 * number(job.cancel_timeout_minutes, inner, DEFAULT_CANCEL_TIMEOUT),
    )


def _timeout(job: Job, scope: Scope) -> float:
    """The seconds of one attempt."""
    of_attempt = job.retry.timeout if job.retry else None
    return min(60 * number(job.timeout_minutes, scope, DEFAULT_TIMEOUT), of_attempt or inf)


def display_name(job: Job, scope: Scope, values: Mapping[str, Any]) -> str:
    """GitHub's name of a leg (actions/runner, JobNameBuilder)."""
    written = string(job.name, scope).strip()
    has_expression = job.name is not None and job.name.template is not None
    if written and has_expression:
        return _cut(written)
    shown = ", ".join(to_string(leaf) for leaf in matrix.leaves(values))
    name = written or job.id
    return _cut(f"{name} ({shown})" if shown else name)


def _cut(name: str) -> str:
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 3]}..."


def _runs_on(tree: Tree | None, scope: Scope) -> tuple[str, ...]:
    if isinstance(tree, Fields):
        return list_of_strings(tree.get("labels"), scope) or list_of_strings(
            tree.get("group"), scope
        )
    value = resolve(tree, scope)
    if isinstance(value, Mapping) and tree is not None:
        labels = value.get("labels", value.get("group"))
        return (
            (to_string(labels),) if not isinstance(labels, list) else tuple(map(to_string, labels))
        )
    return list_of_strings(tree, scope)


def _environment(tree: Tree | None, scope: Scope) -> str:
    return string(tree.get("name") if isinstance(tree, Fields) else tree, scope)


def _container(tree: Tree | None, scope: Scope) -> Container | None:
    if tree is None:
        return None
    if not isinstance(tree, Fields):
        value = resolve(tree, scope)
        if not isinstance(value, Mapping):
            image = string(tree, scope).removeprefix("docker://")
            return Container(image) if image else None
        raise Unresolved(
            tree.node.place, "an expression for a whole container must give the image's name"
        )
    image = string(tree.get("image"), scope).removeprefix("docker://")
    if not image:
        return None
    credentials = strings(tree.get("credentials"), scope)
    return Container(
        image=image,
        env=strings(tree.get("env"), scope),
        ports=list_of_strings(tree.get("ports"), scope),
        volumes=list_of_strings(tree.get("volumes"), scope),
        options=string(tree.get("options"), scope),
        username=credentials.get("username", ""),
        password=credentials.get("password", ""),
    )
