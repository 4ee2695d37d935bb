"""A running container that obeys a job."""

from __future__ import annotations

from engine.machine import Build, Command, ContainerCommand, Exit, Facts, Log, Output, Pull
from runners.docker import files
from runners.docker.api import Api
from runners.docker.steps import Steps
from runners.shell import Lanes


class DockerMachine:
    """A container, and the container steps beside it."""

    def __init__(self, api: Api, facts: Facts, lanes: Lanes, steps: Steps) -> None:
        self.facts = facts
        self.failed = False  # whether any command did
        self._api = api
        self._lanes = lanes
        self._steps = steps

    async def exec(self, command: Command, output: Output) -> Exit:
        """As Machine.exec."""
        return self._noted(await self._lanes.exec(command, output))

    async def provide(self, wanted: Pull | Build, log: Log) -> str:
        """As Machine.provide."""
        return await self._steps.provide(wanted, log)

    async def contain(self, command: ContainerCommand, output: Output) -> Exit:
        """As Machine.contain."""
        return self._noted(await self._steps.contain(command, output))

    async def put(self, path: str, tar: bytes) -> None:
        """As Machine.put."""
        await files.put(self._api, self.facts.id, path, tar)

    async def get(self, path: str) -> bytes:
        """As Machine.get."""
        return await files.get(self._api, self.facts.id, path)

    def _noted(self, exit_: Exit) -> Exit:
        self.failed |= exit_.code != 0
        return exit_
