"""Filter patterns: GitHub's two tables, laws, mistakes, and patterns made to be slow."""

from __future__ import annotations

import re
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import globs
from engine.problems import Problem
from engine.source import Mapping, load


def problems(written: str, key: str = "branches") -> list[Problem]:
    node, found = load(f"{key}: {written}\n", "ci.yml")
    assert isinstance(node, Mapping) and not found
    return globs.check(node.get(key), key)


# --- GitHub's tables ------------------------------------------------------------------------------


@pytest.mark.covers("WF-021")
@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        # *: any characters but /
        ("a*", ["a", "ab", "a.b-c"], ["a/", "a/b", "ba"]),
        # **: any characters
        ("a**", ["a", "ab", "a/b/c"], ["b/a"]),
        ("a***", ["a/b"], []),
        # ?: zero or one of the character before
        ("ab?c", ["ac", "abc"], ["abbc", "axc", "ab?c"]),
        ("[ab]?c", ["c", "ac", "bc"], ["abc"]),
        # +: one or more of the character before
        ("ab+c", ["abc", "abbbc"], ["ac", "ab+c"]),
        ("ab+?c", ["ac", "abbc"], ["axc"]),
        ("ab?+c", ["ac", "abbc"], ["axc"]),
        ("*+", ["", "ab"], ["a/b"]),
        # []: one character of a set or range
        ("[CB]at", ["Cat", "Bat"], ["cat", "at", "CBat"]),
        ("[1-2]00", ["100", "200"], ["300", "1-200"]),
        ("[0-9]+", ["0", "10"], ["", "a", "1a"]),
        ("[0-9a-z]", ["5", "q"], ["Q", "-", "10"]),
        ("[a-]", ["a", "-"], ["b"]),
        ("[-a]", ["a", "-"], ["b"]),
        ("[*?+]", ["*", "?", "+"], ["a", ""]),
        # !: negation at the start only
        ("a!b", ["a!b"], ["ab"]),
        # \: the next special character stands for itself
        (r"a\*b", ["a*b"], ["aab", r"a\*b"]),
        (r"a\?\+\[\]\\", [r"a?+[]" + "\\"], ["a"]),
        (r"\!a", ["!a"], ["a"]),
        (r"\[ab]", ["[ab]"], ["a"]),
        # whole names, case-sensitively, dots and the rest as they are
        ("main", ["main"], ["Main", "main2", "a/main", ""]),
        ("v1.0", ["v1.0"], ["v1x0"]),
        ("a|b(c)^$", ["a|b(c)^$"], ["a"]),
    ],
)
def test_the_characters(pattern: str, yes: list[str], no: list[str]) -> None:
    assert [text for text in yes if not globs.matches([pattern], text)] == []
    assert [text for text in no if globs.matches([pattern], text)] == []


@pytest.mark.covers("WF-021")
@pytest.mark.parametrize(
    ("patterns", "yes", "no"),
    [
        (["feature/*"], ["feature/my-branch"], ["feature/a/b"]),
        (["feature/**"], ["feature/beta-a/my-branch", "feature/x"], ["feature"]),
        (["*"], ["main"], ["a/b"]),
        (["**"], ["main", "a/b", "a/b/c.md", ".hidden"], []),
        (["*feature"], ["mona-feature", "feature", "ver-10-feature"], ["a/feature"]),
        (["v2*"], ["v2", "v2.0", "v2.9"], ["v1"]),
        (["v[12].[0-9]+.[0-9]+"], ["v1.10.1", "v2.0.0"], ["v3.0.0", "v1.10"]),
        (["*.jsx?"], ["page.js", "page.jsx"], ["page.jsxx", "a/page.js"]),
        (["**.js"], ["index.js", "js/index.js", "src/js/app.js"], ["index.jsx"]),
        (["docs/*"], ["docs/README.md"], ["docs/a/b.md"]),
        (["docs/**/*.md"], ["docs/README.md", "docs/a/b/c.md"], ["x/docs/a.md"]),
        (
            ["**/docs/**"],
            ["docs/hello.md", "dir/docs/my-file.txt", "space/docs/plan/space.doc"],
            ["mydocs/a"],
        ),
        (["**/*src/**"], ["a/src/app.js", "my-src/code/js/app.js"], ["src"]),
        (["**/*-post.md"], ["my-post.md", "path/their-post.md"], ["post.md"]),
        (
            ["**/migrate-*.sql"],
            ["migrate-10909.sql", "db/migrate-v1.0.sql", "db/sept/migrate-v1.sql"],
            ["db/migrate.sql"],
        ),
        (["*.md", "!README.md"], ["hello.md"], ["README.md", "docs/hello.md"]),
        (["*.md", "!README.md", "README*"], ["hello.md", "README.md", "README.doc"], ["a.doc"]),
        # documented beside the tables: order decides, and ! alone lets nothing in
        (["releases/**", "!releases/**-alpha"], ["releases/10"], ["releases/beta/3-alpha"]),
        (["!releases/**-alpha", "releases/**"], ["releases/beta/3-alpha"], []),
        (["!x"], [], ["x", "y"]),
        ([], [], ["", "x"]),
        # **/ is only a whole path segment: no folder, or some
        (["**/a"], ["a", "b/a", "b/c/a"], ["ba"]),
        (["x/**/a"], ["x/a", "x/b/a"], ["xa", "x/ba"]),
        (["x**/a"], ["x/a", "xy/z/a"], ["xa", "a"]),
        (["**/**/a"], ["a", "b/a", "b/c/a"], ["ba"]),
        (["**/?a"], ["a", "/a", "ba", "b/a"], ["b"]),
    ],
)
def test_the_cheat_sheet(patterns: list[str], yes: list[str], no: list[str]) -> None:
    assert [text for text in yes if not globs.matches(patterns, text)] == []
    assert [text for text in no if globs.matches(patterns, text)] == []


def test_the_pattern_that_decides_is_known() -> None:
    patterns = ["*.md", "!README.md", "!x", "R*"]
    assert globs.deciding(patterns, "hello.md") == 0
    assert globs.deciding(patterns[:3], "README.md") == 1
    assert globs.deciding(patterns, "README.md") == 3
    assert globs.deciding(patterns, "x") is None


# --- laws -----------------------------------------------------------------------------------------


@given(st.text("abc./-_ ü", max_size=8), st.text("abc./-_ ü", max_size=8))
def test_a_pattern_without_special_characters_matches_itself_only(text: str, other: str) -> None:
    assert globs.matches([text], text)
    assert globs.matches([text], other) == (text == other)


@given(st.text(max_size=8))
def test_an_escaped_text_matches_itself(text: str) -> None:
    escaped = re.sub(r"[*?+\[\]!\\]", r"\\\g<0>", text)
    assert globs.matches([escaped], text)


def _reference(pattern: str, text: str) -> bool:
    """The rules once more, by trying all there is."""

    @cache
    def at(p: int, t: int) -> bool:
        if p == len(pattern):
            return t == len(text)
        if pattern.startswith("**/", p) and (p == 0 or pattern[p - 1] == "/"):
            ends = [e for e in range(t, len(text) + 1) if e == t or text[e - 1] == "/"]
            return any(at(p + 3, e) for e in ends)
        if pattern.startswith("**", p):
            width = len(pattern[p:]) - len(pattern[p:].lstrip("*"))
            return any(at(p + width, e) for e in range(t, len(text) + 1))
        if pattern[p] == "*":
            ends = [e for e in range(t, len(text) + 1) if "/" not in text[t:e]]
            return any(at(p + 1, e) for e in ends)
        char, sign = pattern[p], pattern[p + 1 : p + 2]
        run = len(text[t:]) - len(text[t:].lstrip(char))
        if sign == "?":
            return any(at(p + 2, t + n) for n in range(min(run, 1) + 1))
        if sign == "+":
            return any(at(p + 2, t + n) for n in range(1, run + 1))
        return run > 0 and at(p + 1, t + 1)

    return at(0, 0)


PARTS = st.sampled_from(["a", "b", "/", "*", "**", "**/", "a?", "b+", "/?"])


@given(st.lists(PARTS, max_size=7).map("".join), st.text("ab/", max_size=7))
def test_matching_is_what_trying_everything_finds(pattern: str, text: str) -> None:
    if not re.search(r"\*\*/[?+]|\*[?+]", pattern):
        assert globs.matches([pattern], text) == _reference(pattern, text)


@given(st.lists(st.text("ab*!", max_size=3), max_size=4), st.text("ab", max_size=3))
def test_the_last_match_wins(patterns: list[str], text: str) -> None:
    included = False
    for pattern in patterns:
        if globs.matches([pattern.removeprefix("!")], text):
            included = not pattern.startswith("!")
    # a text that starts with ! after one ! is another negation only for the outer pattern
    if not any(pattern.startswith("!!") for pattern in patterns):
        assert globs.matches(patterns, text) == included


@given(st.text("a*?+[]!\\/-0z", max_size=12), st.text("a/0z", max_size=6))
def test_no_pattern_breaks(pattern: str, text: str) -> None:
    assert globs.matches([pattern], text) in (True, False)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("*a" * 500 + "b", "a" * 4000),
        ("**a" * 500 + "b", "a/" * 2000),
        ("a?" * 1000 + "a" * 1000, "a" * 1000),
        ("**/" * 1000 + "b", "a/" * 2000),
        ("[a-z]+" * 500 + "0", "a" * 4000),
        ("*" * 5000, "a" * 4000 + "/"),
    ],
)
def test_no_pattern_takes_for_ever(pattern: str, text: str) -> None:
    assert globs.compile(pattern).fullmatch(text) in (True, False)


# --- mistakes -------------------------------------------------------------------------------------


@pytest.mark.covers("WF-022")
@pytest.mark.parametrize(
    ("written", "column", "message"),
    [
        ("'v[12'", 13, 'is never closed; add "]"'),
        ("'+main'", 12, "none stands there"),
        ("'?main'", 12, "none stands there"),
        ("'!+a'", 13, "none stands there"),
        ("'a[]'", 13, "has no characters"),
        ("'[z-a]'", 13, 'did you mean "a-z"?'),
        ("'[A-z]'", 13, "within a-z, A-Z or 0-9"),
        ("'a[x0-9!-/]'", 18, "within a-z, A-Z or 0-9"),
        ("''", 11, "matches nothing"),
        ("['a', '!']", 18, "matches nothing"),
        (r"'v\d+'", 13, "this is not a regular expression"),
        (r"'v\'", 13, "escapes nothing"),
        ("['!a']", 12, 'put a pattern without ! before it, such as "**", or use branches-ignore'),
        ("['!a', '!b']", 12, "has nothing to exclude from"),
        ("refs/heads/main", 11, 'write "main"'),
        ("'!refs/tags/v1'", 13, 'write "v1"'),
        ("'a b'", 13, 'has " " in its name'),
        ("/main", 11, 'no branch or tag starts with "/"'),
        ("releases/", 19, 'no branch or tag ends with "/"'),
        ("a..b", 12, 'has ".." in its name'),
        ("a//b", 12, 'has "//" in its name'),
        ("'a@{0}'", 13, 'has "@{" in its name'),
    ],
)
def test_a_mistake_is_told_at_its_place(written: str, column: int, message: str) -> None:
    found = problems(written)[0]
    assert message in found.message
    assert (found.place.line, found.place.column, found.rule) == (1, column, "glob")


@pytest.mark.parametrize("written", ["'a b'", "'x~'", r"'a\b'", "refs/heads/a"])
def test_what_only_never_matches_is_a_warning(written: str) -> None:
    assert [problem.level for problem in problems(written)] == ["warning"]


@pytest.mark.parametrize(
    ("key", "written", "message"),
    [
        ("paths", "./src/**", 'have no "./" in front'),
        ("paths-ignore", "/src", 'have no "/" in front'),
        ("paths", "'../a'", 'have no "../" in front'),
        ("paths", "' a'", "there is a space at its end"),
        ("paths", "'a '", "there is a space at its end"),
    ],
)
def test_paths_start_at_the_root(key: str, written: str, message: str) -> None:
    assert message in problems(written, key)[0].message


@pytest.mark.parametrize(
    ("key", "written"),
    [
        ("branches", "[main, 'releases/**', '!releases/**-alpha']"),
        ("branches", "main"),
        ("branches", "['v[12].[0-9]+.[0-9]+', '*.x', 'a?', '[^a]']"),
        ("branches", "[1.0, 2]"),
        ("branches-ignore", "['!a']"),
        ("paths", "['docs/my file.md', '**']"),
        ("names", "[My Image]"),
        ("branches", "[$default-branch]"),
        ("branches", ""),
    ],
)
def test_good_patterns_have_no_problems(key: str, written: str) -> None:
    assert problems(written, key) == []
