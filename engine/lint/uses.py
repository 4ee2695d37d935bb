"""References that have the right form and still name nothing that can be used there."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.lint.document import Document
from engine.problems import Problem
from engine.source import Scalar

_WORKFLOW = re.compile(r"(?:^|/)\.github/workflows/[^/@]+\.ya?ml(?:@|$)")
_DOCKER = "docker://"


def check(document: Document) -> Iterator[Problem]:
    """A workflow as a step, a version of a local action, an image without a name or a tag."""
    for _, step in document.steps:
        if step.uses is not None and (message := _wrong(step.uses)):
            yield Problem(step.uses.place, f'"{step.uses.text}" {message}', "uses")


def _wrong(uses: Scalar) -> str:
    written = uses.text
    if _WORKFLOW.search(written):
        return "is a workflow, which a step can't run; call it from a job, with uses: beside needs:"
    if written.startswith(("./", "../")) and "@" in written:
        return "is an action of this repository, which has no version; leave out @ and the rest"
    if written.startswith("../"):
        return "leaves the workspace; local actions are named from its root, such as ./path"
    if not written.startswith(_DOCKER):
        return ""
    image = written.removeprefix(_DOCKER)
    if not image or image.startswith(":"):
        return "names no image; write docker://image:tag"
    return (
        "has no tag after the colon; write one, or leave the colon out" if image[-1] == ":" else ""
    )
