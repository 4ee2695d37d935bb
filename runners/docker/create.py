"""The request that creates a job's container, made from its spec."""

from __future__ import annotations

from typing import Any

from engine.machine import MachineSpec
from runners.docker import options
from runners.docker.images import Image
from runners.docker.workspace import Mount
from runners.shell import boot, folders, quote

Body = dict[str, Any]

_REFUSED = {
    "network": "the job's container is put into its network by Runwright (see --network).",
    "net": "the job's container is put into its network by Runwright (see --network).",
    "entrypoint": "the job's container runs the job's steps.",
}


def body(
    spec: MachineSpec, image: Image, mounts: tuple[Mount, ...], labels: dict[str, str], secret: str
) -> Body:
    """The body of POST /containers/create. Raises MachineError for options it does not know."""
    made: Body = {
        "Image": spec.image,
        "Env": [f"{name}={value}" for name, value in _env(spec).items()],
        "WorkingDir": "/",
        "HostConfig": {},
    }
    if spec.network:
        made["HostConfig"]["NetworkMode"] = spec.network
    for volume in spec.volumes:
        options.volume(made, volume)
    for port in spec.ports:
        _port(made, port)
    options.apply(made, spec.options, _REFUSED)
    return made | _ours(spec, image, made, mounts, labels, secret)


def is_root(made: Body, image: Image) -> bool:
    """Whether the container's processes may write everywhere in it."""
    user = made.get("User") or image.user
    return user.partition(":")[0] in ("", "0", "root")


def _env(spec: MachineSpec) -> dict[str, str]:
    home = {"HOME": spec.layout.home} if spec.layout.home else {}
    return home | dict(spec.env)


def _port(made: Body, port: str) -> None:
    options.apply(made, f"--publish {quote(port)}")


def _ours(
    spec: MachineSpec,
    image: Image,
    made: Body,
    mounts: tuple[Mount, ...],
    labels: dict[str, str],
    secret: str,
) -> Body:
    host = made["HostConfig"]
    host.pop("RestartPolicy", None)
    prepare = ":"
    if is_root(made, image):
        prepare = "mkdir -p " + " ".join(map(quote, folders(spec.layout)))
    return {
        "Entrypoint": ["sh", "-c", boot(secret, prepare)],
        "Cmd": [],
        "Labels": made.get("Labels", {}) | labels,
        "Tty": False,
        "OpenStdin": True,
        "StdinOnce": True,
        "AttachStdin": True,
        "AttachStdout": True,
        "AttachStderr": True,
        "HostConfig": host
        | {
            "AutoRemove": True,
            "LogConfig": {"Type": "none"},
            "Tmpfs": host.get("Tmpfs", {}) | {spec.layout.commands: "mode=1777,exec"},
            "Mounts": [*host.get("Mounts", []), *mounts],
        },
    }
