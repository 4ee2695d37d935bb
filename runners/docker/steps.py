"""Container steps: each one container beside the job's, with the job's directories."""

from __future__ import annotations

import trio
from msgspec import Struct

from engine.machine import (
    STEP_LAYOUT,
    Build,
    Command,
    ContainerCommand,
    ContainerError,
    Exit,
    Log,
    MachineError,
    Output,
    Pull,
)
from runners.docker import create, places
from runners.docker.api import Api, ApiError, Json, Upgraded
from runners.docker.builds import Builds
from runners.docker.images import Images, Wanted
from runners.docker.leftovers import Job
from runners.docker.link import Demux, received
from runners.docker.workspace import Mount
from runners.shell import LADDER, Lanes, quote

_PATIENCE = 30.0  # seconds that reading the files of a step may take
_ATTACHED = dict.fromkeys(("stream", "stdout", "stderr"), "1")


class Steps(Struct, frozen=True):
    """The container steps of one job; `mounts` and `network` are theirs."""

    api: Api
    job: Job
    lanes: Lanes
    images: Images
    builds: Builds
    starts: trio.CapacityLimiter
    mounts: list[Mount]
    network: str

    async def provide(self, wanted: Pull | Build, log: Log) -> str:
        """As Machine.provide."""
        spec = self.job.spec
        try:
            if isinstance(wanted, Build):
                return await self.builds.build(wanted, spec, log)
            image = Wanted(wanted.image, wanted.credentials, spec.platform, spec.pull)
            await self.images.ensure(image, log)
        except MachineError as error:
            raise ContainerError(str(error)) from error
        return wanted.image

    async def contain(self, command: ContainerCommand, output: Output) -> Exit:
        """As Machine.contain."""
        if not self.job.spec.contains:
            raise ContainerError("This machine was not made to run container steps beside it.")
        await self._prepare(command)
        code = await self._run(command, output)
        inside = {self._inside(path): path for path in command.files}
        with trio.move_on_after(_PATIENCE, shield=True):  # a cancelled step's files count too
            found = await self.lanes.read(tuple(inside))
            return Exit(code, {inside[path]: content for path, content in found.items()})
        raise MachineError("The job's machine does not answer any more.")

    def _inside(self, path: str) -> str:
        return places.in_machine(self.job.spec.layout, path)

    async def _prepare(self, command: ContainerCommand) -> None:
        """Make the step's files, for whatever user its image has."""
        files = tuple(map(self._inside, command.files))
        script = "chmod a+rw " + " ".join(map(quote, files)) if files else ":"
        inputs = {self._inside(path): text for path, text in command.inputs.items()}
        said = bytearray()
        made = Command(script, ("sh", "-e", "{0}"), "/", files=files, inputs=inputs)
        ended = await self.lanes.exec(made, said.extend)
        await trio.lowlevel.checkpoint_if_cancelled()
        if ended.code:
            text = said.decode(errors="replace").strip()
            raise ContainerError(f"The files of the step can't be made: {text}")

    async def _run(self, command: ContainerCommand, output: Output) -> int:
        name = self.job.fresh("step-")
        thing = f"/containers/{name}"
        try:
            try:
                await create.create(self.api, self.job, name, self._body(command), _ignore)
                wire = await self.api.upgrade(f"{thing}/attach", query=_ATTACHED)
            except ApiError as error:
                raise _refused(command, error) from error
            try:
                return await self._started(thing, wire, command, output)
            finally:
                with trio.CancelScope(shield=True):  # a cancelled step still has its exit to tell
                    await trio.aclose_forcefully(wire.stream)
        finally:
            self.job.remove(thing)

    async def _started(
        self, thing: str, wire: Upgraded, command: ContainerCommand, output: Output
    ) -> int:
        try:
            async with self.starts:
                await self.api.call("POST", f"{thing}/start")
        except ApiError as error:
            raise _refused(command, error) from error
        demux = Demux()
        try:
            return await self._ended(thing, wire, demux, output)
        except trio.Cancelled:
            for name, seconds in LADDER:
                with trio.move_on_after(seconds, shield=True):
                    await self._signal(thing, name)
                    return await self._ended(thing, wire, demux, output)
        raise MachineError("The cancelled container step could not be ended.")

    async def _ended(self, thing: str, wire: Upgraded, demux: Demux, output: Output) -> int:
        """Pass on what it says to the end; its exit code."""
        while data := await received(wire):
            for _, piece in demux.pieces(data):
                output(piece)
        code: int = (await self.api.call("POST", f"{thing}/wait")).json["StatusCode"]
        return code

    async def _signal(self, thing: str, name: str) -> None:
        try:
            await self.api.call("POST", f"{thing}/kill", query={"signal": f"SIG{name}"})
        except ApiError as error:
            if error.status not in (404, 409):  # just ended
                raise

    def _body(self, command: ContainerCommand) -> Json:
        env = {"HOME": str(STEP_LAYOUT.home), **command.env}
        body: Json = {
            "Image": command.image,
            "Cmd": list(command.args),
            "Env": [f"{name}={value}" for name, value in env.items()],
            "WorkingDir": STEP_LAYOUT.workspace,
            "Labels": self.job.labels,
            "AttachStdout": True,
            "AttachStderr": True,
            "HostConfig": {
                "LogConfig": {"Type": "none"},
                "NetworkMode": self.network,
                "Mounts": self.mounts,
            },
        }
        return body | ({"Entrypoint": [command.entrypoint]} if command.entrypoint else {})


def _ignore(line: str) -> None:
    """A step's container has no name that could be taken."""


def _refused(command: ContainerCommand, error: ApiError) -> ContainerError:
    return ContainerError(
        f"The container of the step (image {command.image}) can't be started: "
        f"{str(error).rstrip('.')}."
    )
