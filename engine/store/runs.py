"""A run on disk: its event lines, the logs of its jobs, their summaries; and runs are counted."""

from __future__ import annotations

import fcntl
import hashlib
import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from typing import TextIO

from msgspec import Struct

from engine.events import Event, JobExpanded, JobFinished, JobStarted, Summary, as_json
from engine.report.log import JobLog
from engine.store.home import home

KEPT = 100  # runs


class Record(Struct, frozen=True):
    """One run's folder; `run_id` is GitHub's shape of id, digits that grow."""

    run_id: str
    run_number: int
    folder: Path

    @property
    def events(self) -> Path:
        return self.folder / "events.jsonl"

    @property
    def summary(self) -> Path:
        return self.folder / "summary.md"

    def log(self, job: str) -> Path:
        """The log of a job or leg, by its key; what a job calls has a folder."""
        return self.folder / "logs" / f"{job}.log"


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


def of(run_id: str) -> Record:
    """A run that has begun, by its id; its number is not asked for."""
    return Record(run_id, 0, home() / "runs" / run_id)


def writer(record: Record) -> Callable[[Event], None]:
    """An emit that appends each event as one JSON line, readable while the run goes on."""
    file = _opened(record.events)
    return lambda event: print(json.dumps(as_json(event), ensure_ascii=False), file=file)


def logger(record: Record) -> Callable[[Event], None]:
    """An emit that writes a log for each job, readable while the run goes on."""
    logs: dict[str, tuple[JobLog, TextIO]] = {}

    def emit(event: Event) -> None:
        if not event.job or isinstance(event, JobExpanded):
            return
        if event.job not in logs:
            record.log(event.job).parent.mkdir(parents=True, exist_ok=True)
            file = _opened(record.log(event.job))
            logs[event.job] = JobLog(file.write), file
        log, file = logs[event.job]
        log(event)
        if isinstance(event, JobFinished):
            del logs[event.job]
            file.close()

    return emit


def summarizer(record: Record) -> Callable[[Event], None]:
    """An emit that appends the summary of each step to one Markdown file."""
    names: dict[str, str] = {}

    def emit(event: Event) -> None:
        if isinstance(event, JobStarted):
            names[event.job] = event.name
        elif isinstance(event, Summary):
            title = f"## {names.get(event.job, event.job)}: {event.name}"
            with _opened(record.summary) as file:
                file.write(f"{title}\n\n{event.text.rstrip()}\n\n")

    return emit


def _opened(path: Path) -> TextIO:
    return path.open("a", encoding="utf-8", errors="replace", buffering=1)


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
