"""Types of expressions: what is known before anything runs, and what can't be right."""

from __future__ import annotations

import pytest

from engine.expr.infer import infer
from engine.expr.parse import parse
from engine.expr.tree import start
from engine.expr.types import (
    ANY,
    BOOLEAN,
    NULL,
    NUMBER,
    STRING,
    Array,
    Object,
    Type,
    either,
    map_of,
    of,
    union,
)

POINT = Object({"x": NUMBER, "y": NUMBER})
CONTEXTS: dict[str, Type] = {
    "any": ANY,
    "s": STRING,
    "n": NUMBER,
    "b": BOOLEAN,
    "names": map_of(STRING),
    "point": POINT,
    "points": Array(POINT),
    "words": Array(STRING),
    "open": Object({"known": STRING}, ANY),
    "unsure": Object({"branch": STRING}, advice="see the manual", sure=False),
}


def type_of(text: str) -> Type:
    return infer(parse(text), CONTEXTS)[0]


def faults(text: str) -> list[str]:
    """Each fault as `position rule: message`."""
    return [f"{f.position} {f.rule}: {f.message}" for f in infer(parse(text), CONTEXTS)[1]]


@pytest.mark.covers("LINT-002")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("null", NULL),
        ("'x'", STRING),
        ("1.5", NUMBER),
        ("true", BOOLEAN),
        ("unknown", ANY),
        ("unknown.deep[0].x", ANY),
        ("!any", BOOLEAN),
        ("s == n", BOOLEAN),
        ("n < 3", BOOLEAN),
        ("point.x", NUMBER),
        ("point['X']", NUMBER),
        ("point[s]", NUMBER),
        ("points", Array(POINT)),
        ("points[0]", POINT),
        ("points[0].y", NUMBER),
        ("points['0'].y", NUMBER),
        ("points.*", Array(POINT, filtered=True)),
        ("points.*.x", Array(NUMBER, filtered=True)),
        ("point.*", Array(NUMBER, filtered=True)),
        ("names.x", STRING),
        ("names[s]", STRING),
        ("open.known", STRING),
        ("open.other.deep", ANY),
        ("s || 'x'", STRING),
        ("b && s", ANY),
        ("b && true", BOOLEAN),
        ("contains(words, 'x')", BOOLEAN),
        ("startsWith(s, 'x')", BOOLEAN),
        ("always()", BOOLEAN),
        ("format('{0}', s)", STRING),
        ("join(words, ',')", STRING),
        ("toJSON(point)", STRING),
        ("hashFiles('x')", STRING),
        ("fromJSON(s)", ANY),
        ("fromJSON('[1, 2]')", Array(NUMBER)),
        ("fromJSON('{\"a\": true}').a", BOOLEAN),
        ("case(b, 1, 2)", NUMBER),
        ("case(b, 1, 'x')", ANY),
        ("s | upper", ANY),
    ],
)
def test_types(text: str, expected: Type) -> None:
    assert type_of(text) == expected
    assert faults(text) == []


@pytest.mark.covers("LINT-002", "LINT-005", "LINT-010")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("point.z", '1 property: "point" has no property "z"; it has x, y'),
        ("s == '' && point.z", '12 property: "point" has no property "z"; it has x, y'),
        ("points.*.z", '1 property: "points.*" has no property "z"; it has x, y'),
        ("unsure.branches", 'has no property "branches"; did you mean "branch"?'),
        ("unsure.foo", 'has no property "foo"; see the manual'),
        ("s.x", '1 type: "s" is a string, which has no property "x" (JSON in it is read by from'),
        ("n[0]", '1 type: "n" is a number, which has no [0]'),
        ("b.*", '1 type: "b" is a boolean, which has no .*'),
        ("points.x", '1 type: "points" is an array and has no property "x"; take one of its items'),
        ("names[0]", '7 type: "names" is an object, whose properties have names; "0" is a number'),
        ("names[b]", '7 type: "names" is an object'),
        ("points[b]", '8 type: an array takes a number as its index; "b" is a boolean'),
        ("point == 'x'", "1 comparison: \"point == 'x'\" is always false: an object and a string"),
        ("1 != points", '1 comparison: "1 != points" is always true: an array and a number are'),
        ("b == 'true'", "always false: a boolean is compared as a number, and 'true' is none; wri"),
        ("'no' != b", "is always true: a boolean is compared as a number, and 'no' is none"),
        ("n == 'x'", "is always false: a number is compared as a number, and 'x' is none"),
        ("startsWith(point, 'x')", '12 type: startsWith takes text here, and "point" is an object'),
        ("contains(point, 'x')", '10 type: contains takes text here, and "point" is an object'),
        ("contains('x', words)", '15 type: contains takes text here, and "words" is an array'),
        ("join(point)", '6 type: join takes text here, and "point" is an object'),
        ("join(words, words)", '13 type: join takes text here, and "words" is an array'),
        ("fromJSON(point)", "10 type: fromJSON takes text here"),
        ("fromJSON('[1')", "10 argument: this is not JSON: "),
        ("format('{0} {1}', s)", "1 argument: the text of format names {1}, and 1 value is given"),
        ("format('{0}')", "1 argument: the text of format names {0}, and no value is given"),
        ("format('{0}', s, n)", "1 argument: format is given \"n\", which its text '{0}' does not"),
        ("case(s, 1, 2)", '6 type: each condition of case must be a boolean; "s" is a string'),
    ],
)
def test_faults(text: str, expected: str) -> None:
    [found] = faults(text)
    assert expected in found


@pytest.mark.parametrize(
    "text",
    [
        "b == true", "b == '1'", "n == '7'", "s == 'x'", "any == point", "point == null",
        "words == points", "contains(any, point)", "contains(words, point)", "join('x')",
        "format('{{0}}')", "format(s, point.x)", "fromJSON(any)", "points[s]", "names['0']",
        "any.*.x", "case(any, 1, 2)", "words[-1]", "unknown(point)",
    ],
)  # fmt: skip
def test_what_may_be_right_is_not_complained_of(text: str) -> None:
    assert faults(text) == []


def test_a_property_that_may_be_new_is_only_warned_of() -> None:
    levels = {text: infer(parse(text), CONTEXTS)[1][0].level for text in ("unsure.x", "point.z")}
    assert levels == {"unsure.x": "warning", "point.z": "error"}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (STRING, STRING, STRING),
        (STRING, NUMBER, ANY),
        (Array(STRING), Array(NUMBER), Array(ANY)),
        (Array(STRING), STRING, ANY),
        (of({"a": 1}), of({"b": "x"}), Object({"a": NUMBER, "b": STRING})),
        (of({"a": 1}), of({"A": "x"}), Object({"a": ANY, "A": ANY})),
        (of({"a": 1}), map_of(STRING), Object({"a": ANY}, STRING)),
    ],
)
def test_what_two_types_share(one: Type, other: Type, expected: Type) -> None:
    assert either(one, other) == expected
    assert union([one, other]) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.b[c]", 1), ("  a", 3), ("!a", 1), ("a == b", 1), ("(a && b)", 2), ("f(a)", 1),
        ("'x' == a", 1), ("fromJSON('{}')['a'].b", 1), ("a | upper", 1),
    ],
)  # fmt: skip
def test_where_a_node_starts(text: str, expected: int) -> None:
    assert start(parse(text)) == expected
