"""The log of one job as GitHub keeps it: a time on every line, groups and levels as `##[…]`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from engine import events
from engine.events import Event, Outcome


class JobLog(Struct):
    """A reporter of one job; `write` gets pieces of text, of which the last ends in a newline."""

    write: Callable[[str], object]
    _open: bool = False  # the last line has not ended

    def __call__(self, event: Event) -> None:
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            handler(self, event)

    def _lines(self, event: Event, text: str, tag: str = "") -> None:
        """Whole lines; only the first bears the tag (actions/runner, PagingLogger)."""
        stamp = stamp_of(event.time)
        before = "\n" if self._open else ""
        self._open = False
        self.write(before + stamp + tag + text.replace("\n", f"\n{stamp}") + "\n")

    def _output(self, event: events.Output) -> None:
        """As printed: a line may come in several pieces."""
        stamp = stamp_of(event.time)
        body, end = event.text.removesuffix("\n"), "\n" if event.text.endswith("\n") else ""
        before = "" if self._open else stamp
        self._open = not end
        self.write(before + body.replace("\n", f"\n{stamp}") + end)

    def _job_started(self, event: events.JobStarted) -> None:
        image = f" ({event.image})" if event.image else ""
        self._lines(event, f"Job {event.name} runs in {event.isolation}{image}")
        if event.permissions:
            self._lines(event, "GITHUB_TOKEN Permissions", "##[group]")
            for scope, level in sorted(event.permissions.items()):
                self._lines(event, f"{scope.title().replace('-', '')}: {level}")
            self._lines(event, "##[endgroup]")

    def _job_called(self, event: events.JobCalled) -> None:
        self._lines(event, f"Job {event.name} calls {event.file}")

    def _job_finished(self, event: events.JobFinished) -> None:
        tag = "##[error]" if event.outcome is Outcome.FAILURE and event.reason else ""
        reason = f": {event.reason}" if event.reason else ""
        self._lines(event, f"Job {event.name}: {event.outcome}{reason}", tag)

    def _step_started(self, event: events.StepStarted) -> None:
        if event.phase == "post":
            return self._lines(event, "Post job cleanup.")
        script = event.script.strip("\n").split("\n") if event.script.strip() else []
        title = f"Run {script[0].strip()}" if event.shell and script else event.name
        self._lines(event, title.partition("\n")[0], "##[group]")
        for line in script:
            self._lines(event, f"\033[36;1m{line}\033[0m")
        if event.shell:
            self._lines(event, f"shell: {event.shell}")
        if event.env:
            self._lines(event, "env:")
        for name, value in event.env.items():
            self._lines(event, f"  {name}: {value}")
        return self._lines(event, "##[endgroup]")

    def _attempt_failed(self, event: events.AttemptFailed | events.JobAttemptFailed) -> None:
        attempt = f"Attempt {event.attempt} of {event.attempts} failed"
        self._lines(event, f"{attempt}: {event.reason}", "##[warning]")

    def _group_started(self, event: events.GroupStarted) -> None:
        self._lines(event, event.title, "##[group]")

    def _group_ended(self, event: events.GroupEnded) -> None:
        self._lines(event, "##[endgroup]")

    def _annotation(self, event: events.Annotation) -> None:
        self._lines(event, event.text or event.message, f"##[{event.level}]")

    def _debug(self, event: events.Debug) -> None:
        self._lines(event, event.message, "##[debug]")

    def _log(self, event: events.Log) -> None:
        self._lines(event, event.message, "" if event.level == "info" else f"##[{event.level}]")


def stamp_of(seconds: float) -> str:
    """`2026-01-31T12:00:00.0000000Z ` for seconds since the epoch."""
    whole, rest = divmod(round(seconds * 10**7), 10**7)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{rest:07d}Z "


_HANDLERS: dict[type[Event], Callable[[JobLog, Any], None]] = {
    events.JobStarted: JobLog._job_started,
    events.JobCalled: JobLog._job_called,
    events.JobFinished: JobLog._job_finished,
    events.StepStarted: JobLog._step_started,
    events.AttemptFailed: JobLog._attempt_failed,
    events.JobAttemptFailed: JobLog._attempt_failed,
    events.Output: JobLog._output,
    events.GroupStarted: JobLog._group_started,
    events.GroupEnded: JobLog._group_ended,
    events.Annotation: JobLog._annotation,
    events.Debug: JobLog._debug,
    events.Log: JobLog._log,
}
