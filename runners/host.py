"""Jobs on this very computer, in the repository itself: nothing is isolated."""

from __future__ import annotations

import itertools
import os
import platform
import secrets
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import trio

from engine.machine import Facts, Layout, Log, MachineError, MachineSpec
from runners import local
from runners.local import LocalMachine
from runners.shell import Lanes, Session, boot, folders
from runners.shown import shown

ARCHITECTURES = {"x86_64": "X64", "aarch64": "ARM64", "armv7l": "ARM", "i686": "X86"}
_ROOT = "runwright-host-"


class HostRunner:
    """Makes machines that are this computer."""

    @asynccontextmanager
    async def open(self, spec: MachineSpec, log: Log) -> AsyncIterator[LocalMachine]:
        """As Runner.open; the directories are not those of the spec, see `facts.layout`."""
        local.refuse_services(spec)
        tracking = f"runwright_{secrets.token_hex(16)}"
        try:
            root = Path(tempfile.mkdtemp(prefix=f"{_ROOT}{spec.run_id}-{os.getpid()}-"))
        except OSError as error:
            raise MachineError(f"Cannot make a temporary directory: {error}.") from error
        try:
            async with _machine(spec, root, tracking) as machine:
                yield machine
        finally:
            _end(tracking)
            shutil.rmtree(root, ignore_errors=True)

    async def clean(self, run_id: str | None = None) -> tuple[str, ...]:
        """As Runner.clean: temporary directories of runs whose process is gone."""
        return await trio.to_thread.run_sync(_clean, run_id)


@asynccontextmanager
async def _machine(spec: MachineSpec, root: Path, tracking: str) -> AsyncIterator[LocalMachine]:
    layout = _layout(spec, root)
    _make(spec, layout)
    env = os.environ | spec.env | {"RUNNER_TRACKING_ID": tracking}
    numbers = itertools.count(1)

    @asynccontextmanager
    async def lane() -> AsyncIterator[Session]:
        secret = secrets.token_hex(16)
        made = partial(Session, layout=layout, secret=secret, env={}, numbers=numbers)
        with local.spawned(["sh", "-c", boot(secret)], env) as process:
            async with local.greeted(process, _kill, made) as session:
                yield session

    async with lane() as first, Lanes(first, lane) as lanes:
        arch = ARCHITECTURES.get(platform.machine(), "X64")
        said = first.greeting
        facts = Facts("host", layout, arch=arch, bash=said.bash, musl=said.musl)
        yield LocalMachine(facts, lanes)


def _layout(spec: MachineSpec, root: Path) -> Layout:
    workspace = spec.source or root / "work"
    return Layout(
        workspace=str(workspace.absolute()),
        temp=str(root / "_temp"),
        tool_cache=str(root / "_tool"),
        actions=str(root / "_actions"),
        externals=str(root / "_externals"),
    )


def _make(spec: MachineSpec, layout: Layout) -> None:
    for folder in folders(layout):
        Path(folder).mkdir(parents=True, exist_ok=True)
    for place, source in shown(spec, layout).items():
        Path(place).parent.mkdir(parents=True, exist_ok=True)
        Path(place).symlink_to(source, target_is_directory=True)


def _clean(run_id: str | None) -> tuple[str, ...]:
    removed = []
    for root in sorted(Path(tempfile.gettempdir()).glob(f"{_ROOT}*")):
        run, pid = root.name.removeprefix(_ROOT).rsplit("-", 2)[:2]
        if run == run_id or (run_id is None and not Path("/proc", pid).exists()):
            shutil.rmtree(root, ignore_errors=True)
            removed.append(root.name)
    return tuple(removed)


async def _kill(name: str, group: int) -> bool:
    await trio.lowlevel.cancel_shielded_checkpoint()
    try:
        os.killpg(group, signal.Signals[f"SIG{name}"])
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _end(tracking: str) -> None:
    """Kill every process that carries the job's mark in its environment."""
    mark = f"RUNNER_TRACKING_ID={tracking}".encode()
    for environ in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if mark in environ.read_bytes().split(b"\0"):
                os.kill(int(environ.parent.name), signal.SIGKILL)
