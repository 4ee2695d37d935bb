"""What a command takes from elsewhere: actions and called workflows, as its options say."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from engine.actions.expanded import as_json
from engine.actions.resolve import Finder, resolve
from engine.cli import show
from engine.cli.prepare import Prepared
from engine.fetch.actions import PUBLIC, Actions, Sources
from engine.plan import Plan
from engine.problems import usage

TOKEN = "GITHUB_TOKEN"  # the secret; a private repository is fetched with it


def finder(prepared: Prepared) -> Actions:
    """The finder of one command: it answers the same to all jobs of all its runs."""
    request = prepared.request
    replaced = local_repositories(request.local_repository, prepared.project.directory)
    sources = Sources(
        server=prepared.starts[0].facts.checkout.server_url if prepared.starts else PUBLIC,
        token=prepared.secrets.get(TOKEN, ""),
        replaced=replaced,
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


def explain(shown: list[Any], plans: Iterable[Plan], finder: Finder, tree: Path) -> None:
    """Say of each step of plans (engine.stages.expanded) what its `uses` stands for."""
    jobs = [job for found in plans for job in found.jobs]
    resolved = resolve([step for job in jobs for step in job.steps], finder, tree)
    show.show(resolved.problems)
    for job, about in zip(jobs, (about for one in shown for about in one["jobs"]), strict=True):
        for step, written in zip(job.steps, about["steps"], strict=True):
            written |= _stands_for(as_json(step, resolved))


def _stands_for(found: dict[str, Any] | None) -> dict[str, Any]:
    return {"stands-for": found} if found else {}
