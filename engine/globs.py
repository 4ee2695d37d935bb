"""GitHub's filter patterns: whether a branch, a tag or a path is meant.

The characters and their meanings are those of the "filter pattern cheat sheet" in GitHub's
workflow syntax reference.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from collections.abc import Sequence as Ordered
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from engine.problems import Level, Problem
from engine.source import Node, Scalar, one_or_more

_SPECIAL = frozenset("*?+[]!\\")
_RANGES = ("az", "AZ", "09")  # the only ones that GitHub documents

Accepts = Callable[[str], bool]


class _Atom(Struct, frozen=True):
    """One character of a text, or with `optional` none, or with `many` several.

    `folders` stands for `**/`: any text, but what comes after it starts a path segment.
    """

    accepts: Accepts
    optional: bool = False
    many: bool = False
    folders: bool = False


class _Fault(Struct, frozen=True):
    offset: int
    message: str
    level: Level = "error"


class Pattern(Struct, frozen=True):
    """A compiled pattern without its leading `!`, which is in `negative`."""

    text: str
    negative: bool
    atoms: tuple[_Atom, ...]

    def fullmatch(self, text: str) -> bool:
        """Whether the whole text is meant, case-sensitively.

        All places where the pattern may stand are followed at once, as the bits of a number (bit
        i: before atom i), so the time is the text's length times the pattern's, whatever they are.
        """
        accepted: dict[str, int] = {}
        many = _bits(atom.many for atom in self.atoms)
        folders = _bits(atom.folders for atom in self.atoms)
        optional = _bits(atom.optional for atom in self.atoms)
        places = _skip(1, optional | folders)
        for char in text:
            if char not in accepted:
                accepted[char] = _bits(atom.accepts(char) for atom in self.atoms)
            hit = places & accepted[char]
            skippable = optional | folders if char == "/" else optional
            places = _skip(hit & many | (hit & ~folders) << 1, skippable)
        return bool(places >> len(self.atoms))


def _bits(flags: Iterable[bool]) -> int:
    return sum(1 << index for index, flag in enumerate(flags) if flag)


def _skip(places: int, optional: int) -> int:
    """The places, and those reached by leaving out what may be left out."""
    while new := (places & optional) << 1 & ~places:
        places |= new
    return places


# --- matching -----------------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def compile(pattern: str) -> Pattern:
    """A pattern ready to match; what `check` complains of stands for itself."""
    return _Reader(pattern).pattern()


def matches(patterns: Ordered[str], text: str) -> bool:
    """Whether a text is meant by patterns of which the last that matches wins."""
    index = deciding(patterns, text)
    return index is not None and not compile(patterns[index]).negative


def deciding(patterns: Ordered[str], text: str) -> int | None:
    """The index of the pattern that decides, positive or negative; None where none matches.

    A `!` pattern takes out what one before it let in, and a later positive one lets in again.
    """
    last: int | None = None
    included = False
    for index, written in enumerate(patterns):
        pattern = compile(written)
        if pattern.negative == included and pattern.fullmatch(text):
            last, included = index, not pattern.negative
    return last


# --- reading ------------------------------------------------------------------------------------


class _Reader:
    def __init__(self, written: str) -> None:
        self.text = written
        self.negative = written.startswith("!")
        self.index = int(self.negative)
        self.atoms: list[_Atom] = []
        self.faults: list[_Fault] = []

    def pattern(self) -> Pattern:
        if not self.text[self.index :]:
            self._fault(0, f'the pattern "{self.text}" matches nothing; write a name or remove it')
        while self.index < len(self.text):
            self._one()
        return Pattern(self.text, self.negative, tuple(self.atoms))

    def _fault(self, offset: int, message: str, level: Level = "error") -> None:
        self.faults.append(_Fault(offset, message, level))

    def _one(self) -> None:
        char = self.text[self.index]
        if char == "*":
            self._stars()
        elif char in "?+":
            self._repeat(char)
        elif char == "[":
            self._set()
        elif char == "\\":
            self._escape()
        else:
            self._literal(char)

    def _literal(self, char: str) -> None:
        self.atoms.append(_Atom(char.__eq__))
        self.index += 1

    def _stars(self) -> None:
        start = self.index
        while self.text[self.index : self.index + 1] == "*":
            self.index += 1
        if self.index - start == 1:
            self.atoms.append(_Atom("/".__ne__, optional=True, many=True))
        elif self.index - start == 2 and self._is_folders(start):
            self.atoms.append(_Atom(_any, many=True, folders=True))
            self.index += 1
        else:
            self.atoms.append(_Atom(_any, optional=True, many=True))

    def _is_folders(self, start: int) -> bool:
        """`**/` that is a whole path segment may stand for no folder at all."""
        first = start == int(self.negative) or self.text[start - 1] == "/"
        after = self.text[self.index : self.index + 2]
        return first and after.startswith("/") and not after.endswith(("?", "+"))

    def _repeat(self, char: str) -> None:
        if not self.atoms or self.atoms[-1].folders:
            message = (
                f'"{char}" in "{self.text}" repeats the character before it, and none stands '
                f'there; write "\\{char}" for the character itself or "*" for any text'
            )
            self._fault(self.index, message)
            self._literal(char)
            return
        last = self.atoms[-1]
        is_optional, is_many = last.optional or char == "?", last.many or char == "+"
        self.atoms[-1] = replace(last, optional=is_optional, many=is_many)
        self.index += 1

    def _escape(self) -> None:
        escaped = self.text[self.index + 1 : self.index + 2]
        if escaped in _SPECIAL:
            self.index += 1
            self._literal(escaped)
            return
        message = (
            f'"\\{escaped}" in "{self.text}" escapes nothing: only *, ?, +, [, ], ! and \\ can be '
            "escaped, and this is not a regular expression"
        )
        self._fault(self.index, message, "warning")
        self._literal("\\")

    def _set(self) -> None:
        end = self.text.find("]", self.index + 1)
        if end == -1:
            message = (
                f'"[" in "{self.text}" is never closed; add "]", '
                'or write "\\[" for the character itself'
            )
            self._fault(self.index, message)
            self._literal("[")
            return
        members = self._members(self.index + 1, end)
        self.atoms.append(_Atom(members.__contains__))
        self.index = end + 1

    def _members(self, start: int, end: int) -> frozenset[str]:
        if start == end:
            message = f'"[]" in "{self.text}" has no characters; write those that may stand there'
            self._fault(start - 1, message)
        found: set[str] = set()
        index = start
        while index < end:
            low, dash, high = self.text[index], self.text[index + 1], self.text[index + 2 : end][:1]
            if dash == "-" and high:
                found.update(self._range(index, low, high))
                index += 3
            else:
                found.add(low)
                index += 1
        return frozenset(found)

    def _range(self, index: int, low: str, high: str) -> Iterable[str]:
        bounds = next((r for r in _RANGES if r[0] <= low <= r[1] and r[0] <= high <= r[1]), None)
        if bounds is None or low > high:
            turned = f'; did you mean "{high}-{low}"?' if bounds else ""
            message = (
                f'"{low}-{high}" in "{self.text}" is no range: a range goes upwards '
                f"within a-z, A-Z or 0-9{turned}"
            )
            self._fault(index, message)
            return (low, "-", high)
        return map(chr, range(ord(low), ord(high) + 1))


def _any(_: str) -> bool:
    return True


# --- mistakes -----------------------------------------------------------------------------------


def check(node: Node | None, key: str = "branches") -> list[Problem]:
    """What is wrong with the patterns of a filter, each at its place.

    `key` is the filter's name: path filters take names that refs can't have, and only a filter
    that includes needs a positive pattern (GitHub's workflow syntax, `on.push.branches`).
    """
    written = one_or_more(node)
    problems = [problem for scalar in written for problem in _problems(scalar, key)]
    if written and not key.endswith("-ignore") and all(s.text.startswith("!") for s in written):
        first = written[0]
        message = (
            f'"{first.text}" has nothing to exclude from, so {key} matches nothing; '
            f'put a pattern without ! before it, such as "**", or use {key}-ignore'
        )
        problems.append(Problem(first.place, message, "glob"))
    return problems


def _problems(scalar: Scalar, key: str) -> list[Problem]:
    reader = _Reader(scalar.text)
    reader.pattern()
    never = _NEVER.get(key.removesuffix("-ignore"))
    faults = [*reader.faults, *(never(scalar.text) if never else ())]
    return [_problem(scalar, fault) for fault in faults]


def _problem(scalar: Scalar, fault: _Fault) -> Problem:
    place = scalar.place_at(fault.offset) if scalar.text else scalar.place
    return Problem(place, fault.message, "glob", fault.level, scalar.place)


def _never_in_path(pattern: str) -> list[_Fault]:
    start = int(pattern.startswith("!"))
    for prefix in ("./", "../", "/"):
        if pattern.startswith(prefix, start):
            reason = (
                "paths are relative to the root of the repository and have no "
                f'"{prefix}" in front; remove it'
            )
            return [_never(pattern, "file", start, reason)]
    if pattern[start:] != pattern[start:].strip():
        at = start if pattern[start : start + 1].isspace() else len(pattern.rstrip())
        return [_never(pattern, "file", at, "there is a space at its end; remove it")]
    return []


def _never_in_ref(pattern: str) -> list[_Fault]:
    """What no name can have (git check-ref-format), and prefixes that names come without."""
    start = int(pattern.startswith("!"))
    for prefix in ("refs/heads/", "refs/tags/"):
        if pattern.startswith(prefix, start):
            rest = pattern[start + len(prefix) :]
            reason = f'names come without "{prefix}"; write "{rest}"'
            return [_never(pattern, "name", start, reason)]
    if pattern.startswith("/", start):
        return [_never(pattern, "name", start, 'no branch or tag starts with "/"; remove it')]
    if pattern.endswith("/"):
        reason = 'no branch or tag ends with "/"; remove it, or write "**" after it'
        return [_never(pattern, "name", len(pattern) - 1, reason)]
    if "[" in pattern:  # a set may list more than what stands in names
        return []
    bad = re.search(r"[ ~^:]|\.\.|//|@\{", pattern)
    if bad is None:
        return []
    return [_never(pattern, "name", bad.start(), f'no branch or tag has "{bad[0]}" in its name')]


def _never(pattern: str, what: str, at: int, reason: str) -> _Fault:
    return _Fault(at, f'"{pattern}" matches no {what}: {reason}', "warning")


_NEVER = {"branches": _never_in_ref, "tags": _never_in_ref, "paths": _never_in_path}
