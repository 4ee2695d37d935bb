"""What a command takes from elsewhere: actions and called workflows, as its options say."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cli.request import Request
from engine.plan import Plan
from engine.problems import usage

if TYPE_CHECKING:
    from engine.cli.called import Commit
    from engine.fetch.actions import Actions


@dataclass(frozen=True)
class Fetching:
    """Repositories of other places, asked for at the first need.

    `server` is the URL of the run's own repository, `token` what private ones are fetched with.
    """

    request: Request
    directory: Path
    server: str
    token: str = field(default="", repr=False)

    @cached_property
    def finder(self) -> Actions:
        """It answers the same to all jobs of all runs. Raises Refused for a wrong option."""
        from engine.fetch.actions import Actions, Sources

        replaced = local_repositories(self.request.local_repository, self.directory)
        sources = Sources(
            server=self.server,
            token=self.token,
            replaced=replaced,
            offline=self.request.action_offline_mode,
        )
        return Actions(sources, lambda line: print(f"runwright: {line}", file=sys.stderr))

    def commit(self, repository: str, ref: str) -> Commit | str:
        """A repository of called workflows at a ref, or why it can't be had."""
        from engine.actions.resolve import Absent
        from engine.cli.called import Commit
        from engine.reference import Remote

        owner, _, name = repository.partition("/")
        [answer] = self.finder.find([Remote(owner, name, "", ref)])
        return answer.reason if isinstance(answer, Absent) else Commit(answer.folder, answer.sha)


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


def explain(shown: list[Any], plans: Iterable[Plan], fetching: Fetching, tree: Path) -> None:
    """Say of each step of plans (engine.stages.expanded) what its `uses` stands for."""
    from engine.actions.expanded import as_json
    from engine.actions.resolve import resolve
    from engine.cli import show

    jobs = [job for found in plans for job in found.jobs]
    resolved = resolve([step for job in jobs for step in job.steps], fetching.finder, tree)
    show.show(resolved.problems)
    for job, about in zip(jobs, (about for one in shown for about in one["jobs"]), strict=True):
        for step, written in zip(job.steps, about["steps"], strict=True):
            if found := as_json(step, resolved):
                written["stands-for"] = found
