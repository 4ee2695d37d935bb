"""A line of output is read as a workflow command."""

from __future__ import annotations

from msgspec import Struct


class Command(Struct, frozen=True):
    """One workflow command, unescaped; names in lower case. `line` is how it was written."""

    name: str
    data: str
    properties: dict[str, str]
    line: str


def parse(line: str) -> Command | None:
    """Read a line as `::name key=value::data` or `##[name key=value;…]data`.

    Rules of actions/runner, ActionCommand. Whether the name is known is not asked here.
    """
    trimmed = line.strip()
    if trimmed.startswith("::"):
        head, end, data = line.lstrip()[2:].partition("::")
        return _parsed(head, ",", data, _DATA, _PROPERTY, trimmed) if end and head else None
    start = line.find("##[")
    if start < 0:
        return None
    head, end, data = line[start + 3 :].partition("]")
    return _parsed(head, ";", data, _LEGACY, _LEGACY, trimmed) if end and head else None


_DATA = (("%0D", "\r"), ("%0A", "\n"), ("%25", "%"))
_PROPERTY = (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%"))
_LEGACY = (("%3B", ";"), ("%0D", "\r"), ("%0A", "\n"), ("%5D", "]"), ("%25", "%"))


def _parsed(
    head: str,
    separator: str,
    data: str,
    in_data: tuple[tuple[str, str], ...],
    in_properties: tuple[tuple[str, str], ...],
    line: str,
) -> Command:
    name, _, written = head.partition(" ")
    properties = {}
    for item in written.split(separator):
        key, _, value = item.partition("=")
        if key.strip() and value:
            properties[key.strip().lower()] = _unescape(value, in_properties)
    return Command(name.lower(), _unescape(data, in_data), properties, line)


def _unescape(text: str, escapes: tuple[tuple[str, str], ...]) -> str:
    if "%" in text:
        for escape, character in escapes:
            text = text.replace(escape, character)
    return text
