"""Inside GitHub Actions: log groups, annotations on the change, and the job's summary page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from engine import events
from engine.events import Event, Outcome
from engine.report.style import duration

_ICONS = {
    Outcome.SUCCESS: "✅",
    Outcome.FAILURE: "❌",
    Outcome.CANCELLED: "🚫",
    Outcome.SKIPPED: "⏭️",
}


@dataclass(slots=True)
class Annotations:
    """A reporter. Steps of jobs that run side by side become one group each, when they end.

    `write` is the log, `summarize` the file behind GITHUB_STEP_SUMMARY.
    """

    write: Callable[[str], None]
    summarize: Callable[[str], None]
    _names: dict[tuple[str, str], str] = field(default_factory=dict)
    _held: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    _rows: list[str] = field(default_factory=list)
    _pages: list[str] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            handler(self, event)

    def _name(self, event: Event) -> str:
        return self._names.get((event.run, event.job), event.job)

    def _hold(self, event: Event, text: str) -> None:
        self._held.setdefault((event.run, event.job), []).append(text)

    def _run_started(self, event: events.RunStarted) -> None:
        self.write(f"{event.workflow} #{event.run_number} on {event.event_name}\n")

    def _job_started(self, event: events.JobStarted) -> None:
        self._names[event.run, event.job] = event.name
        self.write(f"{event.name}: runs in {event.isolation}\n")

    def _output(self, event: events.Output) -> None:
        # a command of the inner step has been obeyed already and must not be obeyed again
        text = event.text if event.text.endswith("\n") else f"{event.text}\n"
        self._hold(event, "".join(_harmless(line) for line in text.splitlines(keepends=True)))

    def _annotation(self, event: events.Annotation) -> None:
        properties = {
            "title": event.title or f"{self._name(event)}",
            "file": event.file,
            "line": event.line,
            "endLine": event.end_line,
            "col": event.column,
            "endColumn": event.end_column,
        }
        written = ",".join(f"{k}={_property(str(v))}" for k, v in properties.items() if v)
        self._hold(event, f"::{event.level} {written}::{_data(event.message)}\n")

    def _group(self, event: events.GroupStarted) -> None:
        self._hold(event, f"> {event.title}\n")

    def _step_finished(self, event: events.StepFinished) -> None:
        held = self._held.pop((event.run, event.job), [])
        time = "" if event.outcome is Outcome.SKIPPED else f" ({duration(event.seconds)})"
        self.write(f"::group::{self._name(event)}: {event.name} - {event.outcome}{time}\n")
        self.write("".join(held))
        self.write("::endgroup::\n")

    def _job_finished(self, event: events.JobFinished) -> None:
        self._names[event.run, event.job] = event.name
        reason = f": {event.reason}" if event.reason else ""
        self.write(f"{event.name}: {event.outcome}{reason}\n")
        icon = _ICONS[event.outcome]
        self._rows.append(
            f"| {icon} | {_cell(event.name)} | {event.outcome} | {duration(event.seconds)} "
            f"| {_cell(event.reason)} |"
        )

    def _summary(self, event: events.Summary) -> None:
        self._pages.append(f"### {self._name(event)}\n\n{event.text}\n")

    def _log(self, event: events.Log) -> None:
        self.write(f"{self._name(event)}{': ' if event.job else ''}{event.message}\n")

    def close(self) -> None:
        """Write the summary page: the table of jobs, then what the steps had to say."""
        head = "| | Job | Result | Time | Notes |\n| --- | --- | --- | --- | --- |"
        self.summarize("\n".join([head, *self._rows, "", *self._pages]) + "\n")


def _harmless(line: str) -> str:
    stripped = line.lstrip()
    return f".{line}" if stripped.startswith("::") or "##[" in line else line


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


_HANDLERS: dict[type[Event], Callable[[Annotations, Any], None]] = {
    events.RunStarted: Annotations._run_started,
    events.JobStarted: Annotations._job_started,
    events.Output: Annotations._output,
    events.Annotation: Annotations._annotation,
    events.GroupStarted: Annotations._group,
    events.StepFinished: Annotations._step_finished,
    events.JobFinished: Annotations._job_finished,
    events.Summary: Annotations._summary,
    events.Log: Annotations._log,
}
