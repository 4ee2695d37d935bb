"""For programs: one JSON array, a flat record for each problem."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from engine.problems import Problem


def records(problems: Sequence[Problem]) -> str:
    """The array, a record a line; its fields are described in docs/validation.md."""
    written = ",\n".join(json.dumps(_record(p), ensure_ascii=False) for p in problems)
    return f"[\n{written}\n]\n" if written else "[]\n"


def _record(problem: Problem) -> dict[str, Any]:
    place = problem.place
    return {
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line or place.line,
        "end_column": place.end_column or place.column,
        "level": problem.level,
        "rule": problem.rule,
        "message": problem.message,
    }
