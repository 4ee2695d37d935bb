"""Text becomes tokens, and `${{ … }}` is found in text, as GitHub's lexer does it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import NoReturn

from msgspec import Struct

from engine.expr.values import WHITESPACE, ExprError, Value, parse_number, strip

MAX_LENGTH = 21_000  # ExpressionConstants.MaxLength in actions/runner
_EDGE = rf"()\[\],.!><=&|{WHITESPACE}"
_SPACE = re.compile(f"[{WHITESPACE}]*")
_STRING = re.compile(r"'((?:[^']|'')*)'")
_NUMBER = re.compile(rf"[-+0-9.](?:[^{_EDGE}]|\.)*")
_WORD = re.compile(rf"[^{_EDGE}][^{_EDGE}]*")
_KEYWORD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_OPERATOR = re.compile(r"\|\||&&|[=!<>]=|[!<>]")
_STRAY = re.compile(rf".[^{_EDGE}]*", re.DOTALL)
_QUOTE_OR_END = re.compile(r"'|\}\}")
_CONSTANTS: dict[str, Value] = {
    "null": None,
    "true": True,
    "false": False,
    "NaN": math.nan,
    "Infinity": math.inf,
}
# After these (or at the start) an operand must follow, so that `.5` is a number there.
_BEFORE_OPERAND = frozenset({"", "(", "[", ",", "!", "operator"})


class Token(Struct, frozen=True):
    """A piece of an expression; `kind` is a sign's own text, or a word for the kind."""

    kind: str
    text: str
    position: int
    value: Value = None


def is_keyword(text: str) -> bool:
    """Whether `text` may be written after a dot, or as a name."""
    return _KEYWORD.fullmatch(text) is not None


def tokens(text: str, *, filters: bool = True, start: int = 0) -> Iterator[Token]:
    """The tokens of `text` from `start` on; raises ExprError at what is none, or when too long."""
    if len(text) - start > MAX_LENGTH:
        raise ExprError(f"Exceeded max expression length {MAX_LENGTH}", 1)
    previous, at = "", _skip(text, start)
    while at < len(text):
        token, at = _next(text, at, previous, filters)
        yield token
        previous, at = token.kind, _skip(text, at)


def _skip(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _next(text: str, at: int, previous: str, filters: bool) -> tuple[Token, int]:
    sign = text[at]
    if sign in "-+0123456789" or (sign == "." and previous in _BEFORE_OPERAND):
        return _number(text, at)
    if sign == "'":
        return _string(text, at)
    if sign in "()[],.*":
        return Token(sign, sign, at + 1), at + 1
    operator = _OPERATOR.match(text, at)
    if operator:
        kind = "!" if operator[0] == "!" else "operator"
        return Token(kind, operator[0], at + 1), operator.end()
    if sign == "|" and filters:
        return Token(sign, sign, at + 1), at + 1
    return _word(text, at, previous)


def _number(text: str, at: int) -> tuple[Token, int]:
    found = _NUMBER.match(text, at)
    value = parse_number(found[0]) if found else math.nan
    if found is None or math.isnan(value):
        _unexpected(text, at, found)
    return Token("literal", found[0], at + 1, value), found.end()


def _string(text: str, at: int) -> tuple[Token, int]:
    found = _STRING.match(text, at)
    if not found:
        raise ExprError(f"Unexpected symbol: '{text[at:]}'", at + 1)
    return Token("literal", found[0], at + 1, found[1].replace("''", "'")), found.end()


def _word(text: str, at: int, previous: str) -> tuple[Token, int]:
    found = _WORD.match(text, at)
    if not found or not is_keyword(found[0]):
        _unexpected(text, at, found)
    word, end = found[0], found.end()
    if previous in (".", "|"):
        return Token("property" if previous == "." else "filter", word, at + 1), end
    if word in _CONSTANTS:
        return Token("literal", word, at + 1, _CONSTANTS[word]), end
    called = text.startswith("(", _skip(text, end))
    return Token("function" if called else "name", word, at + 1), end


def _unexpected(text: str, at: int, found: re.Match[str] | None) -> NoReturn:
    found = found or _STRAY.match(text, at)
    hint = "; strings take single quotes" if text[at] == '"' else ""
    raise ExprError(f"Unexpected symbol: '{found[0] if found else ''}'{hint}", at + 1)


def pieces(text: str) -> Iterator[tuple[str, int, bool]]:
    """`text` cut at its `${{ }}`: each piece, where it starts (from 0), and if it is an expression.

    An expression comes without its braces and the space around it. Raises ExprError for a `${{`
    that is not closed; `}}` in a string literal closes nothing.
    """
    at = 0
    while (start := text.find("${{", at)) >= 0:
        if start > at:
            yield text[at:start], at, False
        end = _closing(text, start)
        inner = _skip(text, start + 3)
        yield strip(text[inner:end]), inner, True
        at = end + 2
    if at < len(text):
        yield text[at:], at, False


def _closing(text: str, start: int) -> int:
    quoted = False
    for match in _QUOTE_OR_END.finditer(text, start + 3):
        if match[0] == "'":
            quoted = not quoted
        elif not quoted:
            return match.start()
    raise ExprError(
        "The expression is not closed. An unescaped ${{ sequence was found, "
        "but the closing }} sequence was not found.",
        start + 1,
    )
