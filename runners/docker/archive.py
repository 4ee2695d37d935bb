"""Tar archives made here: of a tree, of directories, of a shell for images without one."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import IO

import trio

from engine.machine import MachineError

_PIECE = 1 << 20


def directories(names: Iterable[str]) -> bytes:
    """A tar of directories that anybody may write to."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o777
            tar.addfile(entry)
    return made.getvalue()


def link(path: str, target: str) -> bytes:
    """A tar of one symbolic link."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        tar.addfile(_link(path.lstrip("/"), target))
    return made.getvalue()


def _link(name: str, target: str) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, target, 0o777
    return entry


def shell() -> bytes:
    """A tar of /bin with this computer's static busybox. Raises MachineError."""
    found = shutil.which("busybox")
    content = Path(found).read_bytes() if found else b""
    if not found or b"ld-linux" in content[:4096] or b"ld-musl" in content[:4096]:
        raise MachineError(
            "The image has no shell (sh), and this computer has no static busybox to lend it one: "
            "install busybox-static, or choose an image with a shell."
        )
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        entry = tarfile.TarInfo("bin/busybox")
        entry.mode, entry.size = 0o755, len(content)
        tar.addfile(entry, io.BytesIO(content))
        for applet in subprocess.run([found, "--list"], capture_output=True).stdout.split():
            if applet != b"busybox":
                tar.addfile(_link(f"bin/{applet.decode()}", "busybox"))
    return made.getvalue()


async def tree(source: Path, name: str, hidden: tuple[str, ...] = ()) -> AsyncIterator[bytes]:
    """A tar of a directory under another name, in pieces; it passes through a temporary file.

    The `hidden` paths below the directory are left out. Raises MachineError.
    """
    with tempfile.TemporaryFile() as file:
        try:
            await trio.to_thread.run_sync(_write, source, name, hidden, file)
            file.seek(0)
            while piece := await trio.to_thread.run_sync(file.read, _PIECE):
                yield piece
        except (OSError, tarfile.TarError) as error:
            raise MachineError(f"The repository cannot be copied: {error}.") from error


def _write(source: Path, name: str, hidden: tuple[str, ...], file: IO[bytes]) -> None:
    left_out = frozenset(f"{name}/{path}" for path in hidden)

    def chosen(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
        return None if entry.name in left_out else _plain(entry)

    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tar.add(source, name, filter=chosen)


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    # A socket or a pipe in the tree is somebody's running program, not a part of the repository.
    return entry if entry.isreg() or entry.isdir() or entry.issym() or entry.islnk() else None
