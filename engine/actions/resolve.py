"""All that steps will use, composites inside of composites too, before the first one runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct, field
from msgspec.structs import replace

from engine.actions import chains, is_checkout, manifest
from engine.actions.chains import MAX_DEPTH, Use
from engine.actions.manifest import Action, CompositeRuns, DockerRuns
from engine.model import Step
from engine.problems import Problem, did_you_mean, errors
from engine.reference import Image, Local, ReferenceError_, Remote, key, parse, placed

LARGEST = 4 * 1024 * 1024 + 1  # bytes of a manifest; more is too much, which its reader says


class Located(Struct, frozen=True):
    """Where a repository is on this computer; `sha` '' is a folder that the user named."""

    folder: Path
    sha: str


class Absent(Struct, frozen=True):
    """Why a repository can't be had: a sentence with the next step."""

    reason: str


class Finder(Protocol):
    """Finds repositories of other places."""

    def find(self, wanted: Sequence[Remote]) -> Sequence[Located | Absent]:
        """Where each is, in the order asked; fetched at once where need be.

        Blocks; may be called from several threads. A reference has one answer for a whole run.
        """
        ...


class Found(Struct, frozen=True):
    """What one reference stands for.

    `source` is the folder on this computer that holds the action's repository at the commit `sha`;
    None for an action in the workspace, which is as it was before the first step, and an image.
    """

    reference: Local | Remote | Image
    action: Action
    source: Path | None = None
    sha: str = ""

    @property
    def key(self) -> str:
        return str(self.reference) if isinstance(self.reference, Image) else key(self.reference)


class Resolved(Struct, frozen=True):
    """What the references of some steps stand for, by `reference.key`.

    A local action that is not here is found at run time, when steps may have made it.
    """

    found: Mapping[str, Found] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


class ActionError(Exception):
    """An action can't be had: a sentence with the next step."""


def find(wanted: Remote, finder: Finder) -> Found:
    """What one reference stands for, found while a job already runs; blocks. Raises ActionError."""
    [answer] = finder.find([wanted])
    found, problems = _opened(answer, wanted)
    if found is None:
        raise ActionError("\n".join(map(str, errors(problems))))
    return found


def resolve(
    steps: Iterable[Step], finder: Finder, tree: Path | None, home: Remote | None = None
) -> Resolved:
    """Find what the steps use, and what that uses; blocks while repositories are fetched.

    `tree` is the repository on this computer, in which local actions are looked for; `home` is the
    repository of the file that the steps stand in, None for the run's own.
    """
    walk = _Walk(finder, tree)
    first = list(walk.uses(steps, home))
    level = first
    for _ in range(MAX_DEPTH + 1):
        level = walk.through(level)
    walk.problems += chains.problems(first, walk.inner)
    return Resolved(walk.found, tuple(dict.fromkeys(walk.problems)))


class _Walk(Struct):
    """Level by level, so that all repositories of a level are fetched together."""

    finder: Finder
    tree: Path | None
    found: dict[str, Found] = field(default_factory=dict)
    inner: dict[str, list[Use]] = field(default_factory=dict)  # what each composite uses
    problems: list[Problem] = field(default_factory=list)

    def uses(self, steps: Iterable[Step], home: Remote | None) -> Iterator[Use]:
        for step in steps:
            yield from self.uses(step.children, home)
            if step.uses is None or is_checkout(step):
                continue
            try:
                reference = placed(parse(step.uses.text), home)
            except ReferenceError_ as error:
                self.problems.append(Problem(step.uses.place, str(error), "uses"))
                continue
            if not isinstance(reference, Image):
                yield Use(reference, step.uses.place, step.condition is not None)

    def through(self, level: list[Use]) -> list[Use]:
        """Find what the uses of a level stand for; the uses of the next one."""
        new: dict[str, Use] = {}
        for use in level:
            if use.key not in self.inner:
                new.setdefault(use.key, use)
        self.inner.update((name, []) for name in new)
        found = [*self._remote(new.values()), *self._local(new.values())]
        for one in found:
            if isinstance(one.action.runs, CompositeRuns):
                home = one.reference if isinstance(one.reference, Remote) else None
                self.inner[one.key] += self.uses(one.action.runs.steps, home)
        self.found.update((one.key, one) for one in found)
        return [use for name in new for use in self.inner[name]]

    def _remote(self, uses: Iterable[Use]) -> Iterator[Found]:
        asked = [(use, use.reference) for use in uses if isinstance(use.reference, Remote)]
        answers = self.finder.find([reference for _, reference in asked]) if asked else []
        for (use, reference), answer in zip(asked, answers, strict=True):
            try:
                found, problems = _opened(answer, reference)
            except ActionError as error:
                rule = "fetch" if isinstance(answer, Absent) else "action"
                self.problems.append(Problem(use.place, str(error), rule))
                continue
            self.problems += problems
            if found is not None:
                yield found

    def _local(self, uses: Iterable[Use]) -> Iterator[Found]:
        """Local actions as they are now. What is wrong may be mended until they run."""
        for use in uses:
            if self.tree is None or not isinstance(use.reference, Local):
                continue
            action, problems = _look(self.tree, use.reference.path, use.reference.path)
            self.problems += (replace(problem, level="warning") for problem in problems)
            if action is not None and not errors(problems):
                yield Found(use.reference, action)


# --- the files ------------------------------------------------------------------------------------


def _opened(answer: Located | Absent, wanted: Remote) -> tuple[Found | None, list[Problem]]:
    """The action in a repository, or what is wrong with its manifest. Raises ActionError."""
    if isinstance(answer, Absent):
        raise ActionError(answer.reason)
    action, problems = _look(answer.folder, wanted.path, str(wanted))
    if action is None:
        if problems:
            return None, problems
        raise ActionError(_nothing_in(answer.folder, wanted))
    if not _has_dockerfile(action, answer.folder / wanted.path):
        message = f'{wanted} is built from its "{_image(action)}", which is not there; '
        raise ActionError(f"{message}use another version")
    return Found(wanted, action, answer.folder, answer.sha), problems


def _has_dockerfile(action: Action, folder: Path) -> bool:
    image = _image(action)
    return not image or image.startswith("docker://") or (folder / image).is_file()


def _image(action: Action) -> str:
    return action.runs.image if isinstance(action.runs, DockerRuns) else ""


def _look(root: Path, path: str, shown: str) -> manifest.Found:
    top = root.resolve()
    return manifest.look(_reader(root / path, top), shown)


def _reader(folder: Path, top: Path) -> Callable[[str], bytes | None]:
    def read(name: str) -> bytes | None:
        try:
            file = (folder / name).resolve(strict=True)
            if not file.is_relative_to(top) or not file.is_file():
                return None
            with file.open("rb") as content:
                return content.read(LARGEST)
        except (OSError, ValueError, RuntimeError):  # a name with NUL, a link to itself
            return None

    return read


def _nothing_in(folder: Path, reference: Remote) -> str:
    path = folder / reference.path
    if not path.is_dir():
        others = path.parent.iterdir() if path.parent.is_dir() else ()
        hint = did_you_mean(path.name, [other.name for other in others if other.is_dir()])
        where = f"{reference.name}@{reference.ref}"
        return f'there is no folder "{reference.path}" in {where}{hint or "; check the path"}'
    return (
        f"there is no action.yml, action.yaml or Dockerfile in {reference}; "
        "name the folder that has one after the repository's name, or another version"
    )
