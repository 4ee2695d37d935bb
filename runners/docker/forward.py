"""Ports of services on a job's own localhost.

Each job has a network namespace of its own, so that jobs side by side may publish the same ports,
as they may on machines of their own. Nothing is published on the host for that: a second container
in the job's network namespace listens on the ports and passes on to the services by name. It runs
the job's image, which is there already, with the Node of the machine's externals.
"""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from pathlib import Path

import trio
from msgspec.structs import asdict

from engine.machine import Log, MachineError
from runners.docker import create
from runners.docker.api import Api, ApiError, Json
from runners.docker.leftovers import Job
from runners.docker.link import SPEAKING, Demux, received
from runners.docker.network import Port
from runners.docker.starting import Started

_SCRIPT = Path(__file__).with_name("forward.js")
_OTHERWISE = "Use --network host, or give the job a container: and reach its services by name."


async def forward(
    stack: AsyncExitStack, api: Api, job: Job, started: Started, ports: list[Port], log: Log
) -> None:
    """Listen on the ports until the stack closes. Raises MachineError."""
    if not job.spec.externals:
        raise MachineError(
            "The ports of the job's services can't be put on its localhost: that needs the Node "
            f"that JavaScript actions use, and there is none here. {_OTHERWISE}"
        )
    name = job.fresh("forward-")
    try:
        await create.create(api, job, name, _body(job, started, ports), log)
        wire = await api.upgrade(f"/containers/{name}/attach", query=SPEAKING)
        stack.push_async_callback(trio.aclose_forcefully, wire.stream)
        await api.call("POST", f"/containers/{name}/start")
    except ApiError as error:
        raise _failed(job, str(error)) from error
    demux, said = Demux(), b""
    while b"ready\n" not in said:
        data = await received(wire)
        if not data:
            raise _failed(job, said.decode(errors="replace").strip() or "it ended at once")
        said += b"".join(demux.feed(data))


def _body(job: Job, started: Started, ports: list[Port]) -> Json:
    build = "node24_alpine" if started.greeting.musl else "node24"
    return {
        "Image": job.spec.image,
        "Entrypoint": [f"{job.spec.layout.externals}/{build}/bin/node"],
        "Cmd": ["-e", _SCRIPT.read_text(encoding="utf-8"), json.dumps(list(map(asdict, ports)))],
        "Env": ["NODE_OPTIONS="],
        "User": "0",
        "WorkingDir": "/",
        "Labels": job.labels,
        "Healthcheck": {"Test": ["NONE"]},
        **create.SPOKEN_TO,
        "HostConfig": {
            "AutoRemove": True,
            "LogConfig": {"Type": "none"},
            "NetworkMode": f"container:{started.created.id}",
            "Mounts": started.created.externals,
        },
    }


def _failed(job: Job, why: str) -> MachineError:
    return MachineError(
        "The ports of the job's services can't be put on its localhost: image "
        f"{job.spec.image} can't run what passes them on: {why.rstrip('.')}. {_OTHERWISE}"
    )
