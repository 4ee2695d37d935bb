"""What one job is told, what it answers, and what its steps share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import Struct, field

from engine.events import Emit, Outcome, Phase
from engine.expr import ExprError
from engine.job.cancellation import Cancellation
from engine.job.state import JobState, NeedsHash
from engine.machine import Machine
from engine.masks import Masks
from engine.model import Workflow
from engine.plan import Leg
from engine.secretive import Secretive

if TYPE_CHECKING:
    from engine.actions.resolve import Finder, Found
    from engine.job.frame import Use
    from engine.job.step import LiveStep

T = TypeVar("T")


class JobOrder(Secretive, Struct, frozen=True):
    """All that one job is told. `contexts` are those that stay the same while it runs.

    `actions` are those that were found before the job began, by their keys; `finder` is for others.
    """

    leg: Leg
    workflow: Workflow
    contexts: Mapping[str, Any]
    secrets: Mapping[str, str]
    env: Mapping[str, str] = field(default_factory=dict)  # given on the command line
    debug: bool = False
    actions: Mapping[str, Found] = field(default_factory=dict)
    finder: Finder | None = None
    externals: bool = False  # whether the machine has the Node that the engine supplies


class JobResult(Struct, frozen=True):
    """`broke` says that the machine failed, not the author's steps."""

    outcome: Outcome
    outputs: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    broke: bool = False
    timed_out: bool = False


class Bench(Struct, frozen=True):
    """Where the steps of a job work: its order, its machine, its state, and who is told."""

    order: JobOrder
    machine: Machine
    masks: Masks
    state: JobState
    emit: Emit
    cancellation: Cancellation
    running: list[LiveStep] = field(default_factory=list)  # from the outside in
    begun: set[Use] = field(default_factory=set)
    issues: dict[tuple[int, Phase], Counter[str]] = field(default_factory=dict)
    posts: list[Use] = field(default_factory=list)  # those whose turn comes after all steps

    def issues_of(self, step: int, phase: Phase) -> Counter[str]:
        """How many annotations of each level a step has; those of composites are their step's."""
        return self.issues.setdefault((step, phase), Counter())

    async def answer(self, ask: Callable[[], T]) -> T:
        """Evaluate; where `hashFiles` is in the way, ask the machine and evaluate again."""
        while True:
            try:
                return ask()
            except NeedsHash as needed:
                self.state.hashes[needed.patterns] = await self._hash(needed.patterns)

    async def _hash(self, patterns: tuple[str, ...]) -> str | ExprError:
        from engine import hashing  # few jobs ask for it

        try:
            return await hashing.hash_files(self.machine, patterns)
        except ExprError as error:
            return error
