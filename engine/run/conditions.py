"""Whether a job runs: its `if`, the jobs before it, and the reason where it does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.events import Outcome
from engine.model import Job
from engine.run.shared import Shared
from engine.tree import Condition, Scope, holds, why_false


def scope_of(shared: Shared, job: Job) -> Scope:
    """What a job's own expressions see, once the jobs it needs have ended."""
    needs = {
        need: {
            "result": str(shared.finished[need].outcome),
            "outputs": dict(shared.finished[need].outputs),
        }
        for need in shared.plan.needs[job.id]
    }
    github = {**shared.base["github"], "job": job.id}
    found = {**shared.base, "github": github, "needs": needs}
    return Scope(found, functions(shared, job))


def functions(shared: Shared, job: Job) -> dict[str, Callable[..., Any]]:
    """Status functions of a job look at all its ancestors (GitHub, server side)."""
    ancestors = shared.plan.ancestors[job.id]
    by_folded = {id_.lower(): id_ for id_ in ancestors}

    def results(names: tuple[str, ...]) -> list[Outcome]:
        chosen = [by_folded[n.lower()] for n in names if n.lower() in by_folded]
        return [shared.finished[id_].outcome for id_ in (chosen if names else ancestors)]

    def success(*names: str) -> bool:
        fine = all(found is Outcome.SUCCESS for found in results(names))
        return fine and not shared.cancellation.requested

    return {
        "always": lambda: True,
        "cancelled": lambda: shared.cancellation.requested,
        "success": success,
        "failure": lambda *names: Outcome.FAILURE in results(names),
    }


def why_skipped(shared: Shared, job: Job, scope: Scope) -> str | None:
    """Why the job does not run, or None where it does. Raises Unresolved."""
    if job.condition is not None:
        if holds(job.condition, scope):
            return None
        return _explained(shared, job, job.condition, scope)
    if scope.functions["success"]():
        return None
    return _blamed(shared, job)


def _explained(shared: Shared, job: Job, condition: Condition, scope: Scope) -> str:
    reason = why_false(condition, scope)
    asked = "success() is false" in reason.replace("`", "")
    blame = _blamed(shared, job) if asked else ""
    return f"{reason} ({blame})" if blame else reason


def _blamed(shared: Shared, job: Job) -> str:
    if shared.cancellation.requested:
        return shared.cancellation.reason
    for id_ in (*shared.plan.needs[job.id], *sorted(shared.plan.ancestors[job.id])):
        outcome = shared.finished[id_].outcome
        if outcome is not Outcome.SUCCESS:
            return f'it needs "{id_}", which ended as {outcome}'
    return ""
