"""YAML values, and where each of them was written."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, TypeAlias

from msgspec import Struct

from engine.problems import Place
from engine.source.offsets import locate

Plain: TypeAlias = Any  # None, bool, int, float, str, list or dict with string keys


class Scalar(Struct, frozen=True):
    """A single value.

    `text` is the value as a string: what the author wrote once quotes and folding are undone, a
    number as GitHub prints it (`1.50` is `1.5`), '' for null.
    """

    value: bool | int | float | str | None
    text: str
    place: Place
    style: str = ""  # '' for plain, else one of ' " | >
    raw: str = ""

    def place_at(self, offset: int) -> Place:
        """Where the character at `offset` of `text` (from 0) stands in the file."""
        line, column = locate(self, offset)
        return Place(self.place.file, line, column)


class Sequence(Struct, frozen=True):
    items: tuple[Node, ...]
    place: Place


class Mapping(Struct, frozen=True):
    entries: tuple[tuple[Scalar, Node], ...]
    place: Place

    def get(self, name: str) -> Node | None:
        """The value of a key, compared exactly as GitHub compares known keys."""
        return next((value for key, value in self.entries if key.text == name), None)

    def key(self, name: str) -> Scalar | None:
        return next((key for key, _ in self.entries if key.text == name), None)


Node: TypeAlias = Scalar | Sequence | Mapping


def plain(node: Node | None) -> Plain:
    """The JSON value of a node; mapping keys are strings, as GitHub reads them."""
    match node:
        case Scalar():
            return node.value
        case Sequence():
            return [plain(item) for item in node.items]
        case Mapping():
            return {key.text: plain(value) for key, value in node.entries}
    return None


def child(node: Node | None, key: str) -> Node | None:
    """The value of a key; None where the node is no mapping, or has no such key."""
    return node.get(key) if isinstance(node, Mapping) else None


def entries(node: Node | None) -> tuple[tuple[Scalar, Node], ...]:
    """What stands in a mapping; nothing where the node is none."""
    return node.entries if isinstance(node, Mapping) else ()


def one_or_more(node: Node | None) -> list[Scalar]:
    """The scalars of a value that is one of them or a list; null is none."""
    items = node.items if isinstance(node, Sequence) else (node,)
    return [item for item in items if isinstance(item, Scalar) and item.value is not None]


def scalars(node: Node | None) -> Iterator[Scalar]:
    """Every scalar of a node that is a value (not a key), in order."""
    match node:
        case Scalar():
            yield node
        case Sequence():
            for item in node.items:
                yield from scalars(item)
        case Mapping():
            for _, value in node.entries:
                yield from scalars(value)


def everything(node: Node | None) -> Iterator[Scalar]:
    """Every scalar of a node, keys too."""
    match node:
        case Scalar():
            yield node
        case Sequence():
            for item in node.items:
                yield from everything(item)
        case Mapping():
            for key, value in node.entries:
                yield key
                yield from everything(value)


def without(node: Node, places: Collection[Place]) -> Node:
    """The node without the entries whose keys stand at one of `places`."""
    match node:
        case _ if not places:
            return node
        case Sequence():
            return Sequence(tuple(without(item, places) for item in node.items), node.place)
        case Mapping():
            kept = (entry for entry in node.entries if entry[0].place not in places)
            return Mapping(tuple((key, without(value, places)) for key, value in kept), node.place)
    return node
