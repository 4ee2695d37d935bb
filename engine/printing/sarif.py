"""For code scanning: a SARIF 2.1.0 log (docs.oasis-open.org/sarif/sarif/v2.1.0)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from engine.printing.rules import ABOUT, about
from engine.problems import Place, Problem

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_HOME = "https://github.com/runwright/runwright"
_LEVELS = {"error": "error", "warning": "warning", "hint": "note"}


def sarif(problems: Sequence[Problem]) -> str:
    """One run with a result for each problem, and the rules that they broke."""
    rules = sorted({problem.rule for problem in problems})
    driver = {
        "name": "Runwright",
        "version": version("runwright"),
        "informationUri": _HOME,
        "rules": [_rule(name) for name in rules],
    }
    results = [_result(problem, rules.index(problem.rule)) for problem in problems]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _rule(name: str) -> dict[str, Any]:
    text = {"text": about(name)}
    page = "validation" if name in ABOUT else "rules"
    help_uri = f"{_HOME}/blob/main/docs/{page}.md"
    return {"id": name, "shortDescription": text, "fullDescription": text, "helpUri": help_uri}


def _result(problem: Problem, index: int) -> dict[str, Any]:
    artifact = {"artifactLocation": {"uri": _uri(problem.place.file)}}
    region = {"region": _region(problem.place)} if problem.place.line else {}
    return {
        "ruleId": problem.rule,
        "ruleIndex": index,
        "level": _LEVELS[problem.level],
        "message": {"text": problem.message},
        "locations": [{"physicalLocation": artifact | region}],
    }


def _uri(file: str) -> str:
    """A file's name as a reference: a relative one stays so, as code scanning wants it."""
    if PurePosixPath(file).is_absolute():
        return f"file://{quote(file)}"
    return quote(f"./{file}" if ":" in file.partition("/")[0] else file)


def _region(place: Place) -> dict[str, int]:
    region = {"startLine": place.line, "startColumn": max(place.column, 1)}
    if place.end_line >= place.line:
        region |= {"endLine": place.end_line, "endColumn": max(place.end_column, 1)}
    return region
