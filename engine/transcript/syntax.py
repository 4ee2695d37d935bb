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
    text = line.lstrip()
    if not text.startswith("::"):
        return None
    head, end, data = text[2:].partition("::")
    return _read(line, head, data, known, _USUAL) if end else None


def _legacy(line: str, known: Collection[str]) -> Command | None:
    _, begin, rest = line.partition("##[")
    head, end, data = rest.partition("]")
    return _read(line, head, data, known, _OLD) if begin and end else None


_DATA = (("%0D", "\r"), ("%0A", "\n"), ("%25", "%"))
_PROPERTY = (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%"))
_LEGACY = (("%3B", ";"), ("%0D", "\r"), ("%0A", "\n"), ("%5D", "]"), ("%25", "%"))


class _Form(Struct, frozen=True):
    """What the two ways to write a command do not share."""

    separator: str
    trims: bool  # blanks around all properties
    in_data: tuple[tuple[str, str], ...]
    in_properties: tuple[tuple[str, str], ...]


_USUAL = _Form(",", True, _DATA, _PROPERTY)
_OLD = _Form(";", False, _LEGACY, _LEGACY)


def _read(line: str, head: str, data: str, known: Collection[str], form: _Form) -> Command | None:
    name, _, written = head.partition(" ")
    if not name or name.lower() not in known:
        return None
    properties = {}
    for item in (written.strip() if form.trims else written).split(form.separator):
        key, _, value = item.partition("=")
        if key.strip() and value:
            properties[key.strip().lower()] = _unescape(value, form.in_properties)
    return Command(name.lower(), _unescape(data, form.in_data), properties, line.strip())


def _unescape(text: str, escapes: tuple[tuple[str, str], ...]) -> str:
    if "%" in text:
        for escape, character in escapes:
            text = text.replace(escape, character)
    return text
