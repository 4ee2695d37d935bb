"""What changes while a job runs: its status, environment, path and finished steps."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from engine import contexts
from engine.events import Outcome
from engine.expr import CaseSensitive, ExprError, Value
from engine.machine import Facts
from engine.masks import Masks
from engine.matchers import Matchers
from engine.subjects import Subject, listed
from engine.tree import Scope

if TYPE_CHECKING:
    from engine.job.frame import Frame


class NeedsHash(Exception):
    """An expression asked `hashFiles` something that the machine has to be asked first."""

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self.patterns = patterns
        super().__init__(patterns)


class JobState(Struct):
    """`base` are the contexts that stay the same for the whole job."""

    base: Mapping[str, Any]
    facts: Facts
    masks: Masks
    debug: bool = False
    matchers: Matchers = field(default_factory=Matchers)
    subjects: dict[str, Subject] = field(default_factory=dict)  # artifacts that were declared
    env: dict[str, str] = field(default_factory=dict)
    path: list[str] = field(default_factory=list)
    status: Outcome = Outcome.SUCCESS
    has_event: bool = False
    hashes: dict[tuple[str, ...], str | ExprError] = field(default_factory=dict)

    def scope(
        self,
        frame: Frame,
        step_env: Mapping[str, str] | None = None,
        *,
        of_job: bool = False,
        **github: str,
    ) -> Scope:
        """What a step's expressions see; `github` are the keys only this step has.

        `of_job` says that status functions look at the job also inside of a composite, as they do
        before and after the steps.
        """
        found = {
            **self.base,
            "env": CaseSensitive({**self.env, **frame.env, **(step_env or {})}),
            "job": self.job_context(),
            "runner": contexts.runner(self.facts, debug=self.debug),
            "steps": frame.steps,
            "github": {**self.base["github"], **self._own_github(frame), **github},
        }
        if frame.inputs is not None:
            found["inputs"] = frame.inputs
        status = self.status if of_job or frame.status is None else self._of_composite(frame.status)
        return Scope(found, self._functions(status))

    def _of_composite(self, status: Outcome) -> Outcome:
        return self.status if self.status is Outcome.CANCELLED else status

    def _own_github(self, frame: Frame) -> dict[str, str]:
        """The keys of `github` that depend on the machine and on the composite."""
        layout = self.facts.layout
        found = {"workspace": layout.workspace, "event_path": layout.event, **frame.github}
        return found | ({"action_status": str(frame.status)} if frame.status else {})

    def inputs(self) -> dict[str, str]:
        """The files that a job's first script finds: the event, until a step has had it."""
        return {} if self.has_event else {self.facts.layout.event: self.event()}

    def listing(self) -> str:
        """The list of declared artifacts, '' as long as there is none."""
        return listed(self.subjects.values()) if self.subjects else ""

    def event(self) -> str:
        return json.dumps(self.base["github"]["event"], indent=2)

    def job_context(self) -> dict[str, Any]:
        """The `job` context."""
        facts = self.facts
        found: dict[str, Any] = {**self.base.get("job", {}), "status": str(self.status)}
        if facts.id:
            found["container"] = {"id": facts.id, "network": facts.network}
        if facts.services:
            found["services"] = {
                name: {"id": service.id, "network": service.network, "ports": dict(service.ports)}
                for name, service in facts.services.items()
            }
        return found

    def _functions(self, status: Outcome) -> dict[str, Callable[..., Value]]:
        """The functions that depend on the job (actions/runner, Runner.Worker/Expressions)."""
        return {
            "always": lambda: True,
            "success": lambda *_: status is Outcome.SUCCESS,
            "failure": lambda *_: status is Outcome.FAILURE,
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
