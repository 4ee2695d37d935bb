"""What changes while a job runs: its status, environment, path and finished steps."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine import contexts
from engine.events import Outcome
from engine.expr import CaseSensitive, ExprError, Value
from engine.machine import Facts
from engine.masks import Masks
from engine.tree import Scope


class NeedsHash(Exception):
    """An expression asked `hashFiles` something that the machine has to be asked first."""

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self.patterns = patterns
        super().__init__(patterns)


@dataclass(slots=True)
class JobState:
    """`base` are the contexts that stay the same for the whole job."""

    base: Mapping[str, Any]
    facts: Facts
    masks: Masks
    debug: bool = False
    env: dict[str, str] = field(default_factory=dict)
    path: list[str] = field(default_factory=list)
    steps: dict[str, Any] = field(default_factory=dict)
    status: Outcome = Outcome.SUCCESS
    has_event: bool = False
    hashes: dict[tuple[str, ...], str | ExprError] = field(default_factory=dict)

    def scope(self, step_env: Mapping[str, str] | None = None, **github: str) -> Scope:
        """What a step's expressions see; `github` are the keys only this step has."""
        variables = CaseSensitive({**self.env, **(step_env or {})})
        found = {
            **self.base,
            "env": variables,
            "job": self.job_context(),
            "runner": contexts.runner(self.facts, debug=self.debug),
            "steps": self.steps,
        }
        found["github"] = {**self.base["github"], **self.own_github(), **github}
        return Scope(found, self.functions())

    def own_github(self) -> dict[str, str]:
        """The keys of `github` that depend on the machine."""
        return {"workspace": self.facts.layout.workspace, "event_path": self.event_path}

    @property
    def event_path(self) -> str:
        return f"{self.facts.layout.temp}/_github_workflow/event.json"

    def inputs(self) -> dict[str, str]:
        """The files that a job's first script finds: the event, until a step has had it."""
        if self.has_event:
            return {}
        return {self.event_path: json.dumps(self.base["github"]["event"], indent=2)}

    def job_context(self) -> dict[str, Any]:
        """The `job` context."""
        found: dict[str, Any] = {**self.base.get("job", {}), "status": str(self.status)}
        if self.facts.id:
            found["container"] = {"id": self.facts.id, "network": self.facts.network}
        return found

    def functions(self) -> dict[str, Callable[..., Value]]:
        """The functions that depend on the job (actions/runner, Runner.Worker/Expressions)."""
        return {
            "always": lambda: True,
            "success": lambda *_: self.status is Outcome.SUCCESS,
            "failure": lambda *_: self.status is Outcome.FAILURE,
            "cancelled": lambda: self.status is Outcome.CANCELLED,
            "hashfiles": self._hash_files,
        }

    def _hash_files(self, *patterns: Value) -> Value:
        asked = tuple(str(pattern) for pattern in patterns)
        if asked not in self.hashes:
            raise NeedsHash(asked)
        found = self.hashes[asked]
        if isinstance(found, ExprError):
            raise ExprError(found.message)
        return found

    def worsen(self, conclusion: Outcome) -> None:
        """A step ended; cancelled stays cancelled, a failure stays a failure."""
        if conclusion is Outcome.FAILURE and self.status is Outcome.SUCCESS:
            self.status = Outcome.FAILURE
