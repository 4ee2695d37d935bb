"""What the token of a job may do, from `permissions:` of its workflow and of the job itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from engine.source import Node, Scalar, plain

Level = Literal["read", "write"]

# GitHub's workflow schema: what each scope may be set to, beside none.
_READ_AND_WRITE = (
    *("actions", "artifact-metadata", "attestations", "checks", "code-quality", "contents"),
    *("deployments", "discussions", "drives", "issues", "packages", "pages", "pull-requests"),
    *("repository-projects", "security-events", "statuses"),
)
_LEVELS: Mapping[str, tuple[Level, ...]] = {
    **dict.fromkeys(_READ_AND_WRITE, ("read", "write")),
    **dict.fromkeys(("id-token", "copilot-requests"), ("write",)),
    **dict.fromkeys(("models", "vulnerability-alerts"), ("read",)),
}


def granted(workflow: Node | None, job: Node | None) -> dict[str, Level] | None:
    """The scopes that are not none, by name; None where nobody says so and the repository's
    settings decide. What a job says replaces all that its workflow says, and as soon as one scope
    is named all others are none but for `metadata` (GitHub's workflow syntax, permissions)."""
    said = workflow if job is None else job
    if said is None or (isinstance(said, Scalar) and said.value is None):
        return None
    found: dict[str, Level] = {"metadata": "read"}
    value = plain(said)
    if value in ("read-all", "write-all"):
        wanted: Level = "read" if value == "read-all" else "write"
        found |= {scope: wanted for scope, levels in _LEVELS.items() if wanted in levels}
    elif isinstance(value, Mapping):
        found |= {scope: level for scope, level in value.items() if level in _LEVELS.get(scope, ())}
    return dict(sorted(found.items()))


def shown(found: Mapping[str, Level]) -> str:
    """`contents: read, metadata: read`."""
    return ", ".join(f"{scope}: {level}" for scope, level in found.items())
