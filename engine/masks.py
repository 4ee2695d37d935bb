"""What must never be read in anything a run shows or keeps."""

from __future__ import annotations

from collections.abc import Iterable

from engine.encodings import encodings

HIDDEN = "***"

_NO_CAPITALS = bytes(set(range(256)) - set(range(ord("A"), ord("Z") + 1)))


class Masks:
    """The secrets of one job. Values can be added while it runs; none is ever taken back."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._values: dict[str, bytes] = {}  # each with its capital letters alone
        self.longest = 0
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Hide a value and each of its lines, as they are and as tools encode them.

        What is printed is masked line by line, so the lines of a value stand for the whole of it
        (actions/runner, SecretMasker).
        """
        for value in (secret, *(line.strip() for line in secret.splitlines())):
            if value.strip() and value not in self._values:
                for form in (value, *encodings(value)):
                    self._hide(form)

    def _hide(self, form: str) -> None:
        if form.strip() and "\n" not in form:
            self._values[form] = _capitals(form)
            self.longest = max(self.longest, len(form))

    def found_in(self, text: str) -> bool:
        return bool(self._present(text))

    def hide(self, text: str) -> str:
        """The text with every secret replaced; matches that touch become one `***`."""
        found = self._present(text)
        if len(found) == 1 and not _may_meet_itself(found[0], text):
            return text.replace(found[0], HIDDEN)  # the usual case, and four times as fast
        return hidden(text, _spans(found, text)) if found else text

    def matches(self, text: str) -> list[tuple[int, int]]:
        """Where each secret stands in a text: start and end, in order; they may overlap."""
        return _spans(self._present(text), text)

    def _present(self, text: str) -> list[str]:
        """The values in a text: first sought among its capitals, of which most output has few."""
        capitals = _capitals(text)
        return [v for v, own in self._values.items() if own in capitals and v in text]


def hidden(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """The text with the spans replaced, which are in order and may overlap."""
    kept: list[str] = []
    end = -1
    for start, stop in spans:
        if start > end:
            kept += [text[max(end, 0) : start], HIDDEN]
        end = max(end, stop)
    return "".join([*kept, text[max(end, 0) :]])


def _capitals(text: str) -> bytes:
    return text.encode("utf-8", "replace").translate(None, _NO_CAPITALS)


def _spans(values: Iterable[str], text: str) -> list[tuple[int, int]]:
    return sorted(span for value in values for span in _all(value, text))


def _all(value: str, text: str) -> Iterable[tuple[int, int]]:
    start = text.find(value)
    while start >= 0:
        yield start, start + len(value)
        start = text.find(value, start + 1)


def _may_meet_itself(value: str, text: str) -> bool:
    """Whether two occurrences may overlap (one ends as the other begins) or touch."""
    return value[0] == value[-1] or value[:2] in value[1:] or value * 2 in text
