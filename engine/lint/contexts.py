"""What is known of each context at a place of a workflow, before anything runs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from engine import calls, inputs
from engine.calls import Contract
from engine.expr.types import (
    ANY,
    BOOLEAN,
    NUMBER,
    STRING,
    Object,
    Type,
    either,
    map_of,
)
from engine.inputs import Input
from engine.lint import matrices
from engine.lint.document import Document
from engine.lint.matrices import Contexts, inserts
from engine.model import Job, Need, Step
from engine.source import child, entries, plain
from engine.tree import Fields

if TYPE_CHECKING:
    from engine.actions.manifest import Action

# https://docs.github.com/actions/reference/workflows-and-actions/contexts, and what the runner
# adds: names that are missing here may be newer than this list
_GITHUB = (
    *("action", "action_path", "action_ref", "action_repository", "action_status", "actor"),
    *("actor_id", "api_url", "artifacts", "artifacts_list", "base_ref", "env", "event_name"),
    *("event_path", "graphql_url", "head_ref", "job", "output", "path", "ref", "ref_name"),
    *("ref_type", "repository", "repository_id", "repository_owner", "repository_owner_id"),
    *("repositoryUrl", "retention_days", "run_attempt", "run_id", "run_number", "secret_source"),
    *("server_url", "sha", "state", "step_summary", "token", "triggering_actor", "workflow"),
    *("workflow_ref", "workflow_sha", "workspace"),
)
_RUNNER: Object = Object(
    dict.fromkeys(
        ("name", "os", "arch", "temp", "tool_cache", "workspace", "debug", "environment"), STRING
    )
)
_STRATEGY = Object(
    {"fail-fast": BOOLEAN, "job-index": NUMBER, "job-total": NUMBER, "max-parallel": NUMBER}
)
_NETWORKED: Contexts = {"id": STRING, "network": STRING}
_SERVICE = Object({**_NETWORKED, "ports": ANY})  # ports are asked for as '80' and as 80
_JOB: Contexts = {
    "status": STRING,
    "check_run_id": NUMBER,
    "container": Object(_NETWORKED),
    **dict.fromkeys(
        ("workflow_ref", "workflow_sha", "workflow_repository", "workflow_file_path"), STRING
    ),
}
# secrets that are there without being declared
_GIVEN_SECRETS = ("GITHUB_TOKEN", "ACTIONS_STEP_DEBUG", "ACTIONS_RUNNER_DEBUG")
_KINDS: Mapping[inputs.Kind, Type] = {"boolean": BOOLEAN, "number": NUMBER}


# --- the whole workflow -------------------------------------------------------------------------


def of_workflow(document: Document) -> Contexts:
    """The contexts that are the same everywhere in a workflow."""
    return {
        "github": _github(document),
        "inputs": _inputs(document),
        "secrets": _secrets(document),
        "vars": _variables(document),
        "env": map_of(STRING),
        "jobs": _jobs(document),
    }


def _github(document: Document) -> Object:
    fields: dict[str, Type] = dict.fromkeys(_GITHUB, STRING)
    dispatched = document.workflow.trigger("workflow_dispatch")
    called = document.workflow.trigger("workflow_call")
    event: dict[str, Type] = {}
    if dispatched and not called:  # a call brings the event of its caller
        names = [each.name for each in inputs.declared(dispatched.filters)]
        event["inputs"] = Object(dict.fromkeys(names, STRING), advice=_declared(names))
    fields |= {"event": Object(event, ANY), "ref_protected": BOOLEAN}
    return Object(fields, advice="GitHub's documentation lists what the context has", sure=False)


def _inputs(document: Document) -> Type:
    triggers = document.workflow.triggers
    if not triggers:
        return ANY
    declared: dict[str, Type] = {}
    for trigger in triggers:
        if trigger.event in ("workflow_dispatch", "workflow_call"):
            for each in inputs.declared(trigger.filters):
                found = of_input(each)
                declared[each.name] = either(declared.get(each.name, found), found)
    return Object(declared, advice=_declared(declared))


def of_input(each: Input) -> Type:
    """The type of a declared input; a choice is text."""
    return _KINDS.get(each.kind, STRING)


def _declared(names: Collection[str]) -> str:
    return f"the inputs of this workflow are {_named(names)}" if names else "on: declares no inputs"


def _secrets(document: Document) -> Object:
    """Secrets are known only where a caller must pass each by its declared name."""
    contract = calls.contract(document.workflow)
    trigger = document.workflow.trigger("workflow_call")
    filters = trigger.filters if trigger else None
    says = child(filters, "secrets") is not None
    if contract is None or not says or len(document.workflow.triggers) > 1:
        return map_of(STRING)
    names = [secret.name for secret in contract.secrets]
    listed = f"secrets: of workflow_call has {_named(names)}" if names else "secrets: is empty"
    fields: dict[str, Type] = dict.fromkeys((*names, *_GIVEN_SECRETS), STRING)
    return Object(fields, advice=f"{listed}; declare it there")


def _variables(document: Document) -> Object:
    names = document.settings.variables
    if names is None:
        return map_of(STRING)
    return Object(dict.fromkeys(names, STRING), advice=f"the known variables are {_named(names)}")


def _jobs(document: Document) -> Object:
    jobs = document.workflow.jobs
    fields = {job.id: _finished(document, job) for job in jobs}
    return Object(fields, advice=f"the jobs of this workflow are {_named(fields)}")


def _finished(document: Document, job: Job) -> Type:
    """What a job leaves behind."""
    return Object({"result": STRING, "outputs": _outputs(document, job)})


def _outputs(document: Document, job: Job) -> Object:
    if job.uses is not None:
        return _outputs_of_call(document, job)
    where = f'job "{job.id}" (line {job.place.line})'
    if job.outputs is None:
        return Object(advice=f"{where} has no outputs: key")
    if not isinstance(job.outputs, Fields) or inserts(job.outputs):
        return map_of(STRING)
    names = [key.node.text for key, _ in job.outputs.entries]
    return Object(dict.fromkeys(names, STRING), advice=f"{where} has the outputs {_named(names)}")


def _outputs_of_call(document: Document, job: Job) -> Object:
    contract = contract_of(document, job)
    if job.uses is None or contract is None:
        return map_of(STRING)
    names = [output.name for output in contract.outputs]
    advice = f'"{job.uses.text}" has the outputs {_named(names)}'
    return Object(dict.fromkeys(names, STRING), advice=advice)


def contract_of(document: Document, job: Job) -> Contract | None:
    """What the workflow that a job calls promises; None where that is not known."""
    if job.uses is None or document.project is None or not job.uses.text.startswith("./"):
        return None
    called, _ = document.project.workflow(job.uses.text, document.workflow.file)
    return calls.contract(called) if called else None


# --- an action ----------------------------------------------------------------------------------


def of_action(document: Document, action: Action) -> Contexts:
    """The contexts of a composite action; the caller's matrix is not known."""
    names = [each.name for each in action.inputs]
    advice = f"the inputs of this action are {_named(names)}" if names else "it declares no inputs"
    return {
        "github": _github(document),
        "inputs": Object(dict.fromkeys(names, STRING), advice=advice),
        "env": map_of(STRING),
        "strategy": _STRATEGY,
        "runner": _RUNNER,
        "job": Object({**_JOB, "services": map_of(_SERVICE)}),
    }


# --- a job --------------------------------------------------------------------------------------


def of_job(document: Document, job: Job, outer: Contexts) -> Contexts:
    """`outer` and what a job adds to it."""
    contexts = {**outer, "needs": _needs(document, job), "strategy": _STRATEGY, "runner": _RUNNER}
    contexts["matrix"] = matrices.of_job(job, contexts)
    contexts["job"] = Object({**_JOB, "services": _services(job)})
    return contexts


def _needs(document: Document, job: Job) -> Object:
    known = {other.id.lower(): other for other in document.workflow.jobs}
    fields = {need.id: _needed(document, need, known) for need in job.needs}
    has = f"needs only {_named(fields)}" if fields else "needs no other job"
    return Object(fields, advice=f'job "{job.id}" {has}; add it to needs:')


def _needed(document: Document, need: Need, known: Mapping[str, Job]) -> Type:
    other = known.get(need.id.lower())
    return _finished(document, other) if other else ANY


def _services(job: Job) -> Type:
    if job.services is None:
        return Object(advice=f'job "{job.id}" has no services')
    if not isinstance(job.services, Fields) or inserts(job.services):
        return map_of(_SERVICE)
    return Object({key.node.text: _SERVICE for key, _ in job.services.entries})


# --- steps --------------------------------------------------------------------------------------


def of_steps(known: Mapping[str, Type]) -> Object:
    """The `steps` context once some steps have run."""
    has = f"the ids before here are {_named(known)}" if known else "no step before here has an id"
    return Object(known, advice=has, sure=False)  # it is empty, and may be meant to be


def of_step(document: Document, step: Step) -> Type:
    """What a step that has run is known by."""
    outputs: Type = _outputs_of_step(document, step)
    fields = {"outputs": outputs, "outcome": STRING, "conclusion": STRING, "attempts": NUMBER}
    return Object(fields, sure=False)


def _outputs_of_step(document: Document, step: Step) -> Object:
    uses = step.uses.text if step.uses else ""
    found = document.project.action(uses) if document.project and uses.startswith("./") else None
    if found is None:
        return map_of(STRING)
    names = [key.text for key, _ in entries(child(found.node, "outputs"))]
    composite = plain(child(child(found.node, "runs"), "using")) == "composite"
    # a program may set outputs that its manifest does not name
    advice = f"the outputs of {uses} are {_named(names)}" if names else f"{uses} has no outputs"
    return Object(dict.fromkeys(names, STRING), advice=advice, sure=composite)


def _named(names: Iterable[str]) -> str:
    return ", ".join(names)
