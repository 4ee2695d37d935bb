"""What GitHub rejects in a tree before it runs anything: unknown names and wrong counts."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from engine.expr import filters as filtering
from engine.expr.functions import ARGUMENTS, SPELLED
from engine.expr.tree import Called, Filter, Named, Node, children
from engine.expr.values import ExprError
from engine.problems import did_you_mean

_BUILT_IN = frozenset(name.lower() for name in SPELLED)


def check(tree: Node, names: Collection[str] | None, functions: Collection[str]) -> None:
    """Raise ExprError for the first unknown name, function or filter, or wrong argument count."""
    known = None if names is None else frozenset(name.lower() for name in names)
    extra = frozenset(name.lower() for name in functions)
    for fault in _faults(tree, known, extra):
        raise fault


def _faults(
    node: Node, names: frozenset[str] | None, functions: frozenset[str]
) -> Iterator[ExprError]:
    """In the order in which GitHub's parser comes upon them: counts at the closing bracket."""
    if isinstance(node, Named) and names is not None and node.name.lower() not in names:
        near = did_you_mean(node.name, names)
        yield ExprError(f"Unrecognized named-value: '{node.name}'{near}", node.position)
    if isinstance(node, Called) and node.name not in _BUILT_IN | functions:
        near = did_you_mean(node.written, (*SPELLED, *functions))
        yield ExprError(f"Unrecognized function: '{node.written}'{near}", node.position)
    for child in children(node):
        yield from _faults(child, names, functions)
    if isinstance(node, Called):
        yield from _count_faults(node)
    if isinstance(node, Filter):
        yield from filtering.faults(node.name, len(node.arguments), node.position)


def _count_faults(call: Called) -> Iterator[ExprError]:
    least, most = ARGUMENTS.get(call.name, (0, 255))
    count = len(call.arguments)
    if count < least:
        yield ExprError(f"Too few parameters supplied: '{call.written}'", call.position)
    elif count > most:
        yield ExprError(f"Too many parameters supplied: '{call.written}'", call.position)
    elif call.name == "case" and count % 2 == 0:
        message = "Even number of parameters supplied, requires an odd number of parameters"
        yield ExprError(f"{message}: '{call.written}'", call.position)
