"""The one seam: what a job needs from wherever it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

Isolation = Literal["docker", "namespace", "host", "fake"]
WorkspaceMode = Literal["overlay", "bind", "copy"]
PullPolicy = Literal["missing", "always", "never"]
Output = Callable[[bytes], None]
Log = Callable[[str], None]


class MachineError(Exception):
    """A machine could not be made, or was lost: a sentence with the next step, for a user to read.

    Every failure of a runner, whatever library raised it, leaves the runner as this.
    """


class ImageUnavailable(MachineError):
    """The image is not on the machine's computer and can't be pulled."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where GitHub's directories are inside a machine (absolute POSIX paths)."""

    workspace: str
    temp: str
    tool_cache: str
    home: str | None = None  # None: as the image or the user has it


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a registry asks for before it gives an image."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class MachineSpec:
    """All that a runner is told about the machine of one job.

    `name` is unique in the run and made of [a-zA-Z0-9_.-]. `options` are raw `docker create`
    options. A runner that has no images ignores what only concerns them.
    """

    run_id: str
    name: str
    layout: Layout
    source: Path | None = None  # the repository on this computer; None: an empty workspace
    workspace_mode: WorkspaceMode = "overlay"
    image: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    volumes: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    options: str = ""
    network: str = ""
    platform: str = ""
    pull: PullPolicy = "missing"
    credentials: Credentials | None = None
    hidden: tuple[str, ...] = ()  # paths below `source` that the job does not see


@dataclass(frozen=True, slots=True)
class Facts:
    """What a job may know of the machine it got; paths are as its steps see them."""

    isolation: Isolation
    layout: Layout
    os: str = "Linux"  # GitHub's names: Linux, Windows, macOS
    arch: str = "X64"  # X86, X64, ARM, ARM64
    bash: bool = True  # whether `bash` is on the machine's PATH
    id: str = ""  # the container's id
    network: str = ""
    image: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """One script to run under one shell.

    `shell` is an argument vector in which `{0}` stands for the path of the file that the machine
    writes `script` to; it ends in `extension`. `files` are the paths that the machine makes empty
    before the script starts and whose contents come back in `Exit.files`.
    `path` is put in front of the machine's own PATH, first entry first. `inputs` are files (path
    and text) that the machine writes before all that.
    """

    script: str
    shell: tuple[str, ...]
    cwd: str
    env: Mapping[str, str] = field(default_factory=dict)
    path: tuple[str, ...] = ()
    extension: str = ".sh"
    files: tuple[str, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Exit:
    """How a command ended: its exit code (128+n for signal n) and its non-empty files."""

    code: int
    files: Mapping[str, bytes] = field(default_factory=dict)


class Machine(Protocol):
    """A place that runs commands, one at a time."""

    @property
    def facts(self) -> Facts: ...

    async def exec(self, command: Command, output: Output) -> Exit:
        """Run a command; its stdout and stderr, one ordered stream, go to `output` as they come.

        Standard input is at its end. Cancelling the await sends the command's whole process
        group INT, after 7.5 s TERM, after 2.5 s KILL, and leaves the machine usable. It then
        still returns the Exit, so that the files of a cancelled command count as they do on
        GitHub; the caller meets the cancellation at its next checkpoint.
        Raises MachineError when the machine is gone.
        """
        ...

    async def put(self, path: str, tar: bytes) -> None:
        """Unpack an uncompressed tar archive into the directory `path`, made if missing."""
        ...

    async def get(self, path: str) -> bytes:
        """The file or directory at `path` as an uncompressed tar archive."""
        ...


class Runner(Protocol):
    """Makes machines. One instance serves one run."""

    def open(self, spec: MachineSpec, log: Log) -> AbstractAsyncContextManager[Machine]:
        """Create everything the machine needs; on exit, however it comes, remove it again.

        `log` is told, in whole lines, what takes time (a pull's progress). Raises MachineError.
        """
        ...

    async def clean(self, run_id: str | None = None) -> tuple[str, ...]:
        """Remove what runs left behind (of one run, or of all that are over); the names removed."""
        ...
