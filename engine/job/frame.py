"""The steps that see each other: those of a job, or those of one use of a composite action."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from engine import actions
from engine.events import Outcome
from engine.model import Step
from engine.reference import Remote

if TYPE_CHECKING:
    from engine.actions.resolve import Found


class Frame(Struct):
    """What steps share beside the job's state.

    `status` is that of a composite so far, None in the job's own frame; `env` is what the step
    that uses the composite adds to the environment; `origin` is the action that the steps stand in,
    or the repository of a called workflow's file. `keeps` says that the step around them may look
    at what they print.
    """

    steps: dict[str, Any] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, Any] | None = None
    github: Mapping[str, str] = field(default_factory=dict)
    status: Outcome | None = None
    origin: Remote | None = None
    depth: int = 0
    keeps: bool = False
    _names: dict[str, int] = field(default_factory=dict)

    def action_name(self, step: Step) -> str:
        """`github.action`: the step's id, or a generated one (actions/runner)."""
        if step.id:
            return step.id
        base = actions.generated_id(step)
        self._names[base] = self._names.get(base, 0) + 1
        count = self._names[base]
        return base if count == 1 else f"{base}_{count}"

    def worsen(self, conclusion: Outcome) -> None:
        """A step of a composite ended; a failure stays a failure."""
        if conclusion is Outcome.FAILURE:
            self.status = conclusion


class Use(Struct, eq=False):
    """One step of a job or a composite, as all its phases see it: pre, main and post.

    `index` is the number of the workflow's step that it belongs to. `saved` is the state that a
    phase leaves to later ones; `env` and `inputs` are kept from main for post.
    """

    step: Step
    index: int
    frame: Frame
    action: str
    found: Found | None = None
    saved: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    inner: tuple[Use, ...] = ()  # the steps of its composite, or of its parallel group
    has_post: bool = False

    @property
    def keeps(self) -> bool:
        """Whether what it prints is kept, for a `retry` of it or of a step around it."""
        retry = self.step.retry
        return self.frame.keeps or (retry is not None and retry.looks_at_output)
