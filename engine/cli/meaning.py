"""What a document means, and what keeps it from meaning anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from engine import reading, source, worktree
from engine.check import Kind, check, superset_warnings
from engine.cli import documents
from engine.cli.documents import ACTIONS, Document
from engine.model import Workflow
from engine.problems import Problem, besides, errors
from engine.source import Node, entries

if TYPE_CHECKING:
    from engine.actions.manifest import Action

Rules: TypeAlias = "Callable[[Node, Workflow | Action], list[Problem]]"


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
    if path.name in ACTIONS:
        return "action"
    keys = {key.text for key, _ in entries(node)}
    return "action" if "runs" in keys and not keys & {"on", "jobs"} else "workflow"


def _from_root(path: Path) -> str:
    """The path as GitHub names a workflow that has no name of its own."""
    top = worktree.root(path.parent)
    folder = path.parent.resolve()
    return documents.text(str(folder.relative_to(top) / path.name) if top else path.name)
