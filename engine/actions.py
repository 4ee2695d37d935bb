"""What a `uses:` stands for; so far the one action that the prepared workspace satisfies."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.model import Job, Step, Workflow
from engine.problems import Place, Problem
from engine.source import Mapping, Scalar
from engine.tree import Fields

_CHECKOUT = re.compile(r"actions/checkout@\S+", re.IGNORECASE)
_ELSEWHERE = ("repository", "path")  # keys of checkout that name something else than this tree


def is_checkout(step: Step) -> bool:
    """Whether a step checks out the repository itself, which is already in the workspace."""
    return step.uses is not None and _CHECKOUT.fullmatch(step.uses.text) is not None


def generated_id(step: Step) -> str:
    """The id GitHub gives a step that has none: `__actions_checkout` for actions/checkout@v4."""
    name = step.kind if step.uses is None else _action_name(step.uses.text)
    return "__" + re.sub(r"[^A-Za-z0-9_-]", "_", name)


def _action_name(uses: str) -> str:
    if uses.startswith("docker://"):
        return uses.removeprefix("docker://")
    if uses.startswith((".", "$/")):
        return "self"
    return "/".join(re.split(r"[/\\]+", uses.partition("@")[0])[:2])


def unsupported(workflow: Workflow, jobs: tuple[Job, ...]) -> list[Problem]:
    """What this version reads and plans but can't run: said before anything starts."""
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
    elif isinstance(step.with_, Fields):
        yield from _elsewhere(step.with_.node)


def _elsewhere(with_: Mapping) -> Iterator[Problem]:
    for key, value in with_.entries:
        if key.text.lower() in _ELSEWHERE and isinstance(value, Scalar):
            yield _no(key.place, f"a checkout of another place (`{key.text}: {value.text}`)")


def _no(place: Place, what: str) -> Problem:
    message = (
        f"{what} can be read and planned but not run yet; "
        "run other jobs with `--job`, or remove it for a local run"
    )
    return Problem(place, message, "unsupported")
