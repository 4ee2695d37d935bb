"""Actions' own files, beyond what a reader refuses: old versions of Node, programs that lack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from engine.lint.document import Document, Manifest, Project
from engine.problems import Problem, besides
from engine.source import Node, Scalar, child

_OLD = ("node12", "node16")
_PROGRAMS = ("pre", "main", "post")


def check(document: Document) -> Iterator[Problem]:
    """`runs:` of the action that a document is."""
    if document.action is not None:
        yield from _runs(document.node, document.project, document.folder)


def problems(found: Manifest, project: Project, folder: str) -> list[Problem]:
    """All that is wrong with the manifest of an action in `folder` (`./path`), in its order."""
    from engine import check as shape  # few workflows use an action of their own repository
    from engine.actions import manifest

    known = shape.check(found.node, "action")
    more = [*manifest.read(found.node)[1], *_runs(found.node, project, folder)]
    return sorted([*known, *besides(known, more)], key=lambda problem: problem.place)


def _runs(node: Node, project: Project | None, folder: str) -> Iterator[Problem]:
    runs = child(node, "runs")
    using = child(runs, "using")
    if not isinstance(using, Scalar):
        return
    if using.text.lower() in _OLD:
        message = f'GitHub\'s runners no longer have "{using.text}"; use node24, and test with it'
        yield Problem(using.place, message, "manifest", "warning")
    if project is not None and using.text.lower().startswith("node"):
        for key in _PROGRAMS:
            yield from _program(child(runs, key), project, folder)


def _program(program: Node | None, project: Project, folder: str) -> Iterator[Problem]:
    """A program may also be built just before the action is used, so this is no error."""
    if not isinstance(program, Scalar) or not program.text:
        return
    if not project.has(str(PurePosixPath(folder, program.text))):
        message = f'the action runs "{program.text}", which is not there; build it, or correct this'
        yield Problem(program.place, message, "manifest", "warning")
