"""What GitHub's functions take and give: the type of a call, and the arguments it can't use."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from engine.expr import jsontext
from engine.expr.functions import ARGUMENTS
from engine.expr.tree import Called, Literal, Node, show
from engine.expr.types import ANY, BOOLEAN, STRING, Array, Object, Type, of, union
from engine.expr.values import ExprError, to_string

Report: TypeAlias = Callable[[Node, str, str], None]  # what is wrong, the rule, the sentence

_PREDICATES = frozenset(("startswith", "endswith", "always", "cancelled", "success", "failure"))
_BRACES = re.compile(r"\{\{|\}\}")
_PLACEHOLDER = re.compile(r"\{([0-9]{1,3})\}")


def called(node: Called, arguments: Sequence[Type], report: Report) -> Type:
    """The type of a call whose arguments have these types."""
    if special := _CALLS.get(node.name):
        return special(node, arguments, report)
    if node.name not in ARGUMENTS:  # that there is no such function has been said
        return ANY
    _texts(node, arguments, report)
    return BOOLEAN if node.name in _PREDICATES else STRING


def _texts(node: Called, arguments: Sequence[Type], report: Report) -> None:
    for argument, found in zip(node.arguments, arguments, strict=True):
        _text(node, argument, found, report)


def _text(call: Called, argument: Node, found: Type, report: Report) -> None:
    """An argument that a function reads as text, which arrays and objects have none of."""
    if isinstance(found, (Array, Object)):
        message = (
            f'{call.written} takes text here, and "{show(argument)}" is {found.shown}; '
            "name one of its values, or use toJSON"
        )
        report(argument, "type", message)


def _contains(node: Called, arguments: Sequence[Type], report: Report) -> Type:
    if len(arguments) == 2 and not isinstance(arguments[0], Array):
        searched, item = arguments
        _text(node, node.arguments[0], searched, report)
        if searched != ANY:
            _text(node, node.arguments[1], item, report)
    return BOOLEAN


def _join(node: Called, arguments: Sequence[Type], report: Report) -> Type:
    for argument, found in zip(node.arguments, arguments, strict=True):
        if isinstance(found, Object) or argument is not node.arguments[0]:
            _text(node, argument, found, report)
    return STRING


def _to_json(node: Called, arguments: Sequence[Type], report: Report) -> Type:
    return STRING


def _from_json(node: Called, arguments: Sequence[Type], report: Report) -> Type:
    _texts(node, arguments, report)
    argument = node.arguments[0] if node.arguments else None
    if isinstance(argument, Literal):
        try:
            return of(jsontext.read(to_string(argument.value)))
        except ExprError as error:
            report(argument, "argument", f"this is not JSON: {error.message}")
    return ANY


def _case(node: Called, arguments: Sequence[Type], report: Report) -> Type:
    for test, found in zip(node.arguments[:-1:2], arguments[:-1:2], strict=True):
        if found not in (ANY, BOOLEAN):
            message = (
                f'each condition of {node.written} must be a boolean; "{show(test)}" is '
                f"{found.shown}, so compare it"
            )
            report(test, "type", message)
    return union([*arguments[1:-1:2], *arguments[-1:]])


# --- format ---------------------------------------------------------------------------------------


def _format(node: Called, arguments: Sequence[Type], report: Report) -> Type:
    _texts(node, arguments, report)
    first = node.arguments[0] if node.arguments else None
    if isinstance(first, Literal) and first.position:  # else it is text around `${{ }}`
        _placeholders(node, to_string(first.value), len(arguments) - 1, report)
    return STRING


def _placeholders(node: Called, template: str, given: int, report: Report) -> None:
    named = {int(number) for number in _PLACEHOLDER.findall(_BRACES.sub("", template))}
    beyond = sorted(number for number in named if number >= given)
    unused = sorted(set(range(given)) - named)
    if beyond:
        listed = _listed([f"{{{number}}}" for number in beyond])
        values = "no value is" if not given else "1 value is" if given == 1 else f"{given} are"
        message = f"the text of {node.written} names {listed}, and {values} given after it"
        report(node, "argument", f"{message}; the first is {{0}}")
    elif unused:
        listed = _listed([f'"{show(node.arguments[number + 1])}"' for number in unused])
        message = (
            f"{node.written} is given {listed}, which its text {show(node.arguments[0])} does "
            f"not name; add {{{unused[0]}}} to it or leave the value out"
        )
        report(node, "argument", message)


def _listed(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


_CALLS: Mapping[str, Callable[[Called, Sequence[Type], Report], Type]] = {
    "case": _case,
    "contains": _contains,
    "format": _format,
    "fromjson": _from_json,
    "join": _join,
    "tojson": _to_json,
}
