"""The keys of a mapping, each compiled as what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from msgspec.structs import replace

from engine.availability import Allowed
from engine.problems import Place, Problem
from engine.source import Mapping, Node, Scalar
from engine.tree import Condition, Fields, Text, Tree, build, condition, literal, text

_T = TypeVar("_T")


class Keys:
    """The keys of one mapping, each compiled as what it is."""

    def __init__(self, node: Node | None, problems: list[Problem]) -> None:
        self.mapping = node if isinstance(node, Mapping) else Mapping((), Place(""))
        self.problems = problems

    def node(self, key: str) -> Node | None:
        return self.mapping.get(key)

    def scalar(self, key: str) -> Scalar | None:
        """A value that takes no expression."""
        node = self.node(key)
        if not isinstance(node, Scalar) or node.value is None:
            return None
        return literal(node, self.problems)

    def literal(self, key: str) -> str:
        scalar = self.scalar(key)
        return scalar.text if scalar else ""

    def tree(self, key: str, allowed: Allowed) -> Tree | None:
        node = self.node(key)
        return None if node is None else build(node, allowed, self.problems)

    def fields(self, key: str, allowed: Allowed) -> Tree | None:
        """A mapping whose names take no expressions, only their values."""
        node = self.node(key)
        if not isinstance(node, Mapping):
            return self.tree(key, allowed)
        entries = (
            (Text(literal(name, self.problems)), build(value, allowed, self.problems))
            for name, value in node.entries
        )
        return Fields(node, tuple(entries))

    def text(self, key: str, allowed: Allowed) -> Text | None:
        node = self.node(key)
        if not isinstance(node, Scalar) or node.value is None:
            return None
        return text(node, allowed, self.problems)

    def condition(self, allowed: Allowed) -> Condition | None:
        node = self.node("if")
        return condition(node, allowed, self.problems) if isinstance(node, Scalar) else None


def typed(keys: Keys, key: str, wanted: Callable[..., _T], default: _T) -> _T:
    scalar = keys.scalar(key)
    return scalar.value if scalar and type(scalar.value) is wanted else default  # type: ignore[return-value]


def parts(whole: Text, allowed: Allowed, names: Iterable[str]) -> Iterator[Text]:
    """What a mapping that is one expression has under each name, as an expression of its own."""
    template = whole.template
    if template is None or len(template.parts) != 1:
        return
    at = template.offsets[0]
    inner = whole.node.text[at:].rstrip().removesuffix("}}")
    for name in names:
        # the bracket takes the place of a blank, so that positions stay true
        written = f"{'${{':<{max(at - 1, 3)}}({inner}).{name} }}}}"
        scalar = replace(whole.node, value=written, text=written)
        yield Text(whole.node, text(scalar, allowed, []).template)
