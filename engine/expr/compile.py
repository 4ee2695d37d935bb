"""An expression's tree becomes a callable that answers from contexts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from msgspec import Struct

from engine.expr import filters as filtering
from engine.expr.faults import check
from engine.expr.functions import BUILTINS
from engine.expr.parse import parse
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
    children,
    walk,
)
from engine.expr.values import (
    MAX_MEMORY,
    ExprError,
    Value,
    equal,
    every,
    greater,
    lookup,
    pick,
    to_string,
    truthy,
)

MAX_WORK = 16 * MAX_MEMORY  # of all results together: ours, so that no expression takes long

Functions = Mapping[str, Callable[..., Value]]
NO_FUNCTIONS: Functions = MappingProxyType({})


class Scope:
    """One evaluation: what it may ask, and how much it may still make.

    `left` is for what is held at a time, `work` for all that is ever made; both in bytes.
    """

    __slots__ = ("contexts", "functions", "left", "work")

    def __init__(
        self, contexts: Mapping[str, Value], functions: Functions, memory: int = MAX_MEMORY
    ) -> None:
        self.contexts = contexts
        self.functions = functions
        self.left = memory
        self.work = MAX_WORK

    def charge(self, characters: int) -> None:
        self.left -= 2 * characters
        self.work -= 2 * characters
        if self.left < 0 or self.work < 0:
            raise ExprError("The maximum allowed memory size was exceeded")

    def all(self, runs: Sequence[Run]) -> list[Value]:
        """The arguments of a call; like the runner, forget their size once it has them."""
        before = self.left
        values = [run(self) for run in runs]
        self.left = before
        return values


Run = Callable[[Scope], Value]


class Name(Struct, frozen=True):
    """A context as written, where, and the literal properties asked of it (`*` for a wildcard)."""

    name: str
    position: int
    path: tuple[str, ...]


class Call(Struct, frozen=True):
    """A function or filter in lower case, where, and with how many arguments."""

    name: str
    position: int
    arguments: int


class Expr(Struct, frozen=True):
    """A compiled expression; positions count from 1 in `text`."""

    text: str
    tree: Node
    names: tuple[Name, ...]
    calls: tuple[Call, ...]
    filters: tuple[Call, ...]
    mixed: bool = False  # an `if:` of text around `${{ }}`, which is always true
    run: Run = lambda scope: None

    def __call__(
        self,
        contexts: Mapping[str, Value],
        functions: Functions = NO_FUNCTIONS,
        memory: int = MAX_MEMORY,
    ) -> Value:
        """The value; raises ExprError, and whatever one of `functions` raises. `memory` is what its
        results may take at a time, in bytes of UTF-16."""
        return self.run(Scope(contexts, functions, memory))

    @property
    def roots(self) -> frozenset[str]:
        """The contexts it asks for, in lower case."""
        return frozenset(name.name.lower() for name in self.names)


def compile(
    text: str,
    *,
    names: Collection[str] | None = None,
    functions: Collection[str] = (),
    filters: bool = True,
) -> Expr:
    """`text` compiled; raises ExprError for what GitHub rejects before it runs anything.

    `names` are the contexts that exist (None: any), `functions` those besides the built-in ones.
    """
    tree = parse(text, filters=filters)
    check(tree, names, functions)
    return from_tree(text, tree)


def from_tree(text: str, tree: Node, *, mixed: bool = False) -> Expr:
    """`tree`, which came from `text`, as an Expr."""
    calls = [node for node in walk(tree) if isinstance(node, Called)]
    used = [node for node in walk(tree) if isinstance(node, Filter)]
    return Expr(
        text,
        tree,
        tuple(_names(tree)),
        tuple(Call(c.name, c.position, len(c.arguments)) for c in calls),
        tuple(Call(f.name, f.position, len(f.arguments)) for f in used),
        mixed,
        runner(tree),
    )


def _names(node: Node) -> Iterator[Name]:
    keys: list[Node] = []
    while isinstance(node, Index):
        keys.insert(0, node.key)
        node = node.base
    if isinstance(node, Named):
        yield Name(node.name, node.position, tuple(_path(keys)))
    for child in (*children(node), *keys):
        yield from _names(child)


def _path(keys: Sequence[Node]) -> Iterator[str]:
    for key in keys:
        match key:
            case Wildcard():
                yield "*"
            case Literal():
                yield to_string(key.value)
            case _:
                return


def runner(node: Node) -> Run:
    """`node` as a function of a scope."""
    return _MAKERS[type(node)](node)


def _literal(node: Literal) -> Run:
    value = node.value
    return lambda scope: value


def _named(node: Named) -> Run:
    name = node.name
    return lambda scope: lookup(scope.contexts, name)


def _wildcard(node: Wildcard) -> Run:
    return lambda scope: None


def _index(node: Index) -> Run:
    base = runner(node.base)
    if isinstance(node.key, Wildcard):
        return _every(base)
    if isinstance(node.key, Literal):
        fixed = node.key.value
        return lambda scope: pick(base(scope), fixed)
    key = runner(node.key)
    return lambda scope: pick(base(scope), key(scope))


def _every(base: Run) -> Run:
    def run(scope: Scope) -> Value:
        items = every(base(scope))
        # A reference has four characters' size.
        scope.charge(4 * len(items))
        return items

    return run


def _not(node: Not) -> Run:
    operand = runner(node.operand)
    return lambda scope: not truthy(operand(scope))


_COMPARISONS: dict[str, Callable[[Value, Value], bool]] = {
    "==": equal,
    "!=": lambda left, right: not equal(left, right),
    ">": greater,
    "<": lambda left, right: greater(right, left),
    ">=": lambda left, right: greater(left, right) or equal(left, right),
    "<=": lambda left, right: greater(right, left) or equal(left, right),
}


def _compare(node: Compare) -> Run:
    test, left, right = _COMPARISONS[node.operator], runner(node.left), runner(node.right)
    return lambda scope: test(left(scope), right(scope))


def _logic(node: Logic) -> Run:
    *parts, last = map(runner, node.parts)
    stops = node.operator == "||"

    def run(scope: Scope) -> Value:
        for part in parts:
            value = part(scope)
            if truthy(value) is stops:
                return value
        return last(scope)

    return run


def _called(node: Called) -> Run:
    arguments = [runner(argument) for argument in node.arguments]
    if node.name == "case":
        return _case(arguments, node.position)
    builtin = BUILTINS.get(node.name)
    if builtin is None:
        return _foreign(node, arguments)

    def run(scope: Scope) -> Value:
        return _placed(node.position, builtin, scope.all(arguments), scope.charge)

    return run


def _placed(position: int, function: Callable[..., Value], *arguments: Any) -> Value:
    """Call `function`; its ExprError is about `position`."""
    try:
        return function(*arguments)
    except ExprError as error:
        error.position = error.position or position
        raise


def _case(arguments: Sequence[Run], position: int) -> Run:
    def run(scope: Scope) -> Value:
        for test, value in zip(arguments[:-1:2], arguments[1::2], strict=True):
            holds = test(scope)
            if not isinstance(holds, bool):
                raise ExprError("case predicate must evaluate to a boolean value", position)
            if holds:
                return value(scope)
        return arguments[-1](scope)

    return run


def _foreign(node: Called, arguments: Sequence[Run]) -> Run:
    def run(scope: Scope) -> Value:
        function = scope.functions.get(node.name)
        if function is None:
            raise ExprError(f"Unrecognized function: '{node.written}'", node.position)
        return function(*scope.all(arguments))

    return run


def _filter(node: Filter) -> Run:
    parts = [runner(node.value), *map(runner, node.arguments)]

    def run(scope: Scope) -> Value:
        value, *arguments = scope.all(parts)
        return _placed(node.position, filtering.apply, node.name, value, arguments, scope.charge)

    return run


_MAKERS: dict[type, Callable[[Any], Run]] = {
    Literal: _literal,
    Named: _named,
    Wildcard: _wildcard,
    Index: _index,
    Not: _not,
    Compare: _compare,
    Logic: _logic,
    Called: _called,
    Filter: _filter,
}
