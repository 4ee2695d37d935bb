"""Lines that each say which job they belong to, and a table at the end."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from engine import events
from engine.events import Event, Outcome
from engine.report.style import Style, duration, table

TAIL = 20  # lines shown of the first step that failed


@dataclass(slots=True)
class _Row:
    """What the final table says of a job."""

    name: str
    outcome: Outcome
    seconds: float
    where: str
    notes: list[str]


@dataclass(slots=True)
class _Failure:
    run: str
    job: str
    name: str
    step: str
    reason: str
    lines: list[str]


@dataclass(slots=True)
class Plain:
    """A reporter; `write` gets whole lines with their newline, `close` prints the table.

    `again` gives the command that runs one job, by its id, once more. `many` says that several
    workflows run, so that each line names its workflow too.
    """

    write: Callable[[str], None]
    style: Style = field(default_factory=Style)
    many: bool = False
    again: Callable[[str], str] | None = None
    verbose: bool = False
    quiet: bool = False
    _names: dict[tuple[str, str], str] = field(default_factory=dict)
    _workflows: dict[str, str] = field(default_factory=dict)
    _where: dict[tuple[str, str], str] = field(default_factory=dict)
    _rows: list[_Row] = field(default_factory=list)
    _tails: dict[tuple[str, str], deque[str]] = field(default_factory=dict)
    _attempts: dict[tuple[str, str], int] = field(default_factory=dict)
    _steps: dict[tuple[str, str], str] = field(default_factory=dict)
    _failure: _Failure | None = None
    _summaries: list[tuple[str, str]] = field(default_factory=list)
    _runs: list[tuple[str, Outcome, float]] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            handler(self, event)

    # --- lines ----------------------------------------------------------------------------------

    def _name(self, event: Event) -> str:
        name = self._names.get((event.run, event.job), event.job)
        return f"{self._workflows.get(event.run, '')}/{name}" if self.many else name

    def _line(self, event: Event, text: str) -> None:
        bar = "│" if self.style.unicode else "|"
        prefix = self.style.paint(f"{self._name(event)} {bar}", "cyan") if event.job else ""
        self.write(f"{prefix} {text}\n" if prefix else f"{text}\n")

    def _lines(self, event: Event, text: str) -> None:
        for line in text.removesuffix("\n").split("\n"):
            self._line(event, line)

    # --- events ---------------------------------------------------------------------------------

    def _run_started(self, event: events.RunStarted) -> None:
        self._workflows[event.run] = event.workflow
        arrow = "▶" if self.style.unicode else ">"
        title = f": {event.title}" if event.title not in ("", event.workflow) else ""
        text = f"{arrow} {event.workflow} #{event.run_number} on {event.event_name}{title}"
        self.write(f"{self.style.paint(text, 'bold')}\n")

    def _run_finished(self, event: events.RunFinished) -> None:
        self._runs.append((self._workflows.get(event.run, ""), event.outcome, event.seconds))

    def _job_started(self, event: events.JobStarted) -> None:
        key = event.run, event.job
        self._names[key] = event.name
        self._where[key] = event.isolation
        image = f" ({event.image})" if event.image else ""
        self._line(event, self.style.paint(f"runs in {event.isolation}{image}", "dim"))

    def _job_finished(self, event: events.JobFinished) -> None:
        key = event.run, event.job
        self._names[key] = event.name
        if event.reason and event.outcome is not Outcome.SUCCESS:
            self._line(event, f"{self.style.mark(event.outcome)} {event.outcome}: {event.reason}")
        notes = [event.reason] if event.reason else []
        if event.allowed_to_fail:
            notes.insert(0, "allowed to fail (continue-on-error)")
        if self._attempts.get(key):
            retries = self._attempts[key]
            notes.append(f"{retries} {'retry' if retries == 1 else 'retries'}")
        where = self._where.get(key, "-")
        self._rows.append(_Row(self._name(event), event.outcome, event.seconds, where, notes))
        if event.outcome is Outcome.FAILURE and self._failure is None and event.reason:
            self._failure = _Failure(event.run, event.job, self._name(event), "", event.reason, [])

    def _step_started(self, event: events.StepStarted) -> None:
        self._tails[event.run, event.job] = deque(maxlen=TAIL)
        self._steps[event.run, event.job] = event.name
        self._line(event, self.style.paint(event.name, "bold"))
        if self.verbose:
            for line in event.script.strip().split("\n"):
                self._line(event, self.style.paint(f"  {line}", "dim"))
            self._line(event, self.style.paint(f"  shell: {event.shell}", "dim"))
            for name, value in event.env.items():
                self._line(event, self.style.paint(f"  env: {name}={value}", "dim"))

    def _step_finished(self, event: events.StepFinished) -> None:
        skipped = event.outcome is Outcome.SKIPPED
        time = "" if skipped else f" {self.style.paint(duration(event.seconds), 'dim')}"
        reason = (
            f": {event.reason}" if event.reason and event.outcome is not Outcome.SUCCESS else ""
        )
        tolerated = event.outcome is Outcome.FAILURE and event.conclusion is Outcome.SUCCESS
        note = " (continue-on-error)" if tolerated else ""
        if skipped:
            self._line(event, self.style.paint(f"- {event.name} skipped{reason}", "dim"))
        else:
            mark = self.style.mark(event.outcome)
            self._line(event, f"{mark} {event.name}{time}{reason}{note}")
        if event.conclusion is Outcome.FAILURE and self._failure is None:
            lines = list(self._tails.get((event.run, event.job), ()))
            self._failure = _Failure(
                event.run, event.job, self._name(event), event.name, event.reason, lines
            )

    def _attempt_failed(self, event: events.AttemptFailed) -> None:
        key = event.run, event.job
        self._attempts[key] = self._attempts.get(key, 0) + 1
        text = (
            f"attempt {event.attempt} of {event.attempts} failed: {event.reason} "
            f"Trying again in {duration(event.delay)}."
        )
        self._line(event, self.style.paint(text, "yellow"))

    def _output(self, event: events.Output) -> None:
        lines = event.text.removesuffix("\n").split("\n")
        self._tails.setdefault((event.run, event.job), deque(maxlen=TAIL)).extend(lines[-TAIL:])
        if self.quiet:
            return
        bar = "│" if self.style.unicode else "|"
        prefix = self.style.paint(f"{self._name(event)} {bar}", "cyan") + "   "
        self.write(prefix + f"\n{prefix}".join(lines) + "\n")

    def _group_started(self, event: events.GroupStarted) -> None:
        if not self.quiet:
            arrow = "▸" if self.style.unicode else ">"
            self._line(event, f"  {self.style.paint(f'{arrow} {event.title}', 'blue')}")

    def _annotation(self, event: events.Annotation) -> None:
        colours = {"error": "red", "warning": "yellow", "notice": "blue"}
        place = event.file + (f":{event.line}" if event.line else "")
        title = f"{event.title}: " if event.title else ""
        where = f" ({place})" if place else ""
        text = f"{event.level}: {title}{event.message}{where}"
        tail = self._tails.setdefault((event.run, event.job), deque(maxlen=TAIL))
        lines = text.split("\n")
        tail.extend(lines)
        for line in lines:
            self._line(event, f"  {self.style.paint(line, colours[event.level])}")

    def _debug(self, event: events.Debug) -> None:
        self._lines(event, self.style.paint(f"  debug: {event.message}", "dim"))

    def _summary(self, event: events.Summary) -> None:
        self._summaries.append((self._name(event), event.text))

    def _log(self, event: events.Log) -> None:
        if event.level != "info":
            self._line(event, self.style.paint(f"{event.level}: {event.message}", "yellow"))
        elif not self.quiet:
            self._line(event, self.style.paint(event.message, "dim"))

    # --- the end --------------------------------------------------------------------------------

    def close(self) -> None:
        """What a reader wants at the end: summaries, the table, the failure, the next command."""
        for name, text in self._summaries:
            self.write(f"\n{self.style.paint(f'Summary of {name}', 'bold')}\n{text.rstrip()}\n")
        if self._rows:
            self.write("\n")
            header = ["", "Job", "Result", "Time", "Where", "Notes"]
            for line in table([header, *(self._cells(row) for row in self._rows)]):
                self.write(f"{line}\n")
        if self._failure is not None:
            self._show_failure(self._failure)
        for name, outcome, seconds in self._runs:
            mark = self.style.mark(outcome)
            self.write(f"\n{mark} {name}: {self.style.outcome(outcome)} in {duration(seconds)}\n")

    def _cells(self, row: _Row) -> list[str]:
        skipped = row.outcome is Outcome.SKIPPED
        return [
            self.style.mark(row.outcome),
            row.name,
            self.style.outcome(row.outcome),
            "" if skipped else duration(row.seconds),
            row.where,
            "; ".join(row.notes),
        ]

    def _show_failure(self, failure: _Failure) -> None:
        step = f', step "{failure.step}"' if failure.step else ""
        self.write(f"\n{self.style.paint(f'First failure: {failure.name}{step}', 'red')}\n")
        for line in failure.lines:
            self.write(f"    {line}\n")
        if not failure.lines or failure.reason not in failure.lines[-1]:
            self.write(f"    {failure.reason}\n")
        if self.again is not None:
            job = failure.job.partition(".")[0]
            self.write(f"Run it again with: {self.style.paint(self.again(job), 'bold')}\n")


_HANDLERS: dict[type[Event], Callable[[Plain, Any], None]] = {
    events.RunStarted: Plain._run_started,
    events.RunFinished: Plain._run_finished,
    events.JobStarted: Plain._job_started,
    events.JobFinished: Plain._job_finished,
    events.StepStarted: Plain._step_started,
    events.StepFinished: Plain._step_finished,
    events.AttemptFailed: Plain._attempt_failed,
    events.Output: Plain._output,
    events.GroupStarted: Plain._group_started,
    events.Annotation: Plain._annotation,
    events.Debug: Plain._debug,
    events.Summary: Plain._summary,
    events.Log: Plain._log,
}
