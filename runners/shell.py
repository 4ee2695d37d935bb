"""One conversation with one POSIX shell: commands go in as text, output and results come out."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Protocol

import trio

from engine.machine import Command, Exit, Layout, MachineError, Output

LADDER = (("INT", 7.5), ("TERM", 2.5), ("KILL", 5.0))
LARGEST = 128 * 1024  # bytes of one NAME=VALUE that Linux lets a process start with
SMALL = LARGEST // 8  # characters of a value that certainly fits, with its name
TRUST = {
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "safe.directory",
    "GIT_CONFIG_VALUE_0": "*",
}

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Names that some shell holds readonly or gives a meaning of its own, and PATH, which must not yet
# count when `setsid` and `env` are looked up.
_OWN = re.compile(
    "PATH|IFS|E?UID|PPID|GROUPS|OPTIND|LINENO|RANDOM|SECONDS|SHELLOPTS|BASHOPTS|BASH_VERSINFO|"
    "BASH_ARG[CV]|DIRSTACK|FUNCNAME|HISTCMD|PIPESTATUS|PWD|OLDPWD|_"
)


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

    async def signal(self, name: str, group: int) -> None:
        """Send a signal ("INT") to a process group inside the machine. Raises MachineError."""
        ...


def quote(text: str) -> str:
    """Text as one word of shell."""
    return "'" + text.replace("'", "'\\''") + "'"


def folders(layout: Layout) -> tuple[str, ...]:
    """The directories that must exist in a machine before its first command."""
    made = (layout.workspace, layout.tool_cache, layout.commands)
    return (*made, layout.home) if layout.home else made


def boot(secret: str, prepare: str = ":") -> str:
    """The text of the process that owns the wires and restarts the shell when a command kills it.

    Its stdin takes commands, its stdout is output, its stderr is control. It greets on stdout
    and ends when its stdin does.
    """
    return (
        f"s={secret}; {prepare}; "
        "command -v setsid >/dev/null || { echo 'It has no setsid: add util-linux.'; exit 97; }; "
        "exec 3>&2 5>&1 >/dev/null 2>&1; "
        "b=0; command -v bash && b=1; "
        "printf '\\001%s %s\\n' $s $b >&5; "
        'while sh -s; [ $? -gt 128 ]; do echo "H $s" >&3; done'
    )


@dataclass(slots=True)
class OutputParser:
    """Cuts the line that ends a command out of its output: a marker, an exit code, how many files.

    Holds back only what may be the beginning of that line.
    """

    marker: bytes
    code: int = 0
    files: int = 0
    seen: bool = False
    _held: bytes = b""

    def feed(self, data: bytes) -> bytes:
        """The bytes that are certainly not that line's."""
        if self.seen:
            return data
        data = self._held + data
        before, found, rest = data.partition(self.marker)
        if found:
            return self._end(before, rest)
        held = self._overlap(data)
        self._held = data[len(data) - held :]
        return data[: len(data) - held]

    def _end(self, before: bytes, rest: bytes) -> bytes:
        line, newline, after = rest.partition(b"\n")
        if not newline:
            self._held = self.marker + rest
            return before
        self.seen, self._held = True, b""
        self.code, self.files = map(int, line.split())
        return before + after

    def _overlap(self, data: bytes) -> int:
        start = data.rfind(self.marker[:1], -len(self.marker))
        while start >= 0:
            if self.marker.startswith(data[start:]):
                return len(data) - start
            start = data.find(self.marker[:1], start + 1)
        return 0


@dataclass(frozen=True, slots=True)
class Record:
    """One message on control: its kind, its words, and a file's content.

    P: a command runs as process group; F: a file's content;
    H: the shell was killed and started anew; Q: that shell is listening.
    """

    kind: str
    words: tuple[str, ...] = ()
    content: bytes = b""


@dataclass(slots=True)
class ControlParser:
    """Bytes of the control channel in, records out."""

    hello: bytes
    _buffer: bytearray = field(default_factory=bytearray)
    _file: Record | None = None

    def feed(self, data: bytes) -> list[Record]:
        """The records that are now complete."""
        self._buffer += data
        records = []
        while record := self._next():
            records.append(record)
        return records

    def _next(self) -> Record | None:
        if self._file:
            return self._content(self._file)
        line = self._until(b"\n")
        if line is None:
            return None
        if line.endswith(self.hello):  # perhaps behind a line that the killed shell left undone
            return Record("H")
        kind, *words = line.decode("ascii", "replace").split(" ")
        if kind == "F":
            self._file = Record(kind, tuple(words))
            return self._next()
        return Record(kind, tuple(words))

    def _content(self, file: Record) -> Record | None:
        end = self._buffer.find(b"\n" + file.words[1].encode() + b"\n")
        again = self._buffer.find(self.hello + b"\n")
        if end < 0 and again < 0:
            return None
        self._file = None
        if end < 0 or 0 <= again < end:
            self._until(self.hello + b"\n")
            return Record("H")
        content = bytes(self._buffer[:end])
        del self._buffer[: end + len(file.words[1]) + 2]
        return Record("F", file.words, content)

    def _until(self, mark: bytes) -> bytes | None:
        at = self._buffer.find(mark)
        if at < 0:
            return None
        taken = bytes(self._buffer[:at])
        del self._buffer[: at + len(mark)]
        return taken


@dataclass(slots=True)
class _Step:
    """A command under way."""

    number: int
    nonce: str
    command: Command
    output: OutputParser
    group: int = 0
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        """Whether it has ended and all it left is here; the two streams may overtake each other."""
        return self.output.seen and len(self.files) >= self.output.files


class Session:
    """Runs commands over a link, one at a time."""

    def __init__(
        self, link: Link, layout: Layout, secret: str, env: Mapping[str, str] = TRUST
    ) -> None:
        self._link = link
        self._layout = layout
        self._secret = secret
        self._env = env
        self._control = ControlParser(f"H {secret}".encode())
        self._count = 0

    async def greet(self) -> bool:
        """Wait until the shell listens; whether its machine has bash. Raises MachineError."""
        wanted = re.compile(rb"\001" + self._secret.encode() + rb" ([01])\n")
        seen = b""
        while not (match := wanted.search(seen)):
            data, control = await self._link.receive()
            if not data and not control:
                raise MachineError(f"The machine's shell did not start. {_said(seen)}".strip())
            seen += data + control
        return match[1] == b"1"

    async def exec(self, command: Command, output: Output) -> Exit:
        """As Machine.exec."""
        await trio.lowlevel.checkpoint_if_cancelled()
        if refusal := _refusal(command):
            output(refusal.encode() + b"\n")
            return Exit(1)
        step = self._begin(command)
        text = _head(step, self._layout, self._env) + _tail(step)
        with trio.CancelScope(shield=True):  # half a command would be run as something else
            await self._link.send(text.encode("utf-8", "surrogateescape"))
        try:
            await self._follow(step, output, lambda: step.over)
        except trio.Cancelled:
            await self._end(step, output)
        return Exit(step.output.code, step.files)

    def _begin(self, command: Command) -> _Step:
        self._count += 1
        nonce = secrets.token_hex(16)
        return _Step(self._count, nonce, command, OutputParser(b"\x01" + nonce.encode()))

    async def _follow(self, step: _Step, output: Output, until: Callable[[], bool]) -> None:
        while not until():
            data, control = await self._link.receive()
            if not data and not control:
                raise MachineError(
                    "The job's machine was lost: it ended while a step was running. "
                    "Was it killed, or did it run out of memory?"
                )
            if data and (shown := step.output.feed(data)):
                output(shown)
            for record in self._control.feed(control):
                await self._note(step, record)

    async def _note(self, step: _Step, record: Record) -> None:
        if record.kind == "H":
            with trio.CancelScope(shield=True):
                await self._link.send(f'echo "Q {step.number}" >&3\n'.encode())
        elif record.words[:1] != (str(step.number),):
            return  # the end of something given up
        elif record.kind == "P":
            step.group = int(record.words[1])
        elif record.kind == "F":
            step.files[step.command.files[int(record.words[2])]] = record.content
        elif record.kind == "Q" and not step.output.seen:
            with trio.CancelScope(shield=True):
                if step.group:  # it outlived the shell that would have told of its end
                    await self._link.signal("KILL", step.group)
                await self._link.send(_tail(step, lost=True).encode())

    async def _end(self, step: _Step, output: Output) -> None:
        with trio.move_on_after(LADDER[-1][1], shield=True):
            await self._follow(step, output, lambda: step.group > 0 or step.over)
        if not step.group and not step.over:  # and group 0 would be one's own
            raise MachineError("The cancelled step never began; its machine was given up.")
        for name, seconds in LADDER:
            with trio.move_on_after(seconds, shield=True):
                if not step.over:
                    await self._link.signal(name, step.group)
                    await self._follow(step, output, lambda: step.over)
                if step.group:  # its background children ignore INT
                    await self._link.signal("KILL", step.group)
                return
        raise MachineError("The cancelled step could not be ended; its machine was given up.")


def _said(seen: bytes) -> str:
    return seen.decode(errors="replace").strip()[-500:]


def _refusal(command: Command) -> str:
    for name, value in command.env.items():
        if "\0" in value or "\0" in name:
            return f"environment variable '{name}' holds a NUL character, which no process can take"
        if len(value) < SMALL:
            continue
        size = len(f"{name}={value}".encode("utf-8", "surrogateescape")) + 1
        if size > LARGEST:
            return (
                f"environment variable '{name}' is {size // 1024} KiB; Linux starts no process "
                "with more than 128 KiB in one variable: put it in a file"
            )
    return ""


def _head(step: _Step, layout: Layout, env: Mapping[str, str]) -> str:
    command = step.command
    script = f"{layout.commands}/step-{step.number}{command.extension}"
    # One compound: a shell that is killed in it must not leave its rest to the next shell.
    return (
        f"{{ {_parent(script)}"
        + "".join(_input(path, text) for path, text in command.inputs.items())
        + "".join(_empty(path) for path in command.files)
        + f"w=1; printf %s {quote(command.script)} >{quote(script)} && w=0\n"
        # In the foreground, as a shell's background children can never again be interrupted.
        '( while read -r k p r; do [ "$k" = Tgid: ] && break; done </proc/self/status\n'
        f'echo "P {step.number} $p" >&3\n'
        "exec >&5 2>&5 </dev/null 3>&- 5>&-\n"
        f"[ $w = 0 ] || {{ echo {_unwritten(script)}; exit 1; }}\n"
        f"cd {quote(command.cwd)} 2>/dev/null || {{ echo {_nowhere(command)}; exit 1; }}\n"
        f"{_start(command, script, env)} )\n"
        "e=$?\n"
    )


def _unwritten(script: str) -> str:
    return quote(f"the script can't be written to '{script}': is there no space left?")


def _nowhere(command: Command) -> str:
    return quote(f"working directory '{command.cwd}' does not exist")


def _empty(path: str) -> str:
    # Not `:`, whose failed redirection ends a shell.
    word = quote(path)
    return f"{_parent(path)}[ -d {word} ] && rm -rf {word}; true >{word}\n"


def _parent(path: str) -> str:
    folder = quote(path.rpartition("/")[0] or "/")
    return f"[ -d {folder} ] || mkdir -p {folder}\n"


def _input(path: str, text: str) -> str:
    return f"{_parent(path)}printf %s {quote(text)} >{quote(path)}\n"


def _start(command: Command, script: str, env: Mapping[str, str]) -> str:
    wanted = dict(command.env)
    if "GIT_CONFIG_COUNT" not in wanted:
        wanted |= env
    plain = {k: v for k, v in wanted.items() if _exportable(k)}
    exports = " ".join(f"{k}={quote(v)}" for k, v in plain.items())
    operands = [quote(f"{k}={v}") for k, v in wanted.items() if k and k not in {*plain, "PATH"}]
    if command.path or "PATH" in wanted:
        rest = quote(wanted["PATH"]) if "PATH" in wanted else '"${PATH-}"'
        operands.append("PATH=" + "".join(quote(entry + ":") for entry in command.path) + rest)
    words = [quote(word.replace("{0}", script)) for word in command.shell]
    through = ["env", "--", *operands] if operands else []
    return (f"export {exports}\n" if exports else "") + " ".join(["exec setsid", *through, *words])


@cache  # the same names come with every step
def _exportable(name: str) -> bool:
    return bool(_NAME.fullmatch(name)) and not _OWN.fullmatch(name)


def _tail(step: _Step, lost: bool = False) -> str:
    """What is said when a command has ended; where its shell was lost too, it was killed."""
    files = "".join(
        f"[ -f {quote(path)} ] && [ -s {quote(path)} ] && {{ n=$((n+1)); "
        f"echo 'F {step.number} {step.nonce} {index}'; cat {quote(path)}; "
        f"printf '\\n%s\\n' {step.nonce}; }} >&3\n"
        for index, path in enumerate(step.command.files)
    )
    begin = "{ e=137\n" if lost else ""
    return f"{begin}n=0\n{files}printf '\\001%s %s %s\\n' {step.nonce} $e $n >&5; }}\n"
