"""The requests that create containers, made from what a workflow says of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from posixpath import dirname, normpath
from typing import Any

import trio

from engine.machine import Log, MachineError, MachineSpec
from runners.docker import options, places
from runners.docker.api import Api, ApiError
from runners.docker.images import Image
from runners.docker.leftovers import Job
from runners.docker.workspace import Mount
from runners.shell import boot, folders, quote

Body = dict[str, Any]

_CREATION = 60.0  # seconds
_WITHOUT_NAMES = ("", "bridge", "default", "host", "none")
_NETWORK = "Runwright puts the containers of a job into one network itself (see --network)."
_REFUSED = {
    "network": _NETWORK,
    "net": _NETWORK,
    "entrypoint": "the job's container runs the job's steps.",
}
REFUSED_OF_SERVICE = {"network": _NETWORK, "net": _NETWORK}


async def create(api: Api, job: Job, name: str, body: Body, log: Log) -> str:
    """Create one of a job's containers; its id. Raises ApiError, MachineError.

    It can't be interrupted, as what is given up would be made after its removal.
    """
    called = body.pop(options.NAME, "")
    platform = job.spec.platform
    query = {"name": name, "platform": platform} if platform else {"name": name}
    job.expect(f"/containers/{name}")
    with trio.move_on_after(_CREATION, shield=True):
        made = await api.call("POST", "/containers/create", body, query=query)
        id_ = str(made.json["Id"])
        if called:
            await _rename(api, job, id_, called, log)
        return id_
    raise MachineError("Docker did not create the container within a minute.")


async def _rename(api: Api, job: Job, id_: str, name: str, log: Log) -> None:
    """Call a container what its options say; of jobs side by side only one can have the name."""
    job.expect(f"/containers/{id_}")
    try:
        await api.call("POST", f"/containers/{id_}/rename", query={"name": name})
    except ApiError as error:
        if error.status != 409:
            raise
        log(f"Another container is called '{name}' already, so this job has none of that name.")


def given(
    image: str,
    env: Mapping[str, str],
    volumes: Iterable[str],
    ports: Iterable[str],
    raw: str,
    refused: dict[str, str],
) -> Body:
    """A body with what `container:` or a service says. Raises MachineError for unknown options."""
    made: Body = {
        "Image": image,
        "Env": [f"{name}={value}" for name, value in env.items()],
        "Labels": {},
        "HostConfig": {},
    }
    for volume in volumes:
        options.volume(made, volume)
    for port in ports:
        options.apply(made, f"--publish {quote(port)}")
    options.apply(made, raw, refused)
    return made


def of_job(
    spec: MachineSpec,
    image: Image,
    network: str,
    mounts: list[Mount],
    labels: dict[str, str],
    secret: str,
    groups: tuple[int, ...] = (),
) -> Body:
    """The body of a job's container, whose user, if not root, is in `groups` too.

    Raises MachineError for options that it does not know.
    """
    home = {"HOME": spec.layout.home} if spec.layout.home else {}
    env = home | dict(spec.env)
    made = given(spec.image, env, spec.volumes, spec.ports, spec.options, _REFUSED)
    host = made["HostConfig"]
    host.pop("RestartPolicy", None)
    _unlink(host)
    if not spec.contains:
        host["Tmpfs"] = {spec.layout.commands: "mode=1777,exec"} | host.get("Tmpfs", {})
    if not is_root(made, image):
        host["GroupAdd"] = [*host.get("GroupAdd", []), *map(str, groups)]
    free = _free(made, mounts)
    join(made, network)
    prepare = _prepare(spec, free) if is_root(made, image) else ":"
    return made | {
        "Entrypoint": ["sh", "-c", boot(secret, prepare)],
        "Cmd": [],
        "WorkingDir": "/",
        "Labels": made["Labels"] | labels,
        "Tty": False,
        **SPOKEN_TO,
        "HostConfig": host
        | {
            "AutoRemove": True,
            "LogConfig": {"Type": "none"},
            "Mounts": [*host.get("Mounts", []), *free],
        },
    }


def join(made: Body, network: str, *names: str) -> None:
    """Put a container into a network, under these names and those of its options."""
    made["HostConfig"]["NetworkMode"] = network
    aliases = [*names, *made.pop(options.ALIASES, [])]
    if aliases and network not in _WITHOUT_NAMES:
        made["NetworkingConfig"] = {"EndpointsConfig": {network: {"Aliases": aliases}}}


# A container that ends when the engine does, as its standard input is then at its end.
SPOKEN_TO = {
    "OpenStdin": True,
    "StdinOnce": True,
    "AttachStdin": True,
    "AttachStdout": True,
    "AttachStderr": True,
}


def is_root(made: Body, image: Image) -> bool:
    """Whether the container's processes may write everywhere in it."""
    user = made.get("User") or image.user
    return user.partition(":")[0] in ("", "0", "root")


# an image may have a folder of its own there, or nothing
_LINKED = (
    f"[ -e {places.SOCKET} ] || [ ! -e {places.SOCKET_IN_JOB} ] || {{ "
    f"mkdir -p {dirname(places.SOCKET)} && ln -s {places.SOCKET_IN_JOB} {places.SOCKET}; "
    "} 2>/dev/null"
)


def _unlink(host: Body) -> None:
    """The user's own mounts of the socket go where ours does."""
    binds = (bind.split(":") for bind in host.get("Binds", []))
    host["Binds"] = [":".join((source, _moved(to), *more)) for source, to, *more in binds]
    for mount in host.get("Mounts", []):
        mount["Target"] = _moved(mount["Target"])


def _moved(target: str) -> str:
    return places.SOCKET_IN_JOB if normpath(target) == places.SOCKET else target


def _prepare(spec: MachineSpec, mounts: list[Mount]) -> str:
    text = f"mkdir -p {' '.join(map(quote, folders(spec.layout)))}; {_LINKED}"
    wanted = {one.inside for one in places.shared(spec.layout)} if spec.contains else set()
    # the image of a container step may have a user of its own
    ours = [quote(mount["Target"]) for mount in mounts if mount["Target"] in wanted]
    return f"{text}; chmod 777 {' '.join(ours)}" if ours else text


def _free(made: Body, mounts: list[Mount]) -> list[Mount]:
    """Our mounts where the user has none of their own."""
    host = made["HostConfig"]
    taken = {
        *(bind.split(":")[1] for bind in host.get("Binds", [])),
        *(mount["Target"] for mount in host.get("Mounts", [])),
        *made.get("Volumes", {}),
        *host.get("Tmpfs", {}),
    }
    taken = {normpath(path) for path in taken}
    return [mount for mount in mounts if normpath(mount["Target"]) not in taken]
