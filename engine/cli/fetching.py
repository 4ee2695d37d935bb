"""What a command takes from elsewhere: actions and called workflows, as its options say."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from engine.actions import home
from engine.actions.expanded import as_json
from engine.actions.resolve import Finder, Resolved, resolve
from engine.cli.request import Request
from engine.fetch.actions import Actions, Sources
from engine.model import Step
from engine.plan import Plan
from engine.problems import usage
from engine.reference import Remote


def finder(request: Request, directory: Path, server: str, token: str) -> Actions:
    """The finder of one command: it answers the same to all jobs of all its runs.

    `server` is the URL of the run's own; the token is for its private repositories.
    """
    sources = Sources(
        server=server,
        token=token,
        replaced=local_repositories(request.local_repository, directory),
        offline=request.action_offline_mode,
    )
    return Actions(sources, lambda line: print(f"runwright: {line}", file=sys.stderr))


_REPLACED = re.compile(
    r"(?:https?://[^/=]+/)?(?P<name>[\w.-]+/[\w.-]+)(?P<ref>@[^=]+)?=(?P<folder>.+)", re.ASCII
)


def local_repositories(given: Iterable[str], directory: Path) -> dict[str, Path]:
    """Folders that stand for repositories (Sources.replaced). Raises Refused."""
    found = {}
    for item in given:
        match = _REPLACED.fullmatch(item)
        if match is None:
            message = f'"{item}" maps nothing; write OWNER/REPO@REF=DIR, or OWNER/REPO=DIR'
            raise usage(message, where="--local-repository")
        folder = directory / os.path.expanduser(match["folder"])  # noqa: PTH111 (never raises)
        if not folder.is_dir():
            raise usage(f'there is no folder "{match["folder"]}"', where="--local-repository")
        found[match["name"].lower() + (match["ref"] or "")] = folder.resolve()
    return found


def resolved(plans: Iterable[Plan], finder: Finder, tree: Path) -> Resolved:
    """What the steps of plans, and of all that they call, stand for."""
    steps: dict[Remote | None, list[Step]] = {}
    for plan in (each for found in plans for each in found.whole()):
        own = steps.setdefault(home(plan.workflow), [])
        own += (step for job in plan.jobs for step in job.steps)
    answers = [resolve(own, finder, tree, where) for where, own in steps.items()]
    found = {key: one for answer in answers for key, one in answer.found.items()}
    problems = dict.fromkeys(problem for answer in answers for problem in answer.problems)
    return Resolved(found, tuple(problems))


def explain(shown: Iterable[Any], plans: Iterable[Plan], found: Resolved) -> None:
    """Say of each step of plans (engine.stages.expanded) what its `uses` stands for."""
    for about, plan in zip(shown, plans, strict=True):
        for told, job in zip(about["jobs"], plan.jobs, strict=True):
            for written, step in zip(told["steps"], job.steps, strict=True):
                written |= _stands_for(as_json(step, found, home(plan.workflow)))
            if job.id in plan.calls:
                explain([told["calls"]], [plan.calls[job.id]], found)


def _stands_for(found: dict[str, Any] | None) -> dict[str, Any]:
    return {"stands-for": found} if found else {}
