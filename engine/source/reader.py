"""The parser's events become nodes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from msgspec import Struct
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from engine.problems import Place, Problem, did_you_mean
from engine.source.nodes import Mapping, Node, Scalar, Sequence
from engine.source.text import GITHUB, Limits, character_problem, decode
from engine.source.values import COLLECTION_TAGS, as_string, value


def load(
    text: str | bytes, file: str, limits: Limits = GITHUB
) -> tuple[Node | None, list[Problem]]:
    """Read one YAML document; the node is None where nothing usable could be read."""
    decoded = decode(text, file, limits.characters)
    if isinstance(decoded, Problem):
        return None, [decoded]
    reader = _Reader(file, decoded, limits)
    try:
        return reader.document(), reader.problems
    except _Stop as stop:
        return None, [*reader.problems, stop.problem]
    except MarkedYAMLError as error:
        return None, [*reader.problems, _syntax_problem(error, file, decoded)]
    except YAMLError as error:
        return None, [*reader.problems, character_problem(error, file, decoded)]


def events(text: str) -> Iterator[Any]:
    """The parser's events of a text. Raises YAMLError.

    The quick parser refuses what YAML 1.2 allows, `{image: node:22}`; there the other one goes on.
    """
    count = 0
    try:
        for event in YAML(typ="safe", pure=False).parse(text):
            count += 1
            yield event
    except MarkedYAMLError as error:
        if error.problem != "found unexpected ':'":
            raise
        yield from islice(YAML(typ="safe", pure=True).parse(text), count, None)


class _Stop(Exception):
    def __init__(self, place: Place, message: str, rule: str) -> None:
        self.problem = Problem(place, message, rule)


class _Reader:
    """Turns the parser's events into nodes, replaying an anchor's node at each alias."""

    def __init__(self, file: str, text: str, limits: Limits) -> None:
        self.file = file
        self.text = text
        self.limits = limits
        self.problems: list[Problem] = []
        self.anchors: dict[str, _Anchored] = {}
        self.open_anchors: set[str] = set()
        self.nodes = 0
        self.size = _STRING + 2 * len(file)
        self.events = events(text)

    def document(self) -> Node:
        event = self._next("StreamStart", "DocumentStart")
        if event is None or _kind(event) == "StreamEnd":
            raise _Stop(
                Place(self.file, 1, 1),
                "the file is empty; a workflow has at least `on:` and `jobs:`",
                "yaml",
            )
        node = self._node(next(self.events), 0)
        for event in self.events:
            if _kind(event) == "DocumentStart":
                raise _Stop(
                    self._place(event), "a second document starts here; keep one a file", "yaml"
                )
        return node

    def _next(self, *skipped: str) -> Any:
        for event in self.events:
            if _kind(event) == skipped[-1]:
                return event
            if _kind(event) not in skipped:
                return event
        return None

    def _place(self, event: Any) -> Place:
        start, end = event.start_mark, event.end_mark
        return Place(self.file, start.line + 1, start.column + 1, end.line + 1, end.column + 1)

    def _count(self, nodes: int, size: int, place: Place) -> None:
        self.nodes += nodes
        self.size += size
        if self.nodes <= self.limits.nodes and self.size <= self.limits.size:
            return
        what = f"more than {self.limits.nodes} values"
        if self.size > self.limits.size:
            what = f"more than {self.limits.size} bytes"
        message = (
            f"{what} once aliases are replaced by what they stand for, GitHub's limit; "
            "use fewer aliases of large anchors"
        )
        raise _Stop(place, message, "file-size")

    def _check_depth(self, depth: int, place: Place) -> None:
        if depth > self.limits.depth:
            message = f"nested deeper than {self.limits.depth} levels, GitHub's limit"
            raise _Stop(place, message, "depth")

    def _node(self, event: Any, depth: int) -> Node:
        """The node of an event with `depth` lists and mappings around it."""
        place = self._place(event)
        kind = _kind(event)
        if kind == "Alias":
            return self._alias(event, place, depth)
        nodes, size, anchor = self.nodes, self.size, event.anchor
        if anchor is not None:
            self.open_anchors.add(anchor)
        node: Node
        if kind == "Scalar":
            node = self._scalar(event, place)
        else:
            self._count(1, _OBJECT, place)
            self._check_depth(depth + 1, place)
            read = self._sequence if kind == "SequenceStart" else self._mapping
            node = read(event, place, depth)
        if anchor is not None:
            self.open_anchors.discard(anchor)
            self.anchors[anchor] = _Anchored(node, self.nodes - nodes, self.size - size)
        return node

    def _alias(self, event: Any, place: Place, depth: int) -> Node:
        name = event.anchor
        if name in self.open_anchors:
            message = f'the alias "*{name}" stands inside its own anchor "&{name}"'
        elif name not in self.anchors:
            hint = did_you_mean(name, self.anchors)
            message = f'no anchor "&{name}" stands before this alias "*{name}"{hint}'
        else:
            return self._again(self.anchors[name], place, depth)
        self.problems.append(Problem(place, message, "alias"))
        return Scalar(None, "", place)

    def _again(self, found: _Anchored, place: Place, depth: int) -> Node:
        self._count(found.nodes, found.size, place)
        self._check_depth(depth + _height(found.node), place)
        return found.node

    def _scalar(self, event: Any, place: Place) -> Scalar:
        raw = self.text[event.start_mark.index : event.end_mark.index]
        value = self._value(event, place)
        text = value if isinstance(value, str) else as_string(value)
        held = _STRING + 2 * len(text) if isinstance(value, str) else 0
        self._count(1, _OBJECT + held, place)
        return Scalar(value, text, place, event.style or "", raw)

    def _value(self, event: Any, place: Place) -> bool | int | float | str | None:
        try:
            return value(event)
        except ValueError as error:
            self.problems.append(Problem(place, str(error), "yaml"))
            return str(event.value)

    def _sequence(self, start: Any, place: Place, depth: int) -> Sequence:
        self._plain_collection(start, place)
        items: list[Node] = []
        for event in self.events:
            if _kind(event) == "SequenceEnd":
                break
            items.append(self._node(event, depth + 1))
        return Sequence(tuple(items), place)

    def _plain_collection(self, start: Any, place: Place) -> None:
        if start.tag is not None and start.tag not in COLLECTION_TAGS:
            self.problems.append(Problem(place, f'the tag "{start.tag}" is not known', "yaml"))

    def _mapping(self, start: Any, place: Place, depth: int) -> Mapping:
        self._plain_collection(start, place)
        entries: list[tuple[Scalar, Node]] = []
        seen: dict[str, Scalar] = {}
        for event in self.events:
            if _kind(event) == "MappingEnd":
                break
            key = self._node(event, depth + 1)
            value = self._node(next(self.events), depth + 1)
            if not isinstance(key, Scalar):
                self.problems.append(Problem(key.place, "a key must be a plain string", "yaml"))
                continue
            first = seen.setdefault(key.text.lower(), key)
            if first is not key:
                self.problems.append(_duplicate(key, first))
                continue
            entries.append((key, value))
        return Mapping(tuple(entries), place)


class _Anchored(Struct, frozen=True):
    """What an alias brings in again, and how much of it there is."""

    node: Node
    nodes: int
    size: int


# GitHub's estimate of what a value takes, in bytes (actions/runner, TemplateMemory)
_OBJECT, _STRING = 24, 26


def _height(node: Node) -> int:
    """How many lists and mappings stand in each other, the node itself included."""
    match node:
        case Sequence():
            return 1 + max(map(_height, node.items), default=0)
        case Mapping():
            return 1 + max((_height(value) for _, value in node.entries), default=0)
    return 0


def _kind(event: Any) -> str:
    return type(event).__name__.removesuffix("Event")


def _duplicate(key: Scalar, first: Scalar) -> Problem:
    message = (
        f'"{key.text}" is already defined at line {first.place.line}, column {first.place.column}; '
        "keys are compared without regard to case, so remove or rename one of them"
    )
    return Problem(key.place, message, "duplicate-key")


def _syntax_problem(error: MarkedYAMLError, file: str, text: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
    lines = text.splitlines()
    line = lines[place.line - 1] if 0 < place.line <= len(lines) else ""
    if "\t" in line[: place.column]:
        return Problem(place, "YAML does not allow a tab for indentation; use spaces", "yaml")
    message = str(error.problem or "this is not YAML")
    if error.context:
        where = error.context_mark
        since = f" that starts at line {where.line + 1}" if where and where is not mark else ""
        message = f"{message} {error.context}{since}"
    hint = "; quote a value that starts with @, `, %, & or *" if "cannot start" in message else ""
    return Problem(place, f"{message}{hint}", "yaml")
