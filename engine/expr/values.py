"""GitHub's six kinds of values, and how one becomes another.

The rules are those of the expression engine in actions/runner (src/Sdk/Expressions).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal

from engine.numbers import as_double, number_text, signed_32

Value = Any  # None | bool | int | float | str | Sequence[Value] | Mapping[str, Value]
Kind = Literal["Boolean", "Number", "String", "Null", "Array", "Object"]

# EvaluationOptions.MaxMemory's default in actions/runner: what the results of one evaluation may
# take at a time, in bytes of UTF-16.
MAX_MEMORY = 1024 * 1024

# What .NET's Char.IsWhiteSpace accepts; Python's own set has four control characters more.
WHITESPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_AROUND = re.compile(f"^[{WHITESPACE}]+|[{WHITESPACE}]+$")
_DECIMAL = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_BASED = re.compile(r"0(?:x([0-9a-fA-F]+)|o([0-7]+))")
_WORDS = {"infinity": math.inf, "+infinity": math.inf, "-infinity": -math.inf}
_KINDS: dict[type, Kind] = {
    type(None): "Null",
    bool: "Boolean",
    int: "Number",
    float: "Number",
    str: "String",
    list: "Array",
    tuple: "Array",
    dict: "Object",
}
_MISSING = object()


class ExprError(Exception):
    """What is wrong with an expression, and where: `position` counts from 1, 0 is not known yet."""

    def __init__(self, message: str, position: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.position = position


class CaseSensitive(dict[str, Value]):
    """A context whose keys differ by case, such as `env` on Linux."""


class Filtered(list[Value]):
    """What `.*` gives: an array whose properties and indexes are those of its items."""


def kind(value: Value) -> Kind:
    """The name GitHub has for the kind of `value`."""
    known = _KINDS.get(type(value))
    if known:
        return known
    if isinstance(value, Mapping):
        return "Object"
    for base in (bool, int, float, str):
        if isinstance(value, base):
            return _KINDS[base]
    return "Array"


def is_primitive(value: Value) -> bool:
    """Whether `value` is neither an array nor an object."""
    return kind(value) not in ("Array", "Object")


def truthy(value: Value) -> bool:
    """False for null, false, 0, -0, NaN and ''; true for everything else, empty arrays too."""
    if isinstance(value, float):
        return value != 0 and not math.isnan(value)
    return bool(value) if is_primitive(value) else True


def to_string(value: Value) -> str:
    """`value` as it stands in text; arrays and objects give the words `Array` and `Object`."""
    if isinstance(value, str):
        return value
    match kind(value):
        case "Null":
            return ""
        case "Boolean":
            return "true" if value else "false"
        case "Number":
            return number_text(value)
        case other:
            return other


def tidy(value: float) -> int | float:
    """The same number, as an int where it is a whole one that a double holds exactly."""
    number = as_double(value)
    return int(number) if number.is_integer() and abs(number) < 2**53 else number


def strip(text: str) -> str:
    """`text` without .NET's white space around it."""
    return _AROUND.sub("", text)


@lru_cache(maxsize=8)  # one long text may be compared with each item of a long array
def parse_number(text: str) -> float:
    """The number that `text` spells, NaN if none: the rules of ExpressionUtility.ParseNumber."""
    text = strip(text)
    if not text:
        return 0.0
    if _DECIMAL.fullmatch(text):
        return float(text)
    based = _BASED.fullmatch(text)
    if based:
        whole = signed_32(based[1], 16) if based[1] else signed_32(based[2], 8)
        return math.nan if whole is None else float(whole)
    return _WORDS.get(text.lower(), math.nan)


def to_number(value: Value) -> float:
    """`value` as a number; arrays, objects and other texts give NaN."""
    match kind(value):
        case "Number":
            return as_double(value)
        case "String":
            return parse_number(value)
        case "Null" | "Boolean":
            return float(bool(value))
        case _:
            return math.nan


def fold(text: str) -> str:
    """`text` as .NET's OrdinalIgnoreCase sees it: every character in its one upper-case form."""
    return text.upper() if text.isascii() else "".join(map(_upper, text))


def _upper(char: str) -> str:
    # .NET maps one character to one, and keeps the dotless i and the long s apart from I and S.
    upper = char.upper()
    return upper if len(upper) == 1 and char not in "ıſ" else char


def equal(left: Value, right: Value) -> bool:
    """`==`: kinds are coerced, strings ignore case, arrays and objects equal only themselves."""
    if isinstance(left, str) and isinstance(right, str):
        return left == right or (len(left) == len(right) and fold(left) == fold(right))
    left, right = _coerced(left, right)
    if kind(left) != kind(right):
        return False
    return bool(left == right) if is_primitive(left) else left is right


def greater(left: Value, right: Value) -> bool:
    """`>`: as `==`; arrays, objects and null are never greater or less than anything."""
    left, right = _coerced(left, right)
    if kind(left) != kind(right) or kind(left) not in ("Number", "String", "Boolean"):
        return False
    if isinstance(left, str):
        return _ordinal(left) > _ordinal(right)
    return bool(left > right)


def _ordinal(text: str) -> bytes:
    """Sorts as .NET does: by UTF-16 code units, after folding."""
    return fold(text).encode("utf-16-be", "surrogatepass")


def _coerced(left: Value, right: Value) -> tuple[Value, Value]:
    """Both sides, turned to numbers where their kinds differ and both are primitive."""
    one, other = kind(left), kind(right)
    if "Array" in (one, other) or "Object" in (one, other):
        return left, right
    if one == other:
        return (as_double(left), as_double(right)) if one == "Number" else (left, right)
    return to_number(left), to_number(right)


def lookup(mapping: Mapping[str, Value], key: str, default: Value = None) -> Value:
    """The value under `key`: the exact one, else (unless CaseSensitive) the first ignoring case."""
    found = mapping.get(key, _MISSING)
    if found is not _MISSING:
        return found
    if isinstance(mapping, CaseSensitive):
        return default
    folded = fold(key)
    for name, value in mapping.items():
        if len(name) == len(key) and fold(name) == folded:
            return value
    return default


def pick(value: Value, key: Value) -> Value:
    """`value[key]` or `value.key`; whatever is not there is null."""
    if isinstance(value, Filtered):
        picked = (_item(each, key, _MISSING) for each in value)
        return Filtered(each for each in picked if each is not _MISSING)
    return _item(value, key, None)


def _item(value: Value, key: Value, default: Value) -> Value:
    match kind(value):
        case "Object":
            return lookup(value, to_string(key), default) if is_primitive(key) else default
        case "Array":
            index = to_number(key)
            # NaN fails this comparison too.
            return value[math.floor(index)] if 0 <= index < len(value) else default
        case _:
            return default


def every(value: Value) -> Filtered:
    """`value.*`: the items of an array, the values of an object, nothing of anything else."""
    if isinstance(value, Filtered):
        return Filtered(item for each in value for item in _items(each))
    return Filtered(_items(value))


def _items(value: Value) -> Sequence[Value]:
    match kind(value):
        case "Object":
            return list(value.values())
        case "Array":
            items: Sequence[Value] = value
            return items
        case _:
            return ()
