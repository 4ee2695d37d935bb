"""The one seam: what a job needs from wherever it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Literal, Protocol

from msgspec import Struct, field

from engine.secretive import Secretive

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


class ContainerError(Exception):
    """A container step can't run: its image can't be had, or the machine has no containers.

    The step fails with this sentence; the machine goes on.
    """


class Layout(Struct, frozen=True):
    """Where GitHub's directories are inside a machine (absolute POSIX paths)."""

    workspace: str
    temp: str
    tool_cache: str
    home: str | None = None  # None: as the image or the user has it
    actions: str = "/home/runner/work/_actions"
    externals: str = "/home/runner/externals"

    @property
    def commands(self) -> str:
        """The directory of scripts and command files: many small ones, best kept in memory."""
        return f"{self.temp}/_runner_file_commands"

    @property
    def event(self) -> str:
        """The file with the event's payload."""
        in_container = self.home == "/github/home"
        return (
            f"{'/github/workflow' if in_container else f'{self.temp}/_github_workflow'}/event.json"
        )


class Credentials(Secretive, Struct, frozen=True):
    """What a registry asks for before it gives an image."""

    username: str
    password: str


class Service(Struct, frozen=True):
    """A container beside a job's machine, reached by its name.

    `ports` are as `docker create --publish` takes them, `options`, `entrypoint` and `command` as
    its command line has them.
    """

    name: str
    image: str
    env: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    options: str = ""
    credentials: Credentials | None = None
    entrypoint: str = ""
    command: str = ""


class MachineSpec(Struct, frozen=True):
    """All that a runner is told about the machine of one job.

    `name` is unique in the run and made of [a-zA-Z0-9_.-]. `options` are raw `docker create`
    options. A runner that has no images ignores what only concerns them. `actions` are folders of
    this computer by their path below `layout.actions`, `externals` is the one at
    `layout.externals`; the machine sees them read-only. `localhost` says that the ports of the
    services answer there, as on GitHub's hosted machines; in a job container they do not.
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
    services: tuple[Service, ...] = ()
    localhost: bool = True
    actions: Mapping[str, Path] = field(default_factory=dict)
    externals: Path | None = None
    contains: bool = False  # container steps will run beside the machine and share its directories
    docker_socket: bool = True  # steps reach the daemon, as on GitHub


class ServiceFacts(Struct, frozen=True):
    """A service that runs; `ports` are the host's ports by the container's ("5432")."""

    id: str
    network: str
    ports: Mapping[str, str] = field(default_factory=dict)


class Facts(Struct, frozen=True):
    """What a job may know of the machine it got; paths are as its steps see them."""

    isolation: Isolation
    layout: Layout
    os: str = "Linux"  # GitHub's names: Linux, Windows, macOS
    arch: str = "X64"  # X86, X64, ARM, ARM64
    bash: bool = True  # whether `bash` is on the machine's PATH
    id: str = ""  # the container's id
    network: str = ""
    image: str = ""
    musl: bool = False  # whether its programs use musl instead of glibc
    services: Mapping[str, ServiceFacts] = field(default_factory=dict)


class Command(Struct, frozen=True):
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


class Pull(Struct, frozen=True):
    """An image that a registry has."""

    image: str
    credentials: Credentials | None = None


class Build(Secretive, Struct, frozen=True):
    """An image to build; `context` is an uncompressed tar, `dockerfile` a path in it."""

    name: str
    context: bytes
    dockerfile: str = "Dockerfile"


# Where a container step finds the job's directories (actions/runner, ContainerActionHandler).
STEP_LAYOUT = Layout(
    workspace="/github/workspace",
    temp="/github/runner_temp",
    tool_cache="/opt/hostedtoolcache",
    home="/github/home",
)
STEP_COMMANDS = "/github/file_commands"


class ContainerCommand(Struct, frozen=True):
    """A container step: one container of its own, beside the machine, at STEP_LAYOUT.

    `entrypoint` '' is the image's own. `files` and `inputs` are as in Command, below
    STEP_COMMANDS and /github/workflow.
    """

    image: str
    entrypoint: str = ""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)


class Exit(Struct, frozen=True):
    """How a command ended: its exit code (128+n for signal n) and its non-empty files."""

    code: int
    files: Mapping[str, bytes] = field(default_factory=dict)


class Machine(Protocol):
    """A place that runs commands, several at once if asked to."""

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

    async def provide(self, wanted: Pull | Build, log: Log) -> str:
        """The name of an image for `contain`, pulled or built (once per content) if need be.

        Raises ContainerError.
        """
        ...

    async def contain(self, command: ContainerCommand, output: Output) -> Exit:
        """Run a container step; otherwise as exec. Raises ContainerError, MachineError."""
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
