"""The files around a workflow: local actions, called workflows, and the project's own settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct, field

from engine import reading, source, worktree
from engine.actions import FILES
from engine.check import check
from engine.lint import Manifest, Settings
from engine.model import Workflow
from engine.problems import Problem, besides, errors
from engine.source import Node, Scalar, Sequence, child

SETTINGS = ".runwright/lint.yml"
# what users of actionlint have already said of their runners and variables
_ACTIONLINTS = (".github/actionlint.yaml", ".github/actionlint.yml", "actionlint.yaml")
SAYING = (SETTINGS, *_ACTIONLINTS)  # the files that settings come from


def root_of(file: Path, directory: Path) -> Path:
    """The top of the repository that a workflow is of; `directory` if its file says nothing."""
    folder = file.resolve().parent
    if folder.parts[-2:] == (".github", "workflows"):
        return folder.parent.parent
    if top := worktree.root(folder):
        return top
    if folder.is_relative_to(directory):
        return directory
    return folder.parent if folder.name == "workflows" else folder


class Files(Struct):
    """A repository's files, each read once; satisfies `engine.lint.Project`."""

    root: Path
    seen: set[Path] = field(default_factory=set)  # whatever was asked for, there or not
    _actions: dict[str, Manifest | None] = field(default_factory=dict)
    _workflows: dict[str, tuple[Workflow | None, list[Problem]]] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether this is a checkout, which has all of its repository."""
        return (self.root / ".git").exists()

    def action(self, uses: str) -> Manifest | None:
        """The manifest of an action; None where there is none that can be read."""
        if uses not in self._actions:
            self._actions[uses] = next(self._manifests(uses), None)
        return self._actions[uses]

    def _manifests(self, uses: str) -> Iterator[Manifest]:
        for name in FILES:
            path = f"{uses.rstrip('/')}/{name}".removeprefix("./")
            node, _ = self._load(path)
            if node is not None:
                yield Manifest(path, node)

    def workflow(self, uses: str, file: str) -> tuple[Workflow | None, list[Problem]]:
        """A workflow as far as it can be read, and what keeps it from being called."""
        if uses not in self._workflows:
            self._workflows[uses] = self._read(uses.removeprefix("./"))
        return self._workflows[uses]

    def _read(self, path: str) -> tuple[Workflow | None, list[Problem]]:
        node, problems = self._load(path)
        if node is None:
            return None, problems
        problems += besides(problems, check(node))
        found, problems = reading.as_written(node, path, path, problems)
        return found, list(errors(problems))

    def has(self, path: str) -> bool:
        """Whether there is such a file."""
        self.seen.add(self.root / path)
        return (self.root / path).is_file()

    def _load(self, path: str) -> tuple[Node | None, list[Problem]]:
        self.seen.add(self.root / path)
        try:
            content = (self.root / path).read_bytes()
        except (OSError, ValueError):  # ValueError: a name with a NUL in it
            return None, []
        return source.load(content, path)


# --- settings -----------------------------------------------------------------------------------


def settings(root: Path) -> Settings:
    """What `.runwright/lint.yml` says, and the labels and variables of actionlint's own file."""
    own = _mapping(root / SETTINGS)
    theirs = [found for found in (_mapping(root / name) for name in _ACTIONLINTS) if found]
    labels = [*_texts(child(own, "labels"))]
    variables = child(own, "variables")
    for found in theirs:
        labels += _texts(child(child(found, "self-hosted-runner"), "labels"))
        variables = variables or child(found, "config-variables")
    return Settings(
        labels=tuple(labels),
        variables=tuple(_texts(variables)) if isinstance(variables, Sequence) else None,
        off=frozenset(_texts(child(own, "disable"))),
        on=frozenset(_texts(child(own, "enable"))),
    )


def _mapping(path: Path) -> Node | None:
    try:
        return source.load(path.read_bytes(), str(path))[0]
    except OSError:
        return None


def _texts(node: Node | None) -> Iterable[str]:
    items = node.items if isinstance(node, Sequence) else ()
    return [item.text for item in items if isinstance(item, Scalar)]
