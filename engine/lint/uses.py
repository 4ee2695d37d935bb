"""References that have the right form and still name nothing that can be used."""

from __future__ import annotations

from collections.abc import Iterator

from engine.lint.document import Document
from engine.problems import Problem

_DOCKER = "docker://"


def check(document: Document) -> Iterator[Problem]:
    """A version of a local action, an image without a name or a tag."""
    for _, step in document.steps:
        if step.uses is not None and (message := _wrong(step.uses.text)):
            yield Problem(step.uses.place, f'"{step.uses.text}" {message}', "uses")


def _wrong(uses: str) -> str:
    if uses.startswith("./") and "@" in uses:
        return "is an action of this repository, which has no version; leave out @ and the rest"
    if uses == _DOCKER or uses.startswith(f"{_DOCKER}:"):
        return "names no image; write docker://image:tag"
    if uses.startswith(_DOCKER) and uses.endswith(":"):
        return "has no tag after the colon; write one, or leave the colon out"
    return ""
