"""What a scalar stands for: YAML 1.2 core schema, in numbers as GitHub holds them."""

from __future__ import annotations

import re
from typing import Any

from engine.numbers import number_text, signed_32

_NULLS = frozenset(("", "~", "null", "Null", "NULL"))
_TRUE, _FALSE = frozenset(("true", "True", "TRUE")), frozenset(("false", "False", "FALSE"))
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"([-+]?)\.(inf|Inf|INF)")
_NUMBER_START = frozenset("+-.0123456789")


def resolve(text: str) -> bool | int | float | str | None:
    """A plain scalar's value; `on`, `yes` and `0777` are no booleans and not octal.

    Raises ValueError for hexadecimal and octal of more than 32 bits, as GitHub does.
    """
    if text in _NULLS:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if text[0] not in _NUMBER_START:
        return text
    number = _number(text)
    return text if number is None else number


def _number(text: str) -> int | float | None:
    if _INT.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if match := _INFINITE.fullmatch(text):
        return float(f"{match[1]}inf")
    return float("nan") if text in (".nan", ".NaN", ".NAN") else None


def _integer(text: str) -> int | float:
    if text[1:2] not in ("x", "o"):
        # int() refuses thousands of digits, and a double has no more than 309
        return float(text) if len(text) > 250 else int(text)
    number = signed_32(text[2:], 16 if text[1] == "x" else 8)
    if number is None:
        raise ValueError(
            f'"{text}" has more than 32 bits; write it in decimal, or in quotes if it is text'
        )
    return number


def as_string(value: bool | int | float | None) -> str:
    if value is None or isinstance(value, bool):
        return {None: "", True: "true", False: "false"}[value]
    return number_text(value)


_PREFIX = "tag:yaml.org,2002:"
_STR = f"{_PREFIX}str"
COLLECTION_TAGS = frozenset((f"{_PREFIX}map", f"{_PREFIX}seq", "!"))
_TAGS: dict[str, tuple[type, ...]] = {
    f"{_PREFIX}int": (int,),
    f"{_PREFIX}float": (int, float),
    f"{_PREFIX}bool": (bool,),
    f"{_PREFIX}null": (type(None),),
}


def value(event: Any) -> bool | int | float | str | None:
    """What a scalar is, by its tag or its spelling. Raises ValueError, with a sentence."""
    text, tag = str(event.value), event.tag
    if tag == _STR:
        return text
    if tag in (None, "!"):
        return resolve(text) if event.implicit[0] else text
    shown = tag.replace(_PREFIX, "!!")
    if tag in _TAGS and event.style:
        raise ValueError(f'the tag "{shown}" needs a value without quotes; remove them or the tag')
    value = resolve(text) if tag in _TAGS else text
    if type(value) not in _TAGS.get(tag, ()):
        known = "only !!str, !!int, !!float, !!bool and !!null are known"
        raise ValueError(f'the tag "{shown}" does not fit "{text}"; {known}')
    return value
