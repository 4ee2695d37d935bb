"""Whose things are on the daemon: labels that say so, and their removal."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import trio

from engine.machine import MachineError, MachineSpec
from runners.docker.api import Api, ApiError

RUN = "runwright.run"
JOB = "runwright.job"
ENGINE = "runwright.engine"  # computer/boot/pid namespace/pid/start time
TREE = "runwright.tree"  # volumes that hold a copy of a folder, for whoever wants it
ACTION = "runwright.action"  # images that were built for an action, with its name
_TRIES = 200
# by the number that all of Linux has for it (include/linux/proc_ns.h)
_OUTERMOST = "pid:[4026531836]"


def labels(spec: MachineSpec) -> dict[str, str]:
    """The labels of everything that is made for a job."""
    return {RUN: spec.run_id, JOB: spec.name, ENGINE: engine()}


@cache
def engine() -> str:
    """This process, as no other one will ever be called."""
    pid = os.getpid()
    return "/".join((*_here(), str(pid), _started(pid)))


def over(label: str) -> bool:
    """Whether the process of an engine's label is certainly gone.

    The containers of a computer have names of their own, but share its boot.
    """
    computer, boot, space, pid, started = (label.split("/") + [""] * 5)[:5]
    here = _here()
    if computer != here[0] and (boot != here[1] or not boot):
        return False
    if boot != here[1]:
        return True
    if space != here[2]:
        return _is_empty(space)
    return pid.isdigit() and _started(int(pid)) != started


def is_outermost() -> bool:
    """Whether the engine is in the pid namespace of the machine itself: from there all are seen,
    and a process beside the engine outlives it. In a container's, all may end with it."""
    return _here()[2] == _OUTERMOST


def _is_empty(space: str) -> bool:
    """Whether no process is in a pid namespace any more; False where not all can be seen."""
    if os.geteuid() != 0 or not is_outermost():
        return False
    spaces = (_space(int(entry.name)) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return space not in spaces


def _here() -> tuple[str, str, str]:
    boot = Path("/proc/sys/kernel/random/boot_id")
    return (
        os.uname().nodename.replace("/", "_"),
        boot.read_text().strip() if boot.exists() else "",
        _space(os.getpid()),
    )


def _space(pid: int) -> str:
    """The pid namespace of a process, '' where there is none."""
    try:
        return str(Path(f"/proc/{pid}/ns/pid").readlink())
    except OSError:
        return ""


def _started(pid: int) -> str:
    """When a process started, in clock ticks since boot; empty when there is no such process."""
    try:
        # The name, in parentheses, may hold anything.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""


async def remove(api: Api, things: Iterable[str]) -> None:
    """Remove things however they fare, containers before what they use. Raises MachineError."""
    for path in sorted(things):
        await _remove(api, path)


async def _remove(api: Api, path: str) -> None:
    query = {"force": "1", "v": "1"} if path.startswith("/containers/") else None
    for _ in range(_TRIES):
        try:
            await api.call("DELETE", path, query=query)
            return
        except ApiError as error:
            if error.status == 404:
                return
            if error.status not in (403, 409):  # just going, or held by something that is
                raise
        await trio.sleep(0.05)


async def clean(api: Api, run_id: str | None) -> tuple[str, ...]:
    """Remove containers, networks and volumes of a run, or of all whose engine is gone.

    Without a run, copies of repositories and images of actions that no container uses go too.
    Their names; raises MachineError.
    """
    removed = []
    label = f"{RUN}={run_id}" if run_id else RUN
    for found in await _listed(api, "/containers/json", label, run_id):
        await remove(api, [f"/containers/{found['Id']}"])
        removed.append(found["Names"][0].lstrip("/") if found["Names"] else found["Id"])
    for found in await _listed(api, "/networks", label, run_id):
        await _try(api, f"/networks/{found['Id']}", found["Name"], removed)
    for found in await _listed(api, "/volumes", label, run_id):
        await _try(api, f"/volumes/{found['Name']}", found["Name"], removed)
    if run_id is None:
        for found in _rows(await _list(api, "/volumes", TREE)):
            await _try(api, f"/volumes/{found['Name']}", found["Name"], removed)
        for found in await _list(api, "/images/json", ACTION):
            for tag in found["RepoTags"] or ():
                await _try(api, f"/images/{tag}", tag, removed)
    return tuple(removed)


async def _listed(api: Api, path: str, label: str, run_id: str | None) -> list[dict[str, Any]]:
    rows = _rows(await _list(api, path, label))
    return [row for row in rows if run_id or over((row.get("Labels") or {}).get(ENGINE, ""))]


async def _list(api: Api, path: str, label: str) -> Any:
    query = {"all": "1", "filters": json.dumps({"label": [label]})}
    return (await api.call("GET", path, query=query)).json


def _rows(answer: Any) -> list[dict[str, Any]]:
    return (answer.get("Volumes") or []) if isinstance(answer, dict) else answer


async def _try(api: Api, path: str, name: str, removed: list[str]) -> None:
    try:
        await api.call("DELETE", path)
    except ApiError as error:
        if error.status not in (403, 404, 409):  # in use, or removed by somebody else
            raise MachineError(f"Docker cannot remove '{name}': {error}.") from error
    else:
        removed.append(name)
