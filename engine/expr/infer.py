"""The type of an expression, and what can't be right in it whatever its contexts hold."""

from __future__ import annotations

import math
from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from engine.expr.signatures import called
from engine.expr.tree import (
    Called,
    Compare,
    Filter,
    Index,
    Literal,
    Logic,
    Named,
    Node,
    Not,
    Wildcard,
    show,
    start,
)
from engine.expr.types import (
    ANY,
    BOOLEAN,
    NUMBER,
    PRIMITIVES,
    STRING,
    Array,
    Object,
    Type,
    of,
    union,
)
from engine.expr.values import parse_number
from engine.problems import Level, did_you_mean

MOST_LISTED = 8


class Fault(Struct, frozen=True):
    """A mistake at a position of the expression's text, from 1; `end` is after it, or 0."""

    position: int
    message: str
    rule: str
    level: Level = "error"
    end: int = 0


def infer(tree: Node, contexts: Mapping[str, Type]) -> tuple[Type, list[Fault]]:
    """The type of a tree and its faults; of contexts not among `contexts` nothing is known."""
    reader = _Reader(contexts)
    return reader.of(tree), reader.faults


class _Reader:
    """One expression."""

    def __init__(self, contexts: Mapping[str, Type]) -> None:
        self.contexts = contexts
        self.faults: list[Fault] = []

    def of(self, node: Node) -> Type:
        match node:
            case Literal():
                return of(node.value)
            case Named():
                return self.contexts.get(node.name.lower(), ANY)
            case Index():
                return self.index(node)
            case Not(operand):
                self.of(operand)
                return BOOLEAN
            case Compare():
                return self.compare(node)
            case Logic():
                return union([self.of(part) for part in node.parts])
            case Called():
                return called(node, [self.of(part) for part in node.arguments], self.fault)
            case Filter():
                for part in (node.value, *node.arguments):
                    self.of(part)
        return ANY

    def fault(self, node: Node, rule: str, message: str, level: Level = "error") -> None:
        self.faults.append(Fault(start(node), message, rule, level, _end(node)))

    # --- properties -----------------------------------------------------------------------------

    def index(self, node: Index) -> Type:
        base = self.of(node.base)
        match node.key:
            case Wildcard():
                return self.every(node, base)
            case Literal(_, str(name)):
                return self.property(node, base, name)
        key = self.of(node.key)
        if base in PRIMITIVES:
            self.primitive(node, base, f"[{show(node.key)}]")
        elif isinstance(base, Object) and key not in (ANY, STRING):
            message = (
                f'"{show(node.base)}" is an object, whose properties have names; '
                f'"{show(node.key)}" is {key.shown}'
            )
            self.fault(node.key, "type", message)
        elif isinstance(base, Array) and (isinstance(key, (Array, Object)) or key == BOOLEAN):
            message = f'an array takes a number as its index; "{show(node.key)}" is {key.shown}'
            self.fault(node.key, "type", message)
        return _item(base)

    def every(self, node: Index, base: Type) -> Type:
        match base:
            case Array(items):
                return Array(items, filtered=True)
            case Object():
                return Array(base.values, filtered=True)
        if base in PRIMITIVES:
            self.primitive(node, base, ".*")
        return Array(ANY, filtered=True)

    def property(self, node: Index, base: Type, name: str) -> Type:
        match base:
            case Object():
                return self.named(node, base, name)
            case Array(items, filtered=True):
                inner = ANY if isinstance(items, Array) else self.property(node, items, name)
                return Array(inner, filtered=True)
            case Array() if math.isnan(parse_number(name)):
                first = show(Index(node.base, replace(_ZERO, position=start(node))))
                message = (
                    f'"{show(node.base)}" is an array and has no property "{name}"; '
                    f"take one of its items, such as {first}, or all with .*"
                )
                self.fault(node, "type", message)
            case Array(items):
                return items
        if base in PRIMITIVES:
            self.primitive(node, base, f'property "{name}"')
        return ANY

    def named(self, node: Index, base: Object, name: str) -> Type:
        found = base.get(name)
        if found is None:
            near = did_you_mean(name, base.fields)
            message = f'"{show(node.base)}" has no property "{name}"{near or _advice(base)}'
            self.fault(node, "property", message, "error" if base.sure or near else "warning")
        return found or ANY

    def primitive(self, node: Index, base: Type, what: str) -> None:
        text = " (JSON in it is read by fromJSON)" if base == STRING else ""
        message = f'"{show(node.base)}" is {base.shown}, which has no {what}{text}'
        self.fault(node, "type", message)

    # --- comparisons ----------------------------------------------------------------------------

    def compare(self, node: Compare) -> Type:
        left, right = self.of(node.left), self.of(node.right)
        for one, other, value in ((left, right, node.right), (right, left, node.left)):
            if isinstance(one, (Array, Object)) and other in (BOOLEAN, NUMBER, STRING):
                self.never(node, f"{one.shown} and {other.shown} are never equal", one, other)
                break
            if one in (BOOLEAN, NUMBER) and other == STRING and _is_no_number(value):
                self.never(node, _coerced(one, value), one, other)
                break
        return BOOLEAN

    def never(self, node: Compare, reason: str, one: Type, other: Type) -> None:
        result = "true" if node.operator == "!=" else "false"
        self.fault(node, "comparison", f'"{show(node)}" is always {result}: {reason}')


_ZERO = Literal("0", 0)


def _item(base: Type) -> Type:
    """What an index that is known only when it runs may give."""
    match base:
        case Array(items, filtered=False):
            return items
        case Object():
            return base.values
    return ANY


def _is_no_number(node: Node) -> bool:
    """Whether a string is written here that no number is equal to."""
    return (
        isinstance(node, Literal)
        and isinstance(node.value, str)
        and math.isnan(parse_number(node.value))
    )


def _coerced(one: Type, value: Node) -> str:
    reason = f"{one.shown} is compared as a number, and {show(value)} is none"
    words = {"'true'": "true", "'false'": "false"}
    return (
        f"{reason}; write {words[show(value)]} without quotes" if show(value) in words else reason
    )


def _advice(base: Object) -> str:
    """What to do about a property that is not there."""
    if base.advice:
        return f"; {base.advice}"
    names = list(base.fields)
    if not names:
        return "; it is empty here"
    more = "" if len(names) <= MOST_LISTED else f" and {len(names) - MOST_LISTED} more"
    return f"; it has {', '.join(names[:MOST_LISTED])}{more}"


def _end(node: Node) -> int:
    """Where a node ends that is a name or properties of one; 0 for all else."""
    match node:
        case Named(name, position):
            return position + len(name)
        case Index(_, Literal(_, str(name), position)) if position:
            return position + len(name)
        case Literal(shown, _, position) if position:
            return position + len(shown)
    return 0
