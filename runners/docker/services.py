"""The services of one job: containers in its network, started beside it and seen healthy."""

from __future__ import annotations

import shlex
from contextlib import suppress
from functools import partial

import trio
from msgspec import Struct, field

from engine.machine import Log, MachineError, Service, ServiceFacts
from runners.docker import create, health, network
from runners.docker.api import Api, ApiError, Json
from runners.docker.images import Images, Wanted
from runners.docker.leftovers import Job
from runners.docker.link import Demux
from runners.docker.network import Port
from runners.docker.together import together

_LINES = 10  # of a failed service that its error shows
_MOST = 2000  # lines of a service that are shown at the end
_PATIENCE = 5.0  # seconds that reading them may take


class Services(Struct):
    """The containers of `spec.services`."""

    api: Api
    job: Job
    images: Images
    starts: trio.CapacityLimiter
    log: Log
    ports: list[Port] = field(default_factory=list)  # those that answer on the job's localhost
    _bodies: dict[str, Json] = field(default_factory=dict)
    _ids: dict[str, str] = field(default_factory=dict)
    _ports: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._bodies = {one.name: self._body(one) for one in self.job.spec.services}
        on_host = network.on_host(self.job.spec)
        self.ports = [] if on_host else network.taken_out(self._bodies.items())

    @property
    def facts(self) -> dict[str, ServiceFacts]:
        """What a job may know of them, once they have started."""
        names = [service.name for service in self.job.spec.services]
        return {n: ServiceFacts(self._ids[n], self.job.name, self._ports[n]) for n in names}

    async def pull(self) -> None:
        """Have the images of all. Raises MachineError."""
        await together(*(partial(self._pull, service) for service in self.job.spec.services))

    async def start(self) -> None:
        """Start all at once, in the job's network. Raises MachineError."""
        await together(*(partial(self._start, service) for service in self.job.spec.services))

    async def end(self, *, tell: bool) -> None:
        """Say what they printed, if that is wanted or one of them has ended."""
        with trio.move_on_after(_PATIENCE, shield=True):
            for service in self.job.spec.services:
                if id_ := self._ids.get(service.name):
                    with suppress(MachineError):  # it is gone, and so is what it said
                        await self._tell(service.name, id_, tell)

    async def _tell(self, name: str, id_: str, tell: bool) -> None:
        state = (await self._inspect(id_))["State"]
        if not tell and state["Running"]:
            return
        lines = await self._lines(id_, _MOST)
        ending = "" if state["Running"] else f" before it ended with exit code {state['ExitCode']}"
        only = f" (its last {_MOST} lines)" if len(lines) >= _MOST else ""
        said = f"printed{only}{ending}:" if lines else f"printed nothing{ending}."
        for line in (f"Service {name} {said}", *(f"  {line}" for line in lines)):
            self.log(line)

    async def _pull(self, service: Service) -> None:
        spec = self.job.spec
        image = Wanted(service.image, service.credentials, spec.platform, spec.pull)
        try:
            await self.images.ensure(image, self.log)
        except MachineError as error:  # not the job's own image, for which there may be a spare
            raise MachineError(f"Service {service.name} can't be started: {error}") from error

    async def _start(self, service: Service) -> None:
        name = service.name
        try:
            container = self.job.fresh(f"{name}-")
            body = self._bodies[name]
            id_ = await create.create(self.api, self.job, container, body, self.log)
            self._ids[name] = id_
            await self.job.starts.wait()  # it has more to do afterwards
            async with self.starts:
                await self.api.call("POST", f"/containers/{id_}/start")
            await self._settle(service, id_)
        except ApiError as error:
            raise MachineError(
                f"Service {name} (image {service.image}) can't be started: "
                f"{str(error).rstrip('.')}."
            ) from error

    async def _settle(self, service: Service, id_: str) -> None:
        """Wait until it is healthy."""
        found: Json = {}

        async def state() -> health.State:
            found.update(await self._inspect(id_))
            return dict(found["State"])

        name = service.name
        last = await health.settled(name, state, self.log)
        self._ports[name] = self._ports_of(name, found)
        if health.status(last) == "unhealthy":
            raise MachineError(await self._unhealthy(service, last, id_))
        if health.status(last) == "healthy":
            self.log(f"{name} service is healthy.")
        elif not last["Running"]:
            self.log(f"Service {name} has ended, with exit code {last['ExitCode']}.")

    async def _unhealthy(self, service: Service, state: health.State, id_: str) -> str:
        reason = "its health check failed"
        if not state["Running"]:
            reason = f"it ended with exit code {state['ExitCode']}"
        elif said := health.last_check(state):
            reason = f"its health check says: {said}"
        lines = "".join(f"\n  {line}" for line in await self._lines(id_, _LINES))
        printed = f" The last that it printed:{lines}" if lines else " It printed nothing."
        return f"Service {service.name} (image {service.image}) failed: {reason}.{printed}"

    async def _inspect(self, id_: str) -> Json:
        found: Json = (await self.api.call("GET", f"/containers/{id_}/json")).json
        return found

    async def _lines(self, id_: str, most: int) -> list[str]:
        query = {"stdout": "1", "stderr": "1", "tail": str(most)}
        raw = (await self.api.call("GET", f"/containers/{id_}/logs", query=query)).body
        text = b"".join(piece for _, piece in Demux().pieces(raw))
        return text.decode(errors="replace").splitlines()

    def _ports_of(self, name: str, found: Json) -> dict[str, str]:
        """The ports of the host's by the container's (actions/runner: `docker port`)."""
        if not network.on_host(self.job.spec):
            return {str(p.inside): str(p.outside) for p in self.ports if p.service == name}
        bound = found["NetworkSettings"]["Ports"] or {}
        return {
            key.partition("/")[0]: bindings[0]["HostPort"]
            for key, bindings in bound.items()
            if bindings
        }

    def _body(self, service: Service) -> Json:
        body = create.given(
            service.image,
            service.env,
            service.volumes,
            service.ports,
            service.options,
            create.REFUSED_OF_SERVICE,
        )
        if service.entrypoint:
            body["Entrypoint"] = [service.entrypoint]
        if service.command:
            body["Cmd"] = _words(service)
        create.join(body, self.job.name, service.name)
        return body | {
            "Labels": body["Labels"] | self.job.labels,
            "HostConfig": body["HostConfig"] | {"LogConfig": {"Type": "local"}},
        }


def _words(service: Service) -> list[str]:
    try:
        return shlex.split(service.command)
    except ValueError as error:
        raise MachineError(
            f"The command of service {service.name} cannot be read: {error}: {service.command}"
        ) from error
