"""A document is asked the rules too, with what its repository has around it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from engine import lint, project
from engine.actions.manifest import Action
from engine.cli import meaning, shellcheck
from engine.cli.documents import Document
from engine.cli.meaning import Rules
from engine.lint import scripts
from engine.model import Workflow
from engine.problems import Problem, besides
from engine.source import Node


def problems(document: Document) -> tuple[list[Problem], set[Path]]:
    """All that is wrong with a document, in the order of its lines, and the other files that this
    may depend on."""
    root = project.root_of(document.path, Path.cwd())
    files, settings = _around(root)
    found = meaning.read(document, _rules(document, files, settings))[1]
    return found, {*files.seen, *(root / name for name in project.SAYING)}


@cache
def _around(root: Path) -> tuple[project.Files, lint.Settings]:
    """A repository's files and what it says of its checks, read once for all its documents."""
    return project.Files(root), project.settings(root)


def _rules(document: Document, files: project.Files, settings: lint.Settings) -> Rules:
    text = document.content.decode("utf-8", "replace")

    def rules(node: Node, read: Workflow | Action) -> list[Problem]:
        if isinstance(read, Workflow):
            about = lint.Document(text, node, read, files, settings)
        else:
            folder = document.path.parent.resolve().relative_to(files.root)
            about = lint.of_action(text, node, read, f"./{folder}", files, settings)
        found = lint.lint(about)
        return found + besides(found, _scripts(about))

    return rules


def _scripts(about: lint.Document) -> list[Problem]:
    """What ShellCheck says; matters of taste only where the project has asked for them."""
    settings = about.settings
    if shellcheck.PROGRAM in settings.off:
        return []
    found = shellcheck.check(list(scripts.find(about)))
    wanted = shellcheck.PROGRAM in settings.on
    told = [problem for problem in found if wanted or problem.level != "hint"]
    return list(lint.unless_said(told, about.text))
