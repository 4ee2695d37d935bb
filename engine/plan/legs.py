"""A job becomes its legs as soon as its matrix is known."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from engine import matrix
from engine.containers import Container, container, services, with_env
from engine.expr import to_string
from engine.model import Job
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
)

MAX_NAME = 100
DEFAULT_TIMEOUT = 360.0  # minutes
DEFAULT_CANCEL_TIMEOUT = 5.0


class Leg(Struct, frozen=True):
    """One job as it will run: a leg of its matrix, or the whole job where there is none.

    `key` is unique in the run, `timeout` is of one attempt. Times are in seconds.
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
    services: Mapping[str, Container] = field(default_factory=dict)

    def scope(self, job: Scope) -> Scope:
        """What the leg's expressions see before it runs."""
        strategy = strategy_context(self.fail_fast, self.index, self.total, self.max_parallel)
        own = {"matrix": dict(self.matrix) or None, "strategy": strategy}
        return Scope({**job.contexts, **own}, job.functions)


def strategy_context(fail_fast: bool, index: int, total: int, most: int) -> dict[str, Any]:
    """The `strategy` context of one leg."""
    return {"fail-fast": fail_fast, "job-index": index, "job-total": total, "max-parallel": most}


def is_static(job: Job) -> bool:
    """Whether the job's legs and containers are known before any other job has run."""
    strategy = job.strategy
    trees: tuple[Tree | None, ...] = (
        *((strategy.matrix, strategy.fail_fast, strategy.max_parallel) if strategy else ()),
        job.container,
        job.services,
        job.runs_on,
        job.name,
        job.continue_on_error,
        job.timeout_minutes,
        job.environment.get("name") if isinstance(job.environment, Fields) else job.environment,
        job.cancel_timeout_minutes,
    )
    return all("needs" not in roots(tree) for tree in trees)


def expand(
    job: Job, scope: Scope, key: str = "", name: str = "", env: Tree | None = None
) -> tuple[Leg, ...]:
    """The job's legs. Raises Unresolved where an expression or the matrix is wrong.

    `scope` needs the contexts github, needs, vars and inputs, and secrets where a container asks
    for them. `key` and `name` are put before those of the legs. `env` is the workflow's.
    """
    strategy = job.strategy
    legs, has_matrix = _legs(job, scope)
    total = len(legs)
    fail_fast = boolean(strategy.fail_fast if strategy else None, scope, default=True)
    wanted = number(strategy.max_parallel if strategy else None, scope, total)
    found = (
        _leg(job, scope, values, (index, total), fail_fast, int(wanted) or total, has_matrix, env)
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
    env: Tree | None,
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
        container=container(job.container, with_env(job.container, inner, env, job.env)),
        fail_fast=fail_fast,
        max_parallel=max_parallel,
        continue_on_error=boolean(job.continue_on_error, inner),
        timeout=_timeout(job, inner),
        environment=_environment(job.environment, inner),
        services=services(job.services, with_env(job.services, inner, env, job.env)),
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
