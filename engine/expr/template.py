"""Text with `${{ }}` in it, and the value of an `if:`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from engine.expr.compile import (
    NO_FUNCTIONS,
    Call,
    Expr,
    Functions,
    Name,
    check,
    compile,
    from_tree,
)
from engine.expr.lex import MAX_LENGTH, pieces
from engine.expr.parse import parse
from engine.expr.tree import Called, Logic, Node, literal, shifted
from engine.expr.values import ExprError, Value, kind, to_string

STATUS_FUNCTIONS = frozenset({"success", "failure", "cancelled", "always"})


@dataclass(frozen=True, slots=True)
class Template:
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
        self, contexts: Mapping[str, Value], functions: Functions = NO_FUNCTIONS
    ) -> Value:
        """A lone expression's own value, otherwise a string; raises as an Expr does."""
        values = [
            part if isinstance(part, str) else _evaluated(part, at, contexts, functions)
            for at, part in zip(self.offsets, self.parts, strict=True)
        ]
        if len(values) == 1:
            return values[0]
        return "".join(map(to_string, values))

    def string(self, contexts: Mapping[str, Value], functions: Functions = NO_FUNCTIONS) -> str:
        """Always a string; raises ExprError for a lone expression that gives an array or object."""
        value = self(contexts, functions)
        words = {"Array": "A sequence was not expected", "Object": "A mapping was not expected"}
        if kind(value) in words:
            raise ExprError(words[kind(value)], self.offsets[0] + 1)
        return to_string(value)


def _evaluated(
    part: Expr, at: int, contexts: Mapping[str, Value], functions: Functions
) -> Value:
    try:
        return part(contexts, functions)
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
    parts: list[str | Expr] = []
    offsets: list[int] = []
    for piece, at, is_expression in pieces(text):
        parts.append(_compiled(piece, at, names, functions, filters) if is_expression else piece)
        offsets.append(at)
    _hold_length(parts)
    return Template(text, tuple(parts), tuple(offsets))


def _compiled(
    text: str, at: int, names: Collection[str] | None, functions: Collection[str], filters: bool
) -> Expr:
    if not text:
        raise ExprError("An expression was expected", at + 1)
    try:
        return compile(text, names=names, functions=functions, filters=filters)
    except ExprError as error:
        raise ExprError(error.message, error.position + at) from error


def _hold_length(parts: list[str | Expr]) -> None:
    """Text around expressions is one `format('…', …)` to GitHub, and held to an expression's limit."""
    if len(parts) < 2:
        return
    texts = [part for part in parts if isinstance(part, str)]
    inner = [part.text for part in parts if isinstance(part, Expr)]
    marks = sum(len(f"{{{number}}}, ") for number in range(len(inner)))
    size = sum(map(len, inner)) + marks + sum(map(_quoted_length, texts)) + len("format('')")
    if size > MAX_LENGTH:
        raise ExprError(f"Exceeded max expression length {MAX_LENGTH}", 1)


def _quoted_length(text: str) -> int:
    return len(text) + sum(map(text.count, "'{}"))


def compile_condition(
    text: str, *, names: Collection[str] | None = None, functions: Collection[str] = ()
) -> Expr:
    """The value of an `if:`; raises ExprError with a position in `text`.

    Blank is `success()`. Without a status function anywhere in it, `success() &&` goes before it.
    Text around `${{ }}`, be it a space, makes it a string and so always true, as on GitHub.
    """
    tree = _condition(text)
    if not {node.name for node in from_tree(text, tree).calls} & STATUS_FUNCTIONS:
        tree = _and_success(tree) if text.strip() else _SUCCESS
    mixed = "${{" in text and len(list(pieces(text))) > 1
    expr = from_tree(text, tree, mixed=mixed)
    check(expr, names, {*functions, "success"})
    return expr


_SUCCESS = Called("success", (), 1, "success")


def _and_success(tree: Node) -> Node:
    nested = isinstance(tree, Logic) and tree.operator == "&&"
    rest = tree.parts if isinstance(tree, Logic) and nested else (tree,)
    return Logic("&&", (_SUCCESS, *rest))


def _condition(text: str) -> Node:
    """The tree of a condition as written, with positions in `text`."""
    if "${{" not in text:
        return parse(text)
    template = compile_template(text, functions=_Anything())
    trees = [shifted(part.tree, at) for at, part in template._expressions()]
    if len(template.parts) == 1:
        return trees[0]
    numbers = iter(range(len(trees)))
    pattern = "".join(
        _braced(part) if isinstance(part, str) else f"{{{next(numbers)}}}"
        for part in template.parts
    )
    return Called("format", (literal(pattern), *trees), 1, "format")


def _braced(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")
