"""Problems on standard error or output, with colours and the written line where they help."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TextIO

from engine.printing.text import lines
from engine.problems import Problem


def has_colour(stream: TextIO) -> bool:
    """A terminal that wants colours: NO_COLOR is honoured, FORCE_COLOR too."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or stream.isatty()


def show(problems: Iterable[Problem]) -> None:
    """Print problems to standard error; a terminal sees the written lines too."""
    fancy = sys.stderr.isatty() or bool(os.environ.get("FORCE_COLOR"))
    text = lines(problems, source_lines() if fancy else None, has_colour(sys.stderr))
    print(text, end="", file=sys.stderr)


def source_lines(known: Mapping[str, bytes] | None = None) -> Callable[[str], list[str]]:
    """Gives the lines of a file by its name; `known` has the text of what is no file."""
    cache: dict[str, list[str]] = {}

    def read(file: str) -> list[str]:
        if file not in cache:
            cache[file] = _content(file, known or {}).decode("utf-8", "replace").split("\n")
        return cache[file]

    return read


def _content(file: str, known: Mapping[str, bytes]) -> bytes:
    if file in known:
        return known[file]
    try:
        return Path(file).read_bytes()
    except (OSError, ValueError):  # gone, or a name that was made readable
        return b""
