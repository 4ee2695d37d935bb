"""Jobs without Docker: this computer's own programs, walled off in Linux namespaces.

The host's files are read-only, /tmp is private, and the repository is the lower layer of an
overlay (a copy where there can be none), so that a job leaves nothing behind. What it writes is
kept in memory. Processes of the job cannot outlive the engine.
"""

from __future__ import annotations

import itertools
import os
import platform
import re
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from subprocess import DEVNULL

import trio
from msgspec import Struct, field

from engine.machine import Facts, Layout, Log, MachineError, MachineSpec
from runners import local
from runners.host import ARCHITECTURES
from runners.local import LocalMachine
from runners.mask import mask
from runners.shell import TRUST, Lanes, Session, boot, folders, quote
from runners.shown import shown

PLACE = "/tmp/runwright"  # the machine's own directories; /tmp is private to it
_KEPT = ("/proc", "/dev", "/sys/fs/cgroup")  # mounts that are left as they are
_LOCKED = ("nosuid", "nodev", "noexec", "noatime", "nodiratime", "relatime")


class Probe(Struct, frozen=True):
    """Whether namespaces work here, and if not why and what to do."""

    works: bool
    reason: str = ""


class NamespaceRunner:
    """Makes machines that are namespaces of this computer."""

    @asynccontextmanager
    async def open(self, spec: MachineSpec, log: Log) -> AsyncIterator[LocalMachine]:
        """As Runner.open; the directories are not those of the spec, see `facts.layout`."""
        local.refuse_services(spec)
        _demand()
        layout = _layout(spec)
        env = {**os.environ, "HOME": layout.home or "/", **spec.env}
        shells = _Shells(layout, env)
        async with (
            shells.opened((*_UNSHARE, *_user("-U", "-r")), _setup(spec, layout)) as first,
            Lanes(first, lambda: shells.opened(shells.enter)) as lanes,
        ):
            arch = ARCHITECTURES.get(platform.machine(), "X64")
            said = first.greeting
            facts = Facts("namespace", layout, arch=arch, bash=said.bash, musl=said.musl)
            yield LocalMachine(facts, lanes, shells.enter)

    async def clean(self, run_id: str | None = None) -> tuple[str, ...]:
        """As Runner.clean; the kernel has removed everything already."""
        await trio.lowlevel.checkpoint()
        return ()


class _Shells(Struct):
    """The shells of one namespace; `enter` is the command that gets into it once it is there."""

    layout: Layout
    env: Mapping[str, str]
    enter: tuple[str, ...] = ()
    _numbers: Iterator[int] = field(default_factory=partial(itertools.count, 1))

    @asynccontextmanager
    async def opened(self, through: tuple[str, ...], setup: str = "") -> AsyncIterator[Session]:
        secret = secrets.token_hex(16)
        made = partial(Session, layout=self.layout, secret=secret, env=TRUST, numbers=self._numbers)
        text = setup + f"exec sh -c {quote(boot(secret))}"
        with local.spawned([*through, "sh", "-c", text], self.env) as process:
            async with local.greeted(process, self._signal, made) as session:
                self.enter = self.enter or _enter(_first(process.pid))
                yield session

    async def _signal(self, name: str, group: int) -> bool:
        """Signal a group by the number that it has inside the namespace."""
        done = await trio.run_process(
            [*self.enter, "sh", "-c", f"kill -{name} -{group}"], stderr=DEVNULL, check=False
        )
        return done.returncode == 0


# The parent-death signals: the engine's end kills unshare, unshare's end kills the job.
_UNSHARE = (
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--kill-child", "-m", "-p", "-f", "-u", "-i", "--mount-proc"),
)


async def probe() -> Probe:
    """Try namespaces out by making one. Never raises MachineError."""
    spec = MachineSpec("probe", "probe", Layout("/", "/tmp", "/tmp"))
    try:
        async with NamespaceRunner().open(spec, lambda line: None):
            return Probe(True)
    except MachineError as error:
        return Probe(False, str(error))


def _demand() -> None:
    for program in ("setpriv", "unshare", "nsenter", "mount", "tar"):
        if not shutil.which(program):
            raise MachineError(
                f"There is no '{program}' on this computer, which jobs without Docker need: "
                "install util-linux and tar, or use Docker."
            )


def _user(*options: str) -> tuple[str, ...]:
    return () if os.geteuid() == 0 else options


def _layout(spec: MachineSpec) -> Layout:
    workspace = str(spec.source.absolute()) if spec.source else f"{PLACE}/work"
    return Layout(
        workspace=workspace,
        temp=f"{PLACE}/_temp",
        tool_cache=f"{PLACE}/_tool",
        home=f"{PLACE}/home",
        actions=f"{PLACE}/_actions",
        externals=f"{PLACE}/_externals",
    )


def _setup(spec: MachineSpec, layout: Layout) -> str:
    """Shell text that makes the machine's file system, or says what cannot be done and ends."""
    steps = ["mount -n -t tmpfs -o mode=1777 tmpfs /mnt"]
    if spec.source:
        steps.append(_mounted(spec, layout))
    steps += [
        *(_read_only(mount, flags) for mount, flags in _mounts(Path("/proc/self/mountinfo"))),
        *(_shown(source, place) for place, source in shown(spec, layout).items()),
        "mount -n --move /mnt /tmp",
        "mkdir -p " + " ".join(map(quote, folders(layout))),
    ]
    failed = "echo 'Namespaces cannot be used on this computer (see above); use Docker.'; exit 1"
    return "{\n" + " &&\n".join(steps) + f"\n}} 2>&1 || {{ {failed}; }}\n"


def _mounted(spec: MachineSpec, layout: Layout) -> str:
    source = quote(layout.workspace)
    inside = layout.workspace.startswith("/tmp/")
    place = quote("/mnt" + layout.workspace.removeprefix("/tmp")) if inside else source
    made = f"mkdir -p {place} &&\n" if inside else ""
    if spec.workspace_mode == "bind":
        return made + f"mount -n --bind {source} {place}"
    layers = "mkdir -p /mnt/runwright/upper /mnt/runwright/over"
    thin = mask(spec.source, spec.hidden) if spec.source else None
    options = f"{thin}:" if thin else ""
    options += _escaped(layout.workspace) + ",upperdir=/mnt/runwright/upper,workdir="
    options += "/mnt/runwright/over" + ",".join(("", *_user("userxattr")))
    overlay = f"mount -n -t overlay -o {quote('lowerdir=' + options)} overlay {place}"
    copy = f"cp -a {source}/. /mnt/runwright/upper && {_thinned(spec.hidden)}"
    copy += f"mount -n --bind /mnt/runwright/upper {place}"
    chosen = (
        copy if spec.workspace_mode == "copy" else f"{{ {overlay} 2>/dev/null || {{ {copy}; }}; }}"
    )
    return f"{made}{layers} &&\n{chosen}"


def _shown(source: Path, place: str) -> str:
    """Bind a folder that is read-only by now to a place below PLACE."""
    word = quote("/mnt" + place.removeprefix("/tmp"))
    return f"mkdir -p {word} && mount -n --bind {quote(str(source))} {word}"


def _thinned(hidden: tuple[str, ...]) -> str:
    paths = " ".join(quote(f"/mnt/runwright/upper/{name}") for name in hidden)
    return f"rm -rf {paths} && " if paths else ""


def _escaped(path: str) -> str:
    return path.replace("\\", "\\\\").replace(":", "\\:").replace(",", "\\,")


def _mounts(table: Path) -> list[tuple[str, str]]:
    """The mounts that are writable, with the flags that must not be lost."""
    found = []
    for line in table.read_text().splitlines():
        fields = line.split(" ")
        path = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), fields[4])
        flags = fields[5].split(",")
        if "rw" in flags and not any(path == kept or path.startswith(kept + "/") for kept in _KEPT):
            found.append((path, ",".join(flag for flag in flags if flag in _LOCKED)))
    return found


def _read_only(mount: str, flags: str) -> str:
    # A mount that another one hides, or that somebody removed since, cannot be reached.
    options = ",".join(filter(None, ("remount,bind,ro", flags)))
    ending = "" if mount == "/" else " 2>/dev/null || true"
    return f"{{ mount -n -o {options} {quote(mount)}{ending}; }}"


def _first(unshare: int) -> int:
    """The process that is number 1 in the namespace. Raises MachineError."""
    try:
        return int(Path(f"/proc/{unshare}/task/{unshare}/children").read_text().split()[0])
    except (OSError, IndexError) as error:
        raise MachineError("The job's namespace ended at once.") from error


def _enter(first: int) -> tuple[str, ...]:
    user = _user("-U", "--preserve-credentials")
    return ("nsenter", "-t", str(first), "-m", "-p", "-u", "-i", *user, "--")
