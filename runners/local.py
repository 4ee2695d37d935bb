"""Machines whose shells run on this computer, spoken to over pipes; and tar, for files."""

from __future__ import annotations

import os
import select
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import IO, NoReturn

import trio

from engine.machine import (
    Build,
    Command,
    ContainerCommand,
    ContainerError,
    Exit,
    Facts,
    Log,
    MachineError,
    MachineSpec,
    Output,
    Pull,
)
from runners.shell import Lanes, Link, Session

SIZE = 1 << 16  # bytes read at once


class Pipes:
    """A Link to a local process that runs BOOT."""

    def __init__(
        self, process: subprocess.Popen[bytes], signal: Callable[[str, int], Awaitable[bool]]
    ) -> None:
        assert process.stdin and process.stdout and process.stderr
        self._input = trio.lowlevel.FdStream(os.dup(process.stdin.fileno()))
        self._output, self._control = process.stdout.fileno(), process.stderr.fileno()
        self._ends = {self._output, self._control}
        self._signal = signal
        # One descriptor to wait on for both, so that no task has to outlive a call.
        self._poll = select.epoll()
        for end in self._ends:
            os.set_blocking(end, False)
            self._poll.register(end, select.EPOLLIN)

    async def send(self, data: bytes) -> None:
        """As Link.send."""
        try:
            await self._input.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError, OSError) as error:
            raise MachineError("The job's shell was lost: it ended too early.") from error

    async def receive(self) -> tuple[bytes, bytes]:
        """As Link.receive.

        Control is the shell's alone: at its end the shell is gone, though a command may live on.
        """
        got = {self._output: b"", self._control: b""}
        while self._ends and not any(got.values()):
            await trio.lowlevel.wait_readable(self._poll.fileno())
            for end, _ in self._poll.poll(0):
                got[end] += self._read(end)
            if self._control not in self._ends and self._output in self._ends:
                got[self._output] += self._read(self._output)
                self._ends.clear()
        return got[self._output], got[self._control]

    async def signal(self, name: str, group: int) -> bool:
        """As Link.signal."""
        return await self._signal(name, group)

    def _read(self, end: int) -> bytes:
        with suppress(BlockingIOError):
            if data := os.read(end, SIZE):
                return data
            self._poll.unregister(end)
            self._ends.discard(end)
        return b""

    async def close(self) -> None:
        """Let go of the wires."""
        await trio.aclose_forcefully(self._input)
        self._poll.close()


@contextmanager
def spawned(argv: Sequence[str], env: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process of its own session with pipes at 0, 1 and 2; killed at the end.

    Started from this very thread: a parent-death signal is bound to the thread that forked.
    Raises MachineError.
    """
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(env),
            start_new_session=True,
        )
    except OSError as error:
        raise MachineError(f"Cannot start '{argv[0]}' on this computer: {error}.") from error
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            _close(pipe)


@asynccontextmanager
async def greeted(
    process: subprocess.Popen[bytes],
    signal: Callable[[str, int], Awaitable[bool]],
    session: Callable[[Link], Session],
) -> AsyncIterator[Session]:
    """The session with a process that runs BOOT, once it listens. Raises MachineError."""
    pipes = Pipes(process, signal)
    try:
        made = session(pipes)
        await made.greet()
        yield made
    finally:
        await pipes.close()


def _close(pipe: IO[bytes] | None) -> None:
    with suppress(OSError):
        if pipe:
            pipe.close()


class LocalMachine:
    """Shells of this computer; `enter` is the command that gets to where its paths are."""

    def __init__(self, facts: Facts, lanes: Lanes, enter: Sequence[str] = ()) -> None:
        self.facts = facts
        self._lanes = lanes
        self._enter = enter

    async def exec(self, command: Command, output: Output) -> Exit:
        """As Machine.exec."""
        return await self._lanes.exec(command, output)

    async def provide(self, wanted: Pull | Build, log: Log) -> str:
        """As Machine.provide: there is nothing to run a container with."""
        return await _no_containers()

    async def contain(self, command: ContainerCommand, output: Output) -> Exit:
        """As Machine.contain."""
        return await _no_containers()

    async def put(self, path: str, tar: bytes) -> None:
        """As Machine.put."""
        script = 'mkdir -p "$1" && exec tar -x -C "$1"'
        await _run([*self._enter, "sh", "-c", script, "sh", path], tar)

    async def get(self, path: str) -> bytes:
        """As Machine.get."""
        folder, _, name = path.rstrip("/").rpartition("/")
        return await _run([*self._enter, "tar", "-c", "-C", folder or "/", "--", name or "."], b"")


async def _no_containers() -> NoReturn:
    await trio.lowlevel.checkpoint()
    raise ContainerError("Container steps and Docker actions need Docker: --runner docker.")


def refuse_services(spec: MachineSpec) -> None:
    """Say that there is nothing to run services with. Raises MachineError."""
    if spec.services:
        names = ", ".join(service.name for service in spec.services)
        raise MachineError(
            f"The job's services ({names}) need Docker, and this job runs without it: "
            "use --runner docker, and an image for its label (-P LABEL=IMAGE)."
        )


async def _run(argv: Sequence[str], given: bytes) -> bytes:
    try:
        done = await trio.run_process(
            argv, stdin=given, capture_stdout=True, capture_stderr=True, check=False
        )
    except OSError as error:
        raise MachineError(f"Cannot start '{argv[0]}' on this computer: {error}.") from error
    if done.returncode:
        raise MachineError(f"Cannot copy files: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
