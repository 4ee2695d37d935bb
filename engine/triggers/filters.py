"""The filters of one trigger, and what each of them says to a value."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from engine import globs
from engine.model import Trigger
from engine.source import Scalar, entries, one_or_more

_SHOWN = 5


class Verdict(Struct, frozen=True):
    """Whether a workflow runs; the reason names the filter, the value and the line."""

    runs: bool
    reason: str


class Filters:
    """The filters of one trigger; a filter without a value is none."""

    def __init__(self, trigger: Trigger) -> None:
        self.trigger = trigger
        self.found = {
            key.text: Filter(key, tuple(one_or_more(value)))
            for key, value in entries(trigger.filters)
            if not (isinstance(value, Scalar) and value.value is None)
        }

    def get(self, *keys: str) -> Filter | None:
        """The first of these filters that is given."""
        return next((self.found[key] for key in keys if key in self.found), None)


class Filter(Struct, frozen=True):
    key: Scalar
    items: tuple[Scalar, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(item.text for item in self.items)

    @property
    def ignores(self) -> bool:
        return self.key.text.endswith("-ignore")

    def deciding(self, value: str) -> Scalar | None:
        """The pattern that decides about a value; None where none matches."""
        index = globs.deciding(self.texts, value)
        return None if index is None else self.items[index]

    def says(self, what: str, *, line: int = 0) -> str:
        return f"{self.key.text}: {what} (line {line or self.key.place.line})"

    def matched(self, value: str, pattern: Scalar) -> str:
        excluded = globs.compile(pattern.text).negative
        verb = "is excluded by" if excluded else "matches"
        return self.says(f'"{value}" {verb} "{pattern.text}"', line=pattern.place.line)

    def not_known(self, what: str) -> Verdict:
        return Verdict(True, self.says(f"{what} not known, so taken as matched"))

    def verdict(self, value: str) -> Verdict:
        """Whether one name passes the filter's patterns."""
        pattern = self.deciding(value)
        if pattern is None:
            return Verdict(self.ignores, self.says(f'"{value}" matches {none_of(self.texts)}'))
        included = not globs.compile(pattern.text).negative
        return Verdict(included != self.ignores, self.matched(value, pattern))

    def equal(self, values: Sequence[str]) -> Verdict:
        """Whether one of some names is listed, letter by letter."""
        item = next((item for item in self.items if item.text in values), None)
        if item is None:
            shown = " or ".join(f'"{value}"' for value in values)
            return Verdict(False, self.says(f"{shown} is {none_of(self.texts)}"))
        return Verdict(True, self.says(f'"{item.text}" is listed', line=item.place.line))


def none_of(texts: Sequence[str]) -> str:
    return f"none of {listed(texts)}"


def listed(texts: Sequence[str]) -> str:
    shown = [f'"{text}"' for text in texts[:_SHOWN]]
    more = [f"{len(texts) - _SHOWN} more"] if len(texts) > _SHOWN else []
    return f"[{', '.join([*shown, *more])}]"
