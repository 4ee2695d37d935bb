"""The workflows that jobs call: found, read, and held against what their callers give."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from msgspec.structs import replace

from engine import calls
from engine.calls import Find
from engine.cli import ENVIRONMENT, INVALID, USAGE, workflows
from engine.model import Origin, Workflow
from engine.plan import Plan, plan, unknown_jobs
from engine.problems import Place, Problem, Refused, errors
from engine.reference import Itself, Local, ReferenceError_, Remote, parse_call
from engine.source import GITHUB

if TYPE_CHECKING:
    from engine.actions.resolve import Finder

MOST_JOBS = 10_000  # of one run; each level of calls may multiply them


_Answer: TypeAlias = tuple[Workflow | None, list[Problem]]


class Called:
    """Finds what a `uses:` stands for (calls.Find); each file is read once.

    `root` is the repository of the run. Without a finder, nobody knows those of other places.
    """

    def __init__(self, root: Path, finder: Callable[[], Finder] | None = None) -> None:
        self.root = root
        self.finder = finder
        self._answers: dict[Local | Remote, _Answer] = {}
        self._homes: dict[str, Remote] = {}  # of what was read from other places, by its file

    def __call__(self, uses: str, file: str) -> _Answer:
        """The workflow that `uses` names in a file, and what is wrong with it."""
        try:
            wanted = _placed(parse_call(uses), self._homes.get(file))
        except ReferenceError_ as error:
            return None, [Problem(Place(uses), str(error), "uses")]
        if wanted not in self._answers:
            self._answers[wanted] = self._read(wanted)
        return self._answers[wanted]

    def _read(self, wanted: Local | Remote) -> _Answer:
        if isinstance(wanted, Local):
            return _read(self.root, wanted.path)
        if self.finder is None:
            return None, []
        return self._fetched(wanted, self.finder())

    def _fetched(self, wanted: Remote, finder: Finder) -> _Answer:
        from engine.actions.resolve import Absent

        [answer] = finder.find([wanted])
        if isinstance(answer, Absent):
            return None, [Problem(Place(str(wanted)), answer.reason, "fetch")]
        self._homes[str(wanted)] = wanted
        workflow, found = _read(answer.folder, wanted.path, str(wanted))
        if workflow is not None:
            origin = Origin(wanted.name, wanted.path, wanted.ref, answer.sha)
            workflow = replace(workflow, file=str(wanted), origin=origin)
        return workflow, found


def _placed(found: Local | Itself | Remote, home: Remote | None) -> Local | Remote:
    """A call as it is meant in a file of `home`: every path is in the file's own repository."""
    if isinstance(found, Remote):
        return found
    return replace(home, path=found.path) if home else Local(found.path)


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
    wrong = [problem for each in chosen for problem in _wrong_calls(*each, find)]
    if errors(wrong):
        absent = all(problem.rule == "fetch" for problem in wrong)
        raise Refused(wrong, ENVIRONMENT if absent else INVALID)
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
