"""A shell that runs on this computer, spoken to over pipes; and tar, for files in and out."""

from __future__ import annotations

import os
import select
import subprocess
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import IO, NoReturn

import trio

from engine.machine import ContainerError, MachineError

SIZE = 1 << 16  # bytes read at once


class Pipes:
    """A Link to a local process that runs BOOT."""

    def __init__(
        self, process: subprocess.Popen[bytes], signal: Callable[[str, int], Awaitable[None]]
    ) -> None:
        assert process.stdin and process.stdout and process.stderr
        self._input = trio.lowlevel.FdStream(os.dup(process.stdin.fileno()))
        self._ends = {s.fileno(): s for s in (process.stdout, process.stderr)}
        self._output = process.stdout.fileno()
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
        """As Link.receive."""
        got = {True: b"", False: b""}
        while self._ends and not any(got.values()):
            await trio.lowlevel.wait_readable(self._poll.fileno())
            for end, _ in self._poll.poll(0):
                got[end == self._output] += self._read(end)
        return got[True], got[False]

    async def signal(self, name: str, group: int) -> None:
        """As Link.signal."""
        await self._signal(name, group)

    def _read(self, end: int) -> bytes:
        with suppress(BlockingIOError):
            if data := os.read(end, SIZE):
                return data
            self._poll.unregister(end)
            del self._ends[end]
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


def _close(pipe: IO[bytes] | None) -> None:
    with suppress(OSError):
        if pipe:
            pipe.close()


async def no_containers() -> NoReturn:
    """What a machine without containers says to a container step. Raises ContainerError."""
    await trio.lowlevel.checkpoint()
    raise ContainerError("Container steps and Docker actions need Docker: --runner docker.")


async def put(enter: Sequence[str], path: str, tar: bytes) -> None:
    """Unpack a tar archive at `path`; `enter` is the command that gets to where the path is."""
    await _run([*enter, "sh", "-c", 'mkdir -p "$1" && exec tar -x -C "$1"', "sh", path], tar)


async def get(enter: Sequence[str], path: str) -> bytes:
    """The file or directory at `path` as a tar archive."""
    folder, _, name = path.rstrip("/").rpartition("/")
    return await _run([*enter, "tar", "-c", "-C", folder or "/", "--", name or "."], b"")


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
