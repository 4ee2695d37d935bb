"""Where each job will run: which runner, and which image stands for its label."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache, partial
from importlib import import_module

from msgspec import Struct

from engine.cli.settings import IMAGES, SELF_HOSTED
from engine.machine import ImageUnavailable, Log, Machine, MachineError, MachineSpec, Runner
from engine.plan import Leg
from engine.problems import did_you_mean, usage
from engine.run import Berth, Choose, NoPlace

_BUILT_IN = {
    "docker": "runners.docker:DockerRunner",
    "namespace": "runners.namespace:NamespaceRunner",
    "host": "runners.host:HostRunner",
}


@cache
def runner(name: str) -> Runner:
    """The runner of a name: one of ours, or one that another package registered as an entry point
    in the group `runwright.runners`. Raises Refused where there is none."""
    if name in _BUILT_IN:
        module, _, kind = _BUILT_IN[name].partition(":")
        made: Runner = getattr(import_module(module), kind)()
        return made
    from importlib.metadata import entry_points  # slow to import, and rarely needed

    found = {point.name: point for point in entry_points(group="runwright.runners")}
    if name not in found:
        known = sorted({*_BUILT_IN, *found})
        hint = did_you_mean(name, known)
        raise usage(f'there is no runner "{name}"{hint}; known: {", ".join(known)}')
    registered: Runner = found[name].load()()
    return registered


class Fallback:
    """Docker, or a namespace where the image can't be had; the log says so once for an image."""

    def __init__(self, first: Runner, spare: Callable[[], Runner]) -> None:
        self.first = first
        self.spare = spare
        self._missing: set[str] = set()

    @asynccontextmanager
    async def open(self, spec: MachineSpec, log: Log) -> AsyncIterator[Machine]:
        async with AsyncExitStack() as stack:
            machine = None
            if spec.image not in self._missing:
                try:
                    machine = await stack.enter_async_context(self.first.open(spec, log))
                except ImageUnavailable as error:
                    if spec.image not in self._missing:
                        log(
                            f"{error} Jobs that need it run in a namespace of this machine instead."
                        )
                    self._missing.add(spec.image)
            if machine is None:
                machine = await stack.enter_async_context(self.spare().open(spec, log))
            yield machine

    async def clean(self, run_id: str | None = None) -> tuple[str, ...]:
        return (*await self.first.clean(run_id), *await self.spare().clean(run_id))


class Isolation(Struct, frozen=True):
    """What was decided for a whole command, and why."""

    name: str
    why: str


async def decide(asked: str) -> Isolation:
    """Docker where it answers, else a namespace; the host only when asked for by name.

    Raises MachineError where nothing is left.
    """
    if asked != "auto":
        return Isolation(asked, "asked for with --runner")
    from runners.docker.api import Api, address

    try:
        await Api(address()).ping()
        return Isolation("docker", "Docker answers")
    except MachineError as error:
        reason = str(error)
    from runners import namespace

    spare = await namespace.probe()
    if spare.works:
        return Isolation("namespace", reason)
    raise MachineError(
        f"{reason.rstrip('.')}. Jobs can't run in namespaces here either: "
        f"{spare.reason.rstrip('.')}. What is left is this machine itself, with --runner host."
    )


def chooser(isolation: Isolation, asked: str, images: Mapping[str, str]) -> Choose:
    """Finds the runner and the image of each leg."""
    spare = None
    if isolation.name == "docker":
        spare = Fallback(runner("docker"), partial(runner, "namespace"))

    def choose(leg: Leg) -> Berth:
        image = leg.container.image if leg.container else image_of(leg, images)
        if image == SELF_HOSTED:
            return Berth(runner("host"), "")
        if isolation.name != "docker":
            return Berth(_without_images(leg, isolation.name), "")
        ours = leg.container is None and image in IMAGES.values()
        if spare and asked == "auto" and ours and not leg.services:
            return Berth(spare, image)
        return Berth(runner("docker"), image)

    return choose


def _without_images(leg: Leg, name: str) -> Runner:
    if leg.container is not None:
        raise NoPlace(
            f'it asks for the container "{leg.container.image}", and only Docker has containers; '
            "start Docker, or run other jobs with --job"
        )
    return runner(name)


def image_of(leg: Leg, images: Mapping[str, str]) -> str:
    """The image that stands for the first label that has one. Raises NoPlace."""
    for label in leg.runs_on:
        if label.lower() in images:
            return images[label.lower()]
    shown = ", ".join(leg.runs_on) or "nothing"
    label = leg.runs_on[0] if leg.runs_on else "LABEL"
    raise NoPlace(
        f'no image stands for "runs-on: {shown}" here; name one with -P {label}=IMAGE, '
        f"or run it on this machine itself with -P {label}={SELF_HOSTED}"
    )
