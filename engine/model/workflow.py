"""A workflow from a node: its triggers, its outputs, its jobs."""

from __future__ import annotations

from engine import availability as may
from engine import forms, permissions
from engine.model.defaults import defaults
from engine.model.job import jobs
from engine.model.keys import Keys
from engine.model.need import check_needs
from engine.model.types import Output, Trigger, Workflow
from engine.problems import Problem
from engine.source import Mapping, Node, Scalar, Sequence, child, entries, one_or_more
from engine.tree import build, literal


def read(node: Node, file: str, path: str = "") -> tuple[Workflow, list[Problem]]:
    """A workflow from a node; what `check` complains of is left out without another word.

    `file` is how its places are shown, `path` where it is in the repository.
    The problems are what a schema can't say: expressions, ids, needs that do not exist.
    """
    problems: list[Problem] = []
    keys = Keys(node, problems)
    workflow = Workflow(
        file=path or file,
        name=keys.literal("name") or path or file,
        triggers=_triggers(keys.node("on"), problems),
        run_name=keys.text("run-name", may.RUN_NAME),
        permissions=permissions.read(keys.node("permissions")),
        outputs=_outputs(keys.node("on")),
        env=keys.tree("env", may.ENV),
        defaults=defaults(keys, may.NONE),
        concurrency=keys.tree("concurrency", may.CONCURRENCY),
        jobs=jobs(keys.node("jobs"), problems),
    )
    keys.literal("description")
    problems.extend(forms.concurrency(keys.node("concurrency")))
    check_needs(workflow.jobs, problems)
    return workflow, problems


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
        value = Keys(about, []).text("value", may.CALL_OUTPUT)
        if value is not None:
            found.append(Output(key.text, key.place, value))
    return tuple(found)
