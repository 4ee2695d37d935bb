"""What must never be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.masks import Masks

LETTERS = "abAé\n "


@pytest.mark.covers("CMD-010", "CMD-022")
@pytest.mark.parametrize(
    ("secrets", "text", "wanted"),
    [
        pytest.param([], "abc", "abc", id="nothing to hide"),
        pytest.param(["pw"], "the pw is pw", "the *** is ***", id="everywhere"),
        pytest.param(["pw"], "PW", "PW", id="case matters"),
        pytest.param(["p"], "p", "***", id="one character"),
        pytest.param(["", " ", "\n"], "a b\n", "a b\n", id="blank ones are none"),
        pytest.param(["ab", "abcd"], "abcd ab", "*** ***", id="the longest first"),
        pytest.param(["abc", "cde"], "abcde", "***", id="overlapping become one"),
        pytest.param(["ab", "cd"], "abcd", "***", id="touching become one"),
        pytest.param(["aa"], "aaaaa", "***", id="overlapping itself"),
        pytest.param(["abab"], "ababab abab", "*** ***", id="overlapping itself by half"),
        pytest.param(["aXa"], "aXaXa aXa", "*** ***", id="overlapping itself by one"),
        pytest.param(["pw"], "pwpw pw", "*** ***", id="touching itself"),
        pytest.param(["pw"], "*pw**pw", "*********", id="among stars"),
        pytest.param(["one\ntwo"], "two one", "*** ***", id="each line"),
        pytest.param(["one\ntwo"], "one\ntwo", "***\n***", id="all of its lines"),
        pytest.param(["  one\r\n\ttwo  \n"], "one two", "*** ***", id="lines are trimmed"),
        pytest.param([" pw "], "x pw y pw", "x***y ***", id="one line, whole and trimmed"),
        pytest.param(["a.b*"], "a.b* axb", "*** axb", id="no pattern"),
        pytest.param(["pässwörd🙂"], "«pässwörd🙂»", "«***»", id="any character"),
        pytest.param(["pässWÖRD🙂"], "A «pässWÖRD🙂» B", "A «***» B", id="any capital"),
        pytest.param(["a\udcffb"], "a\udcffb", "***", id="half a character"),
        pytest.param(["one\ntwo"], "b25lCnR3bw== b25l dHdv", "*** *** ***", id="encoded lines",
                     marks=pytest.mark.covers("CMD-023")),
    ],
)  # fmt: skip
def test_hiding(secrets: list[str], text: str, wanted: str) -> None:
    assert Masks(secrets).hide(text) == wanted


@pytest.mark.covers("JOB-015")
@pytest.mark.parametrize(
    ("text", "wanted"), [("x pw y", True), ("two", True), ("p w", False), ("", False)]
)
def test_finding(text: str, wanted: bool) -> None:
    assert Masks(["pw", "one\ntwo"]).found_in(text) is wanted


def test_a_value_is_hidden_from_when_it_is_added() -> None:
    masks = Masks()
    assert masks.hide("pw") == "pw"
    masks.add("pw")
    assert masks.hide("pw") == "***"


def test_the_longest_form_is_known() -> None:
    assert Masks().longest == 0
    assert Masks(["abc", "a\nbcd", "é"]).longest == len("YQpiY2Q=")


@pytest.mark.covers("CMD-022")
@given(st.lists(st.text(LETTERS)), st.text(LETTERS))
def test_no_secret_nor_a_line_of_one_is_left(secrets: list[str], text: str) -> None:
    masks = Masks(secrets)
    shown = masks.hide(text)
    for secret in secrets:
        for value in (secret, *(line.strip() for line in secret.splitlines())):
            assert not value.strip() or value not in shown
    assert masks.hide(shown) == shown
    assert masks.found_in(text) is (shown != text)


@given(st.lists(st.text("ab")), st.text("ab\n"))
def test_lines_can_be_hidden_one_by_one(secrets: list[str], text: str) -> None:
    masks = Masks(secrets)
    assert "\n".join(masks.hide(line) for line in text.split("\n")) == masks.hide(text)
