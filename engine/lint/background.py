"""Steps that wait for a background step, or cancel one, that is not there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from engine.lint.document import Document
from engine.problems import Problem, did_you_mean
from engine.source import Mapping as MappingNode
from engine.source import Node, Scalar, Sequence, child, entries, one_or_more


def check(document: Document) -> Iterator[Problem]:
    """`wait:` and `cancel:` name background steps before them."""
    for _, job in entries(child(document.node, "jobs")):
        yield from _steps(child(job, "steps"))


def _steps(steps: Node | None) -> Iterator[Problem]:
    ids = {_text(step, "id").lower(): step for step in _mappings(steps) if _text(step, "id")}
    running: dict[str, MappingNode] = {}
    for step in _mappings(steps):
        for key in ("wait", "cancel"):
            for target in one_or_more(step.get(key)):
                yield from _target(key, target, step, running, ids)
        if "wait-all" in {name.text for name, _ in step.entries} and not running:
            yield _idle(step)
        if _is_background(step):
            running[_text(step, "id").lower()] = step


def _target(
    key: str,
    target: Scalar,
    step: MappingNode,
    running: Mapping[str, MappingNode],
    ids: Mapping[str, MappingNode],
) -> Iterator[Problem]:
    name = target.text.lower()
    if name in running or "${{" in target.text:
        return
    known = ids.get(name)
    if known is step:
        reason = "that is this step itself"
    elif known is None:
        reason = "no step of this job has that id"
    elif _is_background(known):
        reason = f"that step comes later (line {known.place.line})"
    else:
        reason = f"that step (line {known.place.line}) has no background: true"
    names = [_text(other, "id") for other in running.values() if _text(other, "id")]
    advice = f"; before here run in the background: {', '.join(names)}" if names else ""
    advice = did_you_mean(target.text, names) if known is None and names else advice
    message = f'{key} names "{target.text}", but {reason}{advice or _START}'
    yield Problem(target.place, message, "background")


_START = "; start one before with background: true and an id"


def _idle(step: MappingNode) -> Problem:
    key = step.key("wait-all")
    message = f"wait-all has nothing to wait for: no step before it has background: true{_BEFORE}"
    return Problem(key.place if key else step.place, message, "background", "warning")


_BEFORE = "; move it behind them or remove it"


def _is_background(step: MappingNode) -> bool:
    found = step.get("background")
    return isinstance(found, Scalar) and found.value is True


def _mappings(node: Node | None) -> Iterator[MappingNode]:
    for item in node.items if isinstance(node, Sequence) else ():
        if isinstance(item, MappingNode):
            yield item


def _text(step: MappingNode, key: str) -> str:
    found = step.get(key)
    return found.text if isinstance(found, Scalar) and found.value is not None else ""
