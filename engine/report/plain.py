"""Lines that each say which job they belong to, and a table at the end."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field

from engine import events
from engine.events import Event, Outcome
from engine.report.style import Style, duration, not_started, table

TAIL = 20  # lines shown of the first step that failed
MOST_SUMMARIES = 20  # of one job, as on its page at GitHub
Again = Callable[[str, str, Mapping[str, Any]], str]

_COLOURS = {"error": "red", "warning": "yellow", "notice": "blue"}


class _Job(Struct):
    """What is known of one job so far; `failure` is the step that failed it and its last lines."""

    name: str
    where: str = "-"
    matrix: Mapping[str, Any] = field(default_factory=dict)
    retries: int = 0
    calls: bool = False
    running: dict[int, str] = field(default_factory=dict)  # the names of steps by their number
    tails: dict[int, deque[str]] = field(default_factory=dict)
    grouped: set[int] = field(default_factory=set)  # the numbers of steps whose group is open
    failed_step: str = ""
    failed_lines: list[str] = field(default_factory=list)
    finished: events.JobFinished | None = None

    def tail(self, step: int) -> deque[str]:
        """The last lines of a step."""
        return self.tails.setdefault(step, deque(maxlen=TAIL))


class _Run(Struct):
    """`order` says where each job stands among those of its workflow, by its key without a leg."""

    workflow: str
    event: str
    order: dict[str, int]
    finished: events.RunFinished | None = None


class Plain(Struct):
    """A reporter; `write` gets whole lines with their newline, `close` prints the table.

    `again` gives the command that runs one job once more, by its id and its matrix values.
    `many` says that several workflows run, so that each line names its workflow too. `aside` gets
    what is no part of the output, such as a workflow that is not started. `page` says which file
    has all summaries of a run, '' where none has.
    """

    write: Callable[[str], None]
    style: Style = field(default_factory=Style)
    many: bool = False
    again: Again | None = None
    page: Callable[[str], str] = lambda run: ""
    verbose: bool = False
    quiet: bool = False
    aside: Callable[[str], None] | None = None
    _skipped: list[events.WorkflowSkipped] = field(default_factory=list)
    _runs: dict[str, _Run] = field(default_factory=dict)
    _jobs: dict[tuple[str, str], _Job] = field(default_factory=dict)
    _failures: list[tuple[str, str]] = field(default_factory=list)
    _summaries: dict[tuple[str, str], list[events.Summary]] = field(default_factory=dict)

    def __call__(self, event: Event) -> None:
        handler = _HANDLERS.get(type(event))
        if handler is not None:
            handler(self, event)

    # --- lines ----------------------------------------------------------------------------------

    def _job(self, event: Event) -> _Job:
        return self._jobs.setdefault((event.run, event.job), _Job(event.job))

    def _name(self, run: str, job: str) -> str:
        name = self._jobs[run, job].name if (run, job) in self._jobs else job
        return f"{self._runs[run].workflow}/{name}" if self.many and run in self._runs else name

    def _prefix(self, event: Event) -> str:
        bar = "│" if self.style.unicode else "|"
        name = self._name(event.run, event.job)
        running = self._jobs[event.run, event.job].running if event.job else {}
        if isinstance(event, events.StepEvent) and event.step in running and len(running) > 1:
            name = f"{name} {'›' if self.style.unicode else '>'} {running[event.step]}"
        return self.style.paint(f"{name} {bar}", "cyan") if event.job else ""

    def _line(self, event: Event, text: str, colour: str = "") -> None:
        self._job(event)
        prefix = self._prefix(event)
        for line in text.split("\n"):
            painted = self.style.paint(line, colour) if colour else line
            self.write(f"{prefix} {painted}\n" if prefix else f"{painted}\n")

    # --- events ---------------------------------------------------------------------------------

    def _workflow_skipped(self, event: events.WorkflowSkipped) -> None:
        self._skipped.append(event)
        (self.aside or self.write)(f"runwright: {not_started(event)}\n")

    def _run_started(self, event: events.RunStarted) -> None:
        order = {id_: index for index, id_ in enumerate(event.jobs)}
        self._runs[event.run] = _Run(event.workflow, event.event_name, order)
        arrow = "▶" if self.style.unicode else ">"
        title = f": {event.title}" if event.title not in ("", event.workflow) else ""
        text = f"{arrow} {event.workflow} #{event.run_number} on {event.event_name}{title}"
        self.write(f"{self.style.paint(text, 'bold')}\n")

    def _run_finished(self, event: events.RunFinished) -> None:
        if event.run in self._runs:
            self._runs[event.run].finished = event

    def _job_started(self, event: events.JobStarted) -> None:
        job = self._job(event)
        job.name, job.where, job.matrix = event.name, event.isolation, event.matrix
        image = f" ({event.image})" if event.image else ""
        self._line(event, f"runs in {event.isolation}{image}", "dim")
        if self.verbose and event.permissions:
            levels = ", ".join(f"{scope}: {level}" for scope, level in event.permissions.items())
            self._line(event, f"GITHUB_TOKEN permissions: {levels}", "dim")

    def _job_called(self, event: events.JobCalled) -> None:
        job = self._job(event)
        job.name, job.matrix, job.calls = event.name, event.matrix, True
        if event.run in self._runs:
            self._runs[event.run].order.update({id_: n for n, id_ in enumerate(event.jobs)})
        self._line(event, f"calls {event.file}", "dim")

    def _job_attempt_failed(self, event: events.JobAttemptFailed) -> None:
        job = self._job(event)
        job.failed_step, job.failed_lines = "", []
        self._again(event)

    def _job_finished(self, event: events.JobFinished) -> None:
        job = self._job(event)
        job.name, job.finished = event.name, event
        if event.reason and event.outcome is not Outcome.SUCCESS:
            self._line(event, f"{self.style.mark(event.outcome)} {event.outcome}: {event.reason}")
        if event.outcome is Outcome.FAILURE and not event.allowed_to_fail:
            self._failures.append((event.run, event.job))

    def _step_started(self, event: events.StepStarted) -> None:
        job = self._job(event)
        if not event.depth:
            job.running[event.step] = event.name
        job.tail(event.step).clear()
        self._line(event, f"{_indent(event)}{event.name}", "bold")
        if self.verbose and event.script:
            self._line(event, "\n".join(f"  {line}" for line in _shown(event)), "dim")

    def _step_finished(self, event: events.StepFinished) -> None:
        job, indent = self._job(event), _indent(event)
        job.grouped.discard(event.step)
        tail = job.tail(event.step)
        if event.outcome is Outcome.SKIPPED:
            reason = f": {event.reason}" if event.reason else ""
            return self._line(event, f"{indent}- {event.name} skipped{reason}", "dim")
        text = f"{indent}{self.style.mark(event.outcome)} {event.name}"
        text += f" {self.style.paint(duration(event.seconds), 'dim')}"
        if event.reason and not _ends_with(tail, event.reason):
            text += f": {event.reason}"
        if event.outcome is Outcome.FAILURE and event.conclusion is Outcome.SUCCESS:
            text += " (continue-on-error)"
        self._line(event, text)
        if event.depth:
            return None
        if event.conclusion is Outcome.FAILURE and not job.failed_step:
            job.failed_step, job.failed_lines = event.name, list(tail)
            if event.reason and not _ends_with(tail, event.reason):
                job.failed_lines.append(event.reason)
        job.running.pop(event.step, None)
        return None

    def _again(self, event: events.AttemptFailed | events.JobAttemptFailed) -> None:
        self._job(event).retries += 1
        text = (
            f"attempt {event.attempt} of {event.attempts} failed: {event.reason} "
            f"Trying again in {duration(event.delay)}."
        )
        self._line(event, text, "yellow")

    def _output(self, event: events.Output) -> None:
        lines = event.text.removesuffix("\n").split("\n")
        self._job(event).tail(event.step).extend(lines[-TAIL:])
        if not self.quiet:
            inner = "  " if event.step in self._job(event).grouped else ""
            prefix = f"{self._prefix(event)}   {inner}"
            self.write(prefix + f"\n{prefix}".join(lines) + "\n")

    def _group_started(self, event: events.GroupStarted) -> None:
        if not self.quiet:
            arrow = "▸" if self.style.unicode else ">"
            self._line(event, f"  {arrow} {event.title}", "blue")
        self._job(event).grouped.add(event.step)

    def _group_ended(self, event: events.GroupEnded) -> None:
        self._job(event).grouped.discard(event.step)

    def _annotation(self, event: events.Annotation) -> None:
        lines = f"{event.level}: {event.text or _remark(event)}".split("\n")
        self._job(event).tail(event.step).extend(lines)
        for line in lines:
            self._line(event, f"  {line}", _COLOURS[event.level])

    def _debug(self, event: events.Debug) -> None:
        self._line(event, f"  debug: {event.message}", "dim")

    def _summary(self, event: events.Summary) -> None:
        self._summaries.setdefault((event.run, event.job), []).append(event)

    def _log(self, event: events.Log) -> None:
        if event.level != "info":
            self._line(event, f"{event.level}: {event.message}", "yellow")
        elif not self.quiet:
            self._line(event, event.message, "dim")

    # --- the end --------------------------------------------------------------------------------

    def close(self) -> None:
        """What a reader wants at the end: summaries, the table, the failure, the next command."""
        for key, summaries in self._summaries.items():
            self._show_summaries(self._name(*key), summaries)
        rows = [self._row(key, job) for key, job in sorted(self._jobs.items(), key=self._place)]
        if any(rows):
            header = ["", "Job", "Result", "Time", "Where", "Notes"]
            self.write("\n" + "".join(f"{line}\n" for line in table([header, *filter(None, rows)])))
        if self._failures:
            self._show_failure(self._failures[0])
        for run in self._runs.values():
            if run.finished is not None:
                outcome, seconds = run.finished.outcome, run.finished.seconds
                text = f"{run.workflow}: {self.style.outcome(outcome)} in {duration(seconds)}"
                self.write(f"\n{self.style.mark(outcome)} {text}\n")
        for skipped in self._skipped if self._runs else ():
            self.write(f"{self.style.mark(Outcome.SKIPPED)} {not_started(skipped)}\n")

    def _show_summaries(self, name: str, summaries: list[events.Summary]) -> None:
        for event in summaries[:MOST_SUMMARIES]:
            title = f'Summary of {name}, step "{event.name}"'
            self.write(f"\n{self.style.paint(title, 'bold')}\n{event.text.rstrip()}\n")
        if (more := len(summaries) - MOST_SUMMARIES) > 0:
            page = self.page(summaries[0].run)
            self.write(f"\n{more} more of {name}{f'; all are in {page}' if page else ''}\n")

    def _place(self, item: tuple[tuple[str, str], _Job]) -> tuple[int, list[tuple[int, int]]]:
        """Workflows as they started, jobs as in their file, legs as in their matrix; what a job
        calls stands after it."""
        (run, key), _ = item
        known = self._runs.get(run)
        order = known.order if known else {}
        found, above = [], ""
        for part in key.split("/"):
            id_, _, leg = part.partition(".")
            found.append((order.get(f"{above}{id_}", 0), int(leg or 0)))
            above += f"{part}/"
        return list(self._runs).index(run) if known else 0, found

    def _row(self, key: tuple[str, str], job: _Job) -> list[str]:
        event = job.finished
        if event is None or (job.calls and not event.reason):
            return []  # what a job calls has rows of its own
        return [
            self.style.mark(event.outcome),
            self._name(*key),
            self.style.outcome(event.outcome),
            "" if event.outcome is Outcome.SKIPPED else duration(event.seconds),
            job.where,
            "; ".join(_notes(job, event)),
        ]

    def _selection(self, key: tuple[str, str]) -> tuple[str, Mapping[str, Any]]:
        """A job's name for --job, and the values that choose its leg and those of its callers."""
        run, parts = key[0], key[1].split("/")
        above = ("/".join(parts[: n + 1]) for n in range(len(parts)))
        known = (self._jobs[run, each] for each in above if (run, each) in self._jobs)
        matrix = {name: value for job in known for name, value in job.matrix.items()}
        return _without_legs(key[1]), matrix

    def _show_failure(self, key: tuple[str, str]) -> None:
        job = self._jobs[key]
        step = f', step "{job.failed_step}"' if job.failed_step else ""
        self.write(f"\n{self.style.paint(f'First failure: {self._name(*key)}{step}', 'red')}\n")
        reason = job.finished.reason if job.finished else ""
        for line in job.failed_lines or [reason]:
            self.write(f"    {line}\n")
        if self.again is not None:
            event = self._runs[key[0]].event if key[0] in self._runs else ""
            command = self.again(event, *self._selection(key))
            self.write(f"Run it again with: {self.style.paint(command, 'bold')}\n")


def _indent(event: events.StepStarted | events.StepFinished) -> str:
    return "  " * event.depth


def _without_legs(key: str) -> str:
    return "/".join(part.partition(".")[0] for part in key.split("/"))


def _shown(event: events.StepStarted) -> list[str]:
    """A step's header as the log of GitHub has it: script, shell, env."""
    script = event.script.strip().split("\n")
    return [*script, f"shell: {event.shell}", *(f"env: {k}={v}" for k, v in event.env.items())]


def _remark(event: events.Annotation) -> str:
    place = event.file + (f":{event.line}" if event.line else "")
    title = f"{event.title}: " if event.title else ""
    return f"{title}{event.message}" + (f" ({place})" if place else "")


def _ends_with(tail: deque[str], reason: str) -> bool:
    return bool(tail) and reason in tail[-1]


def _notes(job: _Job, event: events.JobFinished) -> list[str]:
    notes = ["allowed to fail (continue-on-error)"] if event.allowed_to_fail else []
    notes += [event.reason] if event.reason else []
    notes += [f'step "{job.failed_step}"'] if job.failed_step else []
    if job.retries:
        notes.append(f"{job.retries} {'retry' if job.retries == 1 else 'retries'}")
    return notes


_HANDLERS: dict[type[Event], Callable[[Plain, Any], None]] = {
    events.WorkflowSkipped: Plain._workflow_skipped,
    events.RunStarted: Plain._run_started,
    events.RunFinished: Plain._run_finished,
    events.JobStarted: Plain._job_started,
    events.JobCalled: Plain._job_called,
    events.JobAttemptFailed: Plain._job_attempt_failed,
    events.JobFinished: Plain._job_finished,
    events.StepStarted: Plain._step_started,
    events.StepFinished: Plain._step_finished,
    events.AttemptFailed: Plain._again,
    events.Output: Plain._output,
    events.GroupStarted: Plain._group_started,
    events.GroupEnded: Plain._group_ended,
    events.Annotation: Plain._annotation,
    events.Debug: Plain._debug,
    events.Summary: Plain._summary,
    events.Log: Plain._log,
}
