"""Problem matchers: which lines of output are errors, warnings or notices of a tool."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

LIMIT = 1.0  # seconds a pattern may think about one line (actions/runner)

_PROPERTIES = ("file", "line", "column", "severity", "code", "message", "fromPath")
_LEVELS = ("error", "warning", "notice")


class MatcherError(Exception):
    """A file that describes no problem matchers; the text says why."""


class Pattern(Struct, frozen=True):
    """What one line looks like; `groups` says which group of it each property is."""

    regexp: Any  # of the module `regex`, which alone can be told when to give up
    groups: Mapping[str, int]
    loop: bool = False

    def search(self, line: str) -> dict[str, str] | None:
        """The properties that a line has; None where it does not match. Raises TimeoutError."""
        found = self.regexp.search(line, timeout=LIMIT)
        if found is None:
            return None
        return {name: found[number] or "" for name, number in self.groups.items()}


class Matcher(Struct, frozen=True):
    """A matcher; its patterns are of consecutive lines."""

    owner: str
    severity: str
    patterns: tuple[Pattern, ...]

    @property
    def key(self) -> str:
        return self.owner.lower()


class Matchers(Struct):
    """The matchers of a job, of which any step may add or remove some; the newest is the first."""

    known: tuple[Matcher, ...] = ()

    def add(self, matchers: Iterable[Matcher]) -> None:
        """Put matchers before all others; one of the same owner is replaced."""
        new = tuple(matchers)
        self.remove(matcher.owner for matcher in new)
        self.known = (*new, *self.known)

    def remove(self, owners: Iterable[str]) -> None:
        keys = {owner.lower() for owner in owners}
        self.known = tuple(matcher for matcher in self.known if matcher.key not in keys)


class Scan(Struct):
    """The output of one step, held against the matchers of its job line by line."""

    matchers: Matchers
    _slow: list[str] = field(default_factory=list)
    _known: tuple[Matcher, ...] = ()
    _states: list[_State] = field(default_factory=list)

    def match(self, line: str) -> dict[str, str] | None:
        """The properties of the problem that a line completes; `severity` is always there.

        The first matcher that matches ends what the others had begun (actions/runner,
        OutputManager).
        """
        for state in self._current():
            found = self._tried(state, line)
            if found is None:
                continue
            for other in self._states:
                if other is not state:
                    other.reset()
            level = (found.get("severity") or state.matcher.severity or "error").lower()
            if found.get("message", "").strip() and level in _LEVELS:
                return {**found, "severity": level}
        return None

    def given_up(self) -> list[str]:
        """The owners of matchers that took too long since, and were removed."""
        slow, self._slow = self._slow, []
        return slow

    def _current(self) -> list[_State]:
        if self._known is not self.matchers.known:
            before = {id(state.matcher): state for state in self._states}
            self._known = self.matchers.known
            self._states = [before.get(id(one)) or _State(one) for one in self._known]
        return self._states

    def _tried(self, state: _State, line: str) -> dict[str, str] | None:
        try:
            return state.match(line)
        except TimeoutError:
            self.matchers.remove([state.matcher.owner])
            self._slow.append(state.matcher.owner)
            return None


class _State:
    """How far one matcher has come: what each of its patterns but the last has found."""

    def __init__(self, matcher: Matcher) -> None:
        self.matcher = matcher
        self.reset()

    def reset(self) -> None:
        self.found: list[dict[str, str] | None] = [None] * len(self.matcher.patterns)

    def match(self, line: str) -> dict[str, str] | None:
        """The patterns are asked from the last to the first (actions/runner, IssueMatcher)."""
        last = len(self.matcher.patterns) - 1
        for index in range(last, -1, -1):
            before = self.found[index - 1] if index else {}
            if before is None:
                continue
            pattern = self.matcher.patterns[index]
            own = pattern.search(line)
            if index < last:
                self.found[index] = None if own is None else {**own, **before}
            elif own is not None:
                self.reset()
                if pattern.loop:
                    self.found[index - 1] = before
                return {**own, **before}
            elif index:
                self.found[index - 1] = None
        return None


# --- reading --------------------------------------------------------------------------------------


def read(text: str) -> tuple[Matcher, ...]:
    """The matchers that a JSON file describes, under GitHub's rules. Raises MatcherError."""
    try:
        written = _keys(json.loads(text)).get("problemmatcher") or []
    except (ValueError, RecursionError) as error:
        raise MatcherError(f"It is not JSON: {error}.") from None
    matchers: dict[str, Matcher] = {}
    for item in _list(written, "problemMatcher"):
        matcher = _matcher(_keys(item))
        if matcher.key in matchers:
            raise MatcherError(f"Duplicate owner name '{matcher.owner}'")
        matchers[matcher.key] = matcher
    return tuple(matchers.values())


def _matcher(written: Mapping[str, Any]) -> Matcher:
    owner, severity = _text(written, "owner"), _text(written, "severity")
    if not owner:
        raise MatcherError("Owner must not be empty")
    if severity.lower() not in ("", *_LEVELS):
        raise MatcherError(f"Matcher '{owner}' contains unexpected default severity '{severity}'")
    patterns = [_keys(item) for item in _list(written.get("pattern") or [], "pattern")]
    if not patterns:
        raise MatcherError(f"Matcher '{owner}' does not contain any patterns")
    return Matcher(owner, severity, tuple(_patterns(patterns)))


def _patterns(written: Sequence[Mapping[str, Any]]) -> Iterator[Pattern]:
    seen: set[str] = set()
    for index, item in enumerate(written):
        loop = item.get("loop") or False
        if loop and (index == 0 or index < len(written) - 1):
            raise MatcherError("Only the last pattern in a multiline matcher may set 'loop'")
        if loop and item.get("message") is None:
            raise MatcherError("The loop pattern must set 'message'")
        regexp = _regexp(_text(item, "regexp"))
        yield Pattern(regexp, dict(_groups(item, _numbers(regexp), seen)), bool(loop))
    if "message" not in seen:
        raise MatcherError("At least one pattern must set 'message'")


def _groups(
    written: Mapping[str, Any], numbers: list[int], seen: set[str]
) -> Iterator[tuple[str, int]]:
    for name in _PROPERTIES:
        value = written.get(name.lower())
        if value is None:
            continue
        if name in seen:
            raise MatcherError(f"The property '{name}' is set twice")
        number = _number(value, name)
        if number not in range(len(numbers)):
            raise MatcherError(f"The property '{name}' is set to {number} which is out of range")
        seen.add(name)
        yield name, numbers[number]


def _regexp(written: str) -> Any:
    """A pattern as .NET reads it with the option ECMAScript, as far as anybody writes it."""
    import regex

    try:
        return regex.compile(written, regex.ASCII)
    except (regex.error, RecursionError, OverflowError, ValueError) as error:
        raise MatcherError(f"Invalid pattern '{written}': {error}.") from None


def _numbers(regexp: Any) -> list[int]:
    """The groups in the order in which .NET counts them: those with a name are the last."""
    named = sorted(regexp.groupindex.values())
    return [*(n for n in range(regexp.groups + 1) if n not in named), *named]


def _keys(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise MatcherError(f"{json.dumps(value)[:80]} should be an object")
    return {name.lower(): item for name, item in value.items()}


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise MatcherError(f"The property '{name}' should be a list")
    return value


def _text(written: Mapping[str, Any], name: str) -> str:
    value = written.get(name)
    if not isinstance(value, str | None):
        raise MatcherError(f"The property '{name}' should be a string")
    return value or ""


def _number(value: Any, name: str) -> int:
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 10:
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise MatcherError(f"The property '{name}' should be the number of a group")
    return value
