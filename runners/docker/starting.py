"""A job's container, from its image to a shell that listens."""

from __future__ import annotations

import itertools
import posixpath
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cached_property, partial
from pathlib import Path, PurePosixPath

import trio
from msgspec import Struct, field

from engine.machine import ImageUnavailable, Layout, Log, MachineError, MachineSpec
from runners.docker import archive, create, files, places, workspace
from runners.docker.api import Api, ApiError
from runners.docker.images import Image, Images, Wanted
from runners.docker.leftovers import Job
from runners.docker.link import SPEAKING, Attached, Guard, enter
from runners.docker.shipping import Shipping
from runners.docker.workspace import TIERS, Mount, Tier
from runners.shell import Greeting, Lanes, Session, boot, folders
from runners.shown import shown


class Created(Struct, frozen=True):
    """A container that has not started, and the mounts of those that will be beside it."""

    id: str
    secret: str
    root: bool
    step: list[Mount]
    externals: list[Mount]


class Started(Struct, frozen=True):
    """A container that runs commands."""

    image: Image
    greeting: Greeting
    lanes: Lanes
    created: Created


class Starter(Struct, dict=True):
    """Starts the containers of one run's jobs, and learns what the daemon can do."""

    api: Api
    images: Images
    starts: trio.CapacityLimiter
    tiers: tuple[Tier, ...] = TIERS
    sockets: bool = True  # whether the daemon's own can be mounted
    _bare: set[str] = field(default_factory=set)  # ids of images without a shell
    _proven: set[Path] = field(default_factory=set)  # repositories that the first tier works for

    @cached_property
    def shipping(self) -> Shipping:
        return Shipping(self.api)

    async def start(self, stack: AsyncExitStack, job: Job, network: str, log: Log) -> Started:
        """A container of the job's, which the stack lets go of. Raises MachineError."""
        image = await self.image(job.spec, log)
        try:
            try:
                return await self._start(stack, job, image, network, log)
            except ApiError as error:
                if _lacks_shell(error) and image.id not in self._bare:
                    self._bare.add(image.id)
                elif error.status == 404 and "no such image" in str(error).lower():
                    self.images.forget(wanted_by(job.spec))
                    image = await self.image(job.spec, log)
                elif not self._gives_up_socket(error, log):
                    raise
                return await self._start(stack, job, image, network, log)
        except ApiError as error:
            raise MachineError(
                f"The container of '{job.spec.name}' (image {job.spec.image}) cannot be started: "
                f"{str(error).rstrip('.')}."
            ) from error

    async def image(self, spec: MachineSpec, log: Log) -> Image:
        """The job's image, pulled if need be. Raises MachineError."""
        try:
            return await self.images.ensure(wanted_by(spec), log)
        except ImageUnavailable as error:
            if not spec.localhost:
                raise
            raise ImageUnavailable(
                f"{error} Another image for a label is chosen with -P LABEL=IMAGE."
            ) from error

    async def _start(
        self, stack: AsyncExitStack, job: Job, image: Image, network: str, log: Log
    ) -> Started:
        made = await self.create(job, image, network, log)
        await self._furnish(made, job.spec, image)
        guard = Guard(self.api, made.id)
        stack.callback(guard.stop)
        wire = await self.api.upgrade(f"/containers/{made.id}/attach", query=SPEAKING)
        stack.push_async_callback(trio.aclose_forcefully, wire.stream)
        numbers = itertools.count(1)
        layout = job.spec.layout
        session = Session(Attached(wire, guard), layout, made.secret, numbers=numbers)
        job.starts.set()
        async with self.starts:
            await self.api.call("POST", f"/containers/{made.id}/start")
            await session.greet()
        guard.start()
        lanes = Lanes(session, partial(_lane, self.api, made.id, guard, layout, numbers))
        await stack.enter_async_context(lanes)
        return Started(image, session.greeting, lanes, made)

    async def create(self, job: Job, image: Image, network: str, log: Log) -> Created:
        """A container, not started, with its workspace in the first way that works."""
        try:
            return await self._create(job, image, network, log)
        except ApiError as error:
            if not self._gives_up_socket(error, log):
                raise
            return await self._create(job, image, network, log)

    def _gives_up_socket(self, error: ApiError, log: Log) -> bool:
        """Whether it was the daemon's socket that Docker could not mount: then all do without."""
        if not self.sockets or posixpath.basename(places.SOCKET) not in str(error):
            return False
        self.sockets = False
        log(f"Jobs can't reach Docker here: its own socket can't be mounted ({error}).")
        return True

    async def _create(self, job: Job, image: Image, network: str, log: Log) -> Created:
        spec, tiers = job.spec, self.tiers
        if spec.source is None or spec.workspace_mode != "overlay":
            return await self._made(job, image, network, None, log)
        if not workspace.fits(str(spec.source)):
            return await self._made(job, image, network, None, log)
        for tier in tiers:
            try:
                made = await self._made(job, image, network, tier, log)
                if tier == "copy" or await self._right(made, spec, tier):
                    self.tiers = tiers[tiers.index(tier) :]
                    return made
            except ApiError as error:
                if tier == tiers[-1] or not _may_be_the_tiers(error):
                    raise
        raise MachineError("Docker takes the repository in no way; see: runwright doctor.")

    async def _right(self, made: Created, spec: MachineSpec, tier: Tier) -> bool:
        assert spec.source
        if spec.source in self._proven and tier == self.tiers[0]:
            return True
        if not await workspace.seen(self.api, made.id, spec):
            return False
        self._proven.add(spec.source)
        return True

    async def _made(
        self, job: Job, image: Image, network: str, tier: Tier | None, log: Log
    ) -> Created:
        """A container whose repository comes in one way, or as its mode says."""
        spec, name, secret = job.spec, job.fresh(), secrets.token_hex(16)
        sees = tier == "overlay" or (tier is None and self.tiers[0] == "overlay")
        layered = tier in ("overlay", "shipped")
        # before they are made, so that nothing can be forgotten
        volumes = places.volumes(spec, name, layered=layered)
        job.expect(*(f"/volumes/{volume}" for volume in volumes))
        driver = await self._driver(job, name, tier, log) if layered else None
        socket = self._socket(spec, sees=sees)
        mine = [places.socket(path, places.SOCKET_IN_JOB) for path in socket]
        beside = [places.socket(path, places.SOCKET) for path in socket]
        read_only = await self._read_only(job, log, sees=sees)
        mounts = [*places.of_machine(spec, name, job.labels, driver), *read_only, *mine]
        groups = self._groups(spec) if socket and sees else ()
        body = create.of_job(spec, image, network, mounts, job.labels, secret, groups)
        id_ = await create.create(self.api, job, name, body, log)
        externals = [one for one in read_only if one["Target"] == spec.layout.externals]
        step = [*places.of_step(spec, name), *beside]
        made = Created(id_, secret, create.is_root(body, image), step, externals)
        if spec.source and not layered and spec.workspace_mode != "bind":
            await self._fill(made, spec)
        return made

    async def _driver(self, job: Job, name: str, tier: Tier | None, log: Log) -> Mount:
        """The volume driver of the workspace."""
        spec = job.spec
        assert spec.source
        if tier == "overlay":
            lower = str(spec.source)
        else:
            lower = await self.shipping.ship(job, spec.source, spec.hidden, log)
        return await workspace.layers(self.api, spec, lower, name, job.labels)

    def _socket(self, spec: MachineSpec, *, sees: bool) -> list[str]:
        """The path of the daemon's own, wherever the daemon is."""
        path = self.api.address.socket if spec.docker_socket and self.sockets else ""
        return [path if sees else places.SOCKET] if path else []

    def _groups(self, spec: MachineSpec) -> tuple[int, ...]:
        """The socket's, where a container stands for a machine whose user may use Docker."""
        if not spec.localhost:
            return ()
        try:
            return (Path(self.api.address.socket).stat().st_gid,)
        except OSError:
            return ()

    async def _read_only(self, job: Job, log: Log, *, sees: bool) -> list[Mount]:
        """The folders of this computer that the machine sees read-only."""
        found = []
        for target, source in shown(job.spec, job.spec.layout).items():
            where = str(source)
            if not sees:
                where = await self.shipping.ship(job, source.resolve(), (), log)
            found.append(places.read_only(where, target, job.labels, shipped=not sees))
        return found

    async def _fill(self, made: Created, spec: MachineSpec) -> None:
        assert spec.source
        path = PurePosixPath(spec.layout.workspace)
        await files.put(self.api, made.id, str(path.parent), archive.directories([path.name]))
        data = archive.tree(spec.source, path.name, spec.hidden)
        where = f"/containers/{made.id}/archive"
        await self.api.call("PUT", where, data=data, query={"path": str(path.parent)})

    async def _furnish(self, made: Created, spec: MachineSpec, image: Image) -> None:
        """Put in before the start what the container's own user could not."""
        if image.id in self._bare:
            shell = await trio.to_thread.run_sync(archive.shell)
            await files.unpack(self.api, made.id, "/", shell)
        if not made.root:
            wanted = {*folders(spec.layout), spec.layout.temp}
            if spec.contains:
                wanted |= {one.inside for one in places.shared(spec.layout)}
            await files.open_to_all(self.api, made.id, sorted(wanted))
            if not await files.stat_in(self.api, made.id, posixpath.dirname(places.SOCKET)):
                link = archive.link(places.SOCKET, places.SOCKET_IN_JOB)
                await files.unpack(self.api, made.id, "/", link)


def wanted_by(spec: MachineSpec) -> Wanted:
    """The job's image. Raises MachineError."""
    if not spec.image:
        raise MachineError("The job names no image: give one with -P LABEL=IMAGE or container:.")
    return Wanted(spec.image, spec.credentials, spec.platform, spec.pull)


@asynccontextmanager
async def _lane(
    api: Api, container: str, guard: Guard, layout: Layout, numbers: Iterator[int]
) -> AsyncIterator[Session]:
    """One more shell in a container, as its own user."""
    secret = secrets.token_hex(16)
    try:
        wire = await enter(
            api, container, {"AttachStderr": True, "Cmd": ["sh", "-c", boot(secret)]}
        )
    except ApiError as error:
        raise MachineError(f"The job's machine was lost: {error}.") from error
    try:
        session = Session(Attached(wire, guard), layout, secret, numbers=numbers)
        await session.greet()
        yield session
    finally:
        await trio.aclose_forcefully(wire.stream)


def _lacks_shell(error: ApiError) -> bool:
    text = str(error)
    return '"sh"' in text and ("not found" in text or "no such file" in text)


def _may_be_the_tiers(error: ApiError) -> bool:
    """Whether another way in may help: a mount was refused, or a folder is not there to bind."""
    return error.status >= 500 or "bind source path" in str(error)
