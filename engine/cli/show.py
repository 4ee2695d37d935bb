"""Problems for eyes: the place, the sentence, and on a terminal the line with a caret."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TextIO

from engine.problems import Problem

_COLOURS = {"error": "31", "warning": "33", "hint": "36"}


def has_colour(stream: TextIO) -> bool:
    """A terminal that wants colours: NO_COLOR is honoured, FORCE_COLOR too."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or stream.isatty()


def show(problems: Iterable[Problem], stream: TextIO | None = None) -> None:
    """Print problems, one a line, to standard error unless told otherwise."""
    stream = stream or sys.stderr
    fancy = stream.isatty() or bool(os.environ.get("FORCE_COLOR"))
    source = _reader()
    for problem in problems:
        print(_text(problem, has_colour(stream)), file=stream)
        if fancy:
            print(_excerpt(problem, source(problem.place.file)), end="", file=stream)


def _text(problem: Problem, colour: bool) -> str:
    level = "" if problem.level == "error" else f"{problem.level}: "
    if not colour:
        return f"{problem.place}: {level}{problem.message} [{problem.rule}]"
    code = _COLOURS[problem.level]
    return (
        f"\033[1m{problem.place}:\033[0m \033[{code}m{level}{problem.message}\033[0m "
        f"\033[2m[{problem.rule}]\033[0m"
    )


def _excerpt(problem: Problem, lines: list[str]) -> str:
    place = problem.place
    if not 0 < place.line <= len(lines):
        return ""
    line = lines[place.line - 1]
    margin = f"{place.line:>5} | "
    tabs = "".join("\t" if c == "\t" else " " for c in line[: place.column - 1])
    width = 1
    if place.end_line == place.line and place.end_column > place.column:
        width = place.end_column - place.column
    return f"{margin}{line}\n{' ' * 5} | {tabs}{'^' * width}\n"


def _reader() -> Callable[[str], list[str]]:
    cache: dict[str, list[str]] = {}

    def read(file: str) -> list[str]:
        if file not in cache:
            try:
                cache[file] = Path(file).read_text("utf-8", "replace").split("\n")
            except OSError:
                cache[file] = []
        return cache[file]

    return read
