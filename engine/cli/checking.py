"""Documents are checked: what was found before is remembered, and many share the processors."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from engine import worktree
from engine.cli import documents
from engine.cli.documents import Document
from engine.problems import Problem
from engine.schemas import schema_path
from engine.store import verdicts

if TYPE_CHECKING:
    from engine.check import Kind

ENOUGH = 100  # documents; with fewer, starting processes takes longer than they save


def check_all(files: Sequence[Path], kind: Kind | None) -> list[Problem]:
    """The problems of all, file by file in the order given."""
    loaded = [_load(file, kind) for file in files]
    known = {at: _known(each) for at, each in enumerate(loaded)}
    new = [at for at, problems in known.items() if problems is None]
    judged = _judged([each for at in new if isinstance(each := loaded[at], Document)])
    known.update(zip(new, judged, strict=True))
    return [problem for problems in known.values() for problem in problems or ()]


def check(document: Document) -> list[Problem]:
    """All that is wrong with one document."""
    known = _known(document)
    return _judge(document) if known is None else known


def _load(file: Path, kind: Kind | None) -> Document | Problem:
    try:
        return documents.load(file, kind)
    except OSError as error:
        return documents.unreadable(file, error)


def _known(document: Document | Problem) -> list[Problem] | None:
    """What is known of a document without looking into it."""
    return [document] if isinstance(document, Problem) else verdicts.found(_key(document))


def _judge(document: Document) -> list[Problem]:
    from engine.cli import linting

    found, others = linting.problems(document)
    verdicts.keep(_key(document), found, others)
    return found


# --- what a verdict depends on --------------------------------------------------------------------


def _key(document: Document) -> str:
    top = worktree.root(document.path.parent)  # what `./` in it stands for
    parts = (document.name, document.kind, document.path, top, Path.cwd())
    return verdicts.key(
        _edition(),
        *(str(part).encode("utf-8", "surrogateescape") for part in parts),
        document.content,
    )


@cache
def _edition() -> bytes:
    """Everything beside the files of a repository: our code and schemas, and ShellCheck."""
    own, schemas = Path(__file__).parents[1], schema_path("workflow").parent
    paths = (*_files(own, ".py"), *_files(schemas, ".json"), *_programs("shellcheck"))
    found = ((path, os.stat(path)) for path in sorted(paths))  # noqa: PTH116 (quicker)
    return repr([(path, at.st_size, at.st_mtime_ns) for path, at in found]).encode()


def _files(top: Path, suffix: str) -> Iterator[str]:
    for folder, _, names in os.walk(top):
        yield from (f"{folder}/{name}" for name in names if name.endswith(suffix))


def _programs(name: str) -> Iterator[str]:
    paths = (f"{folder}/{name}" for folder in os.environ.get("PATH", "").split(os.pathsep))
    return filter(os.path.exists, paths)


# --- several processes ----------------------------------------------------------------------------


def _judged(new: Sequence[Document]) -> list[list[Problem]]:
    if len(new) < ENOUGH or len(os.sched_getaffinity(0)) == 1:
        found = [_judge(document) for document in new]
    else:
        found = _side_by_side(new)
    if new:
        verdicts.tidy()
    return found


def _side_by_side(new: Sequence[Document]) -> list[list[Problem]]:
    import gc
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    from engine.check.rules import rules
    from engine.cli import linting  # noqa: F401 (loaded once, for all processes)

    rules("workflow")
    gc.freeze()
    workers = len(os.sched_getaffinity(0))
    share = -(-len(new) // (4 * workers))  # small enough that none waits long for the last
    with ProcessPoolExecutor(workers, get_context("fork"), _leave_interrupts) as pool:
        return list(pool.map(_judge, new, chunksize=share))


def _leave_interrupts() -> None:
    """Ctrl-C reaches every process of a terminal; the first one alone answers it."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
