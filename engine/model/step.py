"""The steps of a job, or of a composite action."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from engine import availability as may
from engine import forms
from engine.availability import StepKeys
from engine.model.keys import Keys, typed
from engine.model.need import needs
from engine.model.retry import retry
from engine.model.types import STEP_KINDS, Step, StepKind
from engine.problems import Problem
from engine.source import Mapping, Node, Scalar, Sequence, child


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
    keys, other = Keys(node, problems), allowed.other
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
        uses=reference(keys, forms.action),
        with_=keys.tree("with", other("with")),
        env=keys.tree("env", other("env")),
        continue_on_error=keys.tree("continue-on-error", other("continue-on-error")),
        timeout_minutes=keys.tree("timeout-minutes", other("timeout-minutes")),
        retry=retry(keys),
        background=typed(keys, "background", bool, False),
        targets=_targets(keys.node(kind), problems) if kind in ("wait", "cancel") else (),
        children=steps(keys.node("parallel"), problems, allowed),
    )


def reference(keys: Keys, check: Callable[[Scalar | None], Iterable[Problem]]) -> Scalar | None:
    uses = keys.scalar("uses")
    keys.problems.extend(check(uses))
    return uses


def _targets(node: Node | None, problems: list[Problem]) -> tuple[str, ...]:
    return tuple(need.id for need in needs(node, problems))
