"""What a job's token may do: GitHub's scopes and levels, and what one may hand to another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

from engine.source import Mapping as MappingNode
from engine.source import Node, Scalar

Level: TypeAlias = Literal["none", "read", "write"]
LEVELS: tuple[Level, ...] = ("none", "read", "write")  # each holds those before it

# Each scope and the most that can be asked for; `metadata: read` is always there and never named.
# https://docs.github.com/actions/reference/workflow-syntax-for-github-actions#permissions
SCOPES: Mapping[str, Level] = {
    "actions": "write",
    "artifact-metadata": "write",
    "attestations": "write",
    "checks": "write",
    "code-quality": "write",
    "contents": "write",
    "copilot-requests": "write",
    "deployments": "write",
    "discussions": "write",
    "drives": "write",
    "id-token": "write",
    "issues": "write",
    "models": "read",
    "packages": "write",
    "pages": "write",
    "pull-requests": "write",
    "repository-projects": "write",
    "security-events": "write",
    "statuses": "write",
    "vulnerability-alerts": "read",
}


class Permissions(Struct, frozen=True):
    """A level for each of SCOPES, in their order."""

    levels: tuple[Level, ...]

    def __getitem__(self, scope: str) -> Level:
        return self.levels[_ORDER[scope]]

    @property
    def given(self) -> dict[str, Level]:
        """The scopes that have any level."""
        pairs = zip(SCOPES, self.levels, strict=True)
        return {scope: level for scope, level in pairs if level != "none"}

    def beyond(self, allowed: Permissions) -> tuple[str, ...]:
        """The scopes that have more than `allowed` gives."""
        return tuple(s for s in SCOPES if _rank(self[s]) > _rank(allowed[s]))

    def within(self, allowed: Permissions) -> Permissions:
        """These permissions, each lowered to what `allowed` gives."""
        return Permissions(tuple(map(_lower, self.levels, allowed.levels)))


_ORDER = {scope: index for index, scope in enumerate(SCOPES)}
_rank = LEVELS.index


def _lower(one: Level, other: Level) -> Level:
    return min(one, other, key=_rank)


def of(levels: Mapping[str, Level]) -> Permissions:
    """The scopes that are named, and `none` for all others."""
    return Permissions(tuple(levels.get(scope, "none") for scope in SCOPES))


def all_at(level: Level) -> Permissions:
    """`read-all` or `write-all`; a scope that has no such level gets its highest."""
    return Permissions(tuple(_lower(level, most) for most in SCOPES.values()))


# What jobs get where no workflow says anything: the two settings that a repository has for it
# (actions/runner, PermissionsHelper).
RESTRICTED = of({"contents": "read", "packages": "read"})
PERMISSIVE = all_at("write")


def read(node: Node | None) -> Permissions | None:
    """The value of a `permissions:` key; None where there is none, so that others decide.

    One scope that is named makes all others `none`. What the schema refuses is left out.
    """
    match node:
        case Scalar(value="read-all"):
            return all_at("read")
        case Scalar(value="write-all"):
            return all_at("write")
        case MappingNode():
            return of({key.text: _level(value) for key, value in node.entries})
    return None


def _level(node: Node) -> Level:
    written = node.text if isinstance(node, Scalar) else ""
    return next((level for level in LEVELS if level == written), "none")
