"""What the user asked of a run, and the machines that come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct, field

from engine.containers import Container
from engine.contexts import RunFacts
from engine.job import Cancellation
from engine.machine import (
    Credentials,
    Layout,
    MachineSpec,
    PullPolicy,
    Runner,
    Service,
    WorkspaceMode,
)
from engine.model import Step, Workflow
from engine.plan import Leg
from engine.secretive import Secretive

if TYPE_CHECKING:
    from engine.actions.resolve import Finder, Found


class Berth(Struct, frozen=True):
    """Where one leg will run."""

    runner: Runner
    image: str


class Group(Struct, frozen=True):
    """A concurrency group, its expressions answered."""

    name: str
    cancel_in_progress: bool = False
    queue: Literal["single", "max"] = "single"


# (group, who asks, what to cancel) -> an async context manager of whether it is one's turn
EnterGroup = Callable[[Group, str, Cancellation], AbstractAsyncContextManager[bool]]


class Environment(Secretive, Struct, frozen=True):
    """The secrets and variables that jobs of one `environment` get beside the others."""

    secrets: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


class NoPlace(Exception):
    """This computer has nothing that stands for what a job runs on; the text has the remedy."""


Choose = Callable[[Leg], Berth]
"""Finds the berth of a leg, or raises NoPlace."""


class Supplies(Struct, frozen=True):
    """What was brought for the steps before a run: actions by their keys, and their Node."""

    actions: Mapping[str, Found] = field(default_factory=dict)
    finder: Finder | None = None
    externals: Path | None = None


NO_SUPPLIES = Supplies()


class Settings(Secretive, Struct, frozen=True):
    """What the user asked of a run, beside the workflow itself."""

    source: Path
    secrets: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, Any] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    environments: Mapping[str, Environment] = field(default_factory=dict)
    matrix: tuple[tuple[str, str], ...] = ()
    hidden: tuple[str, ...] = ()
    workspace_mode: WorkspaceMode = "overlay"
    pull: PullPolicy = "missing"
    options: str = ""
    network: str = ""
    platform: str = ""
    docker_socket: bool = True
    debug: bool = False
    supplies: Supplies = NO_SUPPLIES


def machine_spec(
    leg: Leg,
    workflow: Workflow,
    berth: Berth,
    settings: Settings,
    facts: RunFacts,
    attempt: int = 1,
) -> MachineSpec:
    """What the runner is told: the job's container, or the image that stands for its label."""
    container, supplies = leg.container, settings.supplies
    folders, contains = _used(workflow, leg.job.steps, supplies.actions)
    return MachineSpec(
        run_id=facts.run_id,
        name=machine_name(leg.key, attempt),
        layout=layout(facts.checkout.name, in_container=container is not None),
        source=settings.source,
        hidden=settings.hidden,
        workspace_mode=settings.workspace_mode,
        image=berth.image,
        env=container.env if container else {},
        volumes=container.volumes if container else (),
        ports=container.ports if container else (),
        options=" ".join(filter(None, (settings.options, container.options if container else ""))),
        network=settings.network,
        platform=settings.platform,
        pull=settings.pull,
        credentials=_credentials(container) if container else None,
        services=tuple(
            _service(name, found) for name, found in leg.services.items() if found.image
        ),
        localhost=container is None,
        actions=folders,
        externals=supplies.externals,
        contains=contains,
        docker_socket=settings.docker_socket,
    )


def _used(
    workflow: Workflow, steps: tuple[Step, ...], known: Mapping[str, Found]
) -> tuple[Mapping[str, Path], bool]:
    """The folders of the actions that steps use, and whether one may run in a container."""
    if not known and not any(step.uses or step.children for step in steps):
        return {}, False
    from engine.actions import home
    from engine.actions.manifest import DockerRuns
    from engine.actions.reach import folders, reached

    used = list(reached(steps, known, home(workflow)))
    contains = any(one is None or isinstance(one.action.runs, DockerRuns) for one in used)
    return folders(used), contains


def _service(name: str, found: Container) -> Service:
    return Service(
        name=name,
        image=found.image,
        env=found.env,
        ports=found.ports,
        volumes=found.volumes,
        options=found.options,
        credentials=_credentials(found),
        entrypoint=found.entrypoint,
        command=found.command,
    )


def _credentials(found: Container) -> Credentials | None:
    return Credentials(found.username, found.password) if found.username else None


def machine_name(key: str, attempt: int = 1) -> str:
    """A name for each machine of a run: no id begins with a digit, as the legs' numbers do."""
    return key.replace("/", ".") + (f".try-{attempt}" if attempt > 1 else "")


def layout(repository: str, *, in_container: bool) -> Layout:
    """GitHub's directories on its hosted machines and in job containers (actions/runner)."""
    if in_container:
        return Layout(
            workspace=f"/__w/{repository}/{repository}",
            temp="/__w/_temp",
            tool_cache="/__t",
            home="/github/home",
            actions="/__w/_actions",
            externals="/__e",
        )
    return Layout(
        workspace=f"/home/runner/work/{repository}/{repository}",
        temp="/home/runner/work/_temp",
        tool_cache="/opt/hostedtoolcache",
    )
