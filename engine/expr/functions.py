"""GitHub's eight built-in functions.

Their rules and messages are those of actions/runner (src/Sdk/Expressions/Sdk/Functions).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from json.encoder import encode_basestring

from engine.expr import jsontext
from engine.expr.values import ExprError, Value, equal, fold, is_primitive, kind, to_string

# The least and the most arguments; more than 255 are never allowed.
ARGUMENTS: Mapping[str, tuple[int, int]] = {
    "case": (3, 255),
    "contains": (2, 2),
    "endswith": (2, 2),
    "format": (1, 255),
    "fromjson": (1, 1),
    "join": (1, 2),
    "startswith": (2, 2),
    "tojson": (1, 1),
    "always": (0, 0),
    "cancelled": (0, 0),
    "success": (0, 255),
    "failure": (0, 255),
    "hashfiles": (1, 255),
}
# For suggestions: the built-in functions as GitHub spells them.
SPELLED = ("case", "contains", "endsWith", "format", "fromJSON", "join", "startsWith", "toJSON")

_FIELD = re.compile(r"\{\{|\}\}|\{([0-9]+)(?::([^}]*))?\}|[{}]")
# Newtonsoft escapes these three as well, which are line ends to JavaScript.
_LINE_ENDS = str.maketrans({"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"})

Charge = Callable[[int], None]  # counts what an evaluation makes; raises ExprError when too much
Builtin = Callable[[Sequence[Value], Charge], Value]


def contains(arguments: Sequence[Value], charge: Charge) -> Value:
    """An item of an array (as `==`), or a part of a text (ignoring case)."""
    search, item = arguments
    if kind(search) == "Array":
        return any(equal(each, item) for each in search)
    if not (is_primitive(search) and is_primitive(item)):
        return False
    return fold(to_string(item)) in fold(to_string(search))


def starts_with(arguments: Sequence[Value], charge: Charge) -> Value:
    """Whether the text of the first begins with that of the second, ignoring case."""
    if not all(map(is_primitive, arguments)):
        return False
    text, start = map(to_string, arguments)
    return fold(text).startswith(fold(start))


def ends_with(arguments: Sequence[Value], charge: Charge) -> Value:
    """Whether the text of the first ends with that of the second, ignoring case."""
    if not all(map(is_primitive, arguments)):
        return False
    text, end = map(to_string, arguments)
    return fold(text).endswith(fold(end))


def format_text(arguments: Sequence[Value], charge: Charge) -> Value:
    """The first with `{N}` replaced by the arguments after it, `{{` and `}}` by single braces."""
    template, values = to_string(arguments[0]), arguments[1:]
    made: list[str] = []
    at = 0
    for match in _FIELD.finditer(template):
        piece = template[at : match.start()] + _field(match, template, values)
        charge(len(piece))
        made.append(piece)
        at = match.end()
    charge(len(template) - at)
    return "".join(made) + template[at:]


def _field(match: re.Match[str], template: str, values: Sequence[Value]) -> str:
    if match[0] in ("{{", "}}"):
        return match[0][0]
    if match[1] is None:
        raise ExprError(f"The following format string is invalid: {template}")
    index = match[1].lstrip("0") or "0"
    if len(index) > 3 or int(index) >= len(values):
        raise ExprError(
            "The following format string references more arguments than were supplied: " + template
        )
    value = values[int(index)]
    if match[2]:
        raise ExprError(
            f"The format specifiers '{match[2]}' are not valid for objects of type '{kind(value)}'"
        )
    return to_string(value)


def join(arguments: Sequence[Value], charge: Charge) -> Value:
    """The items' texts with `,` or the second argument between them."""
    items = arguments[0]
    if is_primitive(items):
        return to_string(items)
    if kind(items) == "Object" or not items:
        return ""
    given = arguments[1] if len(arguments) > 1 else ","
    separator = to_string(given) if is_primitive(given) else ","
    texts = [to_string(item) for item in items]
    charge(sum(map(len, texts)) + len(separator) * (len(texts) - 1))
    return separator.join(texts)


def from_json(arguments: Sequence[Value], charge: Charge) -> Value:
    """The value of a JSON text, read as leniently as the runner does."""
    text = to_string(arguments[0])
    charge(len(text))
    return jsontext.read(text)


def to_json(arguments: Sequence[Value], charge: Charge) -> Value:
    """JSON with two spaces of indent, keys in their order and numbers as elsewhere in text."""
    made: list[str] = []

    def put(text: str) -> None:
        charge(len(text))
        made.append(text)

    try:
        _write(arguments[0], "", "\n", put)
    except RecursionError:
        raise ExprError("The value is nested too deeply for toJSON") from None
    return "".join(made)


def _write(value: Value, before: str, line: str, put: Callable[[str], None]) -> None:
    """Put a value, and what stands before it in the same piece; `line` begins one at its depth."""
    match kind(value):
        case "String":
            put(before + _quoted(value))
        case "Null":
            put(before + "null")
        case "Boolean" | "Number":
            put(before + to_string(value))
        case "Array":
            _write_items(before, "[]", [("", item) for item in value], line, put)
        case _:
            pairs = [(_quoted(str(key)) + ": ", item) for key, item in value.items()]
            _write_items(before, "{}", pairs, line, put)


def _quoted(text: str) -> str:
    quoted: str = encode_basestring(text)
    return quoted if text.isascii() else quoted.translate(_LINE_ENDS)


def _write_items(
    before: str,
    brackets: str,
    items: Sequence[tuple[str, Value]],
    line: str,
    put: Callable[[str], None],
) -> None:
    if not items:
        put(before + brackets)
        return
    inner = line + "  "
    before += brackets[0]
    for key, item in items:
        _write(item, before + inner + key, inner, put)
        before = ","
    put(line + brackets[1])


# `case` is not here: it evaluates its arguments one by one, see compile.py.
BUILTINS: Mapping[str, Builtin] = {
    "contains": contains,
    "endswith": ends_with,
    "format": format_text,
    "fromjson": from_json,
    "join": join,
    "startswith": starts_with,
    "tojson": to_json,
}
