"""What was prepared is run, signals are heard, and an exit code comes of it."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from engine import cli as codes
from engine.cli import show
from engine.cli.prepare import Prepared
from engine.cli.reporting import Reports, reporting
from engine.cli.supplies import supplies
from engine.events import Outcome
from engine.problems import Place, Problem

if TYPE_CHECKING:
    from engine.job import Cancellation
    from engine.run import Choose, RunResult

ASKED_FOR = 0.06  # seconds until Docker starts the first container, which takes it longer


def execute(prepared: Prepared) -> int:
    """Run what was prepared; the exit code."""
    import trio

    from engine.cli import places

    if prepared.request.runner != "auto":
        places.runner(prepared.request.runner)  # refuses an unknown one before a run begins
    brought = supplies(prepared)
    with reporting(prepared) as reports:
        for skipped in prepared.skipped:
            reports.emit(skipped)
        if prepared.remedy:
            print(prepared.remedy, file=sys.stderr)
        if not prepared.starts:
            return codes.NOTHING_RAN
        try:
            return trio.run(_run, replace(prepared, supplies=brought), reports)
        except BaseExceptionGroup as group:
            raise _first(group) from None


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one exception worth showing of a nursery's group."""
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


async def _run(prepared: Prepared, reports: Reports) -> int:
    import trio

    from engine.cli import places
    from engine.job import Cancellation
    from engine.machine import MachineError

    cancellation = Cancellation()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_on_signals, cancellation, nursery.cancel_scope)
        try:
            isolation = await places.decide(prepared.request.runner)
        except MachineError as error:
            problem = Problem(Place("runwright run"), str(error), "environment")
            show.show([problem])
            nursery.cancel_scope.cancel()
            return codes.ENVIRONMENT
        if isolation.name == "namespace" and prepared.request.runner == "auto":
            note = f"runwright: {isolation.why} Jobs run in namespaces of this machine instead."
            print(note, file=sys.stderr)
        nursery.start_soon(_ready_for_steps)
        choose = places.chooser(isolation, prepared.request.runner, prepared.images)
        code = await _all_workflows(prepared, choose, cancellation, reports)
        nursery.cancel_scope.cancel()
        return code
    return codes.CANCELLED


async def _ready_for_steps() -> None:
    """Import what steps need while their containers start, as nothing else is to be done then."""
    import trio

    await trio.sleep(ASKED_FOR)
    import engine.job.steps  # noqa: F401


async def _all_workflows(
    prepared: Prepared, choose: Choose, cancellation: Cancellation, reports: Reports
) -> int:
    import trio

    from engine.cli.runs import Runs

    begun = [replace(start, facts=reports.begin(start.facts)) for start in prepared.starts]
    async with trio.open_nursery() as nursery:
        runs = Runs(prepared, nursery, choose, cancellation, reports)
        for start in begun:
            nursery.start_soon(runs.run, start)
    return _exit_code(runs.results, cancellation.requested)


def _exit_code(results: list[RunResult], cancelled: bool) -> int:
    if cancelled:
        return codes.CANCELLED
    if any(result.broke for result in results):
        return codes.ENVIRONMENT
    if any(result.timed_out for result in results):
        return codes.TIMED_OUT
    if any(result.outcome in (Outcome.FAILURE, Outcome.CANCELLED) for result in results):
        return codes.FAILED
    return codes.SUCCESS if any(result.ran for result in results) else codes.NOTHING_RAN


async def _on_signals(cancellation: Any, scope: Any) -> None:
    """The first interrupt cancels as GitHub does; the second one ends everything at once."""
    import trio

    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for number in signals:
            if cancellation.requested:
                scope.cancel()
                return
            name = signal.Signals(number).name
            print(f"\nrunwright: {name}: cancelling; once more to stop at once", file=sys.stderr)
            cancellation.request(f"The run was cancelled ({name}).")
