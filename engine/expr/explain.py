"""Why an expression has its value: the parts that decided it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from engine.expr.compile import NO_FUNCTIONS, Expr, Functions, Scope, runner
from engine.expr.tree import Called, Index, Literal, Logic, Node, children, show
from engine.expr.values import MAX_MEMORY, Value, truthy


def explain(
    expr: Expr,
    contexts: Mapping[str, Value],
    functions: Functions = NO_FUNCTIONS,
    memory: int = MAX_MEMORY,
) -> list[tuple[str, Value]]:
    """The sub-expressions that decided the value and their values, outermost first.

    What was short-circuited, or did not matter, and literals are left out. Raises as the call does.
    """

    def decisive(node: Node) -> Iterator[tuple[str, Value]]:
        if isinstance(node, Literal):
            return
        value = answer(node)
        yield show(node), value
        for child in _deciding(node, value, answer):
            yield from decisive(child)

    def answer(node: Node) -> Value:
        return runner(node)(Scope(contexts, functions, memory))

    return list(decisive(expr.tree))


def _deciding(node: Node, value: Value, answer: Callable[[Node], Value]) -> Sequence[Node]:
    """The parts of `node` that made it `value`."""
    if isinstance(node, Logic) and truthy(value) is (node.operator == "||"):
        # One part was enough: the first with this truth.
        for part in node.parts:
            if truthy(answer(part)) is truthy(value):
                return (part,)
    if isinstance(node, Called) and node.name == "case":
        return ()
    return () if isinstance(node, Index) else children(node)
