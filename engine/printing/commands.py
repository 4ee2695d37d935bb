"""For GitHub's log: workflow commands, which become annotations on the change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.problems import Problem

_LEVELS = {"error": "error", "warning": "warning", "hint": "notice"}


def commands(problems: Sequence[Problem]) -> str:
    """A command a line, such as `::error file=ci.yml,line=3,col=5::…`."""
    return "".join(map(_command, problems))


def _command(problem: Problem) -> str:
    place = problem.place
    message = f"{problem.message} [{problem.rule}]"
    where: dict[str, str | int] = {"file": place.file, "line": place.line, "col": place.column}
    if place.end_line == place.line:  # GitHub takes columns within one line only
        where |= {"endLine": place.end_line, "endColumn": place.end_column}
    return command(_LEVELS[problem.level], where, message)


def command(name: str, properties: Mapping[str, str | int], message: str) -> str:
    """One workflow command, escaped as actions/toolkit does; empty properties are left out."""
    written = ",".join(f"{k}={_property(str(v))}" for k, v in properties.items() if v)
    return f"::{name}{' ' if written else ''}{written}::{_data(message)}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
