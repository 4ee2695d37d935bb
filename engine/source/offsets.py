"""From a character of a value back to its line and column in the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.source.nodes import Scalar


_ESCAPE = re.compile(r"\\(?:x..|u.{4}|U.{8}|.)", re.DOTALL)
_CONTINUED = re.compile(r"\\\r?\n[ \t]*")  # in double quotes: a line goes on as if unbroken
_FOLDED = re.compile(r"[ \t]*\r?\n[ \t\r\n]*")
_ANCHOR_AND_TAG = re.compile(r"(?:[&!]\S*\s+)*")  # stand before a value and belong to its raw text


def locate(scalar: Scalar, offset: int) -> tuple[int, int]:
    if scalar.style in ("|", ">"):
        return _locate_in_block(scalar, offset)
    position = next(islice(_characters(scalar), offset, None), len(scalar.raw))
    before = scalar.raw[:position]
    newlines = before.count("\n")
    if not newlines:
        return scalar.place.line, scalar.place.column + position
    return scalar.place.line + newlines, position - before.rfind("\n")


def _characters(scalar: Scalar) -> Iterator[int]:
    """For each character of a flow scalar's text, its index in the raw text."""
    raw, index = scalar.raw, _start(scalar.raw)
    index += 1 if scalar.style else 0
    end = len(raw) - (1 if scalar.style else 0)
    while index < end:
        if scalar.style == '"' and (continued := _CONTINUED.match(raw, index)):
            index = continued.end()
            continue
        if folded := _FOLDED.match(raw, index):
            breaks = folded[0].count("\n")
            yield from [index] * max(1, breaks - 1)
            index = folded.end()
            continue
        yield index
        if scalar.style == "'" and raw[index] == "'":
            index += 2
        elif scalar.style == '"' and (escape := _ESCAPE.match(raw, index)):
            index = escape.end()
        else:
            index += 1


def _start(raw: str) -> int:
    match = _ANCHOR_AND_TAG.match(raw)
    return match.end() if match else 0


def _locate_in_block(scalar: Scalar, offset: int) -> tuple[int, int]:
    """Find each written line in the text; between two of them there are only line breaks."""
    line = scalar.place.line + scalar.raw.count("\n", 0, _start(scalar.raw))
    lines = scalar.raw[_start(scalar.raw) :].split("\n")[1:]
    indent = _indentation(next(filter(str.strip, lines), ""))
    indent -= _indentation(next(filter(str.strip, scalar.text.split("\n")), ""))
    seen = 0
    for number, written in enumerate(lines, start=1):
        content = written[indent:].removesuffix("\r")
        if not content.strip():
            continue
        start = max(seen, scalar.text.find(content, seen))
        if offset <= start + len(content):
            return line + number, indent + 1 + max(0, offset - start)
        seen = start + len(content)
    return line + len(lines), 1


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
