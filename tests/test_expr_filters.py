"""Filters: Jinja2's, on GitHub's values, giving JSON and never too much of it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from engine.expr import ExprError, compile
from engine.expr.filters import FILTERS

DOCS = Path(__file__).parents[1] / "docs" / "expressions.md"
CONTEXTS: dict[str, Any] = {
    "ref": "refs/heads/a.b",
    "numbers": [3, 1.0, 2],
    "words": ["b", "A", "b"],
    "mixed": [1, True, None, "x", [2], {}],
    "object": {"k": [1], "l": 2},
    "nothing": None,
}


def value(text: str) -> Any:
    return compile(text)(CONTEXTS)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("ref | upper | replace('.', '_')", "REFS/HEADS/A_B"), ("'ÀB' | lower", "àb"),
        ("'ab cd' | title", "Ab Cd"), ("'aB' | capitalize", "Ab"), ("' a ' | trim", "a"),
        ("'xax' | trim('x')", "a"), ("'aaa' | replace('a', 1, 2)", "11a"), ("3.0 | upper", "3"),
        ("true | upper", "TRUE"), ("nothing | upper", ""), ("nothing | default('d')", "d"),
        ("'' | default('d')", ""), ("'' | default('d', true)", "d"), ("words | join('-')", "b-A-b"),
        ("mixed | join(',')", "1,true,,x,Array,Object"), ("nothing | join", ""),
        ("'a.b.c' | split('.')", ["a", "b", "c"]), ("' a  b ' | split", ["a", "b"]),
        ("'a.b.c' | split('.', 1)", ["a", "b.c"]), ("words | first", "b"), ("'abc' | last", "c"),
        ("nothing | first", None), ("'' | last", None), ("words | length", 3), ("ref | length", 14),
        ("object | length", 2), ("nothing | length", 0), ("numbers | sort", [1, 2, 3]),
        ("words | sort", ["A", "b", "b"]), ("numbers | sort(true) | first", 3),
        ("words | unique", ["b", "A"]), ("words | reverse", ["b", "A", "b"]),
        ("'abc' | reverse", "cba"), ("'12' | int", 12), ("'0x1f' | int", 31), ("'x' | int(7)", 7),
        ("'ff' | int(0, 16)", 255), ("3.9 | int", 3), ("NaN | int(5)", 5), ("'1.5' | float", 1.5),
        ("'x' | float(2)", 2), ("2.567 | round(1)", 2.6), ("2.1 | round(0, 'ceil')", 3),
        ("-3 | abs", 3), ("'-3' | abs", 3), ("numbers | min", 1), ("words | max", "b"),
        ("numbers | sum", 6), ("fromJSON('[\"1\", true, 2]') | sum", 4), ("'a b' | wordcount", 2),
        ("'a\nb' | indent(2)", "a\n  b"), ("'a\nb' | indent('> ', true)", "> a\n> b"),
        ("'abcdefghij' | truncate(5, true, '', 0)", "abcde"),
        ("'a b/ü' | urlencode", "a%20b/%C3%BC"),
        ("numbers | slice(2)", [[3, 1], [2]]), ("numbers | batch(2, 0)", [[3, 1], [2, 0]]),
        ("object | tojson", '{\n  "k": [\n    1\n  ],\n  "l": 2\n}'), ("1e20 | tojson", "1E+20"),
    ],
)  # fmt: skip
def test_what_filters_give(text: str, wanted: Any) -> None:
    made = value(text)
    assert made == wanted
    json.dumps(made)
    assert type(made) in (str, int, float, list, type(None))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("nothing || ref | upper", "REFS/HEADS/A.B"), ("1 == 1 | tojson", "true"),
        ("format('<{0}>', ref | upper)", "<REFS/HEADS/A.B>"), ("(ref | length) == 14", True),
        ("(object | tojson) && 'x'", "x"), ("object[ 'K' | lower ][0]", 1),
        ("words | join(',' | replace(',', nothing || '+'))", "b+A+b"), ("!nothing|tojson", "true"),
    ],
)  # fmt: skip
def test_filters_bind_less_than_anything(text: str, wanted: Any) -> None:
    assert value(text) == wanted


@pytest.mark.parametrize(
    ("text", "message", "position"),
    [
        ("ref | uper", "Unknown filter 'uper'; did you mean \"upper\"?", 7),
        ("ref | xmlattr", "Unknown filter 'xmlattr'", 7),
        ("ref | upper(1)", "Too many parameters supplied: 'upper'", 7),
        ("ref | replace('a')", "Too few parameters supplied: 'replace'", 7),
        ("ref | upper == 1", "Unexpected symbol: '=='; put the filtered value in parentheses", 13),
        ("ref | upper.x", "Unexpected symbol: '.'", 12), ("| upper", "Unexpected symbol: '|'", 1),
        ("ref |", "Unexpected end of expression: '|'", 5), ("ref | 1", "Unexpected symbol: '1'", 7),
        ("ref | upper | (1)", "Unexpected symbol: '('", 15),
    ],
)  # fmt: skip
def test_rejected_before_it_runs(text: str, message: str, position: int) -> None:
    with pytest.raises(ExprError) as caught:
        compile(text)
    assert caught.value.position == position
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("words | upper", "Filter 'upper': expected a string, got an array"),
        ("ref | join", "Filter 'join': expected an array, got a string"),
        ("mixed | sort", "Filter 'sort': cannot be applied to these values"),
        ("object | abs", "Filter 'abs': expected a number, got an object"),
        ("ref | split('')", "Filter 'split': empty separator"),
        ("1 | round(1, 'x')", "Filter 'round': method must be common, ceil or floor"),
        ("mixed | unique", "Filter 'unique': cannot be applied to these values"),
    ],
)
def test_failing_filters_are_named(text: str, message: str) -> None:
    with pytest.raises(ExprError) as caught:
        value(f"1 &&\n ({text})")
    assert caught.value.message == message
    assert caught.value.position == text.index("|") + 10


@pytest.mark.parametrize(
    "text",
    ["'x' | indent(1000000000)", "big | indent(10000)", "big | replace('', big)",
    "big | split('b')",
     "big | replace('b', big)", "lots | join(big)", "numbers | batch(1000000000, 'x')",
     "numbers | slice(1000000000)", "1 | round(1000000000, 'ceil')", "big | urlencode | urlencode",
     "1.5 | round(9999, 'floor')", "big | upper | lower | indent(5)", "lots | slice(9999)",
     "'x' | truncate(1e300)", "lots | tojson", "'x' | split('x', Infinity)"],
)  # fmt: skip
def test_bombs_do_not_go_off(text: str) -> None:
    contexts = {**CONTEXTS, "big": "ab\n" * 100_000, "lots": ["x"] * 150_000}
    with pytest.raises(ExprError):
        compile(text)(contexts)


def test_without_filters_the_bar_is_githubs_error() -> None:
    for text, symbol in (("ref | upper", "|"), ("ref |upper", "|upper"), ("1 |", "|")):
        with pytest.raises(ExprError) as caught:
            compile(text, filters=False)
        assert caught.value.message == f"Unexpected symbol: '{symbol}'"
    assert compile("nothing || 'x'", filters=False)({}) == "x"


def test_a_compiled_expression_names_its_filters() -> None:
    used = compile("ref | upper | replace('a', 'b')").filters
    assert sorted((f.name, f.position, f.arguments) for f in used) == [
        ("replace", 15, 2),
        ("upper", 7, 0),
    ]


@pytest.mark.parametrize("name", sorted(FILTERS))
def test_every_filter_is_documented_and_total(name: str) -> None:
    assert f"| `{name}" in DOCS.read_text("utf-8")
    arguments = f"({', '.join(['1'] * FILTERS[name].least)})" if FILTERS[name].least else ""
    values = (None, True, 0, -1.5, math.nan, "", "a b", [], [1, "x"], {}, {"a": []}, "\ud800")
    for given in values:
        try:
            made = compile(f"x | {name}{arguments}")({"x": given})
            assert made is None or isinstance(made, (bool, int, float, str, list, dict))
        except ExprError as error:
            assert error.message.startswith(f"Filter '{name}': ") and error.position == 5
