"""Where in the repository an annotation stands."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import NamedTuple


class Place(NamedTuple):
    """A file and a range in it; '' and 0 are what is not known."""

    file: str = ""
    line: int = 0
    end_line: int = 0
    column: int = 0
    end_column: int = 0


NOWHERE = Place()


def of_command(properties: Mapping[str, str], workspace: str) -> Place:
    """The place that a command's properties name (actions/runner, IssueCommandExtension)."""
    line, end_line = _span(properties.get("line"), properties.get("endline"))
    column, end_column = _span(properties.get("col"), properties.get("endcolumn"))
    if not line or (end_line and line != end_line):
        column = end_column = 0
    if end_line and end_line < line:
        line = end_line = 0
    if end_column and end_column < column:
        column = end_column = 0
    return Place(
        _relative(properties.get("file", ""), workspace), line, end_line, column, end_column
    )


def of_problem(found: Mapping[str, str], workspace: str) -> Place:
    """The place that a problem matcher found (actions/runner, OutputManager).

    Only a file of the workspace is told; whether it exists is not asked.
    """
    line, column = _positive(found.get("line")), _positive(found.get("column"))
    file = found.get("file", "").strip()
    if file:
        folder = posixpath.dirname(found.get("fromPath", ""))
        whole = posixpath.normpath(posixpath.join(workspace, folder, file))
        file = _relative(whole, workspace)
        file = "" if file == whole else file
    return Place(file, line, 0, column, 0)


def _relative(file: str, workspace: str) -> str:
    """A file of the workspace without the path of that; any other as it is."""
    return file.removeprefix(f"{workspace}/") if workspace else file


def _span(start: str | None, end: str | None) -> tuple[int, int]:
    """A start and an end; the end stands for a start that is missing."""
    first, last = _positive(start), _positive(end)
    return first or last, last


def _positive(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0
