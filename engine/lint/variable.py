"""Names that no environment variable can have."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.lint.document import Document
from engine.problems import Problem
from engine.tree import Fields, Text, Tree, is_insert

_NEVER = re.compile(r"[\s&=\0]")


def check(document: Document) -> Iterator[Problem]:
    """Keys of `env:` with a space, `&` or `=` in them."""
    yield from _env(document.workflow.env)
    for job in document.workflow.jobs:
        yield from _env(job.env)
        yield from _inside(job.container)
        for _, service in job.services.entries if isinstance(job.services, Fields) else ():
            yield from _inside(service)
    for _, step in document.steps:
        yield from _env(step.env)


def _inside(container: Tree | None) -> Iterator[Problem]:
    yield from _env(container.get("env") if isinstance(container, Fields) else None)


def _env(env: Tree | None) -> Iterator[Problem]:
    for key, _ in env.entries if isinstance(env, Fields) else ():
        yield from _name(key)


def _name(key: Text) -> Iterator[Problem]:
    written = key.node.text
    if key.template is not None or is_insert(key):
        return
    if not written:
        yield Problem(key.node.place, "an environment variable needs a name", "variable")
    elif bad := _NEVER.search(written):
        what = "a space" if bad[0].isspace() else f'"{bad[0]}"'
        message = f'"{written}" can\'t be the name of an environment variable; it has {what} in it'
        yield Problem(key.node.place, message, "variable")
