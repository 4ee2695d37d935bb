"""The shell scripts of a document, as a checker of shell scripts can read them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from engine.expr import Expr
from engine.lint.document import Document
from engine.lint.runners import systems
from engine.model import Job, Step
from engine.source import Scalar
from engine.tree import Text, Tree

Shell = Literal["bash", "sh"]


class Script(Struct, frozen=True):
    """One `run:`; `text` has as many characters as `node.text`, and no expression in it."""

    node: Scalar
    text: str
    shell: Shell


def find(document: Document) -> Iterator[Script]:
    """The scripts for bash and sh, in the order of the file."""
    for job, step in document.steps:
        shell = _shell(document, job, step)
        if step.run is None or shell is None:
            continue
        if step.run.template is not None or "${{" not in step.run.node.text:
            yield Script(step.run.node, _without_expressions(step.run), shell)


def _without_expressions(run: Text) -> str:
    """Each expression becomes a word as long as it is, so that everything keeps its place."""
    written = run.node.text
    if run.template is None:
        return written
    for part, at in zip(run.template.parts, run.template.offsets, strict=True):
        if isinstance(part, Expr):
            start, end = written.rindex("${{", 0, at), written.index("}}", at + len(part.text)) + 2
            inner = "".join("\n" if char == "\n" else "_" for char in written[start:end])
            written = written[:start] + inner + written[end:]
    return written


def _shell(document: Document, job: Job | None, step: Step) -> Shell | None:
    """The shell of a step (runtime: its own, its job's, its workflow's, its machine's)."""
    defaults = document.workflow.defaults.shell
    named = step.shell or (job.defaults.shell if job else None) or defaults
    if named is not None:
        return _known(named)
    if job is None or ((machines := systems(job)) and "windows" in machines):
        return None
    return "sh" if job.container is not None else "bash"


def _known(shell: Tree) -> Shell | None:
    written = shell.node.text if isinstance(shell, Text) and shell.template is None else ""
    first = written.split()[0].rpartition("/")[2] if written.split() else ""
    return {"bash": "bash", "sh": "sh"}.get(first)  # type: ignore[return-value]
