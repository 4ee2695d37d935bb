"""YAML text, the values in it, and where they stand."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine import source
from engine.problems import Problem
from engine.source import (
    GITHUB,
    Limits,
    Mapping,
    Node,
    load,
    plain,
    resolve,
    scalars,
)


def read(text: str | bytes) -> Node:
    node, problems = load(text, "f")
    assert problems == []
    assert node is not None
    return node


def value(text: str) -> Any:
    """The value of the key `a`."""
    return plain(read(text))["a"]


def complaints(text: str | bytes) -> list[tuple[str, str, str]]:
    """Place, rule and message of each problem."""
    _, problems = load(text, "f")
    return [(str(p.place), p.rule, p.message) for p in problems]


def complaint(text: str | bytes) -> tuple[str, str, str]:
    (found,) = complaints(text)
    return found


def everything(node: Node) -> list[tuple[str, int, int]]:
    """The text, line and column of every scalar, keys included."""
    found = source.everything(node)
    return [(scalar.text, scalar.place.line, scalar.place.column) for scalar in found]


@pytest.mark.parametrize(
    ("text", "places"),
    [
        pytest.param("a: b", [("a", 1, 1), ("b", 1, 4)], id="plain"),
        pytest.param("a:\n  b:\n  - c", [("a", 1, 1), ("b", 2, 3), ("c", 3, 5)], id="nested"),
        pytest.param("a: 'b'\n\"c\": \"d\"", [("a", 1, 1), ("b", 1, 4), ("c", 2, 1), ("d", 2, 6)],
                     id="quoted"),
        pytest.param("a: |\n  b\nc: >-\n  d", [("a", 1, 1), ("b\n", 1, 4), ("c", 3, 1),
                     ("d", 3, 4)], id="block"),
        pytest.param("{a: [b, c]}", [("a", 1, 2), ("b", 1, 6), ("c", 1, 9)], id="flow"),
        pytest.param("é: 🙂\r\na: {b: c:1, d: [e:f]}\r\ng: 'h'\r\n",
                     [("é", 1, 1), ("🙂", 1, 4), ("a", 2, 1), ("b", 2, 5), ("c:1", 2, 8),
                      ("d", 2, 13), ("e:f", 2, 17), ("g", 3, 1), ("h", 3, 4)],
                     id="a colon in a flow"),
        pytest.param("a: &x b\nc: *x", [("a", 1, 1), ("b", 1, 4), ("c", 2, 1), ("b", 1, 4)],
                     id="an alias stands where its anchor was written"),
        pytest.param("é: ü # ö\nb: c", [("é", 1, 1), ("ü", 1, 4), ("b", 2, 1), ("c", 2, 4)],
                     id="columns are characters"),
        pytest.param("a: 🙂 b\nc: d", [("a", 1, 1), ("🙂 b", 1, 4), ("c", 2, 1), ("d", 2, 4)],
                     id="also beyond 16 bits"),
        pytest.param("a: b\r\nc: d\r\n", [("a", 1, 1), ("b", 1, 4), ("c", 2, 1), ("d", 2, 4)],
                     id="CR LF"),
        pytest.param("\ufeffa: b", [("a", 1, 1), ("b", 1, 4)], id="byte order mark"),
        pytest.param("# c\n---\na: b\n...\n", [("a", 3, 1), ("b", 3, 4)], id="document marks"),
    ],
)  # fmt: skip
def test_every_key_and_value_knows_its_place(text: str, places: list[tuple[str, int, int]]) -> None:
    assert everything(read(text)) == places
    assert everything(read(text.encode())) == places


def test_a_place_has_an_end() -> None:
    place = read("a: 'bcd'").get("a").place  # type: ignore[union-attr]
    assert (place.line, place.column, place.end_line, place.end_column) == (1, 4, 1, 9)


@pytest.mark.parametrize(
    ("text", "style"), [("b", ""), ("'b'", "'"), ('"b"', '"'), ("|\n b", "|"), (">\n b", ">")]
)
def test_the_style_of_a_scalar_is_kept(text: str, style: str) -> None:
    (scalar,) = scalars(read(f"a: {text}"))
    assert scalar.style == style


@pytest.mark.parametrize(
    ("text", "place"),
    [
        pytest.param("a: x X", (1, 6), id="plain"),
        pytest.param("a: &anchor x X", (1, 14), id="after an anchor"),
        pytest.param("a: !!str x X", (1, 12), id="after a tag"),
        pytest.param("a: one\n  two X", (2, 7), id="plain over two lines"),
        pytest.param("a: one  \n\n\n  X", (4, 3), id="plain over empty lines"),
        pytest.param("a: 'x X'", (1, 7), id="single quotes"),
        pytest.param("a: 'it''s X'", (1, 11), id="doubled quote"),
        pytest.param("a: &b 'it''s X'", (1, 14), id="quotes after an anchor"),
        pytest.param("a: 'one\n\n  X'", (3, 3), id="single quotes over lines"),
        pytest.param('a: "é X"', (1, 7), id="double quotes"),
        pytest.param('a: "\\n\\u00e9\\x41 X"', (1, 18), id="escapes"),
        pytest.param('a: "one \\\n    two X"', (2, 9), id="escaped line end"),
        pytest.param('a: "one\r\n  X"', (2, 3), id="CR LF in quotes"),
        pytest.param("a: |\n  X", (2, 3), id="literal"),
        pytest.param("a: |\n  one\n  two X", (3, 7), id="literal, second line"),
        pytest.param("a: |\n\n  one\n\n    X\n", (5, 5), id="literal with empty and deeper lines"),
        pytest.param("a: |2\n     one\n    X", (3, 5), id="literal that says its indentation"),
        pytest.param("b:\n  a: |-\n    one\n    two X", (4, 9), id="literal, nested"),
        pytest.param("a: |\r\n  one\r\n  X\r\n", (3, 3), id="literal with CR LF"),
        pytest.param("a: &b |\n  one X", (2, 7), id="literal after an anchor"),
        pytest.param("a: >\n  one\n  two X", (3, 7), id="folded"),
        pytest.param("a: >-\n  one\n\n\n  two\n    three\n  four X", (7, 8),
                     id="folded with empty and deeper lines"),
    ],
)  # fmt: skip
def test_a_character_of_a_value_is_found_in_the_file(text: str, place: tuple[int, int]) -> None:
    (scalar,) = scalars(read(text))
    found = scalar.place_at(scalar.text.index("X"))
    assert (found.file, found.line, found.column) == ("f", *place)
    assert text.split("\n")[place[0] - 1][place[1] - 1] == "X"


@given(st.text("ab \n'\"\\é", max_size=20), st.sampled_from(["'", "|2", ">2"]))
@example("a\n\nb", ">2")
def test_letters_of_any_value_are_found_in_the_file(text: str, style: str) -> None:
    written = f"a: {style}\n" + "".join(f"  {line}\n" for line in text.split("\n"))
    if style == "'":
        written = "a: '" + text.replace("'", "''").replace("\n", "\n ") + "'"
    lines = written.split("\n")
    for scalar in scalars(read(written)):
        for offset, character in enumerate(scalar.text):
            place = scalar.place_at(offset)
            if character not in " \n":
                assert lines[place.line - 1][place.column - 1] == character


# --- values ---------------------------------------------------------------------------------------


@pytest.mark.covers("WF-003")
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", None), ("~", None), ("null", None), ("Null", None), ("NULL", None), ("nUll", "nUll"),
        ("true", True), ("True", True), ("TRUE", True), ("false", False), ("False", False),
        ("FALSE", False), ("tRue", "tRue"),
        ("on", "on"), ("off", "off"), ("yes", "yes"), ("no", "no"), ("y", "y"), ("n", "n"),
        ("Yes", "Yes"), ("ON", "ON"),
        ("0", 0), ("12", 12), ("-12", -12), ("+12", 12), ("012", 12), ("0777", 777),
        ("0x1F", 31), ("0x1f", 31), ("0o17", 15), ("0o8", "0o8"), ("0X1F", "0X1F"),
        ("-0x1", "-0x1"), ("0b1", "0b1"), ("1_000", "1_000"),
        ("1.50", 1.5), (".5", 0.5), ("1.", 1.0), ("1e3", 1000.0), ("-1.5E-1", -0.15),
        (".", "."), ("1.2.3", "1.2.3"), ("1e", "1e"), ("+", "+"), ("- ", [None]),
        (".inf", math.inf), ("+.INF", math.inf), ("-.Inf", -math.inf), ("inf", "inf"),
        ("12:30:45", "12:30:45"), ("2001-12-14", "2001-12-14"), ("=", "="), ("<<", "<<"),
        ("'true'", "true"), ('"1"', "1"), ("|\n  1", "1"), ("''", ""),
        ("!!str 1", "1"), ("!!int 1", 1), ("!!float 1", 1), ("!!bool true", True),
        ("!!null", None), ("!!str '1'", "1"), ("0xFFFFFFFF", -1), ("0o37777777777", -1),
        ("!!seq [1]", [1]), ("!!map {b: 1}", {"b": 1}),
        ("!!str", ""), ("!!str null", "null"),
    ],
)  # fmt: skip
def test_values_are_those_of_the_core_schema(text: str, wanted: Any) -> None:
    found = value(f"a:\n  {text}")
    assert found == wanted
    assert type(found) is type(wanted)


def test_not_a_number_is_a_number() -> None:
    assert all(math.isnan(value(f"a: {text}")) for text in (".nan", ".NaN", ".NAN"))


@pytest.mark.parametrize("digits", ["9" * 310, "9" * 500, "-" + "9" * 5000, "1e999"])
def test_a_huge_number_is_one_that_a_double_can_hold(digits: str) -> None:
    assert math.isinf(float(resolve(digits)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("1.50", "1.5"), ("0x10", "16"), ("0o17", "15"), ("1e3", "1000"), ("+.5", "0.5"),
        ("1e15", "1E+15"), ("0.00001", "1E-05"), ("1587106672383762434", "1.58710667238376E+18"),
        ("-0", "0"), (".inf", "Infinity"), (".nan", "NaN"), ("TRUE", "true"), ("~", ""),
        ("'1.50'", "1.50"), ("on", "on"), ("!!str 0x10", "0x10"),
    ],
)  # fmt: skip
def test_a_value_is_a_string_as_github_prints_it(written: str, text: str) -> None:
    (scalar,) = scalars(read(f"a: {written}"))
    assert scalar.text == text


def test_keys_are_strings_as_github_prints_them() -> None:
    assert plain(read("on: 1\nTrue: 2\n1.50: 3\n~: 4")) == {"on": 1, "true": 2, "1.5": 3, "": 4}


def test_known_keys_are_found_by_their_exact_spelling() -> None:
    node = read("Runs-On: a\nruns-on2: b")
    assert isinstance(node, Mapping)
    assert node.get("runs-on") is None
    assert node.key("Runs-On") is node.entries[0][0]
    assert node.key("nope") is None


def test_plain_of_nothing_is_null() -> None:
    assert plain(None) is None
    assert list(scalars(None)) == []


def test_scalars_are_the_values_in_order_without_keys() -> None:
    assert [s.text for s in scalars(read("a: 1\nb: [2, {c: 3}]"))] == ["1", "2", "3"]


def test_everything_is_the_scalars_with_their_keys() -> None:
    found = source.everything(read("a: 1\nb: [2, {c: 3}]"))
    assert [scalar.text for scalar in found] == ["a", "1", "b", "2", "c", "3"]


def test_a_node_without_some_of_its_keys() -> None:
    node = read("a: {x: 1, y: 2}\nx: [{x: 3, z: 4}]")
    places = {scalar.place for scalar in source.everything(node) if scalar.text == "x"}
    assert plain(source.without(node, places)) == {"a": {"y": 2}}
    inner = {place for place in places if place.column > 1}
    assert plain(source.without(node, inner)) == {"a": {"y": 2}, "x": [{"z": 4}]}
    assert source.without(node, ()) is node


# --- anchors --------------------------------------------------------------------------------------


@pytest.mark.covers("WF-006")
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("x: &v 1\na: *v", 1, id="scalar"),
        pytest.param("x: &v {b: [1]}\na: *v", {"b": [1]}, id="mapping"),
        pytest.param("x: &v 1\ny: &v 2\na: *v", 2, id="a name may be used again"),
        pytest.param("x: &v 1\ny: &w [*v]\na: *w", [1], id="an alias inside an anchor"),
        pytest.param("a: &v\n- &v 1\n- *v", [1, 1], id="used again inside of itself"),
    ],
)
def test_an_alias_is_what_its_anchor_names(text: str, wanted: Any) -> None:
    assert value(text) == wanted


@pytest.mark.covers("WF-006")
def test_a_merge_key_is_just_a_key() -> None:
    assert value("x: &v {b: 1}\na:\n  <<: *v\n  c: 2") == {"<<": {"b": 1}, "c": 2}


@pytest.mark.covers("LINT-022")
@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("a: &v [*v]", "f:1:8", 'the alias "*v" stands inside its own anchor "&v"'),
        ("a: &v\n  b: {c: *v}", "f:2:10", 'the alias "*v" stands inside its own anchor "&v"'),
        ("a: *v", "f:1:4", 'no anchor "&v" stands before this alias "*v"'),
        ("a: *v\nb: &v 1", "f:1:4", 'no anchor "&v" stands before this alias "*v"'),
    ],
)
def test_an_alias_without_a_meaning_is_refused(text: str, place: str, message: str) -> None:
    assert complaint(text) == (place, "alias", message)


def test_a_bomb_of_aliases_is_refused() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in range(1, 10):
        bomb += f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n"
    place, rule, message = complaint(bomb)
    assert (place.partition(":")[0], rule) == ("f", "file-size")
    assert message.startswith(f"more than {GITHUB.nodes} values once aliases are replaced")


def test_nodes_are_counted_with_their_repetitions() -> None:
    items = ", ".join("x" * 98)  # 99 nodes with the list itself
    fits = f"a: &a [{items}]\nb: [{', '.join(['*a'] * ((GITHUB.nodes - 103) // 99))}]"
    assert complaints(fits) == []
    assert complaint(fits.replace("b: [", "b: [*a, *a, "))[1] == "file-size"


# --- limits ---------------------------------------------------------------------------------------


@pytest.mark.covers("WF-033")
def test_depth_has_a_limit() -> None:
    assert complaints("[" * GITHUB.depth + "x" + "]" * GITHUB.depth) == []
    place, rule, message = complaint("[" * (GITHUB.depth + 1) + "x" + "]" * (GITHUB.depth + 1))
    assert (place, rule) == (f"f:1:{GITHUB.depth + 1}", "depth")
    assert message == "nested deeper than 50 levels, GitHub's limit"


@pytest.mark.covers("WF-033")
def test_depth_is_counted_through_aliases() -> None:
    text = "a: &a [[[[[[[[[[x]]]]]]]]]]\n"
    levels = GITHUB.depth - 11
    assert complaints(f"{text}b: {'[' * levels}*a{']' * levels}") == []
    assert complaint(f"{text}b: {'[' * (levels + 1)}*a{']' * (levels + 1)}")[1] == "depth"
    chained = "".join(f"a{n}: &a{n} [[[[*a{n - 1}]]]]\n" for n in range(1, 500))
    assert complaint(f"a0: &a0 x\n{chained}")[1] == "depth"


@pytest.mark.covers("WF-033")
@pytest.mark.parametrize(
    ("limits", "place", "rule"),
    [
        (Limits(depth=2), "f:1:8", "depth"),
        (Limits(nodes=5), "f:1:9", "file-size"),
        (Limits(characters=12), "f", "file-size"),
        # the file, two mappings, a list and four strings of a letter each
        (Limits(size=28 + 3 * 24 + 4 * 52 - 1), "f:1:12", "file-size"),
    ],
)
def test_limits_can_be_lower(limits: Limits, place: str, rule: str) -> None:
    text = "a: {b: [c, d]}"
    assert load(text, "f", Limits(depth=3, nodes=7, size=308, characters=14))[1] == []
    (found,) = load(text, "f", limits)[1]
    assert (str(found.place).removesuffix(":0:0"), found.rule) == (place, rule)


@pytest.mark.covers("WF-033")
@pytest.mark.parametrize("letter", ["x", "é", "🙂"])
def test_size_has_a_limit_in_characters(letter: str) -> None:
    fits = "#" + letter * (GITHUB.characters - 4) + "\na:"
    assert len(fits) == GITHUB.characters
    assert complaints(fits) == complaints(fits.encode()) == []
    too_large = fits + " "
    assert complaint(too_large) == complaint(too_large.encode())
    assert complaint(too_large)[:2] == ("f", "file-size")


# --- what is no YAML ------------------------------------------------------------------------------

EMPTY = "the file is empty; a workflow has at least `on:` and `jobs:`"
SECOND = "a second document starts here; keep one a file"
TAB = "YAML does not allow a tab for indentation; use spaces"


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("", "f:1:1", EMPTY),
        ("\n \n", "f:1:1", EMPTY),
        ("# only a comment", "f:1:1", EMPTY),
        ("\ufeff", "f:1:1", EMPTY),
        ("a: 1\n---\nb: 2", "f:2:1", SECOND),
        ("---\na: 1\n...\n---\n", "f:4:1", SECOND),
        ("a:\n\tb: 1", "f:2:1", TAB),
        ("a:\n  b: 1\n\tc: 2", "f:3:1", TAB),
        ("a: \x07", "f:1:4", "the character U+0007 is not allowed in YAML; remove it"),
        ("a: b\n\x00", "f:2:1", "the character U+0000 is not allowed in YAML; remove it"),
        ("a: \ud800", "f:1:4", "the character U+D800 is not allowed in YAML; remove it"),
        (b"a: \xff", "f:1:4", "byte 0xff is not UTF-8; save the file as UTF-8"),
        ("a: é\nb: éé".encode() + b"\xe9", "f:2:6", "byte 0xe9 is not UTF-8; save the file as"
         " UTF-8"),
        ("a: b\n".encode("utf-16"), "f:1:1", "byte 0xff is not UTF-8; save the file as UTF-8"),
        ("a: @b", "f:1:4", "found character that cannot start any token while scanning for the "
         "next token that starts at line 1; quote a value that starts with @, `, %, & or *"),
        ("a: b: c", "f:1:5", "mapping values are not allowed in this context"),
        ("a: [b", "f:2:1", "did not find expected ',' or ']' while parsing a flow sequence that "
         "starts at line 1"),
        ("? [a]\n: b", "f:1:3", "a key must be a plain string"),
        ("a: !!int x", "f:1:4", 'the tag "!!int" does not fit "x"; only !!str, !!int, !!float, '
         "!!bool and !!null are known"),
        ("a: !env x", "f:1:4", 'the tag "!env" does not fit "x"; only !!str, !!int, !!float, '
         "!!bool and !!null are known"),
        ("a: !!int '1'", "f:1:4", 'the tag "!!int" needs a value without quotes; remove them or '
         "the tag"),
        ("a: !!null |\n", "f:1:4", 'the tag "!!null" needs a value without quotes; remove them or '
         "the tag"),
        ("a: 0x100000000", "f:1:4", '"0x100000000" has more than 32 bits; write it in decimal, or '
         "in quotes if it is text"),
        ("a: !!int 0o77777777777", "f:1:4", '"0o77777777777" has more than 32 bits; write it in '
         "decimal, or in quotes if it is text"),
        ("a: !x [b]", "f:1:4", 'the tag "!x" is not known'),
        ("a: !x {b: c}", "f:1:4", 'the tag "!x" is not known'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_where_it_stands(text: str | bytes, place: str, message: str) -> None:
    assert complaint(text) == (place, "yaml", message)


@pytest.mark.covers("WF-005")
@pytest.mark.parametrize(
    ("text", "place", "first", "key"),
    [
        ("a: 1\na: 2", "f:2:1", (1, 1), "a"),
        ("FOO: 1\nb: 1\nfoo: 2", "f:3:1", (1, 1), "foo"),
        ("env:\n  'a': 1\n  A: 2", "f:3:3", (2, 3), "A"),
        ("[{b: 1, B: 2}]", "f:1:9", (1, 3), "B"),
    ],
)
def test_a_key_given_twice_is_refused(
    text: str, place: str, first: tuple[int, int], key: str
) -> None:
    node, _ = load(text, "f")
    message = (
        f'"{key}" is already defined at line {first[0]}, column {first[1]}; '
        "keys are compared without regard to case, so remove or rename one of them"
    )
    assert complaint(text) == (place, "duplicate-key", message)
    assert 2 not in [scalar.value for scalar in scalars(node)]


def test_the_same_key_in_two_mappings_is_fine() -> None:
    assert complaints("a: {b: 1}\nc: {b: 1, a: 1}") == []


@pytest.mark.covers("LINT-022")
@given(
    st.one_of(
        st.text(),
        st.text(st.characters()),
        st.text("ab:-? \n\t'\"|>[]{},&*!#%@`\\x0~<=.\ufeff\ud800\x85\u2028", max_size=40),
        st.binary(),
    )
)
@example("a: '\ud83d'")
@example("? ")
@example("%YAML 3.1\n---\na")
@example("--- >\n")
@example("!<tag:yaml.org,2002:float> nan")
@example("&a &a a")
@example("\\")
def test_any_text_gives_a_node_or_problems(text: str | bytes) -> None:
    node, problems = load(text, "f")
    assert all(isinstance(problem, Problem) for problem in problems)
    assert node is not None or problems
    plain(node)
    for scalar in scalars(node):
        for offset in range(len(scalar.text) + 1):
            assert scalar.place_at(offset).line >= scalar.place.line
