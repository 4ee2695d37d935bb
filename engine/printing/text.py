"""For people: the place, the sentence, and the line itself with a caret under it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from engine.problems import Place, Problem

LONGEST = 400  # characters; a longer line is no help to eyes
_COLOURS = {"error": "31", "warning": "33", "hint": "36"}


def lines(
    problems: Iterable[Problem], source: Callable[[str], list[str]] | None, colour: bool
) -> str:
    """One line a problem; where `source` gives a file's lines, then that line and its caret."""
    return "".join(
        _sentence(problem, colour) + (_excerpt(problem.place, source) if source else "")
        for problem in problems
    )


def _sentence(problem: Problem, colour: bool) -> str:
    level = "" if problem.level == "error" else f"{problem.level}: "
    place, message = _visible(f"{problem.place}:"), _visible(level + problem.message)
    if not colour:
        return f"{place} {message} [{problem.rule}]\n"
    code = _COLOURS[problem.level]
    return f"\033[1m{place}\033[0m \033[{code}m{message}\033[0m \033[2m[{problem.rule}]\033[0m\n"


def _excerpt(place: Place, source: Callable[[str], list[str]]) -> str:
    written = source(place.file) if place.line else []
    line = _visible(written[place.line - 1]) if 0 < place.line <= len(written) else ""
    if not 0 < len(line) <= LONGEST:
        return ""
    tabs = "".join("\t" if c == "\t" else " " for c in line[: place.column - 1])
    ends_here = place.end_line == place.line and place.end_column > place.column
    width = place.end_column - place.column if ends_here else 1
    return f"{place.line:>5} | {line}\n{' ' * 5} | {tabs}{'^' * width}\n"


def _visible(text: str) -> str:
    """No file may move a reader's cursor or end our line."""
    return "".join(c if c.isprintable() or c == "\t" else "\ufffd" for c in text.rstrip("\r"))
