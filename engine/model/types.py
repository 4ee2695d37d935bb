"""What the author of a workflow meant, as frozen values."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from engine.permissions import Permissions
from engine.problems import Place
from engine.retry import Retry
from engine.source import Node, Scalar
from engine.tree import Condition, Text, Tree

StepKind = Literal["run", "uses", "wait", "wait-all", "cancel", "parallel"]
STEP_KINDS: tuple[StepKind, ...] = ("run", "uses", "wait", "wait-all", "cancel", "parallel")


class Trigger(Struct, frozen=True):
    """One event of `on:`; `filters` is None where none were given."""

    event: str
    place: Place
    filters: Node | None = None


class Defaults(Struct, frozen=True):
    """`defaults.run`."""

    shell: Tree | None = None
    working_directory: Tree | None = None


class Step(Struct, frozen=True):
    """One step; of `run`, `uses` and the rest only what its kind has is set."""

    kind: StepKind
    place: Place
    id: str = ""
    name: Text | None = None
    condition: Condition | None = None
    run: Text | None = None
    shell: Text | None = None
    working_directory: Text | None = None
    uses: Scalar | None = None
    with_: Tree | None = None
    env: Tree | None = None
    continue_on_error: Tree | None = None
    timeout_minutes: Tree | None = None
    retry: Retry | None = None
    background: bool = False
    targets: tuple[str, ...] = ()
    children: tuple[Step, ...] = ()


class Need(Struct, frozen=True):
    id: str
    place: Place


class Strategy(Struct, frozen=True):
    matrix: Tree | None = None
    fail_fast: Tree | None = None
    max_parallel: Tree | None = None


class Job(Struct, frozen=True):
    """One entry of `jobs:`, before its matrix is known."""

    id: str
    place: Place
    name: Text | None = None
    needs: tuple[Need, ...] = ()
    condition: Condition | None = None
    runs_on: Tree | None = None
    strategy: Strategy | None = None
    permissions: Permissions | None = None
    env: Tree | None = None
    defaults: Defaults = Defaults()
    outputs: Tree | None = None
    container: Tree | None = None
    services: Tree | None = None
    environment: Tree | None = None
    concurrency: Tree | None = None
    snapshot: Tree | None = None
    continue_on_error: Tree | None = None
    timeout_minutes: Tree | None = None
    cancel_timeout_minutes: Tree | None = None
    retry: Retry | None = None
    steps: tuple[Step, ...] = ()
    uses: Scalar | None = None
    with_: Tree | None = None
    secrets: Tree | None = None


class Output(Struct, frozen=True):
    """An output of `on.workflow_call`."""

    name: str
    place: Place
    value: Text


class Origin(Struct, frozen=True):
    """Where a called workflow is from: `repository` is owner/name, `ref` as its caller wrote it."""

    repository: str
    path: str
    ref: str
    sha: str


class Workflow(Struct, frozen=True):
    """`file` names it among all that a run reads; `origin` is None for what lies in the
    repository that the run is about."""

    file: str
    name: str
    triggers: tuple[Trigger, ...]
    run_name: Text | None = None
    permissions: Permissions | None = None
    outputs: tuple[Output, ...] = ()
    env: Tree | None = None
    defaults: Defaults = Defaults()
    concurrency: Tree | None = None
    jobs: tuple[Job, ...] = ()
    origin: Origin | None = None

    def trigger(self, event: str) -> Trigger | None:
        return next((t for t in self.triggers if t.event == event), None)
