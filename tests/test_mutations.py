"""Real files, spoilt in thousands of ways: there are always problems or none, and nothing else."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from test_real_workflows import FILES, text

from engine.cli.documents import Document
from engine.cli.linting import problems

EACH = 500
JUNK = [
    b"\0",
    b"\xff",
    b"\t",
    b": ",
    b"- ",
    b"${{",
    b"}}",
    b"&a ",
    b"*a ",
    b"!!int ",
    b"<<",
    b"|\n",
]
VALUES = [
    *("", "true", "12", "1e999", "[]", "{}", "[[]]", "{a: {}}", "[{a: b}]", "'", '"x', "*a", "~"),
    *("./x", "docker://", "${{ x", "${{ github }}", "${{ matrix.x.*.y[0] }}", "${{ null || 1 }}"),
    "${{ fromJSON('[1') }} ${{ format('{0}') }}",
]


def flip_bytes(given: random.Random, content: bytes) -> bytes:
    spoilt = bytearray(content)
    for _ in range(given.randint(1, 8)):
        spoilt[given.randrange(len(spoilt))] = given.randrange(128 if given.random() < 0.9 else 256)
    return bytes(spoilt)


def insert_junk(given: random.Random, content: bytes) -> bytes:
    at = given.randrange(len(content))
    return content[:at] + given.choice(JUNK) + content[at:]


def cut_off(given: random.Random, content: bytes) -> bytes:
    return content[: given.randrange(len(content))]


def lines(change: Callable[[random.Random, list[str], int], None]) -> Callable[..., bytes]:
    """A change of one line, as a change of a file."""

    def spoil(given: random.Random, content: bytes) -> bytes:
        written = content.decode(errors="surrogateescape").splitlines(keepends=True)
        change(given, written, given.randrange(len(written)))
        return "".join(written).encode(errors="surrogateescape")

    return spoil


def indent(given: random.Random, written: list[str], at: int) -> None:
    written[at] = " " * given.randint(0, 12) + written[at].lstrip(" ")


def repeat(given: random.Random, written: list[str], at: int) -> None:
    written.insert(given.randrange(len(written)), written[at])


def drop(given: random.Random, written: list[str], at: int) -> None:
    del written[at : at + given.randint(1, 5)]


def drop_word(given: random.Random, written: list[str], at: int) -> None:
    words = written[at].split(" ")
    del words[given.randrange(len(words))]
    written[at] = " ".join(words)


def retype(given: random.Random, written: list[str], at: int) -> None:
    key, colon, _ = written[at].partition(":")
    written[at] = f"{key}{colon} {given.choice(VALUES)}\n"


def swap(given: random.Random, written: list[str], at: int) -> None:
    other = given.randrange(len(written))
    written[at], written[other] = written[other], written[at]


CHANGES: dict[str, Callable[[random.Random, bytes], bytes]] = {
    "bytes": flip_bytes,
    "junk": insert_junk,
    "end": cut_off,
    "indentation": lines(indent),
    "a line twice": lines(repeat),
    "lines gone": lines(drop),
    "a word gone": lines(drop_word),
    "another type": lines(retype),
    "lines swapped": lines(swap),
}


def several(given: random.Random, content: bytes) -> bytes:
    for change in given.choices([*CHANGES.values()], k=3):
        content = change(given, content) or b"a: b\n"
    return content


@pytest.mark.parametrize("change", [*CHANGES, "several"])
def test_a_spoilt_file_gives_problems_or_none(change: str) -> None:
    given = random.Random(change)
    for number in range(EACH):
        name = given.choice(list(FILES))
        spoilt = CHANGES.get(change, several)(given, text(name).encode())
        document = Document(name, spoilt, Path("/repository", name), FILES[name]["kind"])
        try:
            found, _ = problems(document)
        except Exception as error:
            pytest.fail(f"{error!r} for change {number} of {name}:\n{spoilt!r}")
        assert all(p.message and p.rule and p.place.file == name for p in found)
