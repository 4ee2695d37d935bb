"""Concurrency groups of this machine: who runs, who waits, and who has to go.

Several engines share a group through one small file. Everybody looks at it now and then; an entry
whose process is gone counts no more.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO

import trio
from msgspec import Struct
from msgspec.structs import asdict, replace

from engine.job import Cancellation
from engine.run.berth import Group
from engine.store.home import home

LOOK = 0.2  # seconds between two looks at the file
MOST_PENDING = 100  # with `queue: max` (GitHub's documentation)


class Entry(Struct, frozen=True):
    """One run or job in a group; `process` is a pid and its start, so that none is mistaken."""

    ticket: str
    process: str
    running: bool = False
    cancelled: bool = False


@asynccontextmanager
async def member(
    repository: str, group: Group, ticket: str, cancellation: Cancellation
) -> AsyncIterator[bool]:
    """Be in a group while the body runs; wait for one's turn first.

    False where the turn never comes: replaced by a newer one, cancelled, or the queue is full.
    While the body runs, a newcomer with `cancel-in-progress` requests its cancellation.
    """
    path = _path(repository, group.name)
    _arrive(path, group, ticket)
    try:
        async with trio.open_nursery() as nursery:
            turn = await _turn(path, ticket, cancellation)
            if turn:
                nursery.start_soon(_listen, path, group, ticket, cancellation)
            else:
                cancellation.request(_replaced(group))
            yield turn
            nursery.cancel_scope.cancel()
    finally:
        with _entries(path) as entries:
            entries[:] = [entry for entry in entries if entry.ticket != ticket]


def _replaced(group: Group) -> str:
    # GitHub's text
    return f"Canceling since a higher priority waiting request for '{group.name}' exists"


async def _turn(path: Path, ticket: str, cancellation: Cancellation) -> bool:
    while not cancellation.requested:
        with _entries(path) as entries:
            own = _own(entries, ticket)
            if own is None or own.cancelled:
                return False
            waiting = [entry for entry in entries if not entry.running and not entry.cancelled]
            if own is waiting[0] and not any(entry.running for entry in entries):
                entries[entries.index(own)] = replace(own, running=True)
                return True
        await trio.sleep(LOOK)
    return False


async def _listen(path: Path, group: Group, ticket: str, cancellation: Cancellation) -> None:
    while not cancellation.requested:
        with _entries(path) as entries:
            own = _own(entries, ticket)
        if own is not None and own.cancelled:
            cancellation.request(_replaced(group))
        await trio.sleep(LOOK)


def _own(entries: list[Entry], ticket: str) -> Entry | None:
    return next((entry for entry in entries if entry.ticket == ticket), None)


def _arrive(path: Path, group: Group, ticket: str) -> None:
    """Line up, and cancel whom GitHub would cancel for it."""
    with _entries(path) as entries:
        pending = [entry for entry in entries if not entry.running and not entry.cancelled]
        if group.queue == "max" and len(pending) >= MOST_PENDING:
            entries.append(Entry(ticket, _process(os.getpid()), cancelled=True))
            return
        for index, entry in enumerate(entries):
            if group.cancel_in_progress or (group.queue == "single" and not entry.running):
                entries[index] = replace(entry, cancelled=True)
        entries.append(Entry(ticket, _process(os.getpid())))


# --- the file -------------------------------------------------------------------------------------


def _path(repository: str, name: str) -> Path:
    folder = home() / "groups"
    folder.mkdir(parents=True, exist_ok=True)
    key = f"{repository.lower()}\n{name.lower()}"  # GitHub compares without regard to case
    return folder / hashlib.sha256(key.encode()).hexdigest()[:32]


@contextmanager
def _entries(path: Path) -> Iterator[list[Entry]]:
    """The living entries, to be changed in place while nobody else can."""
    with path.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        entries = _read(file)
        before = list(entries)
        yield entries
        if entries != before or len(before) == 0:
            file.truncate(0)
            file.write(json.dumps([asdict(entry) for entry in entries]))


def _read(file: IO[str]) -> list[Entry]:
    file.seek(0)
    try:
        found = [Entry(**row) for row in json.loads(file.read() or "[]")]
    except (ValueError, TypeError):
        return []  # an engine was killed while it wrote
    alive = {process: _alive(process) for process in {entry.process for entry in found}}
    return [entry for entry in found if alive[entry.process]]


def _process(pid: int) -> str:
    try:
        started = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        started = ""
    return f"{pid}/{started}"


def _alive(process: str) -> bool:
    pid, _, _ = process.partition("/")
    return pid.isdigit() and _process(int(pid)) == process
