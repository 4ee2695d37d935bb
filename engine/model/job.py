"""The jobs of a workflow."""

from __future__ import annotations

from collections.abc import Iterator

from engine import availability as may
from engine import forms, permissions
from engine.availability import Allowed
from engine.model.defaults import defaults
from engine.model.keys import Keys, parts
from engine.model.need import needs
from engine.model.retry import retry
from engine.model.step import reference, steps
from engine.model.types import Job, Strategy
from engine.problems import Problem
from engine.source import Mapping, Node, Scalar, child, entries
from engine.tree import Fields, Text, Tree, build, condition, has_expression, text


def jobs(node: Node | None, problems: list[Problem]) -> tuple[Job, ...]:
    if not isinstance(node, Mapping):
        return ()
    for key, _ in node.entries:
        problems.extend(forms.id_(key, "job"))
    return tuple(_job(key, value, problems) for key, value in node.entries)


def _job(key: Scalar, node: Node, problems: list[Problem]) -> Job:
    keys = Keys(node, problems)
    problems.extend(_misformed(keys))
    return Job(
        id=key.text,
        place=key.place,
        name=keys.text("name", may.JOB_NAME),
        needs=needs(keys.node("needs"), problems),
        condition=keys.condition(may.JOB_IF),
        runs_on=keys.tree("runs-on", may.JOB_RUNS_ON),
        strategy=_strategy(keys),
        permissions=permissions.read(keys.node("permissions")),
        env=keys.tree("env", may.JOB_ENV),
        defaults=defaults(keys, may.JOB_DEFAULTS),
        outputs=keys.fields("outputs", may.JOB_OUTPUTS),
        container=_container(keys.node("container"), may.JOB_CONTAINER, problems),
        services=_services(keys.node("services"), problems),
        environment=_environment(keys),
        concurrency=keys.tree("concurrency", may.JOB_CONCURRENCY),
        snapshot=_snapshot(keys),
        continue_on_error=keys.tree("continue-on-error", may.JOB_CONTINUE_ON_ERROR),
        timeout_minutes=keys.tree("timeout-minutes", may.JOB_TIMEOUT),
        cancel_timeout_minutes=keys.tree("cancel-timeout-minutes", may.JOB_TIMEOUT),
        retry=retry(keys),
        steps=steps(keys.node("steps"), problems),
        uses=reference(keys, forms.workflow),
        with_=keys.fields("with", may.JOB_WITH),
        secrets=keys.fields("secrets", may.JOB_SECRETS),
    )


def _misformed(keys: Keys) -> Iterator[Problem]:
    services = keys.node("services")
    yield from forms.strategy(keys.node("strategy"))
    yield from forms.runner(keys.node("runs-on"))
    yield from forms.concurrency(keys.node("concurrency"))
    yield from forms.snapshot(keys.node("snapshot"))
    yield from forms.container(keys.node("container"))
    for _, service in entries(services):
        yield from forms.container(service)


def _strategy(keys: Keys) -> Strategy | None:
    node = keys.node("strategy")
    if node is None:
        return None
    if isinstance(node, Scalar):
        whole = text(node, may.JOB_STRATEGY, keys.problems)
        return Strategy(*parts(whole, may.JOB_STRATEGY, ("matrix", "fail-fast", "max-parallel")))
    inner = Keys(node, keys.problems)
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


def _environment(keys: Keys) -> Tree | None:
    node = keys.node("environment")
    if not isinstance(node, Mapping):
        return keys.tree("environment", may.JOB_ENVIRONMENT)
    entries = tuple(
        (Text(key), build(value, _ENVIRONMENT.get(key.text, may.JOB_ENVIRONMENT), keys.problems))
        for key, value in node.entries
    )
    return Fields(node, entries)


_ENVIRONMENT = {"url": may.JOB_ENVIRONMENT_URL}


def _snapshot(keys: Keys) -> Tree | None:
    node = keys.node("snapshot")
    when = child(node, "if")
    if isinstance(when, Scalar) and not has_expression(when):  # it needs no ${{ }}
        condition(when, may.JOB_SNAPSHOT, keys.problems)
    return keys.tree("snapshot", may.JOB_SNAPSHOT)
