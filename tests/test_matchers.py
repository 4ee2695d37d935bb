"""Problem matchers: what a file may say, and which lines are problems."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.matchers import Matcher, MatcherError, Matchers, Scan, read

GCC = {
    "owner": "gcc",
    "pattern": [
        {
            "regexp": r"^(.+):(\d+):(\d+): (warning|error): (.*) \[(.+)\]$",
            "file": 1, "line": 2, "column": 3, "severity": 4, "message": 5, "code": 6,
        }
    ],
}  # fmt: skip
ESLINT = {
    "owner": "eslint",
    "pattern": [
        {"regexp": "^(/.*)$", "file": 1},
        {
            "regexp": r"^\s+(\d+):(\d+)\s+(error|warning)\s+(.*)$",
            "line": 1, "column": 2, "severity": 3, "message": 4, "loop": True,
        },
    ],
}  # fmt: skip
THREE = {
    "owner": "three",
    "severity": "warning",
    "pattern": [
        {"regexp": "^A(.*)", "file": 1},
        {"regexp": "^B(.*)", "code": 1},
        {"regexp": "^C(.*)", "message": 1},
    ],
}


def written(*matchers: Any) -> str:
    return json.dumps({"problemMatcher": matchers})


def single(owner: str, regexp: str, **more: Any) -> dict[str, Any]:
    return {"owner": owner, "pattern": [{"regexp": regexp, "message": 1, **more}]}


def scan(*matchers: Any) -> Scan:
    """Each given later is newer."""
    known = Matchers()
    for matcher in matchers:
        known.add(read(written(matcher)))
    return Scan(known)


def found(scanned: Scan, *lines: str) -> list[str]:
    """The messages of the problems."""
    matches = (scanned.match(line) for line in lines)
    return [match["message"] for match in matches if match]


# --- reading --------------------------------------------------------------------------------------


@pytest.mark.covers("CMD-020")
def test_a_file_is_read() -> None:
    gcc, eslint = read(written(GCC, ESLINT))
    assert (gcc.owner, gcc.severity, len(gcc.patterns)) == ("gcc", "", 1)
    assert [pattern.loop for pattern in eslint.patterns] == [False, True]


@pytest.mark.parametrize("text", ["{}", '{"problemMatcher": []}', '{"problemMatcher": null}'])
def test_a_file_may_describe_none(text: str) -> None:
    assert read(text) == ()


def test_keys_have_any_case_and_numbers_may_be_text() -> None:
    (matcher,) = read('{"PROBLEMMATCHER": [{"Owner": "x", "Pattern": [{"Regexp": "(a)", '
                      '"MESSAGE": "1"}]}]}')  # fmt: skip
    assert matcher.owner == "x" and matcher.patterns[0].groups == {"message": 1}


@pytest.mark.covers("CMD-020", "CMD-021")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "It is not JSON: "),
        ("{", "It is not JSON: "),
        ("[" * 100_000, "It is not JSON: "),
        ("[]", "[] should be an object"),
        ('{"problemMatcher": {}}', None),
        ('{"problemMatcher": "x"}', "The property 'problemMatcher' should be a list"),
        (written(3), "3 should be an object"),
        (written({}), "Owner must not be empty"),
        (written({"owner": ""}), "Owner must not be empty"),
        (written({"owner": 1}), "The property 'owner' should be a string"),
        (written({"owner": "x"}), "Matcher 'x' does not contain any patterns"),
        (written({"owner": "x", "pattern": []}), "Matcher 'x' does not contain any patterns"),
        (written({"owner": "x", "pattern": {"regexp": "a"}}),
         "The property 'pattern' should be a list"),
        (written({**GCC, "severity": "fatal"}),
         "Matcher 'gcc' contains unexpected default severity 'fatal'"),
        (written(GCC, {**GCC, "owner": "GCC"}), "Duplicate owner name 'GCC'"),
        (written({"owner": "x", "pattern": [{"regexp": "(a)", "file": 1}]}),
         "At least one pattern must set 'message'"),
        (written(single("x", "(a)", loop=True)),
         "Only the last pattern in a multiline matcher may set 'loop'"),
        (written({"owner": "x", "pattern": [{"regexp": "a"}, {"regexp": "(b)", "loop": True}]}),
         "The loop pattern must set 'message'"),
        (written({"owner": "x", "pattern": [{"regexp": "(a)", "message": 1},
                                            {"regexp": "(b)", "message": 1}]}),
         "The property 'message' is set twice"),
        (written(single("x", "(a)", file=2)),
         "The property 'file' is set to 2 which is out of range"),
        (written(single("x", "(a)", line=-1)),
         "The property 'line' is set to -1 which is out of range"),
        (written(single("x", "(a)", fromPath=9)),
         "The property 'fromPath' is set to 9 which is out of range"),
        (written(single("x", "(a)", code="b")),
         "The property 'code' should be the number of a group"),
        (written(single("x", "(a)", code=True)),
         "The property 'code' should be the number of a group"),
        (written(single("x", "(a")), "Invalid pattern '(a': "),
        (written(single("x", "(" * 5000 + ")" * 5000)), "Invalid pattern '((("),
    ],
)  # fmt: skip
def test_files_that_are_refused(text: str, message: str | None) -> None:
    if message is None:
        assert read(text) == ()
        return
    with pytest.raises(MatcherError) as raised:
        read(text)
    assert str(raised.value).startswith(message)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("a(1)[]*+?{}\\", max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["problemMatcher", "owner", "severity", "pattern", "regexp", "message",
                             "loop", "line"]), inner, max_size=8)
    ),
)  # fmt: skip


@given(JSON)
def test_whatever_a_file_says_it_is_read_or_refused(value: Any) -> None:
    try:
        matchers = read(json.dumps(value))
    except MatcherError:
        return
    assert all(isinstance(matcher, Matcher) for matcher in matchers)


# --- one line -------------------------------------------------------------------------------------


@pytest.mark.covers("CMD-020", "CMD-021")
def test_a_line_has_its_properties() -> None:
    assert scan(GCC).match("src/a.c:3:14: warning: no return [-Wreturn]") == {
        "file": "src/a.c", "line": "3", "column": "14", "severity": "warning",
        "message": "no return", "code": "-Wreturn",
    }  # fmt: skip
    assert scan(GCC).match("src/a.c:3:14: note: no return [-Wreturn]") is None


@pytest.mark.covers("CMD-021")
@pytest.mark.parametrize(
    ("default", "written_", "level"),
    [
        (None, "", "error"),
        ("", "", "error"),
        ("Warning", "", "warning"),
        ("notice", "", "notice"),
        ("notice", "ERROR", "error"),
        ("notice", "Warning", "warning"),
        (None, "notice", "notice"),
        (None, "fatal", None),
    ],
)
def test_severity(default: str | None, written_: str, level: str | None) -> None:
    matcher = {**single("x", r"^(.+)\|(.*)$", severity=2), "severity": default}
    match = scan(matcher).match(f"text|{written_}")
    assert (match and match["severity"]) == level


@pytest.mark.covers("CMD-020")
@pytest.mark.parametrize("line", ["[]", "[  ]"])
def test_a_problem_needs_a_message(line: str) -> None:
    assert scan(single("x", r"^\[(.*)\]$")).match(line) is None


@pytest.mark.covers("CMD-020")
@pytest.mark.parametrize(
    ("regexp", "line", "groups"),
    [
        pytest.param(r"(?<file>\w+):(\d+) (.*)", "a:1 m", "a", id="groups with names come last"),
        pytest.param(r"(\d+) (.*)()", "٣ m", None, id="digits are ASCII"),
        pytest.param(r"^(\w+) (.*)()$", "é m", None, id="letters are ASCII"),
        pytest.param(r"a\/(\d+)\-(.*)()", "xx a/1-m", "", id="anywhere, needless escapes"),
    ],
)
def test_patterns_are_read_as_on_github(regexp: str, line: str, groups: str | None) -> None:
    match = scan({"owner": "x", "pattern": [
        {"regexp": regexp, "line": 1, "message": 2, "file": 3}
    ]}).match(line)  # fmt: skip
    expected = groups if groups is None else {"line": "1", "message": "m", "file": groups}
    assert match == (expected and {**expected, "severity": "error"})


# --- several lines --------------------------------------------------------------------------------


@pytest.mark.covers("CMD-021")
def test_a_loop_goes_on_with_what_the_lines_before_said() -> None:
    scanned = scan(ESLINT)
    matches = [
        scanned.match(line)
        for line in ("/a.js", "  1:2  error  one", "  3:4  warning  two", "", "  5:6  error  three",
                     "/b.js", "  7:8  error  four")
    ]  # fmt: skip
    assert [
        match and (match["file"], match["line"], match["severity"], match["message"])
        for match in matches
    ] == [
        None, ("/a.js", "1", "error", "one"), ("/a.js", "3", "warning", "two"), None, None,
        None, ("/b.js", "7", "error", "four"),
    ]  # fmt: skip


@pytest.mark.covers("CMD-021")
@pytest.mark.parametrize(
    ("lines", "messages"),
    [
        pytest.param("A1 B2 C3", ["3"], id="in order"),
        pytest.param("A1 B2 C3 C4", ["3"], id="once"),
        pytest.param("A1 B2 C3 A1 B2 C4", ["3", "4"], id="again"),
        pytest.param("A1 x B2 C3", [], id="a gap"),
        pytest.param("A1 B2 x C3", [], id="a later gap"),
        pytest.param("A1 A2 B2 C3", ["3"], id="the start again"),
        pytest.param("A1 B2 A1 C3", [], id="the start instead of the end"),
        pytest.param("A1 B2 B3 C3", [], id="the middle twice"),
        pytest.param("B2 C3", [], id="no start"),
    ],
)
def test_lines_follow_each_other(lines: str, messages: list[str]) -> None:
    assert found(scan(THREE), *lines.split()) == messages


@pytest.mark.covers("CMD-021")
def test_the_default_severity_counts_for_several_lines_too() -> None:
    scanned = scan(THREE)
    match = [scanned.match(line) for line in ("Afile", "Bcode", "Cmessage")][-1]
    assert match == {
        "file": "file", "code": "code", "message": "message", "severity": "warning",
    }  # fmt: skip


# --- several matchers -----------------------------------------------------------------------------


@pytest.mark.covers("CMD-020")
def test_the_newest_is_asked_first() -> None:
    old, new = single("old", "^old (.*)"), single("new", "^(old .*)")
    assert found(scan(old, new), "old x") == ["old x"]
    assert found(scan(new, old), "old x") == ["x"]


@pytest.mark.covers("CMD-020")
def test_the_same_owner_is_replaced() -> None:
    scanned = scan(single("tool", "^a(.*)"), single("TOOL", "^b(.*)"))
    assert found(scanned, "a1", "b2") == ["2"]
    scanned.matchers.remove(["Tool"])
    assert found(scanned, "a1", "b2") == []


@pytest.mark.covers("CMD-020", "CMD-021")
def test_a_match_ends_what_others_have_begun() -> None:
    scanned = scan(THREE, single("all", "^B(9)"))
    assert found(scanned, "A1", "B2", "C3") == ["3"]
    assert found(scanned, "A1", "B9", "C3") == ["9"]


@pytest.mark.covers("CMD-020")
def test_a_match_that_is_no_problem_leaves_the_line_to_the_next() -> None:
    scanned = scan(single("old", "^(.*)$"), single("new", "^x( *)$"))
    assert found(scanned, "x ") == ["x "]


def test_what_has_begun_survives_another_matcher() -> None:
    scanned = scan(THREE)
    assert found(scanned, "A1", "B2") == []
    scanned.matchers.add(read(written(GCC)))
    assert found(scanned, "C3") == ["3"]


def test_each_step_begins_anew() -> None:
    scanned = scan(THREE)
    assert found(scanned, "A1", "B2") == []
    assert found(Scan(scanned.matchers), "C3") == []


@pytest.mark.covers("CMD-020")
def test_a_pattern_that_thinks_for_ever_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.matchers.LIMIT", 0.2)
    scanned = scan(single("fine", "^(1).*"), single("slow", "^((?:.*?,){11}P)"))
    line = "1,2,3,4,5,6,7,8,9,10,11,12,13" * 9
    assert found(scanned, line) == ["1"]
    assert scanned.given_up() == ["slow"]
    assert [matcher.owner for matcher in scanned.matchers.known] == ["fine"]
