"""Jobs in Docker containers: each job in its own, spoken to over its attached streams."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import trio

from engine.machine import (
    Build,
    Command,
    ContainerCommand,
    ContainerError,
    Exit,
    Facts,
    Layout,
    Log,
    MachineError,
    MachineSpec,
    Output,
    Pull,
)
from runners.docker import archive, create, images, owner, workspace
from runners.docker.api import Api, ApiError, address
from runners.docker.images import Image
from runners.docker.link import Attached, Guard
from runners.docker.reaper import Reaper
from runners.docker.workspace import TIERS, Tier
from runners.shell import Session, folders

__all__ = ["DockerMachine", "DockerRunner", "Probe", "probe"]

ARCHITECTURES = {"amd64": "X64", "arm64": "ARM64", "arm": "ARM", "386": "X86"}
REMOVAL = 30.0  # seconds that the removal of one job's things may take
_CREATION = 60.0
_ATTACHED = dict.fromkeys(("stream", "stdin", "stdout", "stderr"), "1")


@dataclass(frozen=True, slots=True)
class Probe:
    """What `doctor` tells of Docker: its versions and how a repository gets into it.

    `tier` is empty when Docker is not there or has no image to try with; `reason` says which.
    """

    url: str
    version: str = ""
    api: str = ""
    tier: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Made:
    """A created container."""

    id: str
    secret: str
    root: bool


class DockerMachine:
    """A running container."""

    def __init__(self, api: Api, facts: Facts, session: Session) -> None:
        self.facts = facts
        self._api = api
        self._session = session

    async def exec(self, command: Command, output: Output) -> Exit:
        """As Machine.exec."""
        return await self._session.exec(command, output)

    async def provide(self, wanted: Pull | Build, log: Log) -> str:
        """As Machine.provide."""
        raise ContainerError("Container steps can't be run yet.")

    async def contain(self, command: ContainerCommand, output: Output) -> Exit:
        """As Machine.contain."""
        raise ContainerError("Container steps can't be run yet.")

    async def put(self, path: str, tar: bytes) -> None:
        """As Machine.put."""
        await _make(self._api, self.facts.id, path)
        await _unpack(self._api, self.facts.id, path, tar)

    async def get(self, path: str) -> bytes:
        """As Machine.get."""
        try:
            where = f"/containers/{self.facts.id}/archive"
            return (await self._api.call("GET", where, query={"path": path})).body
        except ApiError as error:
            raise MachineError(f"'{path}' cannot be read from the container: {error}.") from error


class DockerRunner:
    """Makes machines that are Docker containers.

    What a job leaves is removed in the background, so that its place is free at once. What is
    not removed when the run ends is left to a process beside it; `settle` waits for all.
    """

    def __init__(self, tiers: tuple[Tier, ...] = TIERS) -> None:
        self._tiers = tiers
        self._known: Api | None = None
        self._starts = trio.CapacityLimiter(os.cpu_count() or 1)
        self._shipping = trio.Lock()
        self._bare: set[str] = set()  # ids of images without a shell
        self._removals: set[trio.Event] = set()
        self._reaper: Reaper | None = None

    @asynccontextmanager
    async def open(self, spec: MachineSpec, log: Log) -> AsyncIterator[DockerMachine]:
        """As Runner.open."""
        api = self._api()
        image = await images.ensure(api, spec, log)
        async with AsyncExitStack() as stack:
            try:
                try:
                    machine = await self._start(stack, spec, image, log)
                except ApiError as error:
                    if image.id in self._bare or not _lacks_shell(error):
                        raise
                    self._bare.add(image.id)
                    machine = await self._start(stack, spec, image, log)
            except ApiError as error:
                raise MachineError(
                    f"The container of '{spec.name}' (image {spec.image}) cannot be started: "
                    f"{str(error).rstrip('.')}."
                ) from error
            yield machine

    async def settle(self) -> None:
        """Wait until everything of the jobs that are over is removed."""
        while self._removals:
            await next(iter(self._removals)).wait()

    async def clean(self, run_id: str | None = None) -> tuple[str, ...]:
        """As Runner.clean."""
        return await owner.clean(self._api(), run_id)

    async def tier(self, spec: MachineSpec, log: Log) -> str:
        """The way in which Docker takes a repository. Raises MachineError."""
        image = await images.ensure(self._api(), spec, log)
        async with AsyncExitStack() as stack:
            await self._create(stack, spec, image, log)
        await self.settle()
        return self._tiers[0]

    def _api(self) -> Api:
        self._known = self._known or Api(address())
        return self._known

    async def _start(
        self, stack: AsyncExitStack, spec: MachineSpec, image: Image, log: Log
    ) -> DockerMachine:
        api = self._api()
        made = await self._create(stack, spec, image, log)
        await self._furnish(made, spec, image)
        guard = Guard(api, made.id)
        stack.callback(guard.stop)
        where = f"/containers/{made.id}/attach"
        wire = await api.upgrade(where, query=_ATTACHED)
        stack.push_async_callback(trio.aclose_forcefully, wire.stream)
        session = Session(Attached(wire, guard), spec.layout, made.secret)
        async with self._starts:
            await api.call("POST", f"/containers/{made.id}/start")
            bash = await session.greet()
        guard.start()
        arch = ARCHITECTURES.get(image.architecture, "X64")
        facts = Facts("docker", spec.layout, "Linux", arch, bash, made.id, spec.network, spec.image)
        return DockerMachine(api, facts, session)

    async def _create(
        self, stack: AsyncExitStack, spec: MachineSpec, image: Image, log: Log
    ) -> _Made:
        """A container, not started, with its workspace in the first way that works."""
        if spec.source is None or spec.workspace_mode == "bind":
            return await self._made(stack, spec, image, None)
        for tier in self._possible(spec):
            try:
                lower = await self._lower(spec, tier, log)
                made = await self._made(stack, spec, image, lower)
                if tier == "copy":
                    await self._fill(made, spec)
                if tier == "copy" or await workspace.seen(self._api(), made.id, spec):
                    return made
            except ApiError:
                if tier == self._tiers[-1]:
                    raise
            self._tiers = tuple(t for t in self._tiers if t != tier) or TIERS[-1:]
        raise MachineError("Docker takes the repository in no way; see: runwright doctor.")

    def _possible(self, spec: MachineSpec) -> tuple[Tier, ...]:
        whole = workspace.fits(str(spec.source)) and spec.workspace_mode == "overlay"
        return self._tiers if whole else ("copy",)

    async def _lower(self, spec: MachineSpec, tier: Tier, log: Log) -> str | None:
        """Where the daemon has the lower layer of the workspace; None: there is no overlay."""
        if tier == "overlay":
            return str(spec.source)
        if tier == "copy":
            return None
        async with self._shipping:
            return await workspace.ship(self._api(), spec, owner.labels(spec), log)

    async def _made(
        self, stack: AsyncExitStack, spec: MachineSpec, image: Image, lower: str | None
    ) -> _Made:
        api, secret, labels = self._api(), secrets.token_hex(16), owner.labels(spec)
        name = f"runwright-{spec.run_id}-{spec.name}-{secret[:6]}"
        query = {"name": name, "platform": spec.platform} if spec.platform else {"name": name}
        # The names are known before the things are made, so that nothing can be forgotten; and
        # a creation that is given up half-way would end later than its removal.
        kept = workspace.volumes(name) if lower else ()
        self._expect(name, kept)
        stack.callback(self._remove_later, name, kept)
        with trio.move_on_after(_CREATION, shield=True):
            mounts = workspace.bound(spec)
            if lower:
                mounts = await workspace.overlay(api, spec, lower, name, labels)
            body = create.body(spec, image, mounts, labels, secret)
            made = (await api.call("POST", "/containers/create", body, query=query)).json
            return _Made(made["Id"], secret, create.is_root(body, image))
        raise MachineError("Docker did not create the container within a minute.")

    async def _fill(self, made: _Made, spec: MachineSpec) -> None:
        assert spec.source
        path = PurePosixPath(spec.layout.workspace)
        await _make(self._api(), made.id, str(path.parent))
        data = archive.tree(spec.source, path.name, spec.hidden)
        where = f"/containers/{made.id}/archive"
        await self._api().call("PUT", where, data=data, query={"path": str(path.parent)})

    async def _furnish(self, made: _Made, spec: MachineSpec, image: Image) -> None:
        """Put in before the start what the container's own user could not."""
        if image.id in self._bare:
            await _unpack(self._api(), made.id, "/", await trio.to_thread.run_sync(archive.shell))
        if not made.root:
            for folder in folders(spec.layout):
                await _make(self._api(), made.id, folder)
            path = PurePosixPath(spec.layout.workspace)
            tar = archive.directories([path.name])
            await _unpack(self._api(), made.id, str(path.parent), tar)

    def _expect(self, container: str, volumes: tuple[str, ...]) -> None:
        address = self._api().address
        if address.socket and self._reaper is None:
            self._reaper = Reaper(address.socket)
        if self._reaper is not None:
            self._reaper.expect(container, volumes)

    def _remove_later(self, container: str, volumes: tuple[str, ...]) -> None:
        gone = trio.Event()
        self._removals.add(gone)
        trio.lowlevel.spawn_system_task(self._remove, container, volumes, gone)

    async def _remove(self, container: str, volumes: tuple[str, ...], gone: trio.Event) -> None:
        try:
            # without a reaper nobody else would do it
            with trio.move_on_after(REMOVAL, shield=self._reaper is None):
                await owner.remove(self._api(), container, volumes)
                if self._reaper is not None:
                    self._reaper.forget(container, volumes)
        except trio.Cancelled:  # trio.run ends
            if self._reaper is not None:
                self._reaper.take(container, volumes)
            raise
        except MachineError:
            pass  # what is left is labelled, and `clean` finds it
        finally:
            self._removals.discard(gone)
            gone.set()


async def probe(source: Path | None = None) -> Probe:
    """Try Docker out, with `source` as the repository. Never raises MachineError."""
    url = ""
    try:
        api = Api(address())
        url = api.address.url
        spoken = await api.ping()
        version = (await api.call("GET", "/version")).json["Version"]
        known = [tag for row in (await api.call("GET", "/images/json")).json for tag in _tags(row)]
        if source is None or not known:
            reason = "no image to try the workspace with" if source else "no repository to try"
            return Probe(url, version, spoken, "", reason)
        layout = Layout("/home/runner/work/probe/probe", "/home/runner/work/_temp", "/opt/tools")
        spec = MachineSpec("probe", secrets.token_hex(4), layout, source, image=known[0])
        return Probe(url, version, spoken, await DockerRunner().tier(spec, lambda line: None))
    except MachineError as error:
        return Probe(url, reason=str(error))


def _tags(row: dict[str, list[str] | None]) -> list[str]:
    return [tag for tag in row.get("RepoTags") or [] if not tag.startswith("<none>")]


def _lacks_shell(error: ApiError) -> bool:
    text = str(error)
    return '"sh"' in text and ("not found" in text or "no such file" in text)


async def _make(api: Api, container: str, path: str) -> None:
    """Make a directory and those above it in a container, for anybody to write to."""
    missing: list[str] = []
    above = PurePosixPath(path)
    while str(above) != "/" and not await workspace.stat_in(api, container, str(above)):
        missing.insert(0, above.name)
        above = above.parent
    if missing:
        names = ["/".join(missing[: count + 1]) for count in range(len(missing))]
        await _unpack(api, container, str(above), archive.directories(names))


async def _unpack(api: Api, container: str, path: str, tar: bytes) -> None:
    try:
        await api.call("PUT", f"/containers/{container}/archive", data=tar, query={"path": path})
    except ApiError as error:
        raise MachineError(f"Files cannot be put at '{path}': {error}.") from error
