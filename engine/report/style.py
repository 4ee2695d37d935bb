"""How facts look as text: marks, colours, durations and tables."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from engine.events import Outcome, WorkflowSkipped

_COLOURS = {
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "cyan": "36",
    "dim": "2",
    "bold": "1",
}
_OUTCOME_COLOURS = {
    Outcome.SUCCESS: "green",
    Outcome.FAILURE: "red",
    Outcome.CANCELLED: "yellow",
    Outcome.SKIPPED: "dim",
}


class Style(Struct, frozen=True):
    """`colour` off gives plain text, `unicode` off plain ASCII."""

    colour: bool = False
    unicode: bool = True

    def paint(self, text: str, colour: str) -> str:
        return f"\033[{_COLOURS[colour]}m{text}\033[0m" if self.colour and text else text

    def mark(self, outcome: Outcome) -> str:
        marks = "✓✗⊘-" if self.unicode else "+x!-"
        return self.paint(marks[list(Outcome).index(outcome)], _OUTCOME_COLOURS[outcome])

    def outcome(self, outcome: Outcome) -> str:
        return self.paint(str(outcome), _OUTCOME_COLOURS[outcome])


def not_started(event: WorkflowSkipped) -> str:
    """One line about a workflow that the event does not start."""
    where = f" ({event.file})" if event.file != event.workflow else ""
    return f"{event.workflow}{where} is not started: {event.reason}"


def duration(seconds: float) -> str:
    """`0.24s`, `12.1s`, `3m05s`, `1h02m`."""
    if seconds < 9.995:
        return f"{seconds:.2f}s"
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{rest:02d}s"
    return f"{minutes // 60}h{minutes % 60:02d}m"


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines with columns as wide as they need; the last column is never padded."""
    widths = [max(_width(row[i]) for row in rows) for i in range(len(rows[0]))] if rows else []
    return [
        "  ".join(
            cell if index == len(row) - 1 else cell + " " * (widths[index] - _width(cell))
            for index, cell in enumerate(row)
        ).rstrip()
        for row in rows
    ]


def _width(cell: str) -> int:
    width, inside = 0, False
    for character in cell:
        if character == "\033":
            inside = True
        elif inside:
            inside = character != "m"
        else:
            width += 1
    return width
