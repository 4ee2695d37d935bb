"""Every expression of a workflow: where it stands, its type there, and what its key takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from msgspec.structs import replace

from engine import availability as may
from engine import inputs
from engine.availability import Allowed
from engine.expr import Expr
from engine.expr.infer import Fault, infer
from engine.expr.types import Object, Type
from engine.lint import contexts as known
from engine.lint.document import Document
from engine.lint.matrices import Contexts
from engine.model import Defaults, Job, Step, Trigger
from engine.problems import Place, Problem
from engine.source import Scalar
from engine.tree import Condition, Fields, Items, Text, Tree, text

if TYPE_CHECKING:
    from engine.actions.manifest import Action

Wanted = Literal["text", "boolean", "number", "object", "array", "labels", "any", "condition"]


class Use(Struct, frozen=True):
    """What an expression is for: the key it stands under, and what may come of it there."""

    key: str
    wanted: Wanted = "text"
    script: bool = False  # it becomes part of a program's text


class Found(Struct, frozen=True):
    """One expression; `at` is where its text starts in its scalar, from 0.

    It is `whole` if nothing stands around it, so that its value is not turned into text.
    """

    node: Scalar
    expr: Expr
    at: int
    use: Use
    type: Type
    faults: tuple[Fault, ...]
    whole: bool

    @property
    def opening(self) -> int:
        """Where its `${{` stands in the scalar, or the expression itself in a bare `if:`."""
        return max(0, self.node.text.rfind("${{", 0, self.at))

    def place(self, position: int, end: int = 0) -> Place:
        """The place of a position in the expression, from 1; to `end` where it is known."""
        start = self.node.place_at(self.at + position - 1)
        if end <= position:
            return start
        last = self.node.place_at(self.at + end - 1)
        return replace(start, end_line=last.line, end_column=last.column)

    def problems(self, rule: str) -> Iterator[Problem]:
        """What is wrong in it by itself, of one rule."""
        for fault in self.faults:
            if fault.rule == rule:
                place = self.place(fault.position, fault.end)
                yield Problem(place, fault.message, rule, fault.level)


def find(document: Document) -> Iterator[Found]:
    """All of a document's expressions, job after job."""
    if document.action is not None:
        yield from _action(document, document.action)
    outer = known.of_workflow(document)
    flow = document.workflow
    for trigger in flow.triggers:
        if trigger.event == "workflow_call":
            yield from _defaults_of_inputs(trigger, outer)
    for output in flow.outputs:
        yield from _tree(output.value, Use("value"), _at(may.CALL_OUTPUT, outer))
    yield from _tree(flow.run_name, Use("run-name"), _at(may.RUN_NAME, outer))
    yield from _tree(flow.env, Use("env", "object"), _at(may.ENV, outer))
    yield from _concurrency(flow.concurrency, _at(may.CONCURRENCY, outer))
    for job in flow.jobs:
        yield from _job(document, job, outer)


def _action(document: Document, action: Action) -> Iterator[Found]:
    """The steps and outputs of a composite action."""
    whole = known.of_action(document, action)
    finished: dict[str, Type] = {}
    yield from _steps(document, action.steps, whole, finished)
    at_end = {**whole, "steps": known.of_steps(finished)}
    for name, value in action.outputs.items():
        yield from _tree(value, Use(name), _at(may.ACTION_OUTPUT, at_end))


def _at(key: Allowed, contexts: Contexts) -> Contexts:
    """Those contexts that a key may ask for; that it asks for another has been said."""
    return {name: found for name, found in contexts.items() if name in key.contexts}


def _defaults_of_inputs(trigger: Trigger, outer: Contexts) -> Iterator[Found]:
    """Defaults in order: each may ask for the inputs before it only."""
    earlier: dict[str, Type] = {}
    for each in inputs.declared(trigger.filters):
        if isinstance(each.default_node, Scalar):
            advice = "a default may use only the inputs before it"
            here = {**outer, "inputs": Object(dict(earlier), advice=advice)}
            wanted = _TAKES.get(each.kind, "text")
            tree = text(each.default_node, may.CALL_INPUT_DEFAULT, [])
            use = Use(f"inputs.{each.name}", wanted)
            yield from _tree(tree, use, _at(may.CALL_INPUT_DEFAULT, here))
        earlier[each.name] = known.of_input(each)


_TAKES: Mapping[inputs.Kind, Wanted] = {"boolean": "boolean", "number": "number"}


# --- jobs ---------------------------------------------------------------------------------------


def _job(document: Document, job: Job, outer: Contexts) -> Iterator[Found]:
    whole = known.of_job(document, job, outer)
    here = _at(may.JOB_NAME, whole)  # what most keys of a job may ask for
    yield from _condition(job.condition, _at(may.JOB_IF, whole))
    yield from _tree(job.name, Use("name"), here)
    yield from _tree(job.runs_on, Use("runs-on", "labels"), here)
    yield from _strategy(job, _at(may.JOB_STRATEGY, whole))
    yield from _tree(job.env, Use("env", "object"), _at(may.JOB_ENV, whole))
    yield from _defaults(job.defaults, _at(may.JOB_DEFAULTS, whole))
    yield from _container(job.container, "container", whole)
    yield from _services(job.services, whole)
    yield from _concurrency(job.concurrency, here)
    yield from _tree(job.continue_on_error, Use("continue-on-error", "boolean"), here)
    yield from _tree(job.timeout_minutes, Use("timeout-minutes", "number"), here)
    yield from _tree(job.cancel_timeout_minutes, Use("cancel-timeout-minutes", "number"), here)
    yield from _tree(job.snapshot, Use("snapshot", "any"), here)
    yield from _call(document, job, here)
    yield from _tree(job.secrets, Use("secrets", "object"), _at(may.JOB_SECRETS, whole))
    finished: dict[str, Type] = {}
    yield from _steps(document, job.steps, whole, finished)
    at_end = {**whole, "steps": known.of_steps(finished)}
    yield from _environment(job.environment, at_end)
    yield from _tree(job.outputs, Use("outputs"), _at(may.JOB_OUTPUTS, at_end))


def _strategy(job: Job, here: Contexts) -> Iterator[Found]:
    if job.strategy is None:
        return
    yield from _tree(job.strategy.fail_fast, Use("fail-fast", "boolean"), here)
    yield from _tree(job.strategy.max_parallel, Use("max-parallel", "number"), here)
    matrix = job.strategy.matrix
    if not isinstance(matrix, Fields):
        yield from _tree(matrix, Use("matrix", "object"), here)
        return
    for key, row in matrix.entries:
        wanted: Wanted = "any" if isinstance(row, Items) else "array"
        yield from _tree(row, Use(key.node.text, wanted), here)


def _defaults(defaults: Defaults, here: Contexts) -> Iterator[Found]:
    yield from _tree(defaults.shell, Use("shell"), here)
    yield from _tree(defaults.working_directory, Use("working-directory"), here)


def _services(services: Tree | None, whole: Contexts) -> Iterator[Found]:
    if not isinstance(services, Fields):
        yield from _tree(services, Use("services", "object"), _at(may.JOB_SERVICES, whole))
        return
    for key, service in services.entries:
        yield from _container(service, key.node.text, whole)


def _container(container: Tree | None, name: str, whole: Contexts) -> Iterator[Found]:
    here = _at(may.JOB_CONTAINER, whole)
    if not isinstance(container, Fields):
        yield from _tree(container, Use(name, "any"), here)
        return
    for key, value in container.entries:
        wanted, allowed = _IN_CONTAINER.get(key.node.text, ("text", may.JOB_CONTAINER))
        yield from _tree(value, Use(key.node.text, wanted), _at(allowed, whole))


_IN_CONTAINER: Mapping[str, tuple[Wanted, Allowed]] = {
    "env": ("object", may.JOB_CONTAINER_ENV),
    "credentials": ("object", may.JOB_CONTAINER_CREDENTIALS),
    "ports": ("array", may.JOB_CONTAINER),
    "volumes": ("array", may.JOB_CONTAINER),
}


def _environment(environment: Tree | None, at_end: Contexts) -> Iterator[Found]:
    name = _at(may.JOB_ENVIRONMENT, at_end)
    if not isinstance(environment, Fields):
        yield from _tree(environment, Use("environment"), name)
        return
    for key, value in environment.entries:
        here = _at(may.JOB_ENVIRONMENT_URL, at_end) if key.node.text == "url" else name
        yield from _tree(value, Use(key.node.text), here)


def _concurrency(concurrency: Tree | None, here: Contexts) -> Iterator[Found]:
    if not isinstance(concurrency, Fields):
        yield from _tree(concurrency, Use("concurrency", "any"), here)
        return
    for key, value in concurrency.entries:
        cancels = key.node.text == "cancel-in-progress"
        yield from _tree(value, Use(key.node.text, "boolean" if cancels else "text"), here)


def _call(document: Document, job: Job, here: Contexts) -> Iterator[Found]:
    """What is given to a called workflow, whose inputs may be known."""
    declared = _inputs_of_call(document, job)
    for key, value in job.with_.entries if isinstance(job.with_, Fields) else ():
        wanted = declared.get(key.node.text.lower(), "any")
        yield from _tree(value, Use(f"with.{key.node.text}", wanted), here)


def _inputs_of_call(document: Document, job: Job) -> Mapping[str, Wanted]:
    contract = known.contract_of(document, job)
    declared = contract.inputs if contract else ()
    return {each.name.lower(): _TAKES.get(each.kind, "text") for each in declared}


# --- steps --------------------------------------------------------------------------------------


def _steps(
    document: Document, steps: tuple[Step, ...], whole: Contexts, finished: dict[str, Type]
) -> Iterator[Found]:
    """The steps one after another; `finished` grows with what later ones may ask for."""
    for step in steps:
        yield from _step(step, {**whole, "steps": known.of_steps(dict(finished))})
        yield from _steps(document, step.children, whole, finished)
        if step.id:
            finished[step.id] = known.of_step(document, step)


def _step(step: Step, whole: Contexts) -> Iterator[Found]:
    here = _at(may.step("run"), whole)
    yield from _condition(step.condition, _at(may.STEP_IF, whole))
    yield from _tree(step.name, Use("name"), here)
    yield from _tree(step.run, Use("run", script=True), here)
    yield from _tree(step.working_directory, Use("working-directory"), here)
    yield from _with(step, here)
    yield from _tree(step.env, Use("env", "object"), here)
    yield from _tree(step.continue_on_error, Use("continue-on-error", "boolean"), here)
    yield from _tree(step.timeout_minutes, Use("timeout-minutes", "number"), here)


def _with(step: Step, here: Contexts) -> Iterator[Found]:
    program = step.uses is not None and step.uses.text.lower().startswith(_SCRIPTED)
    for key, value in step.with_.entries if isinstance(step.with_, Fields) else ():
        script = program and key.node.text.lower() == "script"
        yield from _tree(value, Use(key.node.text, script=script), here)
    if not isinstance(step.with_, Fields):
        yield from _tree(step.with_, Use("with", "object"), here)


_SCRIPTED = "actions/github-script@"


# --- one value ----------------------------------------------------------------------------------


def _condition(condition: Condition | None, here: Contexts) -> Iterator[Found]:
    if condition is not None:
        yield _found(condition.node, condition.expr, 0, Use("if", "condition"), here)


def _tree(tree: Tree | None, use: Use, here: Contexts) -> Iterator[Found]:
    """The expressions of a value; what a mapping or a list takes is not what is inside of it."""
    inner = replace(use, wanted="text") if use.wanted in ("object", "array") else use
    match tree:
        case Text(node, template) if template is not None:
            for part, at in zip(template.parts, template.offsets, strict=True):
                if isinstance(part, Expr):
                    whole = len(template.parts) == 1
                    yield _found(node, part, at, use, here, whole=whole)
        case Items(_, items):
            for item in items:
                yield from _tree(item, inner, here)
        case Fields(_, entries):
            for key, value in entries:
                named = replace(inner, key=key.node.text)
                yield from _tree(key, named, here)
                yield from _tree(value, named, here)


def _found(
    node: Scalar, expr: Expr, at: int, use: Use, here: Contexts, *, whole: bool = True
) -> Found:
    found, faults = infer(expr.tree, here)
    return Found(node, expr, at, use, found, tuple(faults), whole)
