"""The network of a job that has services, and which of their ports are found where."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import trio
from msgspec import Struct

from engine.machine import MachineError, MachineSpec
from runners.docker.api import Api, ApiError, Json
from runners.docker.leftovers import Job

_RANDOM = 49153  # the first port that Docker itself would choose


class Port(Struct, frozen=True):
    """A port of a service, and the one of the host's that stands for it; `ip` '' is any."""

    service: str
    inside: int
    outside: int
    protocol: str = "tcp"
    ip: str = ""


async def create(api: Api, job: Job) -> None:
    """Make the network of a job's own, called as the job is. Raises MachineError."""
    spec = job.spec
    if spec.network == "none":
        raise MachineError("Services need a network, and --network none forbids it: leave it out.")
    job.expect(f"/networks/{job.name}")
    body = {"Name": job.name, "Labels": job.labels, "CheckDuplicate": True}
    try:
        with trio.CancelScope(shield=True):  # what is given up would be made after its removal
            await api.call("POST", "/networks/create", body)
    except ApiError as error:
        raise MachineError(
            f"A network for the job's services cannot be made: {str(error).rstrip('.')}. "
            "Perhaps there are too many: docker network prune."
        ) from error


async def connect(api: Api, spec: MachineSpec, container: str) -> None:
    """Put a job also into the network that the user wants it in. Raises ApiError, MachineError."""
    if spec.network not in ("", "default", "bridge", "host"):
        body = {"Container": container}
        await api.call("POST", f"/networks/{spec.network}/connect", body)


def on_host(spec: MachineSpec) -> bool:
    """Whether the job shares the host's network, so that ports are really published."""
    return spec.network == "host"


def taken_out(bodies: Iterable[tuple[str, Json]]) -> list[Port]:
    """Take the published ports out of the bodies of services; a port without one is given one.

    Each job has ports of its own in this way, as it has on machines of its own.
    """
    found: list[Port] = []
    asked = [
        (service, key, binding)
        for service, body in bodies
        for key, bindings in body["HostConfig"].pop("PortBindings", {}).items()
        for binding in bindings
    ]
    fixed = {int(binding["HostPort"] or 0) for _, _, binding in asked}
    free = (number for number in itertools.count(_RANDOM) if number not in fixed)
    for service, key, binding in asked:
        inside, _, protocol = key.partition("/")
        outside = int(binding["HostPort"] or 0) or next(free)
        ip = binding["HostIp"]
        local = ip if ip.startswith("127.") else ""  # the job has no other of the host's
        found.append(Port(service, int(inside), outside, protocol, local))
    return found
