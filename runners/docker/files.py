"""Files in and out of a container, whether it runs or not."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from engine.machine import MachineError
from runners.docker import archive
from runners.docker.api import Api, ApiError


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


async def put(api: Api, container: str, path: str, tar: bytes) -> None:
    """Unpack a tar archive into a directory, made if missing. Raises MachineError."""
    missing: list[str] = []
    above = PurePosixPath(path)
    while str(above) != "/" and not await stat_in(api, container, str(above)):
        missing.insert(0, above.name)
        above = above.parent
    if missing:
        names = ["/".join(missing[: count + 1]) for count in range(len(missing))]
        await unpack(api, container, str(above), archive.directories(names))
    await unpack(api, container, path, tar)


async def open_to_all(api: Api, container: str, paths: Iterable[str]) -> None:
    """Make directories, unless they are there, that anybody may write to. Raises MachineError."""
    names = [path.lstrip("/") for path in paths]
    await unpack(api, container, "/", archive.directories(names))


async def unpack(api: Api, container: str, path: str, tar: bytes) -> None:
    """Unpack a tar archive into a directory that is there. Raises MachineError."""
    try:
        await api.call("PUT", f"/containers/{container}/archive", data=tar, query={"path": path})
    except ApiError as error:
        raise MachineError(f"Files cannot be put at '{path}': {error}.") from error


async def get(api: Api, container: str, path: str) -> bytes:
    """The file or directory at `path` as a tar archive. Raises MachineError."""
    try:
        where = f"/containers/{container}/archive"
        return (await api.call("GET", where, query={"path": path})).body
    except ApiError as error:
        raise MachineError(f"'{path}' cannot be read from the container: {error}.") from error
