"""YAML values with expressions inside; plain values once the contexts are known."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from math import isfinite
from typing import TypeAlias

from msgspec import Struct, field
from msgspec.structs import replace

from engine.availability import CONTEXTS, SPECIAL_FUNCTIONS, Allowed
from engine.expr import (
    Call,
    Expr,
    ExprError,
    Name,
    Template,
    Value,
    compile_condition,
    compile_template,
    explain,
    kind,
    to_string,
    truthy,
)
from engine.problems import Place, Problem
from engine.source import Mapping as MappingNode
from engine.source import Node, Plain, Scalar
from engine.source import Sequence as SequenceNode

INSERT = "insert"
# What the results of one evaluation may take, and what a whole tree may become: bytes of UTF-16
# (actions/runner, the workflow parser's options).
MAX_MEMORY = 10 * 1024 * 1024
MOST_SHOWN = 6


class Scope(Struct, frozen=True):
    """What expressions are answered from: the contexts, and the functions that depend on a job."""

    contexts: Mapping[str, Value]
    functions: Mapping[str, Callable[..., Value]] = field(default_factory=dict)


class Unresolved(Exception):
    """An expression had no answer, or one of the wrong kind; carries the problem to show."""

    def __init__(self, place: Place, message: str) -> None:
        self.problem = Problem(place, message, "expression")
        super().__init__(message)


class Text(Struct, frozen=True):
    """A scalar; `template` is None where there is no expression in it."""

    node: Scalar
    template: Template | None = None


class Items(Struct, frozen=True):
    node: SequenceNode
    items: tuple[Tree, ...]


class Fields(Struct, frozen=True):
    """A mapping; a key of the form `${{ insert }}` is kept as an entry with key INSERT."""

    node: MappingNode
    entries: tuple[tuple[Text, Tree], ...]

    def get(self, name: str) -> Tree | None:
        return next((value for key, value in self.entries if key.node.text == name), None)


Tree: TypeAlias = Text | Items | Fields


class Condition(Struct, frozen=True):
    """The value of an `if:`, with GitHub's implicit `success()` already put in."""

    node: Scalar
    expr: Expr


# --- building -----------------------------------------------------------------------------------


def build(node: Node, allowed: Allowed, problems: list[Problem]) -> Tree:
    """Compile every expression under a node; what is wrong is added to `problems`."""
    match node:
        case Scalar():
            return text(node, allowed, problems)
        case SequenceNode():
            return Items(node, tuple(build(item, allowed, problems) for item in node.items))
    entries = (
        (_key(key, allowed, problems), build(value, allowed, problems))
        for key, value in node.entries
    )
    return Fields(node, tuple(entries))


def _key(node: Scalar, allowed: Allowed, problems: list[Problem]) -> Text:
    inserts = is_insert(Text(node)) and allowed.contexts
    return Text(node) if inserts else text(node, allowed, problems)


def text(node: Scalar, allowed: Allowed, problems: list[Problem]) -> Text:
    """Compile the expressions of one scalar."""
    if not has_expression(node):
        return Text(node)
    if not allowed.contexts:
        return Text(literal(node, problems))
    if is_insert(Text(node)):
        message = "insert stands for a key, as in ${{ insert }}: ${{ fromJSON(inputs.more) }}"
        problems.append(_at(node, 1, message, "expression"))
        return Text(node)
    try:
        template = compile_template(node.text, names=CONTEXTS, functions=SPECIAL_FUNCTIONS)
    except ExprError as error:
        problems.append(_problem(node, error))
        return Text(node)
    _check_availability(node, template.names, template.calls, allowed, problems)
    return Text(node, template)


def has_expression(node: Scalar) -> bool:
    return isinstance(node.value, str) and "${{" in node.text


_QUOTED = re.compile(r"\$\{\{\s*'((?:[^']|'')*)'\s*\}\}")


def literal(node: Scalar, problems: list[Problem]) -> Scalar:
    """A scalar that takes no expression; only one that is a string itself becomes that string."""
    if not has_expression(node):
        return node
    if quoted := _QUOTED.fullmatch(node.text):
        string = quoted[1].replace("''", "'")
        return replace(node, value=string, text=string)
    start = node.text.index("${{")
    written = node.text[start:].partition("}}")
    message = (
        f'"{"".join(written[:2])}" cannot stand here: no expression is possible in this value; '
        "write the value itself"
    )
    problems.append(_at(node, start + 1, message, "context"))
    return node


def condition(
    node: Scalar, allowed: Allowed, problems: list[Problem], *, implicit: bool = True
) -> Condition | None:
    """Compile the value of an `if:`; `implicit` puts in GitHub's `success() &&`."""
    # YAML's True, ~ and so on are spelt as expressions spell them; a string is one
    written = node.text if isinstance(node.value, str) else to_string(node.value)
    try:
        expr = compile_condition(
            written, names=CONTEXTS, functions=SPECIAL_FUNCTIONS, implicit=implicit
        )
    except ExprError as error:
        problems.append(_problem(node, error))
        return None
    folded = written.lower()  # GitHub's own `success() &&` is not written
    calls = [call for call in expr.calls if folded.startswith(call.name, call.position - 1)]
    _check_availability(node, expr.names, calls, allowed, problems)
    return Condition(node, expr)


def _problem(node: Scalar, error: ExprError) -> Problem:
    return _at(node, error.position, error.message, "expression")


def _at(node: Scalar, position: int, message: str, rule: str) -> Problem:
    """A problem at a position (from 1) of a scalar's text."""
    return Problem(node.place_at(position - 1), message, rule, value=node.place)


def _check_availability(
    node: Scalar,
    names: Iterable[Name],
    calls: Iterable[Call],
    allowed: Allowed,
    problems: list[Problem],
) -> None:
    for name in names:
        if name.name.lower() not in allowed.contexts:
            message = (
                f'the context "{name.name}" is not available in {allowed.key}; '
                f"available here: {', '.join(sorted(allowed.contexts))}"
            )
            problems.append(_at(node, name.position, message, "context"))
    for call in calls:
        if call.name in SPECIAL_FUNCTIONS and call.name not in allowed.functions:
            where = "an `if:`" if call.name != "hashfiles" else "the keys of a step"
            spelt = "hashFiles" if call.name == "hashfiles" else call.name
            message = f'the function "{spelt}" is only available in {where}, not in {allowed.key}'
            problems.append(_at(node, call.position, message, "context"))
        elif call.name in ("success", "failure") and call.arguments and not allowed.jobs_by_name:
            message = f"{call.name}() takes no arguments in a step; only a job's `if:` names jobs"
            problems.append(_at(node, call.position, message, "context"))


def is_insert(found: Text) -> bool:
    """Whether a key is `${{ insert }}`, which stands for the entries of its value."""
    inner = found.node.text.strip()
    return (
        inner.startswith("${{") and inner.endswith("}}") and inner[3:-2].strip().lower() == INSERT
    )


# --- what a tree asks for -----------------------------------------------------------------------


def roots(tree: Tree | None) -> frozenset[str]:
    """The contexts that a tree's expressions ask for, in lower case."""
    return frozenset(name.name.lower() for found in texts(tree) for name in _names(found))


def _names(found: Text) -> tuple[Name, ...]:
    return found.template.names if found.template else ()


def texts(tree: Tree | None) -> Iterator[Text]:
    """Every scalar of a tree, keys included."""
    match tree:
        case Text():
            yield tree
        case Items():
            for item in tree.items:
                yield from texts(item)
        case Fields():
            for key, value in tree.entries:
                yield key
                yield from texts(value)


# --- resolving ----------------------------------------------------------------------------------


def resolve(tree: Tree | None, scope: Scope) -> Plain:
    """The tree's JSON value. Raises Unresolved where an expression fails, and where all their
    results together grow too large."""
    return _resolved(tree, _Memory(scope))


class _Memory:
    """The scope of one tree, and how much its results may still take."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.left = MAX_MEMORY

    def charge(self, value: Plain, place: Place) -> None:
        self.left -= 2 * len(value) if isinstance(value, str) else 0
        if self.left < 0:
            raise Unresolved(place, f"what this gives takes more than {MAX_MEMORY} bytes")


def _resolved(tree: Tree | None, memory: _Memory) -> Plain:
    match tree:
        case Text():
            return _value(tree, memory)
        case Items():
            return [_resolved(item, memory) for item in tree.items]
        case Fields():
            return _fields(tree, memory)
    return None


def _value(found: Text, memory: _Memory) -> Plain:
    if found.template is None:
        return found.node.value
    scope = memory.scope
    try:
        value = found.template(scope.contexts, scope.functions, MAX_MEMORY)
    except ExprError as error:
        raise _unresolved(found.node, error) from None
    memory.charge(value, found.node.place)
    return value


def _unresolved(node: Scalar, error: ExprError) -> Unresolved:
    return Unresolved(node.place_at(error.position - 1), error.message)


def _fields(fields: Fields, memory: _Memory) -> dict[str, Plain]:
    result: dict[str, Plain] = {}
    for key, value in fields.entries:
        if key.template is None and is_insert(key):
            inserted = _resolved(value, memory)
            if not isinstance(inserted, Mapping):
                raise Unresolved(
                    key.node.place,
                    "${{ insert }} needs a mapping as its value, not " + _a(inserted),
                )
            result.update((name, item) for name, item in inserted.items() if name not in result)
        else:
            result[string(key, memory.scope)] = _resolved(value, memory)
    return result


def string(tree: Tree | None, scope: Scope, default: str = "") -> str:
    """A field that is a string: GitHub's conversion, refusing sequences and mappings."""
    if tree is None:
        return default
    value = resolve(tree, scope)
    if isinstance(value, (list, tuple, Mapping)):
        raise Unresolved(tree.node.place, f"expected a string here, but found {_a(value)}")
    return _as_written(tree, value)


def _as_written(tree: Tree, value: Plain) -> str:
    # a literal true or 1.50 is text to GitHub: it keeps its number's shortest form
    return str(value) if isinstance(value, str) else to_string(value)


def boolean(tree: Tree | None, scope: Scope, default: bool = False) -> bool:
    """A field that is true or false. Raises Unresolved for another kind of value."""
    if tree is None:
        return default
    value = resolve(tree, scope)
    if isinstance(value, bool):
        return value
    if value is None or value == "":
        return default
    hint = "; turn the string into a boolean with fromJSON()" if value in ("true", "false") else ""
    raise Unresolved(
        tree.node.place, f"expected true or false here, but found {_shown(value)}{hint}"
    )


def number(tree: Tree | None, scope: Scope, default: float) -> float:
    """A field that is a number. Raises Unresolved for another kind of value."""
    if tree is None:
        return default
    value = resolve(tree, scope)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value):
        return float(value)
    if value is None or value == "":
        return default
    hint = "; turn a string into a number with fromJSON()" if isinstance(value, str) else ""
    raise Unresolved(tree.node.place, f"expected a number here, but found {_shown(value)}{hint}")


def strings(tree: Tree | None, scope: Scope) -> dict[str, str]:
    """A mapping of names to strings, such as `env`; null values become ''."""
    if tree is None:
        return {}
    value = resolve(tree, scope)
    if value is None or value == "":
        return {}
    if not isinstance(value, Mapping):
        raise Unresolved(tree.node.place, f"expected a mapping here, but found {_a(value)}")
    for name, item in value.items():
        if isinstance(item, (list, tuple, Mapping)):
            raise Unresolved(
                tree.node.place, f'"{name}" must be a string, but its value is {_a(item)}'
            )
    return {str(name): to_string(item) for name, item in value.items()}


def list_of_strings(tree: Tree | None, scope: Scope) -> tuple[str, ...]:
    """A field that is one string or a list of them."""
    if tree is None:
        return ()
    value = resolve(tree, scope)
    items = value if isinstance(value, (list, tuple)) else [value]
    for item in items:
        if isinstance(item, (list, tuple, Mapping)):
            raise Unresolved(tree.node.place, f"expected a string here, but found {_a(item)}")
    return tuple(to_string(item) for item in items if item is not None)


def holds(found: Condition, scope: Scope) -> bool:
    """Whether a condition is true. Raises Unresolved where it can't be evaluated."""
    try:
        return truthy(found.expr(scope.contexts, scope.functions, MAX_MEMORY))
    except ExprError as error:
        raise _unresolved(found.node, error) from None


def why_false(found: Condition, scope: Scope) -> str:
    """The condition that was false, and the values that decided, for a reader."""
    written = found.node.text.strip()
    if not found.expr.mixed:
        written = written.removeprefix("${{").removesuffix("}}").strip()
    try:
        decided = explain(found.expr, scope.contexts, scope.functions, MAX_MEMORY)
    except ExprError as error:
        return f"`{written}` is false ({error.message})"
    # the first is the whole, maybe with a `success() && …` that nobody wrote
    inner = [(part, value) for part, value in decided[1:] if part != written][:MOST_SHOWN]
    values = ", ".join(f"{part} is {shown(value)}" for part, value in inner)
    return f"`{written}` is false" + (f": {values}" if values else "")


def shown(value: Value) -> str:
    """A value in a sentence: strings quoted, containers only named."""
    return f"'{value}'" if isinstance(value, str) else to_string(value) or "null"


def _a(value: Value) -> str:
    return {"Array": "a sequence", "Object": "a mapping"}.get(kind(value), _shown(value))


def _shown(value: Value) -> str:
    if isinstance(value, str):
        return f'the string "{value}"'
    return (
        "null"
        if value is None
        else {"Array": "a sequence", "Object": "a mapping"}.get(kind(value), to_string(value))
    )
