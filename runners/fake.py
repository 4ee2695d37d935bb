"""A machine that only pretends: it reads a tiny language, so that tests are fast and exact."""

from __future__ import annotations

import io
import tarfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import trio
from msgspec import Struct, field

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
    ServiceFacts,
)

FILES = {
    "output": "GITHUB_OUTPUT",
    "env": "GITHUB_ENV",
    "path": "GITHUB_PATH",
    "summary": "GITHUB_STEP_SUMMARY",
    "state": "GITHUB_STATE",
    "artifact": "GITHUB_ARTIFACTS",
}


class Reply(Struct, frozen=True):
    """What a scripted command does: in this order sleep, output, files, exit code or loss.

    `files` maps a variable ("GITHUB_OUTPUT") or a path to content; `cancel` is how many seconds
    the command still takes when it is cancelled, `cancelled` the exit code it then has; `lost`
    ends the machine.
    """

    code: int = 0
    output: tuple[bytes, ...] = ()
    files: Mapping[str, bytes] = field(default_factory=dict)
    seconds: float = 0
    cancel: float = 0
    cancelled: int = 130
    lost: str = ""


Script = Callable[[MachineSpec, Command], Reply | None] | Mapping[str, Reply]


class _Run(Struct):
    """The state of one command while its lines are interpreted."""

    command: Command | ContainerCommand
    output: Output
    files: dict[str, bytes] = field(default_factory=dict)
    grace: float = 0
    cancelled: int = 130

    def write(self, name: str, content: bytes) -> None:
        path = self.command.env.get(name, name)
        if path in self.command.files:
            self.files[path] = self.files.get(path, b"") + content

    async def sleep(self, seconds: float) -> bool:
        """Whether it was a whole sleep, and not cut short by a cancellation."""
        try:
            await trio.sleep(seconds)
        except trio.Cancelled:
            with trio.CancelScope(shield=True):
                await trio.sleep(min(self.grace, 10.0))
            return False
        return True

    def ended(self) -> Exit:
        """The exit after a cancellation: 137 where even TERM was not enough."""
        code = self.cancelled if self.grace <= 10 else 137
        return Exit(code, self.files)


class FakeMachine:
    """A machine without a shell."""

    def __init__(self, spec: MachineSpec, runner: FakeRunner) -> None:
        self.spec = spec
        services = {
            service.name: ServiceFacts(f"id-{service.name}", "network") for service in spec.services
        }
        self.facts = Facts(
            "fake", spec.layout, image=spec.image, network=spec.network, services=services
        )
        self.archives: dict[str, bytes] = {}
        self._runner = runner
        self._gone = ""

    async def exec(self, command: Command, output: Output) -> Exit:
        """As Machine.exec."""
        await trio.lowlevel.checkpoint()
        if self._gone:
            raise MachineError(self._gone)
        self._runner.commands.append((self.spec.name, command))
        run = _Run(command, output)
        if reply := self._runner.reply(self.spec, command):
            return await self._play(run, reply)
        return await self._lines(run, command.script)

    async def provide(self, wanted: Pull | Build, log: Log) -> str:
        """As Machine.provide; every image is there that `refuse` has no error for."""
        await trio.lowlevel.checkpoint()
        name = wanted.image if isinstance(wanted, Pull) else f"built/{wanted.name}"
        self._runner.provided.append(wanted)
        if error := self._runner.refused(name):
            raise ContainerError(error)
        return name

    async def contain(self, command: ContainerCommand, output: Output) -> Exit:
        """As Machine.contain; the arguments are the lines of the tiny language."""
        await trio.lowlevel.checkpoint()
        self._runner.contained.append((self.spec.name, command))
        return await self._lines(_Run(command, output), _text(command))

    async def _lines(self, run: _Run, script: str) -> Exit:
        for line in script.splitlines():
            word, _, rest = line.strip().partition(" ")
            if (exit := await self._line(run, word, rest)) is not None:
                return exit
        return Exit(0, run.files)

    async def put(self, path: str, tar: bytes) -> None:
        """As Machine.put; the archive is kept as it is."""
        await trio.lowlevel.checkpoint()
        self.archives[path] = tar

    async def get(self, path: str) -> bytes:
        """As Machine.get, of what was put under just that path, or of the runner's `files`."""
        await trio.lowlevel.checkpoint()
        if tar := self._runner.tar_of(path):
            return tar
        if path not in self.archives:
            raise MachineError(f"There is no '{path}' in the machine.")
        return self.archives[path]

    async def _play(self, run: _Run, reply: Reply) -> Exit:
        run.grace, run.cancelled = reply.cancel, reply.cancelled
        whole = await run.sleep(reply.seconds) if reply.seconds else True
        for chunk in reply.output:
            run.output(chunk)
        for name, content in reply.files.items():
            run.write(name, content)
        if reply.lost:
            self._lose(reply.lost)
        return Exit(reply.code, run.files) if whole else run.ended()

    async def _line(self, run: _Run, word: str, rest: str) -> Exit | None:
        match word:
            case "echo":
                run.output(rest.encode() + b"\n")
            case "print-env":
                run.output(run.command.env.get(rest, "").encode() + b"\n")
            case "output" | "env" | "path" | "summary" | "state" | "artifact":
                run.write(FILES[word], rest.encode() + b"\n")
            case "trap-cancel":
                run.grace = float(rest)
            case "sleep" if not await run.sleep(float(rest)):
                return run.ended()
            case "exit":
                return Exit(int(rest), run.files)
            case "fail-times" if self._runner.fails(self.spec.name, _text(run.command), int(rest)):
                return Exit(1, run.files)
            case "lost":
                self._lose(rest or "The job's machine was lost.")
        return None

    def _lose(self, why: str) -> None:
        self._gone = why
        raise MachineError(why)


class FakeRunner:
    """Makes pretended machines and remembers all that was asked of them.

    A command that `script` has a Reply for (by function, or by the exact text of the script)
    does that; every other one is read as the tiny language:

        echo TEXT    output NAME=VALUE    env NAME=VALUE    path DIR    state NAME=VALUE
        summary TEXT    print-env NAME    sleep SECONDS    exit CODE    fail-times COUNT
        artifact TEXT    trap-cancel SECONDS    lost [WHY]

    Other lines do nothing. `refuse` maps the name of a machine or an image to the error that
    opening or providing it meets. `files` are files that every machine has.
    """

    def __init__(
        self,
        script: Script | None = None,
        refuse: Mapping[str, str] | None = None,
        files: Mapping[str, str] | None = None,
    ) -> None:
        self.commands: list[tuple[str, Command]] = []
        self.contained: list[tuple[str, ContainerCommand]] = []
        self.provided: list[Pull | Build] = []
        self.opened: list[MachineSpec] = []
        self.closed: list[MachineSpec] = []
        self.cleaned: list[str | None] = []
        self._script: Script = script if script is not None else {}
        self._refuse = refuse or {}
        self._files = files or {}
        self._runs: Counter[tuple[str, str]] = Counter()

    @asynccontextmanager
    async def open(self, spec: MachineSpec, log: Log) -> AsyncIterator[FakeMachine]:
        """As Runner.open."""
        await trio.lowlevel.checkpoint()
        if error := self.refused(spec.name):
            raise MachineError(error)
        self.opened.append(spec)
        try:
            yield FakeMachine(spec, self)
        finally:
            self.closed.append(spec)

    async def clean(self, run_id: str | None = None) -> tuple[str, ...]:
        """As Runner.clean; there is nothing to remove."""
        await trio.lowlevel.checkpoint()
        self.cleaned.append(run_id)
        return ()

    def reply(self, spec: MachineSpec, command: Command) -> Reply | None:
        """The scripted reply to a command, if it has one."""
        if isinstance(self._script, Mapping):
            return self._script.get(command.script)
        return self._script(spec, command)

    def fails(self, machine: str, command: str, times: int) -> bool:
        """Whether this run of a command is among its first `times`."""
        key = (machine, command)
        self._runs[key] += 1
        return self._runs[key] <= times

    def refused(self, name: str) -> str:
        """The error that a machine or an image of this name meets, or ''."""
        return self._refuse.get(name, "")

    def tar_of(self, path: str) -> bytes | None:
        """A tar archive of a file, or of the files below a directory; None where there is none."""
        above = path.rstrip("/").rpartition("/")[0]
        chosen = {
            name.removeprefix(above + "/"): text
            for name, text in self._files.items()
            if name == path or name.startswith(path.rstrip("/") + "/")
        }
        return _tar(chosen) if chosen else None


def _text(command: Command | ContainerCommand) -> str:
    return command.script if isinstance(command, Command) else "\n".join(command.args)


def _tar(files: Mapping[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, text in files.items():
            about = tarfile.TarInfo(name)
            about.size = len(text.encode())
            archive.addfile(about, io.BytesIO(text.encode()))
    return packed.getvalue()
