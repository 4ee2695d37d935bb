"""A line without an end is let out in parts, none of which shows half a secret."""

from __future__ import annotations

from msgspec import Struct

from engine.masks import HIDDEN, Masks, hidden

LONGEST_LINE = 256 * 1024  # bytes held back while a line has not ended


class Endless(Struct):
    """`begun` says that the start of the line that is held back has been let out already."""

    masks: Masks
    begun: bool = False
    _hiding: bool = False  # it ended in a secret, which the rest may continue

    def cut(self, held: bytes) -> tuple[str, bytes]:
        """What can be shown of a line, masked, and the bytes that are still to be held back."""
        whole = held[: len(held) - _broken_tail(held)]
        text = whole.decode("utf-8", "replace")
        matches = self.masks.matches(text)
        cut = max(0, len(text) - max(4 * self.masks.longest, 16))
        cut = min((start for start, stop in matches if start < cut < stop), default=cut)
        return self._shown(text[:cut], matches), text[cut:].encode() + held[len(whole) :]

    def end(self, text: str) -> str:
        """The last part of the line, masked."""
        shown = self._shown(text, self.masks.matches(text))
        self.begun = self._hiding = False
        return shown

    def _shown(self, text: str, matches: list[tuple[int, int]]) -> str:
        """A part of the line; a secret that touches the part before is one with it."""
        if not text:
            return ""
        size = len(text)
        spans = [(start, min(stop, size)) for start, stop in matches if start < size]
        shown = hidden(text, spans)
        if self._hiding and spans and spans[0][0] == 0:
            shown = shown.removeprefix(HIDDEN)
        self.begun = True
        self._hiding = any(stop == size for _, stop in spans)
        return shown


def _broken_tail(data: bytes) -> int:
    """How many bytes at the end are the start of a UTF-8 character that is not complete."""
    for back in range(1, min(4, len(data) + 1)):
        byte = data[-back]
        if byte >= 0xC0:
            needed = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return back if needed > back else 0
        if byte < 0x80:
            return 0
    return 0
