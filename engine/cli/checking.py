"""Many files are checked: by several processes where that is sooner done."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from engine.check import Kind
from engine.check.rules import rules
from engine.cli import documents, linting
from engine.problems import Problem

ENOUGH = 200  # files; with fewer, starting processes takes longer than they save


def check_all(files: Sequence[Path], kind: Kind | None) -> list[Problem]:
    """The problems of all, file by file in the order given."""
    found: Iterable[list[Problem]]
    if len(files) < ENOUGH or len(os.sched_getaffinity(0)) == 1:
        found = (check(file, kind) for file in files)
    else:
        found = _side_by_side(files, kind)
    # callers of the same file say the same about it
    return list(dict.fromkeys(problem for problems in found for problem in problems))


def check(file: Path, kind: Kind | None) -> list[Problem]:
    """All that is wrong with one file; that it can't be read is a problem too."""
    try:
        return linting.problems(documents.load(file, kind))
    except OSError as error:
        return [documents.unreadable(file, error)]


def _side_by_side(files: Sequence[Path], kind: Kind | None) -> list[list[Problem]]:
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    rules("workflow")  # loaded once, for all processes
    gc.freeze()
    workers = len(os.sched_getaffinity(0))
    share = -(-len(files) // (4 * workers))  # small enough that none waits long for the last
    with ProcessPoolExecutor(workers, get_context("fork"), _leave_interrupts) as pool:
        return list(pool.map(partial(check, kind=kind), files, chunksize=share))


def _leave_interrupts() -> None:
    """Ctrl-C reaches every process of a terminal; the first one alone answers it."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
