"""Which documents have already been found to fit the schema, so that it need not be loaded."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from engine.store.home import home

KEPT = 4096  # verdicts


def key(*parts: bytes) -> str:
    """A name for a document under everything that its verdict depends on."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:40]


def passed(name: str) -> bool:
    """Whether this very document passed before."""
    return (_folder() / name).exists()


def remember(name: str) -> None:
    """Keep that it passed; a state directory that can't be written to is no reason to complain."""
    folder = _folder()
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        known = list(folder.iterdir())
        for path in known if len(known) >= KEPT else ():
            path.unlink(missing_ok=True)
        (folder / name).touch()


def _folder() -> Path:
    return home() / "checked"
