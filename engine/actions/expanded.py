"""What each `uses:` stands for, as JSON for people and programs that look at a plan."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from engine.actions import is_checkout
from engine.actions.manifest import CompositeRuns, DockerRuns, Runs
from engine.actions.resolve import Found, Resolved
from engine.model import Step
from engine.reference import Image, ReferenceError_, Remote, key, parse, placed


def as_json(step: Step, resolved: Resolved, home: Remote | None = None) -> dict[str, Any] | None:
    """What the `uses:` of a step stands for, the steps of a composite included; None without one.

    `home` is the repository of the file that the step stands in, None for the run's own.
    """
    return _Expansion(resolved).of(step, home)


class _Expansion(Struct, frozen=True):
    resolved: Resolved
    told: set[str] = field(default_factory=set)  # composites whose steps are there already

    def of(self, step: Step, home: Remote | None) -> dict[str, Any] | None:
        if step.uses is None:
            return None
        if is_checkout(step):
            return {"kind": "checkout", "where": "workspace"}
        try:
            reference = placed(parse(step.uses.text), home)
        except ReferenceError_:
            return {"kind": "unknown"}
        if isinstance(reference, Image):
            return {"kind": "image", "image": reference.image}
        found = self.resolved.found.get(key(reference))
        if found is not None:
            return self.about(found)
        return {"kind": "unknown"} | ({} if isinstance(reference, Remote) else _WORKSPACE)

    def about(self, found: Found) -> dict[str, Any]:
        runs = found.action.runs
        about: dict[str, Any] = {
            "kind": _kind(runs),
            "name": found.action.name,
            "commit": found.sha,
            "where": str(found.source) if found.source else "workspace",
            "image": runs.image if isinstance(runs, DockerRuns) else "",
        }
        name = found.key
        if isinstance(runs, CompositeRuns) and name not in self.told:
            self.told.add(name)
            home = found.reference if isinstance(found.reference, Remote) else None
            about["steps"] = [self.inner(step, home) for step in runs.steps]
        return {name: value for name, value in about.items() if value}

    def inner(self, step: Step, home: Remote | None) -> dict[str, Any]:
        written = step.uses.text if step.uses else step.run.node.text if step.run else ""
        about = {"at": str(step.place), step.kind: written, "stands-for": self.of(step, home)}
        return {name: value for name, value in about.items() if value}


_WORKSPACE = {"where": "workspace"}


def _kind(runs: Runs) -> str:
    if isinstance(runs, CompositeRuns):
        return "composite"
    return "docker" if isinstance(runs, DockerRuns) else runs.using
