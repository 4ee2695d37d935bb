"""What each stage makes of a workflow, as JSON: what its author meant, the plan, and the legs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, TypeAlias

from msgspec import Struct

from engine import source
from engine.expr import Expr, show
from engine.model import Job, Step, Workflow
from engine.permissions import Permissions
from engine.plan import Leg, Plan
from engine.problems import Place
from engine.source import Scalar
from engine.tree import Condition, Fields, Items, Text

Json: TypeAlias = Any


# --- the workflow ---------------------------------------------------------------------------------

# Fields whose names are not GitHub's keys with another spelling.
_KEYS = {"condition": "if", "with_": "with", "triggers": "on", "place": "at"}


def workflow(found: Workflow) -> Json:
    """What the author meant: plain values as they are, text with expressions as an object of the
    text, its place, and what each expression was compiled to. What was not given is left out."""
    return _meant(found) | {"jobs": {job.id: _meant(job) for job in found.jobs}}


def _meant(value: Any) -> Json:
    match value:
        case Text():
            return _text(value)
        case Condition():
            return _compiled(value.node, [(0, value.expr)])
        case Items():
            return [_meant(item) for item in value.items]
        case Fields():
            return {key.node.text: _meant(item) for key, item in value.entries}
        case Scalar() | source.Sequence() | source.Mapping():
            return source.plain(value)
        case Permissions():
            return dict(value.given)
        case Place():
            return str(value)
        case re.Pattern():
            return value.pattern
        case tuple():
            return [_meant(item) for item in value]
    if isinstance(value, Struct):
        found = ((name, getattr(value, name)) for name in value.__struct_fields__)
        return {_key(name): _meant(item) for name, item in found if _is_given(item)}
    return value


def _key(name: str) -> str:
    return _KEYS.get(name, name.replace("_", "-"))


def _is_given(value: Any) -> bool:
    if isinstance(value, Struct) and not isinstance(value, (Place, Text, Scalar)):
        return any(_is_given(getattr(value, name)) for name in value.__struct_fields__)
    return value not in (None, (), "", False) and not (
        isinstance(value, float) and not isfinite(value)
    )


def _text(found: Text) -> Json:
    if found.template is None:
        return found.node.value
    pairs = zip(found.template.offsets, found.template.parts, strict=True)
    return _compiled(found.node, [(at, part) for at, part in pairs if isinstance(part, Expr)])


def _compiled(node: Scalar, parts: list[tuple[int, Expr]]) -> Json:
    return {
        "text": node.text,
        "at": str(node.place),
        "expressions": [_expression(part, node.place_at(at)) for at, part in parts],
    }


def _expression(found: Expr, place: Place) -> Json:
    return {
        "at": str(place),
        "meaning": show(found.tree),
        "contexts": sorted(found.roots),
        "functions": sorted({call.name for call in found.calls}),
        "filters": [call.name for call in found.filters],
    }


# --- the plan -------------------------------------------------------------------------------------


def plan(found: Plan) -> Json:
    """The jobs, what each waits for and what it calls; `levels` by how many jobs come before, and
    `longest` the most that have to run one after another."""
    return {
        **_head(found),
        "jobs": [
            {
                **_job(job, found),
                "ancestors": sorted(found.ancestors[job.id]),
                **({"calls": plan(found.calls[job.id])} if job.id in found.calls else {}),
            }
            for job in found.jobs
        ],
        "levels": found.levels(),
        "longest": found.longest(),
    }


def expanded(found: Plan, legs: Mapping[str, Sequence[Leg]], key: str = "") -> Json:
    """The jobs with their steps and legs; where those are not known yet, `legs` is null.

    `legs` has them by the names of jobs (Plan.names), `key` stands before those of this plan. What
    a job calls stands in its `calls`.
    """
    return {
        **_head(found),
        "jobs": [_expanded(job, found, legs, key) for job in found.jobs],
    }


def _expanded(job: Job, found: Plan, legs: Mapping[str, Sequence[Leg]], key: str) -> Json:
    name, called = f"{key}{job.id}", found.calls.get(job.id)
    return {
        **_job(job, found),
        **({"calls": expanded(called, legs, f"{name}/")} if called else {}),
        "steps": [_step(step) for step in job.steps],
        "legs": [_leg(leg) for leg in legs[name]] if name in legs else None,
    }


def _head(found: Plan) -> dict[str, Json]:
    return {
        "workflow": found.workflow.name,
        "file": found.workflow.file,
        "on": [trigger.event for trigger in found.workflow.triggers],
    }


def _job(job: Job, found: Plan) -> dict[str, Json]:
    return {
        "id": job.id,
        "line": job.place.line,
        "needs": list(found.needs[job.id]),
        "if": job.condition.node.text if job.condition else None,
        "uses": job.uses.text if job.uses else None,
    }


def _step(step: Step) -> dict[str, Json]:
    written = {
        "kind": step.kind,
        "line": step.place.line,
        "id": step.id,
        "name": _written(step.name),
        "if": step.condition.node.text if step.condition else None,
        "uses": step.uses.text if step.uses else None,
        "run": _written(step.run),
        "shell": _written(step.shell),
        "retry": step.retry.attempts if step.retry else None,
    }
    return {key: value for key, value in written.items() if value}


def _written(text: Text | None) -> str | None:
    return text.node.text if text else None


def _leg(leg: Leg) -> dict[str, Json]:
    return {
        "key": leg.key,
        "name": leg.name,
        "matrix": dict(leg.matrix),
        "runs-on": list(leg.runs_on),
        "container": leg.container.image if leg.container else None,
        "continue-on-error": leg.continue_on_error,
        "timeout-minutes": leg.timeout / 60,
    }
