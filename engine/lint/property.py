"""Properties that a context or another object can't have: a misspelt output, a missing need."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.expr import Name
from engine.lint.document import Document
from engine.lint.expressions import Found
from engine.problems import Problem

_VARIABLE = re.compile(r"(?!github_)[a-z_][a-z0-9_]*", re.IGNORECASE)


def check(document: Document) -> Iterator[Problem]:
    """Properties that are not there."""
    for found in document.expressions:
        yield from found.problems("property")
        for name in found.expr.names:
            if name.name.lower() == "vars" and name.path and name.path[0] != "*":
                yield from _variable(found, name)


def _variable(found: Found, name: Name) -> Iterator[Problem]:
    """GitHub lets nobody create some names (docs, "naming conventions for variables")."""
    if not _VARIABLE.fullmatch(name.path[0]):
        message = (
            f'no variable of GitHub can be named "{name.path[0]}": names have letters, digits and '
            "_, start with no digit and not with GITHUB_"
        )
        yield Problem(found.place(name.position), message, "property")
