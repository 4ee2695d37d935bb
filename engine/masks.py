"""What must never be read in anything a run shows or keeps."""

from __future__ import annotations

from collections.abc import Iterable

HIDDEN = "***"


class Masks:
    """The secrets of one job. Values can be added while it runs; none is ever taken back."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._values: set[str] = set()
        self.longest = 0
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Hide a value, and each of its lines by itself (actions/runner, SecretMasker).

        What is printed is masked line by line, so the lines of a value stand for the whole of it.
        """
        whole = () if "\n" in secret else (secret,)
        for value in (*whole, *(line.strip() for line in secret.splitlines())):
            if value.strip():
                self._values.add(value)
                self.longest = max(self.longest, len(value))

    def found_in(self, text: str) -> bool:
        return any(value in text for value in self._values)

    def hide(self, text: str) -> str:
        """The text with every secret replaced; matches that touch become one `***`."""
        matches = self.matches(text)
        return hidden(text, matches) if matches else text

    def matches(self, text: str) -> list[tuple[int, int]]:
        """Where each secret stands in a text: start and end, in order; they may overlap."""
        found = (_all(value, text) for value in self._values if value in text)
        return sorted(span for spans in found for span in spans)


def hidden(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text with the spans replaced, which are in order and may overlap."""
    kept: list[str] = []
    end = -1
    for start, stop in spans:
        if start > end:
            kept += [text[max(end, 0) : start], HIDDEN]
        end = max(end, stop)
    return "".join([*kept, text[max(end, 0) :]])


def _all(value: str, text: str) -> Iterable[tuple[int, int]]:
    start = text.find(value)
    while start >= 0:
        yield start, start + len(value)
        start = text.find(value, start + 1)
