"""JSON text becomes values, as leniently as the runner's reader (Newtonsoft) takes it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import NoReturn

from engine.expr.values import ExprError, Value, fold, parse_number, tidy

MAX_DEPTH = 64  # JsonTextReader.MaxDepth

_CONSTANTS: dict[str, Value] = {
    "true": True,
    "false": False,
    "null": None,
    "NaN": math.nan,
    "Infinity": math.inf,
    "-Infinity": -math.inf,
}
_BLANK = re.compile(r"(?:\s|//[^\r\n]*|/\*(?:[^*]|\*(?!/))*\*/)*")
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"|\'((?:[^\'\\]|\\.)*)\'', re.DOTALL)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_PLAIN = re.compile(r"[-+.\w$]+")
_NUMBER = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|-?0[xX][0-9a-fA-F]+")
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r"}
_ESCAPED = frozenset("\"'\\/")


def read(text: str) -> Value:
    """The value that `text` begins with; raises ExprError."""
    if not text.strip():
        raise ExprError("Error parsing fromJson: empty input")
    try:
        value = _strict(text)
    except RecursionError:
        _too_deep()
    except ValueError:
        value = _Reader(text).value(0)
    _hold_depth(value)
    return value


def _strict(text: str) -> Value:
    return json.loads(
        text, strict=False, parse_int=_number, parse_float=_number, object_pairs_hook=_object
    )


def _number(text: str) -> int | float:
    return tidy(float(text))


def _object(pairs: Iterable[tuple[str, Value]]) -> dict[str, Value]:
    """Keys that differ by case only are one: the first spelling, the last value."""
    spelled: dict[str, str] = {}
    made: dict[str, Value] = {}
    for key, value in pairs:
        made[spelled.setdefault(fold(key), key)] = value
    return made


def _hold_depth(value: Value) -> None:
    level = _containers([value])
    for _ in range(MAX_DEPTH):
        if not level:
            return
        level = [
            inner
            for outer in level
            for inner in _containers(outer.values() if isinstance(outer, dict) else outer)
        ]
    if level:
        _too_deep()


def _containers(values: Iterable[Value]) -> list[Value]:
    return [value for value in values if isinstance(value, (dict, list))]


def _too_deep() -> NoReturn:
    raise ExprError(f"Error parsing fromJson: nested more than {MAX_DEPTH} levels deep")


class _Reader:
    """JSON with comments, single quotes, bare keys, a last comma, 0x10, or text after it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def peek(self) -> str:
        blank = _BLANK.match(self.text, self.at)
        self.at = blank.end() if blank else self.at
        return self.text[self.at : self.at + 1]

    def fail(self) -> NoReturn:
        found = self.text[self.at : self.at + 1]
        what = f"unexpected character '{found}'" if found else "unexpected end"
        raise ExprError(f"Error parsing fromJson: {what} at position {self.at + 1}")

    def value(self, depth: int) -> Value:
        if depth > MAX_DEPTH:
            _too_deep()
        match self.peek():
            case "{":
                return self.object(depth)
            case "[":
                return self.array(depth)
            case '"' | "'":
                return self.string()
            case _:
                return self.plain()

    def array(self, depth: int) -> list[Value]:
        items: list[Value] = []
        self.at += 1
        while self.peek() != "]":
            items.append(self.value(depth + 1))
            self.comma("]")
        self.at += 1
        return items

    def object(self, depth: int) -> dict[str, Value]:
        pairs: list[tuple[str, Value]] = []
        self.at += 1
        while self.peek() != "}":
            key = self.key()
            if self.peek() != ":":
                self.fail()
            self.at += 1
            pairs.append((key, self.value(depth + 1)))
            self.comma("}")
        self.at += 1
        return _object(pairs)

    def comma(self, end: str) -> None:
        if self.peek() == ",":
            self.at += 1
        elif self.peek() != end:
            self.fail()

    def key(self) -> str:
        return self.string() if self.peek() in ('"', "'") else self.word(re.compile(r"[\w$]+"))

    def word(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.text, self.at)
        if not found:
            self.fail()
        self.at = found.end()
        return found[0]

    def string(self) -> str:
        found = _TEXT.match(self.text, self.at)
        if not found:
            self.fail()
        raw = found[1] if found[1] is not None else found[2]
        text = _ESCAPE.sub(self.unescape, raw)
        self.at = found.end()
        return text

    def unescape(self, match: re.Match[str]) -> str:
        escape = match[1]
        if len(escape) == 5:
            return chr(int(escape[1:], 16))
        if escape not in _ESCAPED and escape not in _ESCAPES:
            self.fail()
        return _ESCAPES.get(escape, escape)

    def plain(self) -> Value:
        start = self.at
        word = self.word(_PLAIN)
        if word in _CONSTANTS:
            return _CONSTANTS[word]
        if not _NUMBER.fullmatch(word):
            self.at = start
            self.fail()
        if re.fullmatch(r"0[0-7]+", word):
            return tidy(float(int(word, 8))) if len(word) < 24 else self.fail()
        if word[:2].lower() == "0x":
            return tidy(float(int(word, 16))) if len(word) < 19 else self.fail()
        return tidy(parse_number(word))
