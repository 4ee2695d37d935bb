"""The wires to a container's shell: its attached streams, and a second way in for signals."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import trio
from msgspec import Struct, field

from engine.machine import MachineError
from runners.docker.api import Api, Json, Upgraded

SIZE = 1 << 16  # bytes read at once
SPEAKING = dict.fromkeys(("stream", "stdin", "stdout", "stderr"), "1")  # how to attach
_HEADER = 8
# Ends everything when its input does, that is when the engine is no more.
_GUARD = 'while read -r g p; do kill "-$g" "-$p"; echo $?; done 2>/dev/null; kill -KILL -1'
_BROKEN = (trio.BrokenResourceError, trio.ClosedResourceError, OSError)


class Demux(Struct):
    """Docker's multiplexed stream in, the bytes of stdout and of stderr out."""

    _head: bytes = b""
    _left: int = 0
    _kind: int = 1

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """What these bytes add to (stdout, stderr), however they were cut."""
        parts: tuple[list[bytes], list[bytes]] = ([], [])
        for error, piece in self.pieces(data):
            parts[error].append(piece)
        return b"".join(parts[0]), b"".join(parts[1])

    def pieces(self, data: bytes) -> Iterator[tuple[bool, bytes]]:
        """These bytes in order, each with whether they are stderr's."""
        at = 0
        while at < len(data):
            if not self._left:
                need = _HEADER - len(self._head)
                self._head += data[at : at + need]
                at += need
                if len(self._head) == _HEADER:
                    self._kind = self._head[0]
                    self._left = int.from_bytes(self._head[4:], "big")
                    self._head = b""
                continue
            piece = data[at : at + self._left]
            at += len(piece)
            self._left -= len(piece)
            yield self._kind == 2, piece


class Guard:
    """A shell beside the job's: it sends signals, and ends the job when the engine is gone."""

    def __init__(self, api: Api, container: str) -> None:
        self._api = api
        self._container = container
        self._scope = trio.CancelScope()
        self._stream: trio.abc.Stream | None = None
        self._changed = trio.Event()
        self._turn = trio.Lock()
        self._over = False
        self._told = 0  # answers, one for each signal that was sent
        self._found = False  # what the last one said

    def start(self) -> None:
        """Begin in the background, as no step has to wait for it."""
        trio.lowlevel.spawn_system_task(self._run)

    def stop(self) -> None:
        """Let go; the processes of the container end with it."""
        self._scope.cancel()

    async def signal(self, name: str, group: int) -> bool:
        """Signal a process group of the container; whether there is one. Raises MachineError."""
        async with self._turn:
            await self._signal(name, group)
            return self._found

    async def _signal(self, name: str, group: int) -> None:
        told = self._told
        while not self._over:
            stream = self._stream
            with suppress(*_BROKEN):
                if stream:
                    await stream.send_all(f"{name} {group}\n".encode())
            while stream is self._stream and self._told == told and not self._over:
                await self._changed.wait()
            if self._told > told:
                return
        raise MachineError("The job's container cannot be reached any more.")

    async def _run(self) -> None:
        with self._scope:
            try:
                while True:  # a step may kill every process there is
                    await self._serve(await self._open())
            except (MachineError, *_BROKEN):
                self._over = True
                self._change(None)

    async def _serve(self, wire: Upgraded) -> None:
        try:
            self._change(wire.stream)
            while answer := await wire.stream.receive_some(SIZE):
                self._told += 1
                self._found = b"0\n" in answer
                self._change(wire.stream)
        finally:
            self._change(None)
            await trio.aclose_forcefully(wire.stream)

    def _change(self, stream: trio.abc.Stream | None) -> None:
        self._stream = stream
        self._changed.set()
        self._changed = trio.Event()

    async def _open(self) -> Upgraded:
        command: Json = {"User": "0", "Cmd": ["sh", "-c", _GUARD]}
        return await enter(self._api, self._container, command)


async def enter(api: Api, container: str, command: Json) -> Upgraded:
    """Start a further command in a container; its streams. Raises ApiError, MachineError."""
    body = {"AttachStdin": True, "AttachStdout": True, **command}
    made = await api.call("POST", f"/containers/{container}/exec", body)
    return await api.upgrade(f"/exec/{made.json['Id']}/start", {"Detach": False})


async def received(wire: Upgraded) -> bytes:
    """The next bytes of a stream; none at its end. Raises MachineError."""
    early, wire.early = wire.early, b""
    try:
        return early or bytes(await wire.stream.receive_some(SIZE))
    except _BROKEN as error:
        raise MachineError("The job's container was lost: Docker broke off.") from error


class Attached(Struct):
    """A Link over a container's attached streams."""

    wire: Upgraded
    guard: Guard
    _demux: Demux = field(default_factory=Demux)

    async def send(self, data: bytes) -> None:
        """As Link.send."""
        try:
            await self.wire.stream.send_all(data)
        except _BROKEN as error:
            raise MachineError("The job's container was lost: it ended too early.") from error

    async def receive(self) -> tuple[bytes, bytes]:
        """As Link.receive."""
        while True:
            data = await received(self.wire)
            output, control = self._demux.feed(data)
            if output or control or not data:
                return output, control

    async def signal(self, name: str, group: int) -> bool:
        """As Link.signal."""
        return await self.guard.signal(name, group)
