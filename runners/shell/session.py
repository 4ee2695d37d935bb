"""One conversation with one POSIX shell: commands go in as text, output and results come out."""

from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Protocol

import trio
from msgspec import Struct, field

from engine.machine import Command, Exit, Layout, MachineError, Output
from runners.shell import text
from runners.shell.parsers import ControlParser, OutputParser, Record

LADDER = (("INT", 7.5), ("TERM", 2.5), ("KILL", 5.0))
_PAUSE = 0.02  # seconds
TRUST = {
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "safe.directory",
    "GIT_CONFIG_VALUE_0": "*",
}


class Link(Protocol):
    """The wires to a shell that runs BOOT."""

    async def send(self, data: bytes) -> None:
        """Write to the shell's standard input. Raises MachineError."""
        ...

    async def receive(self) -> tuple[bytes, bytes]:
        """What came on (output, control) since; both empty when the shell is gone.

        Loses nothing when it is cancelled. Raises MachineError.
        """
        ...

    async def signal(self, name: str, group: int) -> bool:
        """Send a signal ("INT") to a process group inside the machine; whether there is one.

        Raises MachineError.
        """
        ...


class Greeting(Struct, frozen=True):
    """What a shell says of its machine when it begins to listen."""

    bash: bool = True
    musl: bool = False


class Step(Struct, dict=True):
    """A command under way; its process group is 0 until it runs."""

    number: int
    command: Command
    group: int = 0
    nonce: str = field(default_factory=lambda: secrets.token_hex(16))
    files: dict[str, bytes] = field(default_factory=dict)

    @cached_property
    def output(self) -> OutputParser:
        return OutputParser(b"\x01" + self.nonce.encode())

    @property
    def over(self) -> bool:
        """Whether it has ended and all it left is here; the two streams may overtake each other."""
        return self.output.seen and len(self.files) >= self.output.files


class ShellLost(MachineError):
    """The shell is gone, and perhaps its machine; `step` was under way."""

    def __init__(self, reason: str, step: Step) -> None:
        super().__init__(reason)
        self.step = step


class Session:
    """Runs commands over a link, one at a time.

    `numbers` tell the commands of a machine from each other, whichever session they run in.
    """

    def __init__(
        self,
        link: Link,
        layout: Layout,
        secret: str,
        env: Mapping[str, str] = TRUST,
        numbers: Iterator[int] | None = None,
    ) -> None:
        self._link = link
        self._layout = layout
        self._secret = secret
        self._env = env
        self._numbers = numbers or itertools.count(1)
        self._control = ControlParser(f"H {secret}".encode())
        self.greeting = Greeting()

    async def greet(self) -> None:
        """Wait until the shell listens and has told its `greeting`. Raises MachineError."""
        wanted = re.compile(rb"\001" + self._secret.encode() + rb" ([01]) ([01])\n")
        seen = b""
        while not (match := wanted.search(seen)):
            data, control = await self._link.receive()
            if not data and not control:
                raise MachineError(f"The machine's shell did not start. {_said(seen)}".strip())
            seen += data + control
        self.greeting = Greeting(bash=match[1] == b"1", musl=match[2] == b"1")

    async def exec(self, command: Command, output: Output) -> Exit:
        """As Machine.exec, but for one command at a time. Raises ShellLost, MachineError."""
        await trio.lowlevel.checkpoint_if_cancelled()
        if refusal := text.refusal(command):
            output(refusal.encode() + b"\n")
            return Exit(1)
        step = Step(next(self._numbers), command)
        begin = text.begin(step.number, command, self._layout, self._env)
        return await self._run(step, begin + _end_of(step), output)

    async def account(self, lost: Step, output: Output) -> Exit:
        """Kill a command that lost its own session, and tell what it left. Raises as exec."""
        step = Step(lost.number, lost.command, lost.group)
        await self._kill(step)
        return await self._run(step, _end_of(step, lost=True), output)

    async def read(self, files: tuple[str, ...]) -> Mapping[str, bytes]:
        """Those of these files that are there and not empty. Raises as exec."""
        step = Step(next(self._numbers), Command("", (), "/", files=files))
        return (await self._run(step, _end_of(step, lost=True), lambda data: None)).files

    async def _run(self, step: Step, said: str, output: Output) -> Exit:
        await self._send(step, said)
        try:
            await self._follow(step, output, lambda: step.over)
        except trio.Cancelled:
            await self._end(step, output)
        return Exit(step.output.code, step.files)

    async def _send(self, step: Step, said: str) -> None:
        with trio.CancelScope(shield=True):  # half a command would be run as something else
            try:
                await self._link.send(said.encode("utf-8", "surrogateescape"))
            except MachineError as error:
                raise ShellLost(str(error), step) from error

    async def _follow(self, step: Step, output: Output, until: Callable[[], bool]) -> None:
        while not until():
            data, control = await self._receive(step)
            if data and (shown := step.output.feed(data)):
                output(shown)
            for record in self._control.feed(control):
                await self._note(step, record)

    async def _receive(self, step: Step) -> tuple[bytes, bytes]:
        try:
            data, control = await self._link.receive()
        except MachineError as error:
            raise ShellLost(str(error), step) from error
        if not data and not control:
            raise ShellLost(
                "The job's machine was lost: it ended while a step was running. "
                "Was it killed, or did it run out of memory?",
                step,
            )
        return data, control

    async def _note(self, step: Step, record: Record) -> None:
        if record.kind == "H":
            await self._send(step, f'echo "Q {step.number}" >&3\n')
        elif record.words[:1] != (str(step.number),):
            return  # the end of something given up
        elif record.kind == "P":
            step.group = int(record.words[1])
        elif record.kind == "F":
            step.files[step.command.files[int(record.words[2])]] = record.content
        elif record.kind == "Q" and not step.output.seen:
            await self._kill(step)  # it outlived the shell that would have told of its end
            await self._send(step, _end_of(step, lost=True))

    async def _kill(self, step: Step) -> None:
        if step.group:
            with trio.CancelScope(shield=True):
                await self._link.signal("KILL", step.group)

    async def _end(self, step: Step, output: Output) -> None:
        with trio.move_on_after(LADDER[-1][1], shield=True):
            await self._follow(step, output, lambda: step.group > 0 or step.over)
        if not step.group and not step.over:  # and group 0 would be one's own
            raise MachineError("The cancelled step never began; its machine was given up.")
        for name, seconds in LADDER:
            with trio.move_on_after(seconds, shield=True):
                await self._strike(step, name, output)
                await self._kill(step)  # its background children ignore INT
                return
        raise MachineError("The cancelled step could not be ended; its machine was given up.")

    async def _strike(self, step: Step, name: str, output: Output) -> None:
        """Signal a command, which may not have its process group yet, and see it end."""
        while not step.over and not await self._link.signal(name, step.group):
            with trio.move_on_after(_PAUSE):
                await self._follow(step, output, lambda: step.over)
        await self._follow(step, output, lambda: step.over)


def _end_of(step: Step, lost: bool = False) -> str:
    return text.end(step.number, step.nonce, step.command.files, lost)


def _said(seen: bytes) -> str:
    return seen.decode(errors="replace").strip()[-500:]
