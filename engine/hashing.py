"""`hashFiles` on a machine: its file list, its checksums, GitHub's digest of digests."""

from __future__ import annotations

import shlex

from engine import hashfiles
from engine.expr import ExprError
from engine.machine import Command, Machine

_LIST = r"""
find . -type f -print0
find . -type l -exec sh -c 'for f; do [ ! -f "$f" ] || printf "%s\0" "$f"; done' _ {} +
"""
_FOLLOW = r"find -L . -type f -print0"


async def hash_files(machine: Machine, patterns: tuple[str, ...]) -> str:
    """GitHub's hash of the workspace files that match, '' where none does. Raises ExprError."""
    asked = hashfiles.parse(patterns)
    listing = await _run(machine, _FOLLOW if asked.follow_links else _LIST)
    names = [name.removeprefix("./") for name in listing.split("\0") if name]
    chosen = hashfiles.select(asked.patterns, names, machine.facts.layout.workspace)
    if not chosen:
        return ""
    words = " ".join(shlex.quote(f"./{name}") for name in chosen)
    sums = await _run(machine, rf"printf '%s\0' {words} | xargs -0 sha256sum")
    digests = [bytes.fromhex(line.lstrip("\\")[:64]) for line in sums.splitlines()]
    return hashfiles.combine(digests)


async def _run(machine: Machine, script: str) -> str:
    chunks: list[bytes] = []
    command = Command(script, ("sh", "-e", "{0}"), machine.facts.layout.workspace)
    exit_ = await machine.exec(command, chunks.append)
    text = b"".join(chunks).decode("utf-8", "surrogateescape")
    if exit_.code:
        raise ExprError(
            "hashFiles needs find, xargs and sha256sum in the image, and one of them failed: "
            + text[-500:]
        )
    return text
