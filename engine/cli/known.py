"""The legs that are known before anything runs, those of called workflows too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from engine import handover
from engine.cli import INVALID
from engine.expr import to_string
from engine.plan import Leg, Plan, expand, is_static
from engine.problems import Place, Problem, Refused
from engine.tree import Scope, Unresolved

MOST = 20_000  # legs that are shown; matrices of calls multiply


def legs(found: Plan, scope: Scope, matrix: tuple[tuple[str, str], ...]) -> dict[str, list[Leg]]:
    """The known legs that --matrix selects, by the names of their jobs (Plan.names).

    Raises Refused where there are too many.
    """
    known: dict[str, list[Leg]] = {}
    for count, (name, leg) in enumerate(_of(found, scope)):
        if count == MOST:
            message = f"with its matrices and calls this workflow has more than {MOST} jobs"
            raise Refused([Problem(Place(found.workflow.file), message, "calls")], INVALID)
        known.setdefault(name, [])
        if _is_wanted(leg, matrix):
            known[name].append(leg)
    return known


def _of(found: Plan, scope: Scope, above: str = "", caller: Leg | None = None) -> _Legs:
    """Each leg with its job's name; `above` are those of the callers, `caller` is the last one."""
    key, name = (f"{caller.key}/", f"{caller.name} / ") if caller else ("", "")
    for job in found.jobs:
        own: tuple[Leg, ...] = ()
        with suppress(Unresolved):
            own = expand(job, scope, key, name) if is_static(job) else ()
        for leg in own:
            yield f"{above}{job.id}", leg
            if job.id in found.calls and handover.is_static(job):
                yield from _called(found.calls[job.id], scope, f"{above}{job.id}/", leg)


def _called(found: Plan, scope: Scope, above: str, caller: Leg) -> _Legs:
    with suppress(Unresolved):
        inputs = handover.inputs_of(caller.job, found.workflow, caller.scope(scope))
        inner = Scope({**scope.contexts, "inputs": inputs})
        yield from _of(found, inner, above, caller)


_Legs = Iterator[tuple[str, Leg]]


def _is_wanted(leg: Leg, matrix: tuple[tuple[str, str], ...]) -> bool:
    """Whether --matrix selects a leg; several values of one key select any of them."""
    return all(
        any(to_string(leg.matrix[key]) == value for name, value in matrix if name == key)
        for key, _ in matrix
        if key in leg.matrix
    )
