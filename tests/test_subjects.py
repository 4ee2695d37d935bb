"""Artifacts that steps declare."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.subjects import LARGEST, MOST, Subject, SubjectError, added, listed, read

DIGITS = "0123456789abcdef" * 4
IMAGE = f"ghcr.io/o/r:1@sha256:{DIGITS}"


@pytest.mark.covers("CMD-007")
@pytest.mark.parametrize(
    ("line", "name", "digest", "kind", "path"),
    [
        ("dist/app.tgz", "app.tgz", "", "file", "dist/app.tgz"),
        ("  /opt/a b \r", "a b", "", "file", "/opt/a b"),
        ("file://a@sha256:12", "a@sha256:12", "", "file", "a@sha256:12"),
        ("FILE://./x/../y", "y", "", "file", "./x/../y"),
        (IMAGE, "ghcr.io/o/r:1", f"sha256:{DIGITS}", "oci", ""),
        (f"oci://{IMAGE}", "ghcr.io/o/r:1", f"sha256:{DIGITS}", "oci", ""),
        (f"r@sha512:{DIGITS.upper()}{DIGITS}", "r", f"sha512:{DIGITS}{DIGITS}", "oci", ""),
        ("r@sha256:1234", "r@sha256:1234", "", "file", "r@sha256:1234"),
    ],
)
def test_a_line_declares_a_file_or_an_image(
    line: str, name: str, digest: str, kind: str, path: str
) -> None:
    (found,) = read(f"# a comment\n\n{line}\n")
    assert (found.line, found.name, found.digest, found.kind, found.path) == (
        3, name, digest, kind, path,
    )  # fmt: skip


@pytest.mark.covers("CMD-007")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\nb=c", "Line 2: entries with '=' are reserved"),
        ("https://x/y", "Line 1: 'https://' is neither file:// nor oci://"),
        ("oci://r", "Line 1: an image needs @sha256:, @sha384: or @sha512: at its end"),
        ("oci://r@sha384:12", "Line 1: a sha384 has 96 digits, not 2"),
        ("x" * (LARGEST + 1), "The file has more than 1024k."),
    ],
)
def test_lines_that_are_refused(text: str, message: str) -> None:
    with pytest.raises(SubjectError) as raised:
        read(text)
    assert str(raised.value) == message


@given(st.text("a/@:#=\n\r shaoci2561fle", max_size=40))
def test_whatever_is_written_is_read_or_refused(text: str) -> None:
    try:
        found = read(text)
    except SubjectError:
        return
    assert all(one.digest or one.path for one in found)


def file(name: str, line: int = 1) -> Subject:
    return Subject(line, name, "", "file", name).hashed(DIGITS)


@pytest.mark.covers("CMD-007")
def test_the_same_again_is_one() -> None:
    assert list(added({"a": file("a")}, [file("b"), file("a", 2), file("b", 3)])) == ["b"]


@pytest.mark.covers("CMD-007")
def test_a_name_has_one_digest() -> None:
    with pytest.raises(SubjectError, match="Line 2: 'a' was declared before as sha256:0123"):
        added({"a": file("a")}, [Subject(2, "a", "sha256:ffff", "oci")])


@pytest.mark.covers("CMD-007")
def test_a_job_declares_so_many() -> None:
    known = added({}, [file(str(number)) for number in range(MOST)])
    assert len(known) == MOST and added(known, [file("7")]) == {}
    with pytest.raises(SubjectError, match="Line 9: a job declares 500 artifacts at most"):
        added(known, [file("more", 9)])


@pytest.mark.covers("CMD-007")
def test_the_list() -> None:
    assert json.loads(listed([file("b"), Subject(1, "A", "sha512:ff", "oci")])) == {
        "version": 1,
        "subjects": [
            {"name": "A", "digest": "sha512:ff", "kind": "oci"},
            {"name": "b", "digest": f"sha256:{DIGITS}", "kind": "file"},
        ],
    }
