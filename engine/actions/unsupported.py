"""What this version reads and plans but can't run: said before anything starts."""

from __future__ import annotations

from collections.abc import Iterator

from engine.model import Job
from engine.problems import Place, Problem
from engine.tree import Fields


def unsupported(jobs: tuple[Job, ...]) -> list[Problem]:
    """A problem for each part of these jobs that can't be run yet."""
    return [problem for job in jobs for problem in _in_job(job)]


def _in_job(job: Job) -> Iterator[Problem]:
    if isinstance(job.services, Fields):
        yield _no(job.services.node.place, "`services`")


def _no(place: Place, what: str) -> Problem:
    message = (
        f"{what} can be read and planned but not run yet; "
        "run other jobs with `--job`, or remove it for a local run"
    )
    return Problem(place, message, "unsupported")
