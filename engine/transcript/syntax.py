"""A line of output is read as a workflow command."""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct


class Command(Struct, frozen=True):
    """One workflow command, unescaped; names in lower case. `line` is how it was written."""

    name: str
    data: str
    properties: dict[str, str]
    line: str


def parse(line: str, known: Collection[str]) -> Command | None:
    """Read a line as `::name key=value::data`, else as `##[name key=value;…]data`, with a known
    name. Rules of actions/runner, ActionCommand.
    """
    return _usual(line, known) or _legacy(line, known)


def _usual(line: str, known: Collection[str]) -> Command | None:
    trimmed = line.strip()
    if not trimmed.startswith("::"):
        return None
    head, end, data = line.lstrip()[2:].partition("::")
    name, _, written = head.partition(" ")
    if not (end and name) or name.lower() not in known:
        return None
    properties = _properties(written.strip(), ",", _PROPERTY)
    return Command(name.lower(), _unescape(data, _DATA), properties, trimmed)


def _legacy(line: str, known: Collection[str]) -> Command | None:
    start = line.find("##[")
    if start < 0:
        return None
    head, end, data = line[start + 3 :].partition("]")
    name, _, written = head.partition(" ")
    if not (end and name) or name.lower() not in known:
        return None
    properties = _properties(written, ";", _LEGACY)
    return Command(name.lower(), _unescape(data, _LEGACY), properties, line.strip())


_DATA = (("%0D", "\r"), ("%0A", "\n"), ("%25", "%"))
_PROPERTY = (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%"))
_LEGACY = (("%3B", ";"), ("%0D", "\r"), ("%0A", "\n"), ("%5D", "]"), ("%25", "%"))


def _properties(
    written: str, separator: str, escapes: tuple[tuple[str, str], ...]
) -> dict[str, str]:
    found = {}
    for item in written.split(separator):
        key, _, value = item.partition("=")
        if key.strip() and value:
            found[key.strip().lower()] = _unescape(value, escapes)
    return found


def _unescape(text: str, escapes: tuple[tuple[str, str], ...]) -> str:
    if "%" in text:
        for escape, character in escapes:
            text = text.replace(escape, character)
    return text
