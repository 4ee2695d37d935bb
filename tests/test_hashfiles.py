"""hashFiles: the files, their order, and the digest."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.expr import ExprError
from engine.hashfiles import Patterns, combine, parse, select

WORKSPACE = "/home/runner/work/hello/hello"
LISTING = [
    ".hidden/x.lock", "a.lock", "a/b.lock", "a/b/c.lock", "a/B.lock", "a-b/c.lock",
    "docs/readme.md",
    "package-lock.json", "src/package-lock.json", "src/lib/x.rb", "src/[x].rb", "é.lock",
]  # fmt: skip


def chosen(*patterns: str) -> list[str]:
    return select(patterns, LISTING, WORKSPACE)


@pytest.mark.covers("EXPR-023")
@pytest.mark.parametrize(
    ("patterns", "wanted"),
    [
        (["**/package-lock.json"], ["package-lock.json", "src/package-lock.json"]),
        (["package-lock.json"], ["package-lock.json"]),
        (["./package-lock.json"], ["package-lock.json"]),
        (["*.lock"], ["a.lock", "é.lock"]),
        (["?.lock"], ["a.lock", "é.lock"]),
        (["[ab].lock"], ["a.lock"]),
        (["[!b].lock"], ["a.lock", "é.lock"]),
        (["[a-c].lock"], ["a.lock"]),
        (["src/\\[x].rb"], ["src/[x].rb"]),
        (["src/[[]x].rb"], ["src/[x].rb"]),
        (["[z-a].lock", "["], []),
        (["**/*.{lock,md}"], []),
        (["a"], ["a/B.lock", "a/b/c.lock", "a/b.lock"]),
        (["a/"], ["a/B.lock", "a/b/c.lock", "a/b.lock"]),
        (["a.lock/"], []),
        (["a/*/"], ["a/b/c.lock"]),
        (["a/**"], ["a/B.lock", "a/b/c.lock", "a/b.lock"]),
        (["a/**/c.lock", "a/**/b/**/**"], ["a/b/c.lock"]),
        (["a**"], ["a/B.lock", "a/b/c.lock", "a/b.lock", "a-b/c.lock", "a.lock"]),
        (["*a*b*"], ["a-b/c.lock"]),
        (["**", "!**/*.lock"], ["docs/readme.md", "package-lock.json", "src/[x].rb",
                                "src/lib/x.rb", "src/package-lock.json"]),
        (["**/*.md", "!docs", "docs/readme.md"], ["docs/readme.md"]),
        (["docs", "!docs/"], []),
        (["docs", "!!docs"], ["docs/readme.md"]),
        (["# docs\n\n  docs  \n"], ["docs/readme.md"]),
        (["!docs"], []),
        ([], []),
        (["nope", "", "*.nope"], []),
        (["~/work/hello/hello/docs"], ["docs/readme.md"]),
    ],
)  # fmt: skip
def test_which_files(patterns: list[str], wanted: list[str]) -> None:
    assert sorted(chosen(*patterns)) == sorted(wanted)


@pytest.mark.covers("EXPR-023")
def test_the_order_of_the_walk() -> None:
    assert chosen("**/*.lock") == [
        ".hidden/x.lock", "a/B.lock", "a/b/c.lock", "a/b.lock", "a-b/c.lock", "a.lock", "é.lock",
    ]  # fmt: skip
    assert chosen("src/*.json", "docs", "a.lock") == [
        "src/package-lock.json", "docs/readme.md", "a.lock",
    ]  # fmt: skip
    # A place inside of another is not walked by itself.
    assert chosen("src/*.json", "docs", "**/package-lock.json") == [
        "docs/readme.md", "package-lock.json", "src/package-lock.json",
    ]  # fmt: skip


@pytest.mark.covers("EXPR-024")
def test_only_the_workspace() -> None:
    assert chosen("/src/**", "/docs/readme.md", "/etc") == []
    assert chosen(f"{WORKSPACE}/docs/*") == ["docs/readme.md"]
    assert chosen("/**/readme.md") == ["docs/readme.md"]
    assert select(["*.x"], ["a.x"], "/odd [dir]*") == ["a.x"]


@pytest.mark.parametrize("pattern", ["../x", "a/../b", "a/./b", "/./a", "!"])
def test_rejected_patterns(pattern: str) -> None:
    with pytest.raises(ExprError, match="pattern"):
        chosen(pattern)


@pytest.mark.covers("EXPR-024")
def test_the_option() -> None:
    assert parse(["a", "b"]) == Patterns(("a", "b"))
    assert parse(["--Follow-Symbolic-Links", "a"]) == Patterns(("a",), follow_links=True)
    assert parse([]) == Patterns(())
    with pytest.raises(ExprError, match="Invalid glob option --nope"):
        parse(["--nope", "a"])


@pytest.mark.covers("EXPR-023")
def test_a_digest_of_digests() -> None:
    one, two = (hashlib.sha256(text).digest() for text in (b"one", b"two"))
    assert combine([one, two]) == hashlib.sha256(one + two).hexdigest()
    assert combine([one]) == hashlib.sha256(one).hexdigest()
    assert combine([]) == ""


SEGMENTS = st.sampled_from(["a", "b", "ab", ".c", "é"])
PATHS = st.lists(SEGMENTS, min_size=1, max_size=4).map("/".join)
GLOBS = st.lists(st.sampled_from(["a", "b", "*", "**", "a*", "?", "[ab]"]), min_size=1, max_size=4)


@given(st.sets(PATHS, max_size=12), GLOBS.map("/".join))
def test_law_a_selection_is_part_of_the_listing_in_walk_order(paths: set[str], glob: str) -> None:
    made = select([glob], sorted(paths), "/w")
    assert set(made) <= paths
    assert made == sorted(made, key=lambda path: [part.encode() for part in path.split("/")])
    assert select([glob, "!**"], sorted(paths), "/w") == []
    assert set(select([glob, "**"], sorted(paths), "/w")) == paths


def test_no_pattern_takes_for_ever() -> None:
    steep = "/".join(["**", "*a*a*a*a*a*a*a*b"] * 10)
    assert select([steep], ["/".join(["a" * 200] * 40)], "/w") == []
