"""Folders that the daemon can't see, copied into volumes: once for each state of a folder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import trio

from engine.machine import Log, MachineError
from runners.docker import archive, create
from runners.docker.api import Api
from runners.docker.files import stat_in
from runners.docker.leftovers import Job
from runners.docker.owner import TREE


class Shipping:
    """Ships for one run, one folder at a time."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._turn = trio.Lock()

    async def ship(self, job: Job, source: Path, hidden: tuple[str, ...], log: Log) -> str:
        """Copy a folder unless its present state is there; where the daemon has it.

        Raises MachineError.
        """
        async with self._turn:
            state = await trio.to_thread.run_sync(fingerprint, source, hidden)
            name = f"runwright-tree-{state}"
            body = {"Name": name, "Labels": {TREE: state}}
            volume = (await self._api.call("POST", "/volumes/create", body)).json
            await self._fill(job, name, source, hidden, log)
            return f"{volume['Mountpoint']}/files"

    async def _fill(
        self, job: Job, volume: str, source: Path, hidden: tuple[str, ...], log: Log
    ) -> None:
        """Through a container that never starts, of an image that is there."""
        api, name = self._api, job.fresh("ship-")
        body = {
            "Image": job.spec.image,
            "Entrypoint": ["never-started"],
            "Labels": job.labels,
            "HostConfig": {"Mounts": [{"Type": "volume", "Source": volume, "Target": "/tree"}]},
        }
        try:
            container = await create.create(api, job, name, body, log)
            if not await stat_in(api, container, "/tree/whole"):
                log(f"Copying {source} to the Docker daemon")
                target, where = f"/containers/{container}/archive", {"path": "/tree"}
                data = archive.tree(source, "files", hidden)
                await api.call("PUT", target, data=data, query=where)
                await api.call("PUT", target, data=archive.directories(["whole"]), query=where)
        finally:
            job.remove(f"/containers/{name}")


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
