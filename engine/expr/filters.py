"""Jinja2's filters on GitHub's values: `value | name(arguments)`, a superset of GitHub's grammar.

Only filters that turn JSON into JSON are here; the table is shown in docs/expressions.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from engine.expr.functions import to_json
from engine.expr.values import (
    ExprError,
    Value,
    is_primitive,
    kind,
    tidy,
    to_number,
    to_string,
    truthy,
)
from engine.problems import did_you_mean

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

Charge = Callable[[int], None]
Takes = Literal["text", "list", "items", "number", "any"]

MAX_NUMBER = 10_000  # as an argument: widths, counts, digits


class Spec(Struct, frozen=True):
    """What a filter takes (`items`: an array, text or object) and how many arguments."""

    takes: Takes
    most: int = 0
    least: int = 0


FILTERS: Mapping[str, Spec] = {
    "abs": Spec("number"),
    "batch": Spec("list", 2, 1),
    "capitalize": Spec("text"),
    "default": Spec("any", 2),
    "first": Spec("items"),
    "float": Spec("any", 1),
    "indent": Spec("text", 3),
    "int": Spec("any", 2),
    "join": Spec("list", 1),
    "last": Spec("items"),
    "length": Spec("items"),
    "lower": Spec("text"),
    "max": Spec("list"),
    "min": Spec("list"),
    "replace": Spec("text", 3, 2),
    "reverse": Spec("items"),
    "round": Spec("number", 2),
    "slice": Spec("list", 2, 1),
    "sort": Spec("list", 2),
    "split": Spec("text", 2),
    "sum": Spec("list"),
    "title": Spec("text"),
    "tojson": Spec("any"),
    "trim": Spec("text", 1),
    "truncate": Spec("text", 4),
    "unique": Spec("list", 1),
    "upper": Spec("text"),
    "urlencode": Spec("text"),
    "wordcount": Spec("text"),
}


def faults(name: str, arguments: int, position: int) -> Iterator[ExprError]:
    """What is wrong with such a use of the filter."""
    spec = FILTERS.get(name)
    if spec is None:
        yield ExprError(f"Unknown filter '{name}'{did_you_mean(name, FILTERS)}", position)
    elif arguments < spec.least:
        yield ExprError(f"Too few parameters supplied: '{name}'", position)
    elif arguments > spec.most:
        yield ExprError(f"Too many parameters supplied: '{name}'", position)


def apply(name: str, value: Value, arguments: Sequence[Value], charge: Charge) -> Value:
    """The filter's result as a JSON value; raises ExprError that names the filter."""
    try:
        given = _input(FILTERS[name].takes, value)
        values = [_argument(argument) for argument in arguments]
        foreseen = _foreseen(name, given, values)
        charge(foreseen)
        result = _OWN[name](given, *values) if name in _OWN else _jinja(name, given, values)
        made = _json(result)
        charge(max(0, _size(made) - foreseen))
        return made
    except ExprError as error:
        raise ExprError(f"Filter '{name}': {error.message}") from None
    except TypeError:
        raise ExprError(f"Filter '{name}': cannot be applied to these values") from None
    except Exception as error:
        # Jinja2's filters raise whatever their Python raises when a value does not suit them.
        raise ExprError(f"Filter '{name}': {error}") from None


def _jinja(name: str, value: Value, arguments: Sequence[Value]) -> Value:
    return _environment().call_filter(name, value, arguments)


@cache
def _environment() -> SandboxedEnvironment:
    from jinja2.sandbox import SandboxedEnvironment

    return SandboxedEnvironment()


def _input(takes: Takes, value: Value) -> Value:
    """`value` as the filter wants it: GitHub's coercions where they are harmless."""
    what = kind(value)
    if takes == "any":
        return _argument(value)
    if takes == "text" and is_primitive(value):
        return to_string(value)
    if takes == "number" and is_primitive(value):
        return tidy(to_number(value))
    if takes in ("list", "items") and what in ("Array", "Null"):
        return list(map(_argument, value or ()))
    if takes == "items" and what in ("String", "Object"):
        return value
    raise ExprError(f"expected {_WANTED[takes]}, got {_ARTICLE.get(what, 'a')} {what.lower()}")


_WANTED = {"text": "a string", "number": "a number", "list": "an array", "items": "an array"}
_ARTICLE = {"Array": "an", "Object": "an"}


def _argument(value: Value) -> Value:
    return tidy(value) if kind(value) == "Number" else value


def _foreseen(name: str, value: Value, arguments: Sequence[Value]) -> int:
    """How many characters a filter will make, where that can be much more than it was given."""
    for argument in arguments:
        if kind(argument) == "Number" and not abs(argument) <= MAX_NUMBER:
            raise ExprError(f"{to_string(argument)} is no number it can use")
    size = 0
    if name == "replace":
        old, new = map(to_string, arguments[:2])
        size = len(value) + value.count(old) * len(new)
    elif name == "indent":
        width = arguments[0] if arguments else 4
        each = len(width) if isinstance(width, str) else max(0, int(to_number(width)))
        size = len(value) + (value.count("\n") + 1) * each
    elif name == "join":
        texts = [to_string(item) for item in value]
        size = sum(map(len, texts)) + len(texts) * sum(map(len, map(to_string, arguments)))
    return size


def _json(value: Value) -> Value:
    """What Jinja2 made of it, as JSON: a generator is an array, an undefined value is null."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float)):
        return tidy(value)
    if isinstance(value, Mapping):
        return value
    if type(value).__name__ == "Undefined" or not isinstance(value, Iterable):
        return None
    return [_json(item) for item in value]


def _size(value: Value) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list):
        return sum(8 + (_size(item) if isinstance(item, list) else 0) for item in value)
    return 0


def _default(value: Value, other: Value = "", falsy: Value = False) -> Value:
    return other if value is None or (truthy(falsy) and not truthy(value)) else value


def _float(value: Value, other: Value = 0) -> Value:
    number = to_number(value)
    return other if math.isnan(number) else number


def _int(value: Value, other: Value = 0, base: Value = 10) -> Value:
    if isinstance(value, str) and base != 10:
        return _jinja("int", value, [other, base])
    number = to_number(value)
    return int(number) if math.isfinite(number) else other


def _split(value: str, separator: Value = None, most: Value = -1) -> Value:
    return value.split(None if separator is None else to_string(separator), int(most))


def _join(value: Sequence[Value], separator: Value = "") -> Value:
    return _jinja("join", [to_string(item) for item in value], [to_string(separator)])


def _replace(value: str, old: Value, new: Value, count: Value = -1) -> Value:
    return _jinja("replace", value, [to_string(old), to_string(new), int(count)])


def _sum(value: Sequence[Value]) -> Value:
    return _jinja("sum", [tidy(to_number(item)) for item in value], [])


def _to_json(value: Value) -> Value:
    return to_json([value], lambda size: None)


# Where Jinja2's own would show Python's spelling of a value, or lacks the filter.
_OWN: Mapping[str, Callable[..., Value]] = {
    "default": _default,
    "float": _float,
    "int": _int,
    "join": _join,
    "replace": _replace,
    "split": _split,
    "sum": _sum,
    "tojson": _to_json,
}
