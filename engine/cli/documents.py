"""A document that is to be checked: its name, its bytes, and perhaps its kind."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.problems import Place, Problem

if TYPE_CHECKING:
    from engine.check import Kind

ACTIONS = ("action.yml", "action.yaml")
MOST_BYTES = 4 * 1024 * 1024  # GitHub's limit of characters is lower; see engine.source


class Document(Struct, frozen=True):
    """`name` is how its user would type it; the kind is None where path and content tell."""

    name: str
    content: bytes
    path: Path
    kind: Kind | None = None


def load(path: Path, kind: Kind | None = None, name: str = "") -> Document:
    """A file as a document, shown by its path or another name. Raises OSError."""
    small = _is_small(path)
    content = path.read_bytes() if small else b" " * (MOST_BYTES + 1)  # refused by its size alone
    return Document(name or shown(path), content, path.absolute(), kind)


def unreadable(path: Path, error: OSError, name: str = "") -> Problem:
    """That a file can't be read, and why."""
    reason = error.strerror or str(error)
    return Problem(Place(name or shown(path)), f"can't be read: {reason}", "file")


def shown(path: Path) -> str:
    """A path as its user would type it from here."""
    relative = os.path.relpath(path)
    return text(str(path) if relative.startswith("../..") else relative)


def text(name: str) -> str:
    """A file's name as text that can be written anywhere, also where its bytes are no UTF-8."""
    return os.fsencode(name).decode("utf-8", "replace")


def _is_small(path: Path) -> bool:
    """Whether a file may be read at once. Raises OSError for what would never end, as a pipe."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    return found.st_size <= MOST_BYTES
