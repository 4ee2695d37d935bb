"""Scripts go through ShellCheck, where it is installed; what it says stands at its line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from shutil import which
from typing import Any

from engine.lint.scripts import Script
from engine.problems import Level, Problem

PROGRAM = "shellcheck"
# about what stands where an expression was: words that are always the same, files and variables
# from elsewhere
_EXCLUDED = ("SC1091", "SC2043", "SC2050", "SC2154", "SC2157", "SC2170", "SC2194", "SC2193")
_HEAD = "#!/bin/{}\nset -e\n"  # GitHub starts both shells so
_LONGEST = 60  # seconds


def check(scripts: Sequence[Script]) -> list[Problem]:
    """What ShellCheck says of scripts, asked once for all; nothing where it is not installed."""
    if not scripts or which(PROGRAM) is None:
        return []
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="runwright-") as folder:
        files = {str(Path(folder, f"{index}")): script for index, script in enumerate(scripts)}
        for file, script in files.items():
            text = _HEAD.format(script.shell) + script.text
            Path(file).write_text(text, encoding="utf-8", errors="replace")
        said = _asked([*files])
    found = [problem for comment in said for problem in _problem(files, comment)]
    return sorted(found, key=lambda problem: problem.place)


def _asked(files: list[str]) -> list[dict[str, Any]]:
    import subprocess

    command = [PROGRAM, "--format=json1", f"--exclude={','.join(_EXCLUDED)}", "--", *files]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_LONGEST, errors="replace", check=False
        )
        found = json.loads(done.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return []
    comments = found.get("comments", []) if isinstance(found, dict) else []
    return comments if isinstance(comments, list) else []


def _problem(files: dict[str, Script], comment: dict[str, Any]) -> Iterator[Problem]:
    script = files.get(str(comment.get("file")))
    line, column = _number(comment, "line") - _HEAD.count("\n"), _number(comment, "column")
    if script is None or line < 1:
        return
    lines = script.text.split("\n")
    offset = sum(len(before) + 1 for before in lines[: line - 1]) + column - 1
    place = script.node.place_at(min(offset, len(script.text)))
    same_line = comment.get("endLine") == comment.get("line")
    quoted = lines[line - 1][column - 1 : _number(comment, "endColumn") - 1] if same_line else ""
    what = str(comment.get("message", "")).rstrip(".") + (f": `{quoted}`" if quoted else "")
    level: Level = "hint" if comment.get("level") == "style" else "warning"
    message = f"{what} (SC{comment.get('code')} of {PROGRAM})"
    yield Problem(place, message, PROGRAM, level)


def _number(comment: dict[str, Any], key: str) -> int:
    found = comment.get(key)
    return found if isinstance(found, int) else 0
