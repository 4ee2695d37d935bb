"""The workflows that jobs call: found, read, and held against what their callers give."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from engine import calls
from engine.calls import Find
from engine.cli import INVALID, USAGE, workflows
from engine.model import Origin, Workflow
from engine.plan import Plan, plan, unknown_jobs
from engine.problems import Place, Problem, Refused, errors
from engine.source import GITHUB

MOST_JOBS = 10_000  # of one run; each level of calls may multiply them


@dataclass(frozen=True, slots=True)
class Commit:
    """A repository at a commit, on this computer."""

    folder: Path
    sha: str


# Gives a repository (owner/name) at a ref, or says why it can't be had.
Fetch: TypeAlias = Callable[[str, str], Commit | str]

_Answer: TypeAlias = tuple[Workflow | None, list[Problem]]


class Called:
    """Finds what a `uses:` stands for (calls.Find); each file is read once.

    `root` is the repository of the run. Without `fetch`, nobody knows those of other places.
    """

    def __init__(self, root: Path, fetch: Fetch | None = None) -> None:
        self.root = root
        self.fetch = fetch
        self._commits: dict[tuple[str, str], Commit | str] = {}
        self._answers: dict[str, _Answer] = {}
        self._origins: dict[str, Origin] = {}  # of what was read from other places, by its file

    def __call__(self, uses: str, file: str) -> _Answer:
        """The workflow that `uses` names in a file, and what is wrong with it."""
        path, at, ref = uses.partition("@")
        if not at:
            home = self._origins.get(file)
            path = path.removeprefix("./").removeprefix("$/")
            return self._remote(replace(home, path=path)) if home else self._local(path)
        owner, name, path = path.split("/", 2)
        return self._remote(Origin(f"{owner}/{name}", path, ref, ""))

    def _local(self, path: str) -> _Answer:
        if path not in self._answers:
            self._answers[path] = _read(self.root, path)
        return self._answers[path]

    def _remote(self, origin: Origin) -> _Answer:
        name = f"{origin.repository}/{origin.path}@{origin.ref}"
        if self.fetch is None:
            return None, []
        if name not in self._answers:
            self._answers[name] = self._fetched(self.fetch, origin, name)
        return self._answers[name]

    def _fetched(self, fetch: Fetch, origin: Origin, name: str) -> _Answer:
        key = (origin.repository, origin.ref)
        if key not in self._commits:
            self._commits[key] = fetch(*key)
        commit = self._commits[key]
        if isinstance(commit, str):
            return None, [Problem(Place(name), commit, "calls")]
        self._origins[name] = replace(origin, sha=commit.sha)
        workflow, problems = _read(commit.folder, origin.path, name)
        if workflow is not None:
            workflow = replace(workflow, file=name, origin=self._origins[name])
        return workflow, problems


def _read(root: Path, path: str, name: str = "") -> _Answer:
    if posixpath.dirname(path) not in workflows.PLACES:
        message = f"a workflow that is called lies in {workflows.PLACES[0]}"
        return None, [Problem(Place(name or path), message, "calls")]
    if not (root / path).exists():
        return None, [Problem(Place(name or path), "there is no such file", "calls")]
    return workflows.read(root / path, name)


def plans(chosen: Iterable[tuple[Workflow, Sequence[str]]], find: Find) -> tuple[Plan, ...]:
    """The plans of workflows with all that they call, each with the jobs selected of it.

    Raises Refused for a call that can't be made, and for a selected job that is not there.
    """
    chosen = tuple(chosen)
    problems = [problem for each in chosen for problem in _wrong_calls(*each, find)]
    if errors(problems):
        raise Refused(problems, INVALID)
    for workflow, selected in chosen:
        unknown = unknown_jobs(plan(workflow, _own(selected), find).names(), selected)
        if unknown:
            raise Refused(unknown, USAGE)
    return tuple(plan(workflow, selected, find) for workflow, selected in chosen)


def _wrong_calls(workflow: Workflow, selected: Sequence[str], find: Find) -> list[Problem]:
    jobs = plan(workflow, _own(selected)).jobs
    limits = replace(GITHUB, jobs=MOST_JOBS)
    return calls.check(replace(workflow, jobs=jobs), find, limits=limits)


def _own(selected: Iterable[str]) -> list[str]:
    """The workflow's own jobs of those selected: the callers."""
    return [name.partition("/")[0] for name in selected]
