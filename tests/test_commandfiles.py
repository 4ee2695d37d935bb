"""What a step writes to its command files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.commandfiles import FileCommandError, entries, pairs

NO_NEWLINE = "Invalid value. EOF marker missing new line."


def unmatched(delimiter: str) -> str:
    return f"Invalid value. Matching delimiter not found '{delimiter}'"


def empty(line: str) -> str:
    return f"Invalid format '{line}'. Name must not be empty and delimiter must not be empty"


@pytest.mark.covers("CMD-001", "CMD-002")
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("", {}, id="nothing"),
        pytest.param("\n\n\n", {}, id="empty lines"),
        pytest.param("a=b\n", {"a": "b"}, id="pair"),
        pytest.param("a=b", {"a": "b"}, id="pair without newline"),
        pytest.param("a=1\n\nb=2\n", {"a": "1", "b": "2"}, id="empty line between"),
        pytest.param("a=\n", {"a": ""}, id="empty value"),
        pytest.param("a=b=c\n", {"a": "b=c"}, id="value with ="),
        pytest.param("a=b<<c\n", {"a": "b<<c"}, id="value with <<"),
        pytest.param(" a = b \n", {" a ": " b "}, id="nothing is trimmed"),
        pytest.param("=x\n", {"": "x"}, id="empty name"),
        pytest.param("a=1\na=2\n", {"a": "2"}, id="the later wins"),
        pytest.param("a=1\nA=2\n", {"a": "1", "A": "2"}, id="case of names"),
        pytest.param("a=b\r\n", {"a": "b\r"}, id="CR stays"),
        pytest.param("a<<E\nx\nE\n", {"a": "x"}, id="block"),
        pytest.param("a<<E\nx\nE", {"a": "x"}, id="block without last newline"),
        pytest.param("a<<E\nE\n", {"a": ""}, id="empty block"),
        pytest.param("a<<E\n\nE\n", {"a": ""}, id="one empty line"),
        pytest.param("a<<E\n\n\nE\n", {"a": "\n"}, id="two empty lines"),
        pytest.param("a<<E\nx\n\n y \nE\nb=1\n", {"a": "x\n\n y ", "b": "1"}, id="lines are kept"),
        pytest.param("a<<E\n E\nE \nE\n", {"a": " E\nE "}, id="exactly the delimiter"),
        pytest.param("a<<E\nb=c\nd<<F\nE\n", {"a": "b=c\nd<<F"}, id="no pairs inside"),
        pytest.param("a<<E=F\nx\nE=F\n", {"a": "x"}, id="= in the delimiter"),
        pytest.param("a<<<<\nx\n<<\n", {"a": "x"}, id="<< as the delimiter"),
        pytest.param("a<<E\r\nx\r\nE\r\n", {"a": "x\r"}, id="CR LF"),
        pytest.param("a<<ghadelimiter_1f\nx\nghadelimiter_1f\n", {"a": "x"}, id="toolkit"),
        pytest.param("a=1\na<<E\n2\nE\n", {"a": "2"}, id="a block is later"),
    ],
)
def test_the_grammar(text: str, wanted: dict[str, str]) -> None:
    assert dict(pairs(text)) == wanted


@pytest.mark.covers("CMD-003")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\n", "Invalid format 'a'"),
        (" \n", "Invalid format ' '"),
        ("a=1\nnonsense < x\n", "Invalid format 'nonsense < x'"),
        ("<<E\nx\nE\n", empty("<<E")),
        ("a<<\nx\n", empty("a<<")),
        ("a<<", empty("a<<")),
        ("a<<E\n", unmatched("E")),
        ("a<<E", unmatched("E")),
        ("a<<E\nx\n", unmatched("E")),
        ("a<<E\nx\ne\n", unmatched("E")),
        ("a<<E\nx", NO_NEWLINE),
        ("a<<E\nxE", NO_NEWLINE),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(FileCommandError) as caught:
        list(pairs(text))
    assert str(caught.value) == message
    before = pairs(f"ok=1\n{text}")
    assert next(before) == ("ok", "1")


NAMES = st.text(st.characters(exclude_characters="=<\n", exclude_categories=["Cs"]), min_size=1)
LINES = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.mark.covers("CMD-002")
@given(st.dictionaries(NAMES, LINES))
def test_any_value_comes_back_from_a_block(values: dict[str, str]) -> None:
    mark = "E" * (1 + max((len(value) for value in values.values()), default=0))
    text = "".join(f"{name}<<{mark}\n{value}\n{mark}\n" for name, value in values.items())
    assert dict(pairs(text)) == values


@pytest.mark.covers("CMD-001")
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", []),
        ("/a\n\n/b\n", ["/a", "/b"]),
        ("/a b \n/c", ["/a b ", "/c"]),
        ("/a:/b\n", ["/a:/b"]),
        (" \n", [" "]),
    ],
)
def test_lines_of_the_path_are_entries_as_given(text: str, wanted: list[str]) -> None:
    assert entries(text) == wanted
