"""How a repository gets into a container: as the lower layer of an overlay, else copied."""

from __future__ import annotations

import os
from datetime import datetime
from functools import partial
from itertools import islice
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
_SAMPLES = 3
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
    samples = await trio.to_thread.run_sync(_samples, spec.source, spec.hidden)
    alike: list[bool] = []

    async def compare(name: str, size: int | None, changed: float) -> None:
        stat = await stat_in(api, container, f"{spec.layout.workspace}/{name}")
        alike.append(stat is not None and _alike(stat, size, changed))

    try:
        await together(*(partial(compare, *sample) for sample in samples))
    except MachineError:
        return False
    return bool(samples) and all(alike)


def _alike(stat: dict[str, Any], size: int | None, changed: float) -> bool:
    time = datetime.fromisoformat(stat["mtime"]).timestamp()
    return size in (None, stat["size"]) and abs(time - changed) <= 1e-3


def _samples(source: Path, hidden: tuple[str, ...]) -> list[tuple[str, int | None, float]]:
    with os.scandir(source) as entries:
        shown = (entry for entry in entries if entry.name not in hidden)
        found = [(entry, entry.stat(follow_symlinks=False)) for entry in islice(shown, _SAMPLES)]
    return [
        (entry.name, stat.st_size if entry.is_file(follow_symlinks=False) else None, stat.st_mtime)
        for entry, stat in found
    ]
