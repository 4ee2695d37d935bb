"""Folders that are made once, by whoever comes first, and shared by all runs from then on."""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from engine.fetch import Unavailable


def once(folder: Path, make: Callable[[Path], None]) -> Path:
    """The folder; `make` fills an empty one, which takes its name only when it is whole.

    Several threads and processes may ask for the same folder: one makes it, the others wait.
    Raises Unavailable.
    """
    try:
        if not folder.is_dir():
            folder.parent.mkdir(parents=True, exist_ok=True)
            with (folder.parent / f".{folder.name}.lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not folder.is_dir():
                    _make(folder, make)
    except OSError as error:
        raise Unavailable(
            f"{folder.parent} can't be written to ({error.strerror or error}); "
            "make room, or name another folder with RUNWRIGHT_STATE"
        ) from None
    return folder


def _make(folder: Path, make: Callable[[Path], None]) -> None:
    _sweep(folder)
    draft = Path(mkdtemp(prefix=f".{folder.name}.", suffix=".draft", dir=folder.parent))
    try:
        draft.chmod(0o755)  # jobs of other users read it
        make(draft)
        draft.rename(folder)
    finally:
        rmtree(draft, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Remove what an engine left that was killed while it made the folder."""
    for draft in folder.parent.glob(f".{folder.name}.*.draft"):
        rmtree(draft, ignore_errors=True)
