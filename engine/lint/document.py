"""What rules look at: a workflow or an action, as text, nodes and model, and what is around it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct, field

from engine.model import Job, Step, Workflow
from engine.problems import Problem
from engine.source import Node

if TYPE_CHECKING:  # few documents are actions, and importing what reads them takes time
    from engine.actions.manifest import Action
    from engine.lint.expressions import Found


class Manifest(Struct, frozen=True):
    """An action's `action.yml`; `file` is how it is shown."""

    file: str
    node: Node


class Project(Protocol):
    """The files around a workflow, by the names that `uses:` gives them (`./path`)."""

    @property
    def complete(self) -> bool:
        """Whether a file that is not there is missing; some files alone are no repository."""

    def action(self, uses: str) -> Manifest | None:
        """The manifest of a local action; None where there is none (yet)."""

    def workflow(self, uses: str, file: str) -> tuple[Workflow | None, list[Problem]]:
        """A local workflow as far as it can be read, with its errors; None where it is missing."""

    def has(self, path: str) -> bool:
        """Whether a file is there, by its path from the root of the repository."""


class Settings(Struct, frozen=True):
    """What a project says about its own checks.

    `labels` are those of its own runners (with `*` and `?`); `variables` are all names that `vars`
    has, None if nobody has said so. `off` and `on` are rules.
    """

    labels: tuple[str, ...] = ()
    variables: tuple[str, ...] | None = None
    off: frozenset[str] = frozenset()
    on: frozenset[str] = frozenset()


class Document(Struct, frozen=True, eq=False, dict=True):
    """A workflow's file, or an action's: then `workflow` is empty and `folder` is `./path`.

    `text` is the whole of it; `project` is None where nothing is known of other files.
    """

    text: str
    node: Node
    workflow: Workflow
    project: Project | None = None
    settings: Settings = field(default_factory=Settings)
    action: Action | None = None
    folder: str = ""

    @cached_property
    def expressions(self) -> tuple[Found, ...]:
        """Every expression, with its type."""
        from engine.lint.expressions import find

        return tuple(find(self))

    @cached_property
    def steps(self) -> tuple[tuple[Job | None, Step], ...]:
        """Every step with its job, those inside `parallel` too; an action's have none."""
        own = self.action.steps if self.action else ()
        jobs = self.workflow.jobs
        return (
            *((None, step) for step in own),
            *((job, step) for job in jobs for step in _flat(job.steps)),
        )


def of_action(
    text: str, node: Node, action: Action, folder: str, project: Project | None, settings: Settings
) -> Document:
    """An action's file as a document."""
    nothing = Workflow(node.place.file, action.name, ())
    return Document(text, node, nothing, project, settings, action, folder)


def _flat(steps: Iterable[Step]) -> Iterable[Step]:
    """Steps and those inside them, as they are written."""
    for step in steps:
        yield step
        yield from _flat(step.children)
