"""Makes machines that are Docker containers, with what their jobs need beside them."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import trio

from engine.machine import Facts, Log, MachineSpec, ServiceFacts
from runners.docker import network, owner
from runners.docker.api import Api, address
from runners.docker.builds import Builds
from runners.docker.images import Images
from runners.docker.leftovers import Job, Leftovers
from runners.docker.machine import DockerMachine
from runners.docker.starting import Started, Starter, wanted_by
from runners.docker.steps import Steps
from runners.docker.together import together
from runners.docker.workspace import TIERS, Tier

ARCHITECTURES = {"amd64": "X64", "arm64": "ARM64", "arm": "ARM", "386": "X86"}


class DockerRunner:
    """Makes machines for one run; `settle` waits until what its jobs left is removed."""

    def __init__(self, tiers: tuple[Tier, ...] = TIERS) -> None:
        self._tiers = tiers
        self._daemon: _Daemon | None = None

    @asynccontextmanager
    async def open(self, spec: MachineSpec, log: Log) -> AsyncIterator[DockerMachine]:
        """As Runner.open."""
        async with AsyncExitStack() as stack:
            yield await self._connected().open(stack, spec, log)

    async def settle(self) -> None:
        """Wait until everything of the jobs that are over is removed."""
        await self._connected().leftovers.settle()

    async def clean(self, run_id: str | None = None) -> tuple[str, ...]:
        """As Runner.clean."""
        return await owner.clean(self._connected().api, run_id)

    async def tier(self, spec: MachineSpec, log: Log) -> str:
        """The way in which Docker takes a repository. Raises MachineError."""
        daemon = self._connected()
        starter, job = daemon.starter, Job(spec, daemon.leftovers)
        try:
            image = await daemon.images.ensure(wanted_by(spec), log)
            await starter.create(job, image, "", log)
        finally:
            job.end()
        await self.settle()
        return starter.tiers[0]

    def _connected(self) -> _Daemon:
        self._daemon = self._daemon or _Daemon(Api(address()), self._tiers)
        return self._daemon


class _Daemon:
    """The daemon, and what a run knows of it."""

    def __init__(self, api: Api, tiers: tuple[Tier, ...]) -> None:
        self.api = api
        self.images = Images(api)
        self.builds = Builds(api, self.images)
        self.leftovers = Leftovers(api)
        # more than this, started at once, only get in each other's way
        self.starts = trio.CapacityLimiter(os.cpu_count() or 1)
        self.starter = Starter(api, self.images, self.starts, tiers)

    async def open(self, stack: AsyncExitStack, spec: MachineSpec, log: Log) -> DockerMachine:
        """A machine, and the services beside it. Raises MachineError."""
        job = Job(spec, self.leftovers)
        stack.callback(job.end)
        if spec.services:
            return await self._among_services(stack, job, log)
        started = await self.starter.start(stack, job, spec.network, log)
        return self._machine(job, started, spec.network, {})

    async def _among_services(self, stack: AsyncExitStack, job: Job, log: Log) -> DockerMachine:
        from runners.docker.forward import forward  # few jobs have services
        from runners.docker.services import Services

        spec = job.spec
        services = Services(self.api, job, self.images, self.starts, log)
        await together(
            partial(network.create, self.api, job),
            partial(self.starter.image, spec, log),
            services.pull,
        )
        own = spec.network if network.on_host(spec) else job.name
        found: list[Started] = []

        async def start() -> None:
            started = await self.starter.start(stack, job, own, log)
            await network.connect(self.api, spec, started.created.id)
            if spec.localhost and services.ports:
                await forward(stack, self.api, job, started, services.ports, log)
            found.append(started)

        machine: DockerMachine | None = None

        async def end(kind: object, *_: object) -> None:
            well = machine is not None and not machine.failed and not kind
            await services.end(tell=not well)

        stack.push_async_exit(end)
        await together(start, services.start)
        machine = self._machine(job, found[0], own, services.facts)
        return machine

    def _machine(
        self, job: Job, started: Started, own: str, services: Mapping[str, ServiceFacts]
    ) -> DockerMachine:
        facts = Facts(
            isolation="docker",
            layout=job.spec.layout,
            arch=ARCHITECTURES.get(started.image.architecture, "X64"),
            bash=started.greeting.bash,
            musl=started.greeting.musl,
            id=started.created.id,
            network=own or "bridge",
            image=job.spec.image,
            services=services,
        )
        steps = Steps(
            self.api,
            job,
            started.lanes,
            self.images,
            self.builds,
            self.starts,
            started.created.step,
            own,
        )
        return DockerMachine(self.api, facts, started.lanes, steps)
