"""hashFiles: which files, in which order, and one digest of digests.

The rules are those of actions/runner (HashFilesFunction, hashFiles) and of @actions/glob.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from engine.expr import ExprError

FOLLOW = "--follow-symbolic-links"
_PIECE = re.compile(
    r"(?P<star>\*+)|(?P<any>\?)|\[(?P<not>[!^]?)(?P<set>\]?[^\]]+)\]|\\(?P<escaped>.)|.", re.DOTALL
)
_Steps = tuple[re.Pattern[str] | None, ...]


class Patterns(Struct, frozen=True):
    """The arguments of one `hashFiles`: its patterns in order, and its one option."""

    patterns: tuple[str, ...]
    follow_links: bool = False


class _Pattern(Struct, frozen=True):
    negated: bool
    segments: tuple[str, ...]  # of the absolute path, without the root
    directories: bool  # a trailing `/`: no file matches it, only what is below


def parse(arguments: Sequence[str]) -> Patterns:
    """The arguments told apart; raises ExprError for an option that GitHub does not know."""
    first = arguments[0] if arguments else ""
    follow = first.lower() == FOLLOW
    if first.startswith("--") and not follow:
        raise ExprError(f"Invalid glob option {first}, available option: '{FOLLOW}'.")
    return Patterns(tuple(arguments[1:] if follow else arguments), follow)


def select(
    patterns: Sequence[str],
    listing: Sequence[str],
    workspace: str,
    home: str = "/home/runner",
) -> list[str]:
    """The files of `listing` that `patterns` choose, in the order of GitHub's walk.

    `listing` has the paths of files (no directories), relative to `workspace`, with `/` between.
    Raises ExprError for a pattern that GitHub rejects.
    """
    read = list(_read(patterns, workspace, home))
    tests = [(pattern.negated, _steps(pattern)) for pattern in read]
    roots = _search_roots(read)
    base = _segments(workspace)
    chosen: list[tuple[int, list[bytes], str]] = []
    for path in listing:
        full = (*base, *_segments(path))
        root = next((n for n, root in enumerate(roots) if full[: len(root)] == root), None)
        if root is not None and _chosen(tests, full):
            chosen.append((root, [segment.encode() for segment in full], path))
    return [path for _, _, path in sorted(chosen)]


def combine(digests: Sequence[bytes]) -> str:
    """The result, from each file's raw SHA-256 in order: hexadecimal, '' when there is no file."""
    return hashlib.sha256(b"".join(digests)).hexdigest() if digests else ""


def _segments(path: str) -> tuple[str, ...]:
    return tuple(segment for segment in path.split("/") if segment)


def _read(patterns: Sequence[str], workspace: str, home: str) -> Iterator[_Pattern]:
    """One pattern a line; blank lines and comments are none."""
    for line in "\n".join(patterns).split("\n"):
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        negated = False
        while pattern.startswith("!"):
            negated, pattern = not negated, pattern[1:].strip()
        yield _Pattern(negated, _absolute(pattern, workspace, home), pattern.endswith("/"))


def _absolute(pattern: str, workspace: str, home: str) -> tuple[str, ...]:
    if not pattern:
        raise ExprError("pattern cannot be empty")
    segments = _segments(pattern)
    if ".." in segments or "." in segments[0 if pattern.startswith("/") else 1 :]:
        raise ExprError(
            f"Invalid pattern '{pattern}'. Relative pathing '.' and '..' is not allowed."
        )
    if pattern.startswith("/"):
        return segments
    if segments[0] in (".", "~"):
        start = workspace if segments[0] == "." else home
        return (*map(_escaped, _segments(start)), *segments[1:])
    return (*map(_escaped, _segments(workspace)), *segments)


def _escaped(segment: str) -> str:
    return re.sub(r"([*?\[\\])", r"\\\1", segment)


def _chosen(tests: Sequence[tuple[bool, _Steps]], parts: Sequence[str]) -> bool:
    """The last pattern that matches decides."""
    return next((not negated for negated, steps in reversed(tests) if _fits(steps, parts)), False)


def _steps(pattern: _Pattern) -> _Steps:
    """One test a segment, None for `**`; what lies below a directory of that name fits too."""
    steps = [None if segment == "**" else _glob(segment) for segment in pattern.segments]
    return (*steps, None, _glob("*")) if pattern.directories else (*steps, None)


def _fits(steps: _Steps, parts: Sequence[str]) -> bool:
    """Whether `steps` lead to the end of `parts`; keeping every place, it tries nothing twice."""
    places = _reached(steps, {0})
    for part in parts:
        passed = {n + 1 for n in places if n < len(steps) and _passes(steps[n], part)}
        stayed = {n for n in places if n < len(steps) and steps[n] is None}
        places = _reached(steps, passed | stayed)
    return len(steps) in places


def _passes(step: re.Pattern[str] | None, part: str) -> bool:
    return step is not None and step.fullmatch(part) is not None


def _reached(steps: _Steps, places: set[int]) -> set[int]:
    """With the places behind each `**`, which may stand for nothing."""
    for place in sorted(places):
        while place < len(steps) and steps[place] is None:
            place += 1
            places.add(place)
    return places


def _glob(segment: str) -> re.Pattern[str]:
    """`*`, `?`, sets and escapes of one segment, so that only the last `*` is ever tried again."""
    runs = [""]
    for match in _PIECE.finditer(segment):
        if match["star"]:
            runs.append("")
        else:
            runs[-1] += _one(match)
    first, *others = runs
    if not others:
        return re.compile(first, re.DOTALL)
    middle = "".join(f"(?>.*?{run})" for run in others[:-1] if run)
    return re.compile(f"{first}{middle}.*{others[-1]}", re.DOTALL)


def _one(match: re.Match[str]) -> str:
    if match["any"]:
        return "."
    if match["set"] is None:
        return re.escape(match["escaped"] or match[0])
    members = re.sub(r"([\\\[\]^&~|])", r"\\\1", match["set"])
    try:
        return re.compile(f"[{'^' if match['not'] else ''}{members}]").pattern
    except re.error:
        # A range that runs backwards is taken as it stands.
        return re.escape(match[0])


def _search_roots(patterns: Sequence[_Pattern]) -> list[tuple[str, ...]]:
    """Where the walk starts: the literal beginnings, without those inside of another."""
    candidates = [_literal_start(p.segments) for p in patterns if not p.negated]
    roots: list[tuple[str, ...]] = []
    for root in candidates:
        inside = any(other != root and root[: len(other)] == other for other in candidates)
        if not inside and root not in roots:
            roots.append(root)
    return roots


def _literal_start(segments: Sequence[str]) -> tuple[str, ...]:
    start: list[str] = []
    for segment in segments:
        literal = _literal(segment)
        if literal is None:
            break
        start.append(literal)
    return tuple(start)


def _literal(segment: str) -> str | None:
    """The one name that `segment` stands for, None if it may stand for several."""
    name = ""
    for match in _PIECE.finditer(segment):
        if match["star"] or match["any"] or match["not"] or len(match["set"] or "") > 1:
            return None
        name += match["set"] or match["escaped"] or match[0]
    return name
