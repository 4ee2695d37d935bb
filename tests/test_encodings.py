"""The other forms of a secret."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.encodings import encodings
from engine.masks import Masks

TEXTS = st.text(st.characters(codec="utf-8"), min_size=1).filter(str.strip)


@pytest.mark.covers("CMD-023")
@pytest.mark.parametrize(
    ("value", "form"),
    [
        pytest.param("hunter2", "aHVudGVyMg==", id="base64"),
        pytest.param("hunter2", "dW50ZXIy", id="base64 without the first byte"),
        pytest.param("hunter2", "bnRlcjI=", id="base64 without the first two bytes"),
        pytest.param("é", "w6k=", id="base64 of UTF-8"),
        pytest.param('a"b\\c\té', 'a\\"b\\\\c\\té', id="JSON"),
        pytest.param("one\ntwo", "one\\ntwo", id="JSON of lines"),
        pytest.param("a b/c?é~", "a%20b%2Fc%3F%C3%A9~", id="URI"),
        pytest.param("one\ntwo", "one%0Atwo", id="URI of lines"),
        pytest.param("<a&\"b'>", "&lt;a&amp;&quot;b&apos;&gt;", id="XML"),
        pytest.param('a"b', 'a\\"b', id="argument of a command"),
        pytest.param("it's", "it''s", id="string in an expression"),
        pytest.param('"hunter2"', "hunter2", id="without its quotes"),
        pytest.param("first&second&third&more", "first&second&third&", id="before the last &"),
        pytest.param("first&second&third", "first&second&", id="the part before &"),
        pytest.param("first&second&thirds", "thirds", id="the part behind &"),
        pytest.param("first&+second&third", "first&+", id="the part with &+"),
        pytest.param("first&+second&third", "econd&third", id="the part behind &+ and a sign"),
    ],
)
def test_forms(value: str, form: str) -> None:
    assert form in set(encodings(value))


@pytest.mark.covers("CMD-023")
@pytest.mark.parametrize(
    ("value", "not_hidden"),
    [
        ('"secret"', "secret"),  # not longer than 8
        ('"hunter23', "hunter23"),
        ("ab&cdefghi", "ab&"),
        ("abcdefgh&ij", "ij"),
        ("abc&+d", "d"),
    ],
)
def test_short_parts_are_no_secrets(value: str, not_hidden: str) -> None:
    assert not_hidden not in set(encodings(value))


@pytest.mark.covers("CMD-023")
@given(TEXTS, st.binary(max_size=4), st.integers(0, 3))
def test_base64_is_found_wherever_the_secret_begins(value: str, before: bytes, more: int) -> None:
    secret = value.encode()
    text = base64.b64encode(before + secret).decode()
    start = -len(before) % 3
    if len(secret) > start:
        shown = Masks([value]).hide(text)
        assert base64.b64encode(secret[start:]).decode() not in shown


@pytest.mark.covers("CMD-023")
@given(TEXTS)
def test_no_usual_encoding_tells_a_secret(value: str) -> None:
    masks = Masks([value])
    for form in (
        json.dumps(value, ensure_ascii=False)[1:-1],
        quote(value, safe=""),
        escape(value, {'"': "&quot;", "'": "&apos;"}),
        value.replace("'", "''"),
        value.replace('"', '\\"'),
        base64.b64encode(value.encode()).decode(),
    ):
        if "\n" not in form:
            assert form not in masks.hide(f"<{form}>")


@pytest.mark.covers("CMD-023")
@pytest.mark.parametrize("token", ["ghs_0123456789", "ghs_012345678", "ghs_01234567"])
def test_the_token_as_git_sends_it(token: str) -> None:
    sent = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    hidden = Masks([token]).hide(f"AUTHORIZATION: basic {sent}")
    assert hidden == "AUTHORIZATION: basic eC1hY2Nlc3MtdG9rZW46***"
