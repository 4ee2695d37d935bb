"""Whether a job runs: its `if`, the jobs before it, and the reason where it does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.events import Outcome
from engine.model import Job
from engine.run.part import Part
from engine.tree import Condition, Scope, holds, why_false


def scope_of(part: Part, job: Job) -> Scope:
    """What a job's own expressions see, once the jobs it needs have ended."""
    needs = {need: result_of(part, need) for need in part.plan.needs[job.id]}
    github = {**part.base["github"], "job": job.id}
    found = {**part.base, "github": github, "needs": needs}
    return Scope(found, functions(part, job))


def result_of(part: Part, id_: str) -> dict[str, Any]:
    """What the contexts `needs` and `jobs` say of a job that has ended."""
    finished = part.finished[id_]
    return {"result": str(finished.outcome), "outputs": dict(finished.outputs)}


def functions(part: Part, job: Job) -> dict[str, Callable[..., Any]]:
    """Status functions of a job look at all its ancestors (GitHub, server side)."""
    ancestors = part.plan.ancestors[job.id]
    by_folded = {id_.lower(): id_ for id_ in ancestors}

    def results(names: tuple[str, ...]) -> list[Outcome]:
        chosen = [by_folded[n.lower()] for n in names if n.lower() in by_folded]
        return [part.finished[id_].outcome for id_ in (chosen if names else ancestors)]

    def success(*names: str) -> bool:
        fine = all(found is Outcome.SUCCESS for found in results(names))
        return fine and not part.cancellation.requested

    return {
        "always": lambda: True,
        "cancelled": lambda: part.cancellation.requested,
        "success": success,
        "failure": lambda *names: Outcome.FAILURE in results(names),
    }


def why_skipped(part: Part, job: Job, scope: Scope) -> str | None:
    """Why the job does not run, or None where it does. Raises Unresolved."""
    if job.condition is not None:
        if holds(job.condition, scope):
            return None
        return _explained(part, job, job.condition, scope)
    if scope.functions["success"]():
        return None
    return _blamed(part, job)


def _explained(part: Part, job: Job, condition: Condition, scope: Scope) -> str:
    reason = why_false(condition, scope)
    asked = "success() is false" in reason.replace("`", "")
    blame = _blamed(part, job) if asked else ""
    return f"{reason} ({blame})" if blame else reason


def _blamed(part: Part, job: Job) -> str:
    if part.cancellation.requested:
        return part.cancellation.reason
    for id_ in (*part.plan.needs[job.id], *sorted(part.plan.ancestors[job.id])):
        outcome = part.finished[id_].outcome
        if outcome is not Outcome.SUCCESS:
            return f'it needs "{id_}", which ended as {outcome}'
    return ""
