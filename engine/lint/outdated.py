"""Versions of well-known actions that were made for a Node which GitHub no longer has."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from engine.lint.document import Document
from engine.problems import Problem

# the first major version that runs on Node 20 or later, from each action's own action.yml
_FIRST: Mapping[str, int] = {
    "actions/cache": 4,
    "actions/cache/restore": 4,
    "actions/cache/save": 4,
    "actions/checkout": 4,
    "actions/configure-pages": 4,
    "actions/deploy-pages": 3,
    "actions/download-artifact": 4,
    "actions/github-script": 7,
    "actions/labeler": 5,
    "actions/setup-dotnet": 4,
    "actions/setup-go": 5,
    "actions/setup-java": 4,
    "actions/setup-node": 4,
    "actions/setup-python": 5,
    "actions/stale": 9,
    "actions/upload-artifact": 4,
    "docker/build-push-action": 5,
    "docker/login-action": 3,
    "docker/metadata-action": 5,
    "docker/setup-buildx-action": 3,
    "docker/setup-qemu-action": 3,
}
_USES = re.compile(r"([^@]+)@v([0-9]+)(?:\.[0-9]+)*")


def check(document: Document) -> Iterator[Problem]:
    """`uses:` with a version that is too old."""
    for _, step in document.steps:
        found = _USES.fullmatch(step.uses.text) if step.uses else None
        if found is None or step.uses is None:
            continue
        name, major = found[1], int(found[2])
        first = _FIRST.get(name.lower())
        if first is not None and major < first:
            message = (
                f'"{step.uses.text}" was made for a Node that GitHub\'s runners no longer have; '
                f"use {name}@v{first} or later"
            )
            yield Problem(step.uses.place, message, "outdated", "warning")
