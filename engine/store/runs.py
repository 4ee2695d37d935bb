"""A run on disk is its event lines; its numbers are counted here."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

from platformdirs import user_state_path

from engine.events import Event, as_json

KEPT = 100  # runs


def home() -> Path:
    """The folder of all runs; RUNWRIGHT_STATE overrides the platform's state directory."""
    named = os.environ.get("RUNWRIGHT_STATE")
    return Path(named) if named else user_state_path("runwright")


@dataclass(frozen=True, slots=True)
class Record:
    """One run's folder; `run_id` is GitHub's shape of id, digits that grow."""

    run_id: str
    run_number: int
    folder: Path

    @property
    def events(self) -> Path:
        return self.folder / "events.jsonl"


def begin(repository: str, workflow: str) -> Record:
    """A new run: an id that no other has, and the workflow's next number. Raises OSError."""
    runs = home() / "runs"
    runs.mkdir(parents=True, exist_ok=True)
    number = _count(f"{repository}\n{workflow}")
    _forget_oldest(runs)
    run_id = time.time_ns() // 1_000_000
    while True:
        with suppress(FileExistsError):
            folder = runs / str(run_id)
            folder.mkdir()
            return Record(str(run_id), number, folder)
        run_id += 1


def writer(record: Record) -> Callable[[Event], None]:
    """An emit that appends each event as one JSON line, readable while the run goes on."""
    file = record.events.open("a", encoding="utf-8", errors="replace", buffering=1)
    return lambda event: print(json.dumps(as_json(event), ensure_ascii=False), file=file)


def _count(key: str) -> int:
    counters = home() / "counters"
    counters.mkdir(parents=True, exist_ok=True)
    path = counters / hashlib.sha256(key.encode()).hexdigest()[:32]
    with path.open("a+", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        written = file.read().strip()
        number = int(written) + 1 if written.isdigit() else 1
        file.truncate(0)
        file.write(str(number))
    return number


def _forget_oldest(runs: Path) -> None:
    folders = sorted(path for path in runs.iterdir() if path.name.isdigit())
    for path in folders[: max(0, len(folders) - KEPT + 1)]:
        rmtree(path, ignore_errors=True)
