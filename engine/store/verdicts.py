"""What was found wrong with documents, kept for as long as all that it depends on is the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from engine.problems import Place, Problem
from engine.store.home import home

KEPT = 4096  # verdicts


def key(*parts: bytes) -> str:
    """A name for a document under all that its verdict depends on, beside other files."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:40]


def found(name: str) -> list[Problem] | None:
    """The problems kept under a name; None where there are none, or another file has changed."""
    try:
        kept = json.loads((_folder() / name).read_bytes())
        if any(_digest(path) != was for path, was in kept["files"].items()):
            return None
        return [_problem(*row) for row in kept["problems"]]
    except (OSError, ValueError, KeyError, TypeError):  # never kept, or only half written
        return None


def keep(name: str, problems: Sequence[Problem], files: Iterable[Path]) -> None:
    """Keep what was found, and the other files that were looked at, be they there or not.

    A state directory that can't be written to is no reason to complain.
    """
    rows = [_row(problem) for problem in problems]
    kept = {"files": {str(path): _digest(str(path)) for path in files}, "problems": rows}
    with suppress(OSError, ValueError):  # ValueError: a name that is no text
        _folder().mkdir(parents=True, exist_ok=True)
        (_folder() / name).write_text(json.dumps(kept), encoding="utf-8")


def tidy() -> None:
    """Begin anew when there is too much of it."""
    with suppress(OSError):
        known = list(_folder().iterdir())
        for path in known if len(known) > KEPT else ():
            path.unlink(missing_ok=True)


@cache
def _digest(path: str) -> str:
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except (OSError, ValueError):
        return ""


def _row(problem: Problem) -> list[Any]:
    place = problem.place
    where = [place.file, place.line, place.column, place.end_line, place.end_column]
    return [where, problem.message, problem.rule, problem.level]


def _problem(where: list[Any], message: str, rule: str, level: Any) -> Problem:
    return Problem(Place(*where), message, rule, level)


def _folder() -> Path:
    return home() / "verdicts"
