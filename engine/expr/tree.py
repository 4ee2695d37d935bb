"""The tree of an expression: its nodes, and its text again."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from engine.expr.lex import is_keyword
from engine.expr.values import Value, tidy

BINDS = {"||": 1, "&&": 2, "==": 3, "!=": 3, "<": 4, "<=": 4, ">": 4, ">=": 4, "!": 5}
_POSTFIX, _ATOM = 6, 7


class Literal(Struct, frozen=True):
    """A constant; `shown` is its one canonical spelling, and what two literals are compared by."""

    shown: str
    value: Value
    position: int = 0


class Named(Struct, frozen=True):
    """A context as written."""

    name: str
    position: int = 0


class Wildcard(Struct, frozen=True):
    """The `*` of `x.*` and `x[*]`."""


class Index(Struct, frozen=True):
    """`base.key` and `base[key]`, which mean the same."""

    base: Node
    key: Node


class Not(Struct, frozen=True):
    """`!operand`."""

    operand: Node
    position: int = 0


class Compare(Struct, frozen=True):
    """`left == right` and its five relatives."""

    operator: str
    left: Node
    right: Node


class Logic(Struct, frozen=True):
    """A whole chain of `&&` or of `||`."""

    operator: str
    parts: tuple[Node, ...]


class Called(Struct, frozen=True):
    """`name(arguments)`; the name in lower case in comparisons, as written in `written`."""

    name: str
    arguments: tuple[Node, ...]
    position: int = 0
    written: str = ""


class Filter(Struct, frozen=True):
    """`value | name(arguments)`."""

    value: Node
    name: str
    arguments: tuple[Node, ...]
    position: int = 0


Node = Literal | Named | Wildcard | Index | Not | Compare | Logic | Called | Filter


def literal(value: Value, position: int = 0) -> Literal:
    """The constant `value`: null, a boolean, a number or a string."""
    if isinstance(value, str):
        return Literal("'" + value.replace("'", "''") + "'", value, position)
    if value is None or isinstance(value, bool):
        return Literal({None: "null", True: "true", False: "false"}[value], value, position)
    words = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
    number = tidy(value)
    return Literal(words.get(repr(number), repr(number)), number, position)


def children(node: Node) -> tuple[Node, ...]:
    """The nodes right below, as they stand in the text."""
    match node:
        case Index(base, key):
            return base, key
        case Not(operand):
            return (operand,)
        case Compare(_, left, right):
            return left, right
        case Logic(_, parts):
            return parts
        case Called():
            return node.arguments
        case Filter():
            return node.value, *node.arguments
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """`node` and all below it, from left to right."""
    yield node
    for child in children(node):
        yield from walk(child)


def start(node: Node) -> int:
    """Where `node` begins in its text, from 1; 0 for what nobody wrote."""
    match node:
        case Index(first, _) | Compare(_, first, _) | Filter(first):
            return start(first)
        case Logic(_, parts):
            return start(parts[0])
        case Wildcard():
            return 0
        case _:
            return node.position


def show(node: Node) -> str:
    """The shortest usual text of `node`; parsing it gives an equal tree."""
    match node:
        case Literal(shown):
            return shown
        case Named(name):
            return name
        case Wildcard():
            return "*"
        case Index(base, key):
            return _within(base, _POSTFIX) + _key(key)
        case Not(operand):
            return "!" + _within(operand, BINDS["!"])
        case Compare(operator, left, right):
            level = BINDS[operator]
            return f"{_within(left, level)} {operator} {_within(right, level + 1)}"
        case Logic(operator, parts):
            return f" {operator} ".join(_within(p, BINDS[operator] + 1) for p in parts)
        case Called():
            return f"{node.written or node.name}({_listed(node.arguments)})"
        case Filter(value, name, arguments):
            listed = f"({_listed(arguments)})" if arguments else ""
            return f"{show(value)} | {name}{listed}"


def _key(key: Node) -> str:
    match key:
        case Wildcard():
            return ".*"
        case Literal(_, str(name)) if is_keyword(name):
            return f".{name}"
        case _:
            return f"[{show(key)}]"


def _listed(nodes: tuple[Node, ...]) -> str:
    return ", ".join(map(show, nodes))


def _within(node: Node, least: int) -> str:
    """`node` as an operand, in parentheses if it binds less strongly than is needed there."""
    text = show(node)
    return text if _level(node) >= least else f"({text})"


def _level(node: Node) -> int:
    match node:
        case Filter():
            return 0
        case Compare(operator) | Logic(operator):
            return BINDS[operator]
        case Not() | Literal():
            # A literal can be an operand anywhere, but not be dereferenced as it stands.
            return BINDS["!"]
        case _:
            return _ATOM
