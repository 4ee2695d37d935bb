"""The expression room against truth tables and laws."""

from __future__ import annotations

import math
import random
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from engine.expr import (
    CaseSensitive,
    ExprError,
    Template,
    compile,
    compile_condition,
    compile_template,
    explain,
    kind,
    show,
    to_string,
    truthy,
)
from engine.expr.parse import parse
from engine.expr.tree import (
    BINDS,
    Called,
    Compare,
    Filter,
    Index,
    Literal,
    Logic,
    Named,
    Node,
    Not,
    Wildcard,
    literal,
)

CONTEXTS: dict[str, Any] = {
    "github": {"ref": "refs/heads/main", "event": {"labels": [{"name": "a"}, {}, {"name": "b"}]}},
    "list": [1, "two", None, [3], {"four": 4}],
    "object": {"Key": "value", "z": 1, "a": 2},
    "env": CaseSensitive({"Path": "upper"}),
    "whole": 3,
    "empty": {},
}


def value(text: str, **more: Any) -> Any:
    return compile(text)({**CONTEXTS, **more})


def rejected(text: str, **options: Any) -> tuple[str, int]:
    with pytest.raises(ExprError) as caught:
        compile(text, **options)
    assert str(caught.value) == caught.value.message
    return caught.value.message, caught.value.position


def failed(text: str) -> str:
    with pytest.raises(ExprError) as caught:
        value(text)
    assert caught.value.position > 0
    return caught.value.message


def table(*rows: tuple[str, Any]) -> Any:
    return pytest.mark.parametrize(("text", "wanted"), rows, ids=[row[0][:60] for row in rows])


@pytest.mark.covers("EXPR-001")
@table(
    ("null", None), ("true", True), ("false", False), ("'it''s'", "it's"), ("''", ""),
    ("1", 1), ("+1", 1), ("-2.99e-2", -0.0299), (".5", 0.5), ("5.", 5), ("1e3", 1000),
    ("0xff", 255), ("0o17", 15), ("0xffffffff", -1), ("0x80000000", -(2**31)),
    ("Infinity", math.inf), ("-Infinity", -math.inf), ("''''''", "''"), ("\t1\n", 1),
    ("\u00a01\u3000", 1), ("", None), ("  ", None), ("'}}'", "}}"), ("'a\nb'", "a\nb"),
)  # fmt: skip
def test_literals(text: str, wanted: Any) -> None:
    assert value(text) == wanted


@pytest.mark.covers("EXPR-001")
@pytest.mark.parametrize(
    "text", ["0XFF", "0b1", "0x1ffffffff", "0o8", "1.2.3", "-0x1", "1_0", "--1"]
)
def test_what_is_no_number(text: str) -> None:
    assert rejected(text) == (f"Unexpected symbol: '{text}'", 1)


@pytest.mark.covers("EXPR-002")
@table(
    ("true && 'x'", "x"), ("false || null || 'd'", "d"), ("'' || 0", 0), ("0 && 'x'", 0),
    ("'0' && 'x'", "x"), ("!null", True), ("!!'x'", True), ("true || false && false", True),
    ("!true == false", True), ("1 < 2 == true", True), ("(true || false) && false", False),
    ("false && fromJSON('bad')", False), ("1 || fromJSON('bad')", 1), ("1 < 2 < 3", True),
    ("!list[0]", False), ("!!!0", True),
)  # fmt: skip
def test_precedence_and_operands(text: str, wanted: Any) -> None:
    assert value(text) == wanted and type(value(text)) is type(wanted)


@pytest.mark.covers("EXPR-003", "EXPR-005", "EXPR-007")
@table(
    ("1 == '1'", True), ("'1.0' == 1", True), ("null == ''", True), ("false == ''", True),
    ("true == 'true'", False), ("NaN == NaN", False), ("NaN != NaN", True),
    ("'abc' == 0", False), ("null == 0", True), ("null == null", True), ("null != null", False),
    ("'0x10' == 16", True), ("' 1 ' == 1", True), ("true == '1'", True), ("true > false", True),
    ("null >= null", True), ("null > null", False), ("10 < '9'", False), ("NaN < 1", False),
    ("'1e400' == Infinity", True), ("'-infinity' == -Infinity", True), ("'1,0' == 10", False),
    ("-0 == 0", True), ("list == 1", False), ("list < 1", False), ("object >= object", True),
)  # fmt: skip
def test_loose_comparison(text: str, wanted: bool) -> None:
    assert value(text) is wanted


@pytest.mark.covers("EXPR-004")
@table(
    ("'abc' == 'ABC'", True), ("'10' < '9'", True), ("'a' < 'B'", True), ("'_' < 'a'", False),
    ("'é' == 'É'", True), ("'ß' == 'SS'", False), ("'ı' == 'I'", False), ("'ſ' == 's'", False),
    ("'😀' < 'ﬀ'", True),
)  # fmt: skip
def test_strings_ignore_case(text: str, wanted: bool) -> None:
    assert value(text) is wanted


@pytest.mark.covers("EXPR-006")
@table(
    ("list == list", True), ("fromJSON('[]') == fromJSON('[]')", False), ("object != empty", True),
    ("contains(list, list[3])", True),
)  # fmt: skip
def test_containers_equal_only_themselves(text: str, wanted: bool) -> None:
    assert value(text) is wanted


@pytest.mark.covers("EXPR-007")
@pytest.mark.parametrize("falsy", [None, False, 0, 0.0, -0.0, math.nan, ""])
def test_falsy(falsy: Any) -> None:
    assert truthy(falsy) is False


@pytest.mark.covers("EXPR-007")
@pytest.mark.parametrize("true", [True, 1, "false", "0", " ", [], {}, (), math.inf])
def test_truthy(true: Any) -> None:
    assert truthy(true) is True


@pytest.mark.covers("EXPR-008", "EXPR-009")
@pytest.mark.parametrize(
    ("given", "text"),
    [
        (None, ""), (True, "true"), (False, "false"), ("x", "x"), ([1], "Array"), ({}, "Object"),
        (1, "1"), (0.1, "0.1"), (1.0, "1"), (-0.0, "0"), (1e15, "1E+15"),
        (10**14, "100000000000000"),
        (1e-5, "1E-05"), (0.0001, "0.0001"), (1e20, "1E+20"), (1e-7, "1E-07"), (0.1 + 0.2, "0.3"),
        (123456789.123456789, "123456789.123457"), (math.nan, "NaN"), (math.inf, "Infinity"),
        (-math.inf, "-Infinity"), (10**400, "Infinity"), (-2.5e100, "-2.5E+100"),
    ],
)  # fmt: skip
def test_to_string(given: Any, text: str) -> None:
    assert to_string(given) == text


def test_kinds() -> None:
    given = [None, True, 1, 1.5, "", [], (), {}, CaseSensitive()]
    wanted = ["Null", "Boolean", "Number", "Number", "String", "Array", "Array", "Object", "Object"]
    assert [kind(each) for each in given] == wanted


@pytest.mark.covers("EXPR-009", "EXPR-010", "EXPR-011", "EXPR-012", "EXPR-015")
@table(
    ("github.nope.deeper", None), ("nope.at.all", None), ("object.key", "value"),
    ("OBJECT['KEY']", "value"), ("object.my-key", None), ("env.Path", "upper"), ("env.PATH", None),
    ("ENV.Path", "upper"), ("list[1]", "two"), ("list[1.9]", "two"), ("list['1']", "two"),
    ("list[true]", "two"), ("list[null]", 1), ("list[-1]", None), ("list[99]", None),
    ("list[NaN]", None), ("list[Infinity]", None), ("list.name", None), ("list[4].four", 4),
    ("fromJSON('{\"1\":\"x\"}')[1]", "x"), ("object[list]", None), ("whole.x", None),
    ("('a').b", None), ("(list)[0]", 1), ("github.ref.length", None),
)  # fmt: skip
def test_dereference(text: str, wanted: Any) -> None:
    assert value(text) == wanted


def test_the_exact_key_goes_first() -> None:
    assert value("o.A", o={"a": 1, "A": 2}) == 2
    assert value("o.b", o={"B": 1, "B ": 2}) == 1


@pytest.mark.covers("EXPR-013", "EXPR-014")
@table(
    ("github.event.labels.*.name", ["a", "b"]), ("github.event.labels[*].name", ["a", "b"]),
    ("join(github.event.labels.*.name)", "a,b"), ("object.*", ["value", 1, 2]), ("whole.*", []),
    ("nope.*", []), ("list.*[0]", [3]), ("list.*.*", [3, 4]),
    ("(github.event.labels.*).name", ["a", "b"]), ("github.event.labels.*.name[0]", []),
)  # fmt: skip
def test_wildcards(text: str, wanted: Any) -> None:
    assert value(text) == wanted


@pytest.mark.covers("EXPR-016", "EXPR-017")
@table(
    ("contains('Hello', 'LL')", True), ("contains(fromJSON('[\"1\"]'), 1)", True),
    ("contains(object, 'Key')", False), ("contains('a', list)", False), ("contains('', '')", True),
    ("contains(123, 2)", True), ("startsWith('abc', '')", True), ("startsWith('Abc', 'aB')", True),
    ("endsWith('abC', 'Bc')", True), ("endsWith(list, '')", False), ("STARTSWITH(1.5, '1.')", True),
)  # fmt: skip
def test_searching(text: str, wanted: bool) -> None:
    assert value(text) is wanted


@pytest.mark.covers("EXPR-018")
@table(
    ("format('{0} {1} {0}', 'a', 'b')", "a b a"), ("format('{{{0}}}', 'x')", "{x}"),
    ("format('{0:}', 'x')", "x"), ("format('{00}', 'x')", "x"), ("format(null)", ""),
    ("format('{0}|{1}|{2}|{3}', null, true, list, 1e20)", "|true|Array|1E+20"),
)  # fmt: skip
def test_format(text: str, wanted: str) -> None:
    assert value(text) == wanted


@pytest.mark.covers("EXPR-018", "EXPR-021")
@table(
    ("format('{1}', 'a')", "The following format string references more arguments than"),
    ("format('{', 'a')", "The following format string is invalid: {"),
    ("format('}')", "The following format string is invalid: }"),
    ("format('{0 }', 1)", "The following format string is invalid: {0 }"),
    ("format('{0:X}', 1)", "The format specifiers 'X' are not valid for objects of type 'Number'"),
    ("format('{99999999999999999999}')", "The following format string references more arguments"),
    ("fromJSON('')", "Error parsing fromJson: empty input"),
    ("fromJSON('[1 2]')", "Error parsing fromJson: unexpected character '2' at position 4"),
    ("fromJSON('[1')", "Error parsing fromJson: unexpected end at position 3"),
    ("fromJSON(list)", "Error parsing fromJson: unexpected character 'A' at position 1"),
)  # fmt: skip
def test_failures(text: str, wanted: str) -> None:
    assert failed(text).startswith(wanted)


@pytest.mark.covers("EXPR-019")
@table(
    ("join(fromJSON('[1,true,null,\"x\"]'), '-')", "1-true--x"), ("join('a', '-')", "a"),
    ("join(fromJSON('[[1],{}]'))", "Array,Object"), ("join(object)", ""), ("join(list, list)",
    "1,two,,Array,Object"), ("join(fromJSON('[]'))", ""), ("join(list, null)", "1twoArrayObject"),
)  # fmt: skip
def test_join(text: str, wanted: str) -> None:
    assert value(text) == wanted


@pytest.mark.covers("EXPR-020")
@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"b": 1, "a": []}, '{\n  "b": 1,\n  "a": []\n}'),
        ([], "[]"), ({}, "{}"), (None, "null"), (True, "true"), (1.0, "1"), (1e20, "1E+20"),
        ("<&>\"\\/\n\x01é😀", '"<&>\\"\\\\/\\n\\u0001é😀"'), ("\u2028", '"\\u2028"'),
        ([{"x": [1]}], '[\n  {\n    "x": [\n      1\n    ]\n  }\n]'), (math.nan, "NaN"),
    ],
)  # fmt: skip
def test_to_json(given: Any, text: str) -> None:
    assert value("toJSON(x)", x=given) == text


@pytest.mark.covers("EXPR-021", "EXPR-027")
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("[1, 2.5, null]", [1, 2.5, None]), ('"x"', "x"), ("true", True), ("-0", 0), (" 1 ", 1),
        ('{"a":1,}', {"a": 1}), ("[1,]", [1]), ("{a: 'b', 'c\\'': 1}", {"a": "b", "c'": 1}),
        ("/* x */ [1] // y", [1]), ("[1][2]", [1]), ("0x10", 16), ("010", 8), (".5", 0.5),
        ("NaN", "NaN"), ("[Infinity,]", [math.inf]), ('{"A":1,"a":2}', {"A": 2}),
        ("1e999", math.inf),
        ("['\\u0041\\n',]", ["A\n"]), ("9" * 5000, math.inf), ("[1e+5,]", [1e5]), ("[\n]", []),
        ('"a\nb"', "a\nb"),
    ],
)  # fmt: skip
def test_from_json(text: str, wanted: Any) -> None:
    made = value("fromJSON(x)", x=text)
    assert made == wanted or to_string(made) == wanted


@pytest.mark.parametrize(
    "text",
    ["+1", "abc", "[,]", "[1,,2]", "{1", "{a}", "'x", "/* x", "1abc", "nullx", "['\\x']", "0x",
     "0x" + "f" * 30, "0" * 30 + "1", "-", "{\"a\" 1}",
     "[" * 65 + "]" * 65, "[" * 100_000, "{'a':" * 90],
)  # fmt: skip
def test_no_json(text: str) -> None:
    with pytest.raises(ExprError, match="Error parsing fromJson"):
        value("fromJSON(x)", x=text)


@pytest.mark.covers("EXPR-022")
def test_case() -> None:
    assert value("case(false, 'a', true, 'b', 'c')") == "b"
    assert value("case(false, 'a', 'c')") == "c"
    assert value("case(true, 1, fromJSON('bad'), 2, fromJSON('bad'))") == 1
    assert failed("case('x', 'a', 'b')") == "case predicate must evaluate to a boolean value"
    assert rejected("case(true, 1)")[0] == "Too few parameters supplied: 'case'"
    assert "requires an odd number of parameters: 'case'" in rejected("case(true, 1, false, 2)")[0]


@pytest.mark.covers("EXPR-025", "EXPR-026")
@pytest.mark.parametrize(
    ("text", "message", "position"),
    [
        ("true && x.y", "Unrecognized named-value: 'x'", 9),
        ("GitHub.ref && githu", "Unrecognized named-value: 'githu'; did you mean \"github\"?", 15),
        ("1 == foo(1)", "Unrecognized function: 'foo'", 6),
        ("toJson2(1)", "Unrecognized function: 'toJson2'; did you mean \"toJSON\"?", 1),
        ("always()", "Unrecognized function: 'always'", 1),
        ("contains(env.X)", "Unrecognized named-value: 'env'", 10),
        ("contains(1)", "Too few parameters supplied: 'contains'", 1),
        ("toJSON(1, 2)", "Too many parameters supplied: 'toJSON'", 1),
        ('github.ref == "x"', "Unexpected symbol: '\"x\"'; strings take single quotes", 15),
        ("1 +", "Unexpected symbol: '+'", 3), ("1 <", "Unexpected end of expression: '<'", 3),
        ("(1", "Unexpected end of expression: '1'", 2), ("1)", "Unexpected symbol: ')'", 2),
        ("(1]", "Unexpected symbol: ']'", 3), ("github[0)", "Unexpected symbol: ')'", 9),
        ("(1, 2)", "Unexpected symbol: ','", 3), ("github[1, 2]", "Unexpected symbol: ','", 9),
        ("'a'.b", "Unexpected symbol: '.'", 4), ("github.", "Unexpected end of expression: '.'", 7),
        ("'abc", "Unexpected symbol: ''abc'", 1), ("github.*x", "Unexpected symbol: 'x'", 9),
        ("github[*.x]", "Unexpected symbol: '.'", 9), ("!", "Unexpected end of expression: '!'", 1),
        ("a\n && x y", "Unexpected symbol: 'y'", 9),
    ],
)  # fmt: skip
def test_rejections(text: str, message: str, position: int) -> None:
    assert rejected(text, names=["GitHub"] if "x y" not in text else None) == (message, position)


def test_extra_functions_have_their_counts() -> None:
    extra = ["always", "success", "hashfiles"]
    assert compile("ALWAYS() && Success('a', 'b')", functions=extra).calls[0].name == "always"
    assert rejected("always(1)", functions=extra)[0] == "Too many parameters supplied: 'always'"
    assert rejected("hashFiles()", functions=extra)[0] == "Too few parameters supplied: 'hashFiles'"


def test_functions_given_at_call_time() -> None:
    expr = compile("hashFiles(a, 'b') == toJSON(1)", functions=["hashfiles"])
    seen: list[tuple[Any, ...]] = []

    def hash_files(*patterns: Any) -> str:
        seen.append(patterns)
        return "1"

    assert expr({"a": "x"}, {"hashfiles": hash_files, "tojson": lambda value: "never"}) is True
    assert seen == [("x", "b")]
    with pytest.raises(ExprError, match="Unrecognized function: 'hashFiles'"):
        expr({})


def test_a_functions_own_exception_passes() -> None:
    def ask(*_: Any) -> Any:
        raise LookupError("ask again")

    for text in ("format('{0}', ask(1))", "ask(1) | upper", "!ask() && true"):
        with pytest.raises(LookupError, match="ask again"):
            compile(text, functions=["ask"])({}, {"ask": ask})


@pytest.mark.covers("EXPR-028")
@pytest.mark.parametrize(
    ("text", "limit"),
    [
        (" " * 21_001, "length 21000"), ("!" * 51 + "1", "depth 50"),
        ("!" * 20_000 + "1", "depth 50"),
        ("1" + " == 1" * 50, "depth 50"), ("x" + ".y" * 50, "depth 50"),
        ("x" + "[0]" * 6000, "depth 50"),
        ("x" + "|upper" * 50, "depth 50"), ("format(" * 50 + "1" + ")" * 50, "depth 50"),
    ],
)  # fmt: skip
def test_limits_of_the_text(text: str, limit: str) -> None:
    assert rejected(text)[0].startswith(f"Exceeded max expression {limit}")


@pytest.mark.covers("EXPR-028")
@table(
    ("'" + "a" * 20_998 + "'", "a" * 20_998), ("!" * 48 + "1", True), ("1" + " == 1" * 49, True),
    ("(" * 10_000 + "7" + ")" * 10_000, 7), ("1 && " * 4000 + "2", 2), ("nope" + ".y" * 49, None),
    ("(1 && (1 && (1 && 3)))", 3),
)  # fmt: skip
def test_just_within_the_limits(text: str, wanted: Any) -> None:
    assert value(text) == wanted


@pytest.mark.covers("EXPR-028")
@pytest.mark.parametrize(
    "text",
    ["format('{0}{0}{0}', x)", "toJSON(pair)", "join(l, x)", "fromJSON(join(pair))",
    "x | replace('a', 'aaaa')",
     "format('{0}', x) && format('{0}', x) && format('{0}', x)", "l | join(x)",
     "x | upper | replace('A', 'bb')",
     "x | indent(9999)", "many.*"],
)  # fmt: skip
def test_memory(text: str) -> None:
    x = "a" * 300_000 + "\n" * 100
    context = {"x": x, "pair": [x, x], "l": [1, 2, 3, 4], "many": [0] * 200_000}
    with pytest.raises(ExprError, match="maximum allowed memory size was exceeded"):
        compile(text)(context)


def test_memory_is_given_back() -> None:
    context = {"x": "a" * 300_000}
    seven = " || ".join(["contains(format('{0}', x), 'b')"] * 7)
    assert compile(f"{seven} || (x | upper | lower | length)")(context) == 300_000
    with pytest.raises(ExprError, match="maximum allowed memory size was exceeded"):
        compile(" || ".join([seven] * 5))(context)


def test_names_and_calls() -> None:
    text = "github.event['Ref'].x[i.j].y == join(a.*.b, c[0]) && (d || !E) && toJSON(a).k"
    expr = compile(text)
    assert [(name.name, name.position, name.path) for name in expr.names] == [
        ("github", 1, ("event", "Ref", "x")), ("i", 23, ("j",)), ("a", 38, ("*", "b")),
        ("c", 45, ("0",)), ("d", 55, ()), ("E", 61, ()), ("a", 74, ()),
    ]  # fmt: skip
    assert [(call.name, call.position, call.arguments) for call in expr.calls] == [
        ("join", 33, 2), ("tojson", 67, 1),
    ]  # fmt: skip
    assert expr.roots == {"github", "i", "a", "c", "d", "e"}
    assert [text[name.position - 1] for name in expr.names] == list("giacdEa")


@pytest.mark.covers("EXPR-029")
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("plain", "plain"), ("", ""), ("${{ 1 }}", 1), ("${{1}}", 1), (" ${{ 1 }}", " 1"),
        ("a{${{ 'b' }}}c", "a{b}c"), ("${{ '}}' }}${{ '${{' }}", "}}${{"),
        ("$ {{ x }}", "$ {{ x }}"),
        ("${{ format('{0}}}', 'x') }}", "x}"), ("${{\n  'a''b'\n}}", "a'b"),
        ("${{ list }}", CONTEXTS["list"]),
        ("l: ${{ list }}, o: ${{ object }}, n: ${{ nope }}", "l: Array, o: Object, n: "),
        ("${{ 'it''s' }} }}", "it's }}"), ("${{ 1e20 }}%", "1E+20%"),
    ],
)  # fmt: skip
def test_templates(text: str, wanted: Any) -> None:
    template = compile_template(text)
    assert template(CONTEXTS) == wanted
    assert template.is_literal is ("${{" not in text)


@pytest.mark.parametrize(
    ("text", "message", "position"),
    [
        ("ab ${{ x", "The expression is not closed.", 4),
        ("ab ${{ }} c", "An expression was expected", 8),
        ("ab ${{ '}}", "The expression is not closed.", 4),
        ("ab ${{ 1 1 }}", "Unexpected symbol: '1'", 10),
        ("${{ 1 }} ${{ foo() }}", "Unrecognized function: 'foo'", 14),
        ("${{ x }}" + "a" * 21_000, "Exceeded max expression length 21000", 1),
    ],
)  # fmt: skip
def test_rejected_templates(text: str, message: str, position: int) -> None:
    with pytest.raises(ExprError) as caught:
        compile_template(text)
    assert (caught.value.message[: len(message)], caught.value.position) == (message, position)


def test_templates_as_strings() -> None:
    assert compile_template("${{ 1.50 }}").string({}) == "1.5"
    assert compile_template("${{ x }}").string({}) == ""
    assert compile_template("a${{ x }}").string({"x": []}) == "aArray"
    for wrong, word in (([], "sequence"), ({}, "mapping")):
        with pytest.raises(ExprError, match=f"A {word} was not expected"):
            compile_template("${{ x }}").string({"x": wrong})


def test_places_in_templates() -> None:
    text = "é ${{  github.ref }}-${{ toJSON(env.A) }}"
    template = compile_template(text)
    assert [text[name.position - 1 :][:3] for name in template.names] == ["git", "env"]
    assert [text[call.position - 1 :][:6] for call in template.calls] == ["toJSON"]
    with pytest.raises(ExprError) as caught:
        compile_template("ab ${{ fromJSON('x') }}")({})
    assert caught.value.position == 8


@pytest.mark.parametrize(
    ("text", "shown", "mixed"),
    [
        ("", "success()", False), (" \n", "success()", False),
        ("${{ false }}", "success() && false", False),
        ("a || b", "success() && (a || b)", False), ("a && b", "success() && a && b", False),
        ("always()", "always()", False), ("!CANCELLED()", "!CANCELLED()", False),
        ("a && format('{0}', failure('x'))", "a && format('{0}', failure('x'))", False),
        ("'always()'", "success() && 'always()'", False),
        ("${{ a }} == 'b'", "success() && format('{0} == ''b''', a)", True),
        ("${{ always() }} {x}", "format('{0} {{x}}', always())", True),
        ("${{ false }}\n", "success() && format('{0}\n', false)", True),
    ],
)  # fmt: skip
def test_conditions(text: str, shown: str, mixed: bool) -> None:
    expr = compile_condition(text)
    assert (show(expr.tree), expr.mixed, expr.text) == (shown, mixed, text)


def test_conditions_keep_places_and_rules() -> None:
    text = "${{ a.b }} && c"
    assert [name.position for name in compile_condition(text).names] == [5]
    assert [name.position for name in compile_condition("${{  a.b }}").names] == [6]
    assert compile_condition(text)({"a": {"b": False}}, {"success": lambda: True}) == "false && c"
    for bad, place in (("${{ x y }}", 7), ("nope.x", 1), ("${{ }}", 5), ("always(1)", 1)):
        with pytest.raises(ExprError) as caught:
            compile_condition(bad, names=["x"])
        assert caught.value.position == place


def test_explain() -> None:
    expr = compile_condition("github.ref == 'refs/heads/main' && (a || b) && c")
    functions = {"success": lambda: True}
    ref = {"github": {"ref": "refs/heads/dev"}}
    assert explain(expr, ref, functions)[1:] == [
        ("github.ref == 'refs/heads/main'", False), ("github.ref", "refs/heads/dev"),
    ]  # fmt: skip
    assert explain(expr, {**CONTEXTS, "c": 0, "b": 1}, functions) == [
        ("success() && github.ref == 'refs/heads/main' && (a || b) && c", 0), ("c", 0),
    ]  # fmt: skip
    assert explain(compile("a || !b"), {"b": 2}) == [
        ("a || !b", False), ("a", None), ("!b", False), ("b", 2),
    ]  # fmt: skip
    assert explain(compile("contains(a.b, 'x') || boom()",
    functions=["boom"]), {"a": {"b": "x"}}) == [
        ("contains(a.b, 'x') || boom()", True), ("contains(a.b, 'x')", True), ("a.b", "x"),
    ]  # fmt: skip


WORDS = st.sampled_from(["a", "github", "event", "x-y", "_z", "true", "null", "upper"])
NUMBERS = st.one_of(st.integers(-(10**9), 10**9), st.floats())
LITERALS = st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=5)).map(literal)
NAMES = st.sampled_from(["a", "github", "x-y", "_z"]).map(Named)


def grown(nodes: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    several = st.lists(nodes, max_size=3).map(tuple)
    keys = st.one_of(nodes, WORDS.map(literal), st.just(Wildcard()))
    comparisons = st.sampled_from([sign for sign, level in BINDS.items() if level in (3, 4)])
    return st.one_of(
        st.builds(Index, nodes, keys),
        st.builds(Not, nodes),
        st.builds(Compare, comparisons, nodes, nodes),
        st.builds(chain, st.sampled_from(["&&", "||"]), st.lists(nodes, min_size=2, max_size=3)),
        st.builds(Called, st.sampled_from(["format", "f-1"]), several),
        st.builds(Filter, nodes, st.sampled_from(["upper", "nope"]), several),
    )


def chain(operator: str, parts: list[Node]) -> Node:
    """As the parser makes it: a chain has no chain of its own kind right below."""
    flat: list[Node] = []
    for part in parts:
        same = isinstance(part, Logic) and part.operator == operator
        flat.extend(part.parts if isinstance(part, Logic) and same else [part])
    return Logic(operator, tuple(flat))


def bare(part: object) -> object:
    """A tree without what its text alone decides: places, spelling, and the values of literals."""
    if isinstance(part, tuple):
        return [bare(each) for each in part]
    if not isinstance(part, Struct):
        return part
    left = set(part.__struct_fields__) - {"position", "written"}
    left -= {"value"} if isinstance(part, Literal) else set()
    return (type(part), {name: bare(getattr(part, name)) for name in left})


@given(st.recursive(st.one_of(LITERALS, NAMES), grown, max_leaves=12))
def test_law_shown_and_parsed_is_the_same_tree(tree: Node) -> None:
    assert bare(parse(show(tree))) == bare(tree)


LITERAL_TEXT = st.text(alphabet="ab{}'$ \n", max_size=6).filter(lambda text: "${" not in text)
INNER_TEXT = st.sampled_from(["1", "'}}'", "a.b", "format('{0}}}', 'it''s')", "'${{'", "a\n|| b"])


@given(st.lists(st.tuples(LITERAL_TEXT, INNER_TEXT), max_size=4), LITERAL_TEXT)
def test_law_templates_are_cut_and_rejoined(pairs: list[tuple[str, str]], last: str) -> None:
    pairs = [(before.rstrip("$"), inner) for before, inner in pairs]
    text = "".join(f"{before}${{{{ {inner} }}}}" for before, inner in pairs) + last
    template = compile_template(text)
    parts = [part if isinstance(part, str) else part.text for part in template.parts]
    wanted = [piece for pair in pairs for piece in pair] + [last]
    assert parts == [piece for piece in wanted if piece]
    for part, at in zip(parts, template.offsets, strict=True):
        assert text[at : at + len(part)] == part


PIECES = [
    "github", ".ref", ".event", "list", "object", "[0]", "[", "]", "(", ")", "*", ".*", ".", ",",
    "!", "==",
    "!=", "<", ">=", "&&", "||", "|", "'a'", "''", "'", "null", "true", "NaN", "-1", "0xff",
    "1e308",
    "9" * 400, "format(", "'{0}{1}'", "join(", "toJSON(", "fromJSON(", "'[[{\"a\":1e999}]]'",
    "case(",
    "contains(", "| upper", "| sort", "| int", "| replace('a', 'b')", "| indent(9)", "| batch(2)",
    "| round(", "| split", "| join", "| sum", "| default('x')", "| truncate(", "| urlencode", " ",
    "\n",
    "\ud800", "é", "\x00", "${{", "}}", "-", "+", "@", "hashFiles(", "Infinity", "'\ud800'",
]  # fmt: skip


@pytest.mark.covers("EXPR-028")
def test_law_any_text_gives_a_value_or_an_expr_error() -> None:
    dice = random.Random(20240607)
    values = 0
    for _ in range(10_000):
        text = "".join(dice.choices(PIECES, k=dice.randint(1, 12)))
        for read in (compile, compile_template, compile_condition):
            values += answers(read, text)
    assert values > 2_000


def answers(read: Any, text: str) -> bool:
    functions = {"hashfiles": lambda *_: "", "success": lambda: True}
    try:
        expr = read(text, functions=["hashfiles"])
        made = expr(CONTEXTS, functions)
        made = expr.string(CONTEXTS, functions) if isinstance(expr, Template) else made
    except ExprError as error:
        assert error.message and error.position >= 1
        return False
    assert to_string(made) is not None and kind(made)
    return True


@settings(max_examples=300)
@given(st.text(max_size=40))
def test_law_any_characters_give_a_value_or_an_expr_error(text: str) -> None:
    answers(compile, text)
    answers(compile_template, "${{" + text + "}}")
    answers(compile, f"fromJSON('{text}')")


def test_importing_the_room_is_cheap() -> None:
    heavy = {"jinja2", "jsonschema", "networkx", "docker", "trio"}
    code = f"import sys, engine.expr; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
