"""How one try of a step ended, and what it left for the rest of the job."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from engine.events import Outcome
from engine.subjects import Subject

CANCELED = "The operation was canceled."  # as GitHub spells it


class Effects(Struct, frozen=True):
    """What a step handed on through its command files and its commands; it may be all empty.

    `declaration` is what it says it has built, `subjects` what that is once it was looked at.
    `errors` fail the step, `complaints` are still to be shown.
    """

    outputs: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    state: Mapping[str, str] = field(default_factory=dict)
    path: tuple[str, ...] = ()
    summary: str = ""
    declaration: str = ""
    subjects: Mapping[str, Subject] = field(default_factory=dict)
    errors: tuple[str, ...] = ()
    complaints: tuple[str, ...] = ()


class StepResult(Struct, frozen=True):
    """`outcome` is before `continue-on-error`, `conclusion` after it; `undecided` says that its
    condition had no answer."""

    outcome: Outcome
    conclusion: Outcome
    reason: str = ""
    exit_code: int | None = None
    attempts: int = 1
    timed_out: bool = False
    undecided: bool = False
    printed: str = ""
    effects: Effects = Effects()


def ended(outcome: Outcome, reason: str = "") -> StepResult:
    """A result without a process behind it."""
    return StepResult(outcome, outcome, reason)
