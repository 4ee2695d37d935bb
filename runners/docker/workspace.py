"""How a repository gets into a container: as the lower layer of an overlay, else copied."""

from __future__ import annotations

import os
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

import trio

from engine.machine import MachineError, MachineSpec
from runners.docker.api import Api
from runners.docker.files import stat_in
from runners.docker.together import together
from runners.mask import mask

# overlay: the daemon sees the repository; shipped: it does not, so an overlay over a copy that is
# made once for every state of the tree; copy: one copy a job.
Tier = Literal["overlay", "shipped", "copy"]
TIERS: tuple[Tier, ...] = ("overlay", "shipped", "copy")
_PAGE = 4000  # bytes that mount options may take, with a margin
_UNFIT = (",", "\\", "\n")

Mount = dict[str, Any]


def volumes(name: str) -> tuple[str, str]:
    """The names of the volumes that take what a job writes over the lower layer."""
    return f"{name}-upper", f"{name}-work"


async def layers(
    api: Api, spec: MachineSpec, lower: str, name: str, labels: dict[str, str]
) -> Mount:
    """The volume driver of an overlay over `lower`, a path of the daemon's.

    Its other layers are volumes that are made here: nothing has to be made inside of them, and
    they share a file system. Raises MachineError.
    """
    where: dict[str, str] = {}

    async def made(volume: str) -> None:
        body = {"Name": volume, "Labels": labels}
        where[volume] = (await api.call("POST", "/volumes/create", body)).json["Mountpoint"]

    upper, work = volumes(name)
    with trio.CancelScope(shield=True):  # what is given up would be made after its removal
        await together(partial(made, upper), partial(made, work))
    options = f"lowerdir={_lowers(spec, lower)},upperdir={where[upper]},workdir={where[work]}"
    return {"Name": "local", "Options": {"type": "overlay", "device": "overlay", "o": options}}


def _lowers(spec: MachineSpec, lower: str) -> str:
    """The layers below, topmost first. What was shipped has been thinned out already."""
    thin = mask(spec.source, spec.hidden) if spec.source and lower == str(spec.source) else None
    return ":".join(path.replace(":", "\\:") for path in (*([str(thin)] if thin else []), lower))


def fits(path: str) -> bool:
    """Whether a path can stand in the options of an overlay mount."""
    return not any(sign in path for sign in _UNFIT) and len(os.fsencode(path)) < _PAGE


async def seen(api: Api, container: str, spec: MachineSpec) -> bool:
    """Whether a created container has the very repository of this computer as its workspace."""
    if spec.source is None:
        return False
    sample = await trio.to_thread.run_sync(_sample, spec.source, spec.hidden)
    if sample is None:
        return False
    name, size, changed = sample
    try:
        stat = await stat_in(api, container, f"{spec.layout.workspace}/{name}")
    except MachineError:  # Docker couldn't mount it
        return False
    return stat is not None and _alike(stat, size, changed)


def _alike(stat: dict[str, Any], size: int | None, changed: float) -> bool:
    time = datetime.fromisoformat(stat["mtime"]).timestamp()
    return size in (None, stat["size"]) and abs(time - changed) <= 1e-3


def _sample(source: Path, hidden: tuple[str, ...]) -> tuple[str, int | None, float] | None:
    """Something in a folder, a file if there is one, with its size and when it was changed."""
    with os.scandir(source) as entries:
        shown = [entry for entry in entries if entry.name not in hidden]
    if not shown:
        return None
    found = max(shown, key=lambda entry: entry.is_file(follow_symlinks=False))
    stat = found.stat(follow_symlinks=False)
    is_file = found.is_file(follow_symlinks=False)
    return found.name, stat.st_size if is_file else None, stat.st_mtime
