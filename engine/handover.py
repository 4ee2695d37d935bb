"""What a call hands to the workflow it calls, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from engine import availability as may
from engine import inputs
from engine.inputs import Input
from engine.model import Job, Workflow
from engine.problems import Place
from engine.tree import Fields, Scope, Text, Unresolved, build, resolve, roots, string, strings

TOKEN = "github_token"


def inputs_of(job: Job, called: Workflow, caller: Scope) -> dict[str, Any]:
    """The `inputs` that a called workflow sees, typed; `caller` is what the calling job sees.

    Raises Unresolved, also for a value that is not of the declared type.
    """
    trigger = called.trigger("workflow_call")
    declared = inputs.declared(trigger.filters if trigger else None)
    answer = inputs.answer(
        [_with_default(each, caller) for each in declared],
        _given(job, caller),
        by="workflow_call",
        source=job.uses.place if job.uses else job.place,
        places=_places(job),
    )
    for problem in answer.problems:
        raise Unresolved(problem.place, problem.message)
    return answer.inputs


def _with_default(each: Input, caller: Scope) -> Input:
    """The input, the expression of its default answered."""
    if each.default_node is None:
        return each
    default = build(each.default_node, may.CALL_INPUT_DEFAULT, [])
    return replace(each, default=resolve(default, caller))


def _given(job: Job, caller: Scope) -> dict[str, Any]:
    """What `with` says; what gives nothing is the empty string, and no default takes its place."""
    found = resolve(job.with_, caller)
    values = found if isinstance(found, Mapping) else {}
    return {name: "" if value is None else value for name, value in values.items()}


def _places(job: Job) -> dict[str, Place]:
    entries = job.with_.entries if isinstance(job.with_, Fields) else ()
    return {key.node.text: value.node.place for key, value in entries}


def is_static(job: Job) -> bool:
    """Whether what a job hands over is known before any other job has run."""
    return "needs" not in roots(job.with_) | roots(job.secrets)


def secrets_of(job: Job, caller: Scope, own: Mapping[str, str]) -> dict[str, str]:
    """The `secrets` that a called workflow sees: what is passed, and the token always.

    `own` are the caller's. An empty value counts as not passed. Raises Unresolved.
    """
    if isinstance(job.secrets, Text):  # inherit
        return dict(own)
    token = {name: value for name, value in own.items() if name.lower() == TOKEN}
    passed = strings(job.secrets, caller)
    return token | {name: value for name, value in passed.items() if value}


def outputs_of(called: Workflow, scope: Scope) -> dict[str, str]:
    """The outputs that a call's caller sees, without empty ones; `scope` has `jobs`.

    Raises Unresolved.
    """
    values = {output.name: string(output.value, scope) for output in called.outputs}
    return {name: value for name, value in values.items() if value}
