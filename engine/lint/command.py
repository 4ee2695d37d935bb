"""Workflow commands that GitHub has replaced by files."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.lint.document import Document
from engine.problems import Problem

_COMMAND = re.compile(r"::(?:(set-output|save-state|set-env)\s+name=|(add-path)::)")
_FILES = {
    "set-output": ("is deprecated", '"name=value" >> "$GITHUB_OUTPUT"'),
    "save-state": ("is deprecated", '"name=value" >> "$GITHUB_STATE"'),
    "set-env": ("no longer works", '"name=value" >> "$GITHUB_ENV"'),
    "add-path": ("no longer works", '"folder" >> "$GITHUB_PATH"'),
}


def check(document: Document) -> Iterator[Problem]:
    """`::set-output` and its like in a script."""
    for _, step in document.steps:
        for found in _COMMAND.finditer(step.run.node.text) if step.run else ():
            name = found[1] or found[2]
            fate, instead = _FILES[name]
            assert step.run is not None
            place = step.run.node.place_at(found.start())
            yield Problem(place, f'"::{name}" {fate}; use echo {instead}', "command")
