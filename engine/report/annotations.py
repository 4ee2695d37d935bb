"""Inside GitHub Actions: log groups, annotations on the change, and the job's summary page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct, field

from engine import events
from engine.events import Event, Outcome
from engine.printing.commands import command
from engine.report.style import duration, not_started

MAX_PAGE = 1024 * 1024 - 4096  # bytes, of which GitHub takes 1 MiB in all

_ICONS = {
    Outcome.SUCCESS: "✅",
    Outcome.FAILURE: "❌",
    Outcome.CANCELLED: "🚫",
    Outcome.SKIPPED: "⏭️",
}


class Annotations(Struct):
    """A reporter. Steps of jobs that run side by side become one group each, when they end.

    `write` is the log, `summarize` the file behind GITHUB_STEP_SUMMARY.
    """

    write: Callable[[str], None]
    summarize: Callable[[str], None]
    _names: dict[tuple[str, str], str] = field(default_factory=dict)
    _held: dict[tuple[str, str, int], list[str]] = field(default_factory=dict)
    _grouped: set[tuple[str, str, int]] = field(default_factory=set)
    _calls: set[tuple[str, str]] = field(default_factory=set)
    _rows: list[str] = field(default_factory=list)
    _pages: list[str] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            handler(self, event)

    def _name(self, event: Event) -> str:
        return self._names.get((event.run, event.job), event.job)

    def _say(self, text: str) -> None:
        self.write(_harmless(text))

    def _key(self, event: events.StepEvent) -> tuple[str, str, int]:
        return event.run, event.job, event.step

    def _hold(self, event: events.StepEvent, text: str) -> None:
        self._held.setdefault(self._key(event), []).append(text)

    def _workflow_skipped(self, event: events.WorkflowSkipped) -> None:
        self._say(not_started(event))
        icon, reason = _ICONS[Outcome.SKIPPED], _cell(event.reason)
        self._rows.append(f"| {icon} | {_cell(event.workflow)} | not started | | {reason} |")

    def _run_started(self, event: events.RunStarted) -> None:
        self._say(f"{event.workflow} #{event.run_number} on {event.event_name}")

    def _job_started(self, event: events.JobStarted) -> None:
        self._names[event.run, event.job] = event.name
        self._say(f"{event.name}: runs in {event.isolation}")

    def _job_called(self, event: events.JobCalled) -> None:
        self._names[event.run, event.job] = event.name
        self._calls.add((event.run, event.job))
        self._say(f"{event.name}: calls {event.file}")

    def _job_attempt_failed(self, event: events.JobAttemptFailed) -> None:
        self._say(
            f"{self._name(event)}: attempt {event.attempt} of {event.attempts} failed: "
            f"{event.reason} Trying again in {duration(event.delay)}."
        )

    def _output(self, event: events.Output) -> None:
        text = _harmless(event.text)
        if self._key(event) in self._grouped:
            text = "".join(f"  {line}" for line in text.splitlines(keepends=True))
        self._hold(event, text)

    def _annotation(self, event: events.Annotation) -> None:
        if event.text or event.over_limit:
            self._hold(event, _harmless(event.text or f"{event.level}: {event.message}"))
        if not event.over_limit:
            self._hold(event, self._command(event))

    def _command(self, event: events.Annotation) -> str:
        properties: dict[str, str | int] = {
            "title": event.title or f"{self._name(event)}",
            "file": event.file,
            "line": event.line,
            "endLine": event.end_line,
            "col": event.column,
            "endColumn": event.end_column,
        }
        return command(event.level, properties, event.message)

    def _group_started(self, event: events.GroupStarted) -> None:
        self._hold(event, _harmless(f"> {event.title}"))
        self._grouped.add(self._key(event))

    def _group_ended(self, event: events.GroupEnded) -> None:
        self._grouped.discard(self._key(event))

    def _step_finished(self, event: events.StepFinished) -> None:
        self._grouped.discard(self._key(event))
        if event.depth:  # of a composite, which becomes one group
            return self._hold(event, _harmless(f"{event.name} - {event.outcome}"))
        held = self._held.pop(self._key(event), [])
        time = "" if event.outcome is Outcome.SKIPPED else f" ({duration(event.seconds)})"
        title = f"{self._name(event)}: {event.name} - {event.outcome}{time}"
        self.write(command("group", {}, title))
        self.write("".join(held))
        self.write("::endgroup::\n")
        return None

    def _job_finished(self, event: events.JobFinished) -> None:
        self._names[event.run, event.job] = event.name
        reason = f": {event.reason}" if event.reason else ""
        self._say(f"{event.name}: {event.outcome}{reason}")
        if (event.run, event.job) in self._calls and not event.reason:
            return  # what a job calls has rows of its own
        icon = _ICONS[event.outcome]
        time = "" if event.outcome is Outcome.SKIPPED else duration(event.seconds)
        self._rows.append(
            f"| {icon} | {_cell(event.name)} | {event.outcome} | {time} | {_cell(event.reason)} |"
        )

    def _summary(self, event: events.Summary) -> None:
        self._pages.append(f"### {self._name(event)}: {event.name}\n\n{event.text}\n")

    def _log(self, event: events.Log) -> None:
        self._say(f"{self._name(event)}{': ' if event.job else ''}{event.message}")

    def close(self) -> None:
        """Write the summary page: the table of jobs, then what the steps had to say."""
        head = "| | Job | Result | Time | Notes |\n| --- | --- | --- | --- | --- |"
        parts = [head, *self._rows, ""]
        free = MAX_PAGE - sum(len(part.encode()) + 1 for part in parts)
        for count, page in enumerate(self._pages):
            free -= len(page.encode()) + 1
            if free < 0:
                parts.append(f"{len(self._pages) - count} more summaries do not fit on this page.")
                break
            parts.append(page)
        self.summarize("\n".join(parts) + "\n")


def _harmless(text: str) -> str:
    """Whole lines none of which is a command: the inner step's have been obeyed already."""
    lines = text.removesuffix("\n").splitlines(keepends=True) or [""]
    quoted = "".join(f".{line}" if line.lstrip().startswith("::") else line for line in lines)
    return quoted.replace("##[", "## [") + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


_HANDLERS: dict[type[Event], Callable[[Annotations, Any], None]] = {
    events.WorkflowSkipped: Annotations._workflow_skipped,
    events.RunStarted: Annotations._run_started,
    events.JobStarted: Annotations._job_started,
    events.Output: Annotations._output,
    events.Annotation: Annotations._annotation,
    events.GroupStarted: Annotations._group_started,
    events.GroupEnded: Annotations._group_ended,
    events.StepFinished: Annotations._step_finished,
    events.JobCalled: Annotations._job_called,
    events.JobAttemptFailed: Annotations._job_attempt_failed,
    events.JobFinished: Annotations._job_finished,
    events.Summary: Annotations._summary,
    events.Log: Annotations._log,
}
