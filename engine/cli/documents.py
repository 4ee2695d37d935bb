"""A document as it is checked: its name, its bytes, its kind, and all that is wrong with it."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from engine import actions, git, reading, source
from engine.check import Kind, check, superset_warnings
from engine.model import Workflow
from engine.problems import Place, Problem, besides, errors
from engine.source import Mapping, Node

if TYPE_CHECKING:
    from engine.actions.manifest import Action

Rules: TypeAlias = "Callable[[Node, Workflow | Action], list[Problem]]"
MOST_BYTES = 4 * source.GITHUB.characters


@dataclass(frozen=True, slots=True)
class Document:
    """`name` is how its user would type it; the kind is None where path and content tell."""

    name: str
    content: bytes
    path: Path
    kind: Kind | None = None


def load(path: Path, kind: Kind | None = None, name: str = "") -> Document:
    """A file as a document, shown by its path or another name. Raises OSError."""
    small = _is_small(path)
    content = path.read_bytes() if small else b" " * (MOST_BYTES + 1)  # refused by its size alone
    return Document(name or shown(path), content, path.absolute(), kind)


def unreadable(path: Path, error: OSError, name: str = "") -> Problem:
    """That a file can't be read, and why."""
    reason = error.strerror or str(error)
    return Problem(Place(name or shown(path)), f"can't be read: {reason}", "file")


def read(document: Document, rules: Rules | None = None) -> tuple[Workflow | None, list[Problem]]:
    """The workflow that a document holds, if it does and no error is in it, and its problems.

    `rules` are asked of a workflow or an action for more than what makes a run impossible.
    """
    node, found = source.load(document.content, document.name)
    if node is None:
        return None, found
    kind = document.kind or kind_of(document.path, node)
    shape = [*check(node, kind), *superset_warnings(node, str(document.path))]
    found += besides(found, shape)
    if kind == "workflow":
        return reading.workflow(node, document.name, _from_root(document.path), found, rules)
    if not errors(found):
        found += _of_action(node, rules)
    return None, sorted(found, key=lambda problem: problem.place)


def _of_action(node: Node, rules: Rules | None) -> list[Problem]:
    from engine.actions import manifest

    action, found = manifest.read(node)
    if action is not None and rules is not None:
        found += besides(found, rules(node, action))
    return found


def kind_of(path: Path, node: Node | None) -> Kind:
    """What GitHub would take a file for: by its name, and by its keys where the name is free."""
    if path.parts[-3:-1] == (".github", "workflows") or path.parent.name == ".runwright":
        return "workflow"
    if path.name in actions.FILES:
        return "action"
    keys = {key.text for key, _ in node.entries} if isinstance(node, Mapping) else set()
    return "action" if "runs" in keys and not keys & {"on", "jobs"} else "workflow"


def shown(path: Path) -> str:
    """A path as its user would type it from here."""
    relative = os.path.relpath(path)
    return text(str(path) if relative.startswith("../..") else relative)


def text(name: str) -> str:
    """A file's name as text that can be written anywhere, also where its bytes are no UTF-8."""
    return os.fsencode(name).decode("utf-8", "replace")


def _from_root(path: Path) -> str:
    """The path as GitHub names a workflow that has no name of its own."""
    top = git.root(path.parent)
    folder = path.parent.resolve()
    return text(str(folder.relative_to(top) / path.name) if top else path.name)


def _is_small(path: Path) -> bool:
    """Whether a file may be read at once. Raises OSError for what would never end, as a pipe."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    return found.st_size <= MOST_BYTES
