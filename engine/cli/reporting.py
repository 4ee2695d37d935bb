"""Where the events of a command go: what shows them, and what keeps them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from engine.cli import show
from engine.cli.prepare import Prepared
from engine.cli.request import Request, again
from engine.contexts import RunFacts
from engine.events import Emit, Event
from engine.problems import usage


class Reports:
    """Where events go: each is kept with its run, and shown."""

    def __init__(self, shows: Sequence[Emit]) -> None:
        self.shows = shows
        self.records: dict[str, list[_Careful]] = {}
        self.unkept = 0

    def begin(self, facts: RunFacts) -> RunFacts:
        """The facts of a run that starts now, with its id and its number."""
        from engine.store import runs

        try:
            record = runs.begin(facts.checkout.repository, facts.workflow_file)
            keepers = (runs.writer(record), runs.logger(record), runs.summarizer(record))
            self.records[record.run_id] = [_Careful(keeper) for keeper in keepers]
            return replace(facts, run_id=record.run_id, run_number=record.run_number)
        except OSError as error:
            if not self.unkept:
                print(f"runwright: this run is not kept: {error}", file=sys.stderr)
            self.unkept += 1
            return replace(facts, run_id=str(self.unkept))

    def emit(self, event: Event) -> None:
        """Keep an event and show it."""
        for tell in (*self.records.get(event.run, ()), *self.shows):
            tell(event)


@contextmanager
def reporting(prepared: Prepared) -> Iterator[Reports]:
    """What the command line asks for is there to be told; at the end it is closed."""
    reporter = _Careful(_reporter(prepared))
    with ExitStack() as stack:
        try:
            yield Reports([reporter, *_event_file(prepared.request, stack)])
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


def _reporter(prepared: Prepared) -> Callable[[Event], None]:
    request = prepared.request
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
        many=len(prepared.starts) + len(prepared.followers) > 1,
        again=partial(again, request),
        page=_page,
        verbose=request.verbose,
        quiet=request.quiet,
        aside=_writer(sys.stderr),
    )


def _page(run: str) -> str:
    """The file with all summaries of a run, '' where it is not kept."""
    from engine.store import runs

    path = runs.of(run).summary
    return str(path) if path.exists() else ""


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
