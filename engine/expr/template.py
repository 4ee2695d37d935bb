"""Text with `${{ }}` in it, and the value of an `if:`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import count

from msgspec import Struct
from msgspec.structs import replace

from engine.expr.compile import (
    NO_FUNCTIONS,
    Call,
    Expr,
    Functions,
    Name,
    compile,
    from_tree,
)
from engine.expr.faults import check
from engine.expr.lex import MAX_LENGTH, pieces
from engine.expr.parse import parse
from engine.expr.tree import Called, Logic, Node, literal, walk
from engine.expr.values import MAX_MEMORY, ExprError, Value, kind, to_string

STATUS_FUNCTIONS = frozenset({"success", "failure", "cancelled", "always"})


class Template(Struct, frozen=True):
    """Text cut into literal parts and expressions.

    `offsets` says where in `text` each part starts (from 0; for an expression its inner text).
    """

    text: str
    parts: tuple[str | Expr, ...]
    offsets: tuple[int, ...]

    @property
    def is_literal(self) -> bool:
        """Whether no expression is in it."""
        return all(isinstance(part, str) for part in self.parts)

    @property
    def names(self) -> tuple[Name, ...]:
        """The contexts that its expressions ask for, with positions in the whole text."""
        return tuple(
            replace(name, position=name.position + at)
            for at, part in self._expressions()
            for name in part.names
        )

    @property
    def calls(self) -> tuple[Call, ...]:
        """The functions that its expressions call, with positions in the whole text."""
        return tuple(
            replace(call, position=call.position + at)
            for at, part in self._expressions()
            for call in part.calls
        )

    def _expressions(self) -> list[tuple[int, Expr]]:
        pairs = zip(self.offsets, self.parts, strict=True)
        return [(at, part) for at, part in pairs if isinstance(part, Expr)]

    def __call__(
        self,
        contexts: Mapping[str, Value],
        functions: Functions = NO_FUNCTIONS,
        memory: int = MAX_MEMORY,
    ) -> Value:
        """A lone expression's own value, otherwise a string; raises as an Expr does, also where
        that string takes more than `memory`."""
        values = [
            part if isinstance(part, str) else _evaluated(part, at, contexts, functions, memory)
            for at, part in zip(self.offsets, self.parts, strict=True)
        ]
        if len(values) == 1:
            return values[0]
        texts = list(map(to_string, values))
        if 2 * sum(map(len, texts)) > memory:
            raise ExprError("The maximum allowed memory size was exceeded", 1)
        return "".join(texts)

    def string(self, contexts: Mapping[str, Value], functions: Functions = NO_FUNCTIONS) -> str:
        """Always a string; raises ExprError for a lone expression that gives an array or object."""
        value = self(contexts, functions)
        words = {"Array": "A sequence was not expected", "Object": "A mapping was not expected"}
        if kind(value) in words:
            raise ExprError(words[kind(value)], self.offsets[0] + 1)
        return to_string(value)


def _evaluated(
    part: Expr, at: int, contexts: Mapping[str, Value], functions: Functions, memory: int
) -> Value:
    try:
        return part(contexts, functions, memory)
    except ExprError as error:
        raise ExprError(error.message, error.position + at) from error


def compile_template(
    text: str,
    *,
    names: Collection[str] | None = None,
    functions: Collection[str] = (),
    filters: bool = True,
) -> Template:
    """`text` compiled; raises ExprError with a position in the whole text.

    `names`, `functions` and `filters` as for `compile`.
    """
    if "${{" not in text:
        return Template(text, (text,) if text else (), (0,) if text else ())
    cut = _cut(text)
    parts = tuple(
        _compiled(piece, at, names, functions, filters) if is_expression else piece
        for piece, at, is_expression in cut
    )
    return Template(text, parts, tuple(at for _, at, _ in cut))


def _cut(text: str) -> list[tuple[str, int, bool]]:
    """The pieces of `text`, none of them an empty expression, and no more than GitHub takes."""
    cut = list(pieces(text))
    for piece, at, is_expression in cut:
        if is_expression and not piece:
            raise ExprError("An expression was expected", at + 1)
    # Text around expressions is one `format('…', …)` to GitHub: an expression like any other.
    if len(cut) > 1 and len(_as_format(cut)) > MAX_LENGTH:
        raise ExprError(f"Exceeded max expression length {MAX_LENGTH}", 1)
    return cut


def _as_format(cut: list[tuple[str, int, bool]]) -> str:
    inner = [piece for piece, _, is_expression in cut if is_expression]
    return f"format({', '.join([literal(_pattern(cut)).shown, *inner])})"


def _pattern(cut: list[tuple[str, int, bool]]) -> str:
    """The pieces as the first argument of `format`."""
    numbers = count()
    return "".join(
        f"{{{next(numbers)}}}" if is_expression else _braced(piece)
        for piece, _, is_expression in cut
    )


def _braced(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _compiled(
    text: str, at: int, names: Collection[str] | None, functions: Collection[str], filters: bool
) -> Expr:
    try:
        return compile(text, names=names, functions=functions, filters=filters)
    except ExprError as error:
        raise ExprError(error.message, error.position + at) from error


def compile_condition(
    text: str,
    *,
    names: Collection[str] | None = None,
    functions: Collection[str] = (),
    implicit: bool = True,
) -> Expr:
    """The value of an `if:`; raises ExprError with a position in `text`.

    Blank is `success()`. Without a status function anywhere in it, `success() &&` goes before it,
    unless `implicit` is False.
    Text around `${{ }}`, be it a space, makes it a string and so always true, as on GitHub.
    """
    cut = _cut(text) if "${{" in text else [(text, 0, True)]
    tree = _tree(text, cut)
    if not text.strip():
        tree = _SUCCESS
    elif implicit and not _asks_status(tree):
        tree = _and_success(tree)
    check(tree, names, {*functions, *STATUS_FUNCTIONS})
    return from_tree(text, tree, mixed=len(cut) > 1)


_SUCCESS = Called("success", (), 1, "success")


def _asks_status(tree: Node) -> bool:
    return any(isinstance(n, Called) and n.name in STATUS_FUNCTIONS for n in walk(tree))


def _and_success(tree: Node) -> Node:
    nested = isinstance(tree, Logic) and tree.operator == "&&"
    rest = tree.parts if isinstance(tree, Logic) and nested else (tree,)
    return Logic("&&", (_SUCCESS, *rest))


def _tree(text: str, cut: list[tuple[str, int, bool]]) -> Node:
    """The tree of a condition as written, with positions in `text`."""
    trees = [
        parse(text[: at + len(piece)], start=at)
        for piece, at, is_expression in cut
        if is_expression
    ]
    if len(cut) == 1:
        return trees[0]
    return Called("format", (literal(_pattern(cut)), *trees), 1, "format")
