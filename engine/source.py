"""YAML text becomes nodes that remember where they were written."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from itertools import islice
from typing import Any, TypeAlias

from msgspec import Struct
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from engine.numbers import number_text, signed_32
from engine.problems import Place, Problem, did_you_mean

Plain: TypeAlias = Any  # None, bool, int, float, str, list or dict with string keys


class Limits(Struct, frozen=True):
    """What a reader takes; the defaults are GitHub's (actions/runner, workflow parser options).

    `size` is in bytes, of the values with aliases replaced, by GitHub's own estimate. `files`,
    `calls` (levels of called workflows) and `jobs` (0 is no limit) are of a workflow with all that
    it calls.
    """

    characters: int = 1024 * 1024
    nodes: int = 50_000
    depth: int = 50
    size: int = 10 * 1024 * 1024
    files: int = 51
    calls: int = 9
    jobs: int = 0


GITHUB = Limits()


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
        line, column = _locate(self, offset)
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


def load(
    text: str | bytes, file: str, limits: Limits = GITHUB
) -> tuple[Node | None, list[Problem]]:
    """Read one YAML document; the node is None where nothing usable could be read."""
    decoded = _decode(text, file, limits.characters)
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
        return None, [*reader.problems, _character_problem(error, file, decoded)]


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


# --- reading ------------------------------------------------------------------------------------


class _Stop(Exception):
    def __init__(self, place: Place, message: str, rule: str) -> None:
        self.problem = Problem(place, message, rule)


def _decode(text: str | bytes, file: str, most: int) -> str | Problem:
    if len(text) > most * (4 if isinstance(text, bytes) else 1):
        return _too_large(file, most)
    try:
        decoded = text if isinstance(text, str) else text.decode("utf-8")
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode("utf-8")
        place = Place(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
        message = f"byte 0x{error.object[error.start]:02x} is not UTF-8; save the file as UTF-8"
        return Problem(place, message, "yaml")
    if len(decoded) > most:
        return _too_large(file, most)
    decoded = decoded.removeprefix("\ufeff")
    if _SURROGATE.search(decoded):  # the parser takes UTF-8 only
        return _character_problem(None, file, decoded)
    return decoded


_SURROGATE = re.compile(r"[\ud800-\udfff]")


def _too_large(file: str, most: int) -> Problem:
    message = (
        f"the file is larger than {most} characters, GitHub's limit for a workflow; "
        "split it or move scripts into files of their own"
    )
    return Problem(Place(file), message, "file-size")


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
        text = value if isinstance(value, str) else _as_string(value)
        held = _STRING + 2 * len(text) if isinstance(value, str) else 0
        self._count(1, _OBJECT + held, place)
        return Scalar(value, text, place, event.style or "", raw)

    def _value(self, event: Any, place: Place) -> bool | int | float | str | None:
        try:
            return _value(event)
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
        if start.tag is not None and start.tag not in _COLLECTION_TAGS:
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


# --- what a plain scalar stands for (YAML 1.2 core schema) --------------------------------------

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


def _as_string(value: bool | int | float | None) -> str:
    if value is None or isinstance(value, bool):
        return {None: "", True: "true", False: "false"}[value]
    return number_text(value)


_PREFIX = "tag:yaml.org,2002:"
_STR = f"{_PREFIX}str"
_COLLECTION_TAGS = frozenset((f"{_PREFIX}map", f"{_PREFIX}seq", "!"))
_TAGS: dict[str, tuple[type, ...]] = {
    f"{_PREFIX}int": (int,),
    f"{_PREFIX}float": (int, float),
    f"{_PREFIX}bool": (bool,),
    f"{_PREFIX}null": (type(None),),
}


def _value(event: Any) -> bool | int | float | str | None:
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


# --- errors of the YAML library, in our words ---------------------------------------------------


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


def _character_problem(error: YAMLError | None, file: str, text: str) -> Problem:
    bad = re.search(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text)
    if bad is None:
        return Problem(Place(file), f"this is not YAML: {error}", "yaml")
    line = text.count("\n", 0, bad.start()) + 1
    column = bad.start() - (text.rfind("\n", 0, bad.start()) + 1) + 1
    message = f"the character U+{ord(bad[0]):04X} is not allowed in YAML; remove it"
    return Problem(Place(file, line, column), message, "yaml")


# --- from a character of a value back to the file -----------------------------------------------

_ESCAPE = re.compile(r"\\(?:x..|u.{4}|U.{8}|.)", re.DOTALL)
_CONTINUED = re.compile(r"\\\r?\n[ \t]*")  # in double quotes: a line goes on as if unbroken
_FOLDED = re.compile(r"[ \t]*\r?\n[ \t\r\n]*")
_ANCHOR_AND_TAG = re.compile(r"(?:[&!]\S*\s+)*")  # stand before a value and belong to its raw text


def _locate(scalar: Scalar, offset: int) -> tuple[int, int]:
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
