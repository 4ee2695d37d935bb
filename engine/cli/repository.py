"""The files that `validate` checks: named ones, those of a folder, or a whole repository's."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from engine import worktree
from engine.cli import documents, workflows
from engine.cli.documents import ACTIONS
from engine.cli.workflows import Project
from engine.problems import usage

_MARKS = (".git", ".github", ".runwright")  # a folder that has one is read as a repository
_FOREIGN = ("node_modules", "site-packages", "vendor")  # where other people's actions lie


def files(where: Project, given: Iterable[str]) -> list[Path]:
    """All of them, sorted; without names, this repository's. Raises Refused for none."""
    paths = [workflows.named(where, name) for name in given]
    found = sorted({file for path in paths for file in _of(path)} if paths else _whole(where.root))
    if not found:
        workflow, action = " or ".join(workflows.PLACES), ACTIONS[0]
        raise usage(
            f"there are no workflows in {workflow} here, and no {action}; name a file or folder",
            where=documents.shown(paths[0] if paths else where.root),
        )
    return found


def _of(path: Path) -> set[Path]:
    if not path.is_dir():
        return {path}
    if path.name == ".github":
        return {*workflows.listed(path / "workflows"), *_actions(path)}
    if any((path / mark).exists() for mark in _MARKS):
        return _whole(path)
    return {*workflows.listed(path), *_actions(path)}


def _whole(root: Path) -> set[Path]:
    """The workflows of a repository, and its actions wherever they lie in it."""
    own = {file for place in workflows.own(root) for file in workflows.listed(place)}
    return own | set(_actions(root))


def _actions(folder: Path) -> Iterator[Path]:
    found: Iterable[Path] | None = None
    if worktree.root(folder):
        found = worktree.files(folder, *(f"**/{name}" for name in ACTIONS))
    return (
        path
        for path in (_walk(folder) if found is None else found)
        if path.is_file() and not {*_FOREIGN} & {*path.relative_to(folder).parts}
    )


def _walk(folder: Path) -> Iterator[Path]:
    """What git would have listed, where it can't be asked."""
    for top, folders, names in os.walk(folder):
        hidden = (name for name in folders if name.startswith(".") and name != ".github")
        folders[:] = set(folders) - {*hidden, *_FOREIGN}
        yield from (Path(top, name) for name in names if name in ACTIONS)
