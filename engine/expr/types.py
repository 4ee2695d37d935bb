"""What is known of a value before anything runs: its type."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from typing import TypeAlias

from msgspec import Struct, field

from engine.expr.values import Value, kind


class Simple(Struct, frozen=True):
    """A type without parts; `shown` is what a sentence calls it."""

    shown: str


class Array(Struct, frozen=True):
    """`filtered` is what `.*` gives: its properties are those of its items."""

    items: Type
    filtered: bool = False

    shown = "an array"


class Object(Struct, frozen=True):
    """Names and their types, found without regard to case.

    `rest` is the type of any other name; None where there is none. `advice` says what to do about
    a name that is not there. An object is `sure` if no name is missing in it that exists.
    """

    fields: Mapping[str, Type] = field(default_factory=dict)
    rest: Type | None = None
    advice: str = ""
    sure: bool = True

    shown = "an object"

    def get(self, name: str) -> Type | None:
        """The type of a property; None where there can't be one."""
        if name in self.fields:
            return self.fields[name]
        folded = name.lower()
        found = (inner for known, inner in self.fields.items() if known.lower() == folded)
        return next(found, self.rest)

    @property
    def values(self) -> Type:
        """What any of its properties may be."""
        rest = () if self.rest is None else (self.rest,)
        return union((*self.fields.values(), *rest))


Type: TypeAlias = Simple | Array | Object

ANY = Simple("any value")
NULL = Simple("null")
BOOLEAN = Simple("a boolean")
NUMBER = Simple("a number")
STRING = Simple("a string")

PRIMITIVES = (NULL, BOOLEAN, NUMBER, STRING)
_KINDS = {"Null": NULL, "Boolean": BOOLEAN, "Number": NUMBER, "String": STRING}


def map_of(values: Type) -> Object:
    """An object of which only the values are known."""
    return Object({}, values)


def of(value: Value) -> Type:
    """The type of a value that is known."""
    match kind(value):
        case "Array":
            return Array(union(map(of, value)))
        case "Object":
            return Object({name: of(inner) for name, inner in value.items()})
        case name:
            return _KINDS[name]


def union(types: Iterable[Type]) -> Type:
    """What is true of all of some types; ANY for none."""
    found = list(types)
    return reduce(either, found) if found else ANY


def either(one: Type, other: Type) -> Type:
    """What is true of both types. Objects keep the names of both."""
    if one == other:
        return one
    match one, other:
        case Array(items), Array(others):
            return Array(either(items, others), one.filtered and other.filtered)
        case Object(), Object():
            names = {**one.fields, **other.fields}
            fields = {name: _both(one.get(name), other.get(name)) for name in names}
            rest = one.rest if other.rest is None else _both(one.rest, other.rest)
            return Object(fields, rest, one.advice, one.sure and other.sure)
    return ANY


def _both(one: Type | None, other: Type | None) -> Type:
    return either(one, other) if one and other else one or other or ANY
