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
        """Hide a value, and each of its lines by itself (actions/runner, SecretMasker)."""
        for value in (secret, *(line.strip() for line in secret.splitlines())):
            if value.strip():
                self._values.add(value)
                self.longest = max(self.longest, len(value))

    def found_in(self, text: str) -> bool:
        return any(value in text for value in self._values)

    def hide(self, text: str) -> str:
        """The text with every secret replaced; matches that touch become one `***`."""
        spans = self.spans(text)
        if not spans:
            return text
        kept, end = [], 0
        for start, stop in spans:
            kept += [text[end:start], HIDDEN]
            end = stop
        return "".join([*kept, text[end:]])

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where secrets stand in a text, merged where they overlap or touch, in order."""
        found = [span for value in self._values if value in text for span in _all(value, text)]
        merged: list[tuple[int, int]] = []
        for start, stop in sorted(found):
            if merged and start <= merged[-1][1]:
                merged[-1] = merged[-1][0], max(stop, merged[-1][1])
            else:
                merged.append((start, stop))
        return merged


def _all(value: str, text: str) -> Iterable[tuple[int, int]]:
    start = text.find(value)
    while start >= 0:
        yield start, start + len(value)
        start = text.find(value, start + 1)
