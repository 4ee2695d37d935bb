"""Where the events of a command go: what shows them, and what keeps them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.cli import show
from engine.cli.prepare import Prepared
from engine.cli.request import Request, again
from engine.contexts import RunFacts
from engine.events import Emit, Event
from engine.problems import usage


@contextmanager
def reporting(prepared: Prepared) -> Iterator[tuple[tuple[RunFacts, ...], Emit]]:
    """The runs' ids, and an emit that stores each event and shows it."""
    facts, sinks = _recorded(prepared)
    reporter = _Careful(_reporter(prepared.request, len(facts) > 1))
    with ExitStack() as stack:
        shows = [reporter, *_event_file(prepared.request, stack)]

        def emit(event: Event) -> None:
            for sink in (*sinks.get(event.run, ()), *shows):
                sink(event)

        try:
            yield facts, emit
        finally:
            reporter.close()


def _event_file(request: Request, stack: ExitStack) -> list[_Careful]:
    if not request.events:
        return []
    from engine.report.jsonl import jsonl

    try:
        opened = Path(request.events).open("w", encoding="utf-8")  # noqa: SIM115 (the stack closes)
    except OSError as error:
        raise usage(f"can't be written: {error.strerror}", where=request.events) from None
    return [_Careful(jsonl(_writer(stack.enter_context(opened))))]


class _Careful:
    """A reporter that raises is dropped with one warning: a closed pipe must not fail a run."""

    def __init__(self, reporter: Callable[[Event], None]) -> None:
        self.reporter = reporter
        self.broken = False

    def __call__(self, event: Event) -> None:
        if self.broken:
            return
        try:
            self.reporter(event)
        except Exception as error:
            self.broken = True
            with suppress(OSError):
                print(f"runwright: the output stopped: {error!r}", file=sys.stderr)

    def close(self) -> None:
        """Let the reporter say what it says at the end."""
        close = getattr(self.reporter, "close", None)
        if close is not None and not self.broken:
            close()


def _recorded(prepared: Prepared) -> tuple[tuple[RunFacts, ...], dict[str, list[Emit]]]:
    from engine.store import runs

    facts: list[RunFacts] = []
    sinks: dict[str, list[Emit]] = {}
    for index, fact in enumerate(prepared.facts):
        try:
            record = runs.begin(fact.checkout.repository, fact.workflow_file)
            sinks[record.run_id] = [runs.writer(record)]
            facts.append(replace(fact, run_id=record.run_id, run_number=record.run_number))
        except OSError as error:
            if not index:
                print(f"runwright: this run is not kept: {error}", file=sys.stderr)
            facts.append(replace(fact, run_id=str(index + 1)))
    return tuple(facts), sinks


def _reporter(request: Request, many: bool) -> Callable[[Event], None]:
    if request.as_json:
        from engine.report.jsonl import jsonl

        return jsonl(_writer(sys.stdout))
    if os.environ.get("GITHUB_ACTIONS") == "true" and "GITHUB_STEP_SUMMARY" in os.environ:
        from engine.report.annotations import Annotations

        return Annotations(_writer(sys.stdout), _summarize)
    from engine.report.plain import Plain
    from engine.report.style import Style

    encoding = (sys.stdout.encoding or "").lower()
    style = Style(show.has_colour(sys.stdout), encoding.startswith("utf"))
    return Plain(
        _writer(sys.stdout),
        style,
        many=many,
        again=lambda job, matrix: again(request, job, matrix),
        verbose=request.verbose,
        quiet=request.quiet,
    )


def _writer(stream: Any) -> Callable[[str], None]:
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="replace")

    def write(text: str) -> None:
        stream.write(text)
        stream.flush()

    return write


def _summarize(text: str) -> None:
    with Path(os.environ["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as file:
        file.write(text)
