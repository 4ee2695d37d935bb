"""What a `uses:` stands for, and the one action that the prepared workspace satisfies."""

from __future__ import annotations

import re

from engine.model import Step, Workflow
from engine.reference import Remote
from engine.source import Mapping, Node, Scalar
from engine.tree import Fields

FILES = ("action.yml", "action.yaml")  # what describes an action, in GitHub's order

_CHECKOUT = re.compile(r"actions/checkout@\S+", re.IGNORECASE)
_ITSELF = re.compile(r"(?:\$\{\{\s*github\.repository\s*\}\})?", re.IGNORECASE)
_HERE = re.compile(r"[./]*")


def is_checkout(step: Step) -> bool:
    """Whether a step checks out the repository itself, which is already in the workspace.

    One of another repository, or into another folder, is an action like any other.
    """
    if step.uses is None or not _CHECKOUT.fullmatch(step.uses.text):
        return False
    given = step.with_.node if isinstance(step.with_, Fields) else Mapping((), step.place)
    return _all_fit(given, "repository", _ITSELF) and _all_fit(given, "path", _HERE)


def _all_fit(given: Mapping, name: str, allowed: re.Pattern[str]) -> bool:
    return all(_fits(value, allowed) for key, value in given.entries if key.text.lower() == name)


def _fits(value: Node, allowed: re.Pattern[str]) -> bool:
    return isinstance(value, Scalar) and allowed.fullmatch(value.text.strip()) is not None


def generated_id(step: Step) -> str:
    """The id GitHub gives a step that has none: `__actions_checkout` for actions/checkout@v4."""
    name = step.kind if step.uses is None else _action_name(step.uses.text)
    return "__" + re.sub(r"[^A-Za-z0-9_-]", "_", name)


def _action_name(uses: str) -> str:
    if uses.startswith("docker://"):
        return uses.removeprefix("docker://")
    if uses.startswith((".", "$/")):
        return "self"
    return "/".join(re.split(r"[/\\]+", uses.partition("@")[0])[:2])


def home(workflow: Workflow) -> Remote | None:
    """The repository of the file that a workflow stands in; None for that of the run."""
    if workflow.origin is None:
        return None
    owner, _, repository = workflow.origin.repository.partition("/")
    return Remote(owner, repository, "", workflow.origin.ref)
