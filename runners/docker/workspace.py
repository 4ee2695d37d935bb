"""How a repository gets into a container: as the lower layer of an overlay, else copied."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import trio

from engine.machine import MachineError, MachineSpec
from runners.docker import archive
from runners.docker.api import Api, ApiError
from runners.mask import mask

# overlay: the daemon sees the repository; shipped: it does not, so an overlay over a copy that is
# made once for every state of the tree; copy: one copy a job.
Tier = Literal["overlay", "shipped", "copy"]
TIERS: tuple[Tier, ...] = ("overlay", "shipped", "copy")
TREE = "runwright.tree"  # label of the volumes that hold such a copy
_SAMPLES = 3
_PAGE = 4000  # bytes that mount options may take, with a margin
_UNFIT = (",", "\\", "\n")

Mount = dict[str, Any]


def volumes(container: str) -> tuple[str, str]:
    """The names of the volumes that take what a container's job writes."""
    return f"{container}-upper", f"{container}-work"


async def overlay(
    api: Api, spec: MachineSpec, lower: str, container: str, labels: dict[str, str]
) -> tuple[Mount]:
    """An overlay over `lower`, a path of the daemon's; its other layers are volumes.

    Nothing has to be made inside those volumes, and they share a file system. Raises MachineError.
    """
    upper, work = [
        (await api.call("POST", "/volumes/create", {"Name": name, "Labels": labels})).json
        for name in volumes(container)
    ]
    layers = (
        f"lowerdir={_lowers(spec, lower)},"
        f"upperdir={upper['Mountpoint']},workdir={work['Mountpoint']}"
    )
    driver = {"Name": "local", "Options": {"type": "overlay", "device": "overlay", "o": layers}}
    return (
        {
            "Type": "volume",
            "Target": spec.layout.workspace,
            "VolumeOptions": {"Labels": labels, "DriverConfig": driver},
        },
    )


def _lowers(spec: MachineSpec, lower: str) -> str:
    """The layers below, topmost first. What was shipped has been thinned out already."""
    thin = mask(spec.source, spec.hidden) if spec.source and lower == str(spec.source) else None
    return ":".join(path.replace(":", "\\:") for path in (*([str(thin)] if thin else []), lower))


def bound(spec: MachineSpec) -> tuple[Mount, ...]:
    """The repository itself where the spec wants that: what the job does to it stays."""
    if spec.source is None or spec.workspace_mode != "bind":
        return ()
    return ({"Type": "bind", "Source": str(spec.source), "Target": spec.layout.workspace},)


def fits(path: str) -> bool:
    """Whether a path can stand in the options of an overlay mount."""
    return not any(sign in path for sign in _UNFIT) and len(os.fsencode(path)) < _PAGE


async def seen(api: Api, container: str, spec: MachineSpec) -> bool:
    """Whether a created container has the very repository of this computer as its workspace."""
    if spec.source is None:
        return False
    samples = await trio.to_thread.run_sync(_samples, spec.source, spec.hidden)
    for name, size, changed in samples:
        try:
            stat = await stat_in(api, container, f"{spec.layout.workspace}/{name}")
        except MachineError:
            return False
        if not stat or (size is not None and stat["size"] != size):
            return False
        if abs(datetime.fromisoformat(stat["mtime"]).timestamp() - changed) > 1e-3:
            return False
    return bool(samples)


def _samples(source: Path, hidden: tuple[str, ...]) -> list[tuple[str, int | None, float]]:
    with os.scandir(source) as entries:
        shown = (entry for entry in entries if entry.name not in hidden)
        found = [(entry, entry.stat(follow_symlinks=False)) for entry in islice(shown, _SAMPLES)]
    return [
        (entry.name, stat.st_size if entry.is_file(follow_symlinks=False) else None, stat.st_mtime)
        for entry, stat in found
    ]


async def stat_in(api: Api, container: str, path: str) -> dict[str, Any] | None:
    """What Docker says of a path in a container; None if there is none. Raises MachineError."""
    try:
        reply = await api.call("HEAD", f"/containers/{container}/archive", query={"path": path})
    except ApiError as error:
        if error.status == 404:
            return None
        raise
    known: dict[str, Any] = json.loads(
        base64.b64decode(reply.headers["x-docker-container-path-stat"])
    )
    return known


async def ship(api: Api, spec: MachineSpec, labels: dict[str, str], log: Any) -> str:
    """Copy the repository into a volume, unless its present state is there; the path of it.

    Raises MachineError.
    """
    assert spec.source
    state = await trio.to_thread.run_sync(fingerprint, spec.source, spec.hidden)
    name = f"runwright-tree-{state}"
    volume = (
        await api.call("POST", "/volumes/create", {"Name": name, "Labels": {TREE: str(state)}})
    ).json
    body = {
        "Image": spec.image,
        "Entrypoint": ["never-started"],
        "Labels": labels,
        "HostConfig": {"Mounts": [{"Type": "volume", "Source": name, "Target": "/tree"}]},
    }
    with trio.CancelScope(shield=True):
        container = (await api.call("POST", "/containers/create", body)).json["Id"]
    try:
        if not await stat_in(api, container, "/tree/whole"):
            log("Copying the repository to the Docker daemon")
            target, where = f"/containers/{container}/archive", {"path": "/tree"}
            data = archive.tree(spec.source, "files", spec.hidden)
            await api.call("PUT", target, data=data, query=where)
            await api.call("PUT", target, data=archive.directories(["whole"]), query=where)
    finally:
        with trio.move_on_after(10, shield=True):
            await api.call("DELETE", f"/containers/{container}", query={"force": "1"})
    return f"{volume['Mountpoint']}/files"


def fingerprint(source: Path, hidden: tuple[str, ...] = ()) -> str:
    """A name for the state of a tree: names, kinds, sizes and times, not contents."""
    digest = hashlib.sha256(os.fsencode(source.absolute()))
    for path, stat in _walk(source, frozenset(str(source / name) for name in hidden)):
        digest.update(os.fsencode(path))
        digest.update(f"\0{stat.st_mode} {stat.st_size} {stat.st_mtime_ns}\0".encode())
    return digest.hexdigest()[:32]


def _walk(folder: Path, hidden: frozenset[str]) -> Iterator[tuple[str, os.stat_result]]:
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise MachineError(f"The repository cannot be read: {error}.") from error
    for entry in found:
        if entry.path in hidden:
            continue
        yield entry.path, entry.stat(follow_symlinks=False)
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), hidden)
