"""What this version reads and plans but can't run: said before anything starts."""

from __future__ import annotations

from collections.abc import Iterator

from engine.actions import is_checkout
from engine.model import Job, Step
from engine.problems import Place, Problem
from engine.tree import Fields


def unsupported(jobs: tuple[Job, ...]) -> list[Problem]:
    """A problem for each part of these jobs that can't be run yet."""
    return [problem for job in jobs for problem in _in_job(job)]


def _in_job(job: Job) -> Iterator[Problem]:
    if job.uses is not None:
        yield _no(job.uses.place, f'the reusable workflow "{job.uses.text}"')
    if isinstance(job.services, Fields):
        yield _no(job.services.node.place, "`services`")
    if job.retry is not None:
        yield _no(job.place, "`retry` on a whole job")
    for step in job.steps:
        yield from _in_step(step)


def _in_step(step: Step) -> Iterator[Problem]:
    if step.kind not in ("run", "uses"):
        yield _no(step.place, f"a `{step.kind}` step")
    elif step.background:
        yield _no(step.place, "`background: true`")
    elif step.uses is not None and not is_checkout(step):
        yield _no(step.uses.place, f'the action "{step.uses.text}"')


def _no(place: Place, what: str) -> Problem:
    message = (
        f"{what} can be read and planned but not run yet; "
        "run other jobs with `--job`, or remove it for a local run"
    )
    return Problem(place, message, "unsupported")
