"""Jobs on this very computer, in the repository itself: nothing is isolated."""

from __future__ import annotations

import os
import platform
import secrets
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import trio

from engine.machine import (
    Build,
    Command,
    ContainerCommand,
    Exit,
    Facts,
    Layout,
    Log,
    MachineError,
    MachineSpec,
    Output,
    Pull,
)
from runners import local
from runners.shell import Session, boot, folders

ARCHITECTURES = {"x86_64": "X64", "aarch64": "ARM64", "armv7l": "ARM", "i686": "X86"}
_ROOT = "runwright-host-"


class HostMachine:
    """A shell of this computer."""

    def __init__(self, facts: Facts, session: Session) -> None:
        self.facts = facts
        self._session = session

    async def exec(self, command: Command, output: Output) -> Exit:
        """As Machine.exec."""
        return await self._session.exec(command, output)

    async def provide(self, wanted: Pull | Build, log: Log) -> str:
        """As Machine.provide: there is nothing to run a container with."""
        return await local.no_containers()

    async def contain(self, command: ContainerCommand, output: Output) -> Exit:
        """As Machine.contain."""
        return await local.no_containers()

    async def put(self, path: str, tar: bytes) -> None:
        """As Machine.put."""
        await local.put((), path, tar)

    async def get(self, path: str) -> bytes:
        """As Machine.get."""
        return await local.get((), path)


class HostRunner:
    """Makes machines that are this computer."""

    @asynccontextmanager
    async def open(self, spec: MachineSpec, log: Log) -> AsyncIterator[HostMachine]:
        """As Runner.open; the directories are not those of the spec, see `facts.layout`."""
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
async def _machine(spec: MachineSpec, root: Path, tracking: str) -> AsyncIterator[HostMachine]:
    workspace = spec.source or root / "work"
    layout = Layout(str(workspace.absolute()), str(root / "_temp"), str(root / "_tool"))
    _make(layout)
    secret = secrets.token_hex(16)
    env = os.environ | spec.env | {"RUNNER_TRACKING_ID": tracking}
    with local.spawned(["sh", "-c", boot(secret)], env) as process:
        pipes = local.Pipes(process, _kill)
        try:
            session = Session(pipes, layout, secret, env={})
            bash = await session.greet()
            arch = ARCHITECTURES.get(platform.machine(), "X64")
            yield HostMachine(Facts("host", layout, arch=arch, bash=bash), session)
        finally:
            await pipes.close()


def _make(layout: Layout) -> None:
    for folder in folders(layout):
        Path(folder).mkdir(parents=True, exist_ok=True)


def _clean(run_id: str | None) -> tuple[str, ...]:
    removed = []
    for root in sorted(Path(tempfile.gettempdir()).glob(f"{_ROOT}*")):
        run, pid = root.name.removeprefix(_ROOT).rsplit("-", 2)[:2]
        if run == run_id or (run_id is None and not Path("/proc", pid).exists()):
            shutil.rmtree(root, ignore_errors=True)
            removed.append(root.name)
    return tuple(removed)


async def _kill(name: str, group: int) -> None:
    await trio.lowlevel.cancel_shielded_checkpoint()
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.Signals[f"SIG{name}"])


def _end(tracking: str) -> None:
    """Kill every process that carries the job's mark in its environment."""
    mark = f"RUNNER_TRACKING_ID={tracking}".encode()
    for environ in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if mark in environ.read_bytes().split(b"\0"):
                os.kill(int(environ.parent.name), signal.SIGKILL)
