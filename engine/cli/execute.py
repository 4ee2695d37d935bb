"""What was prepared is run, signals are heard, and an exit code comes of it."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from functools import partial
from typing import Any

from engine import cli as codes
from engine import git
from engine.cli import settings, show
from engine.cli.prepare import Prepared
from engine.cli.reporting import reporting
from engine.events import Emit, Outcome
from engine.problems import Place, Problem


def execute(prepared: Prepared) -> int:
    """Run what was prepared; the exit code."""
    import trio

    from engine.cli import places

    if prepared.request.runner != "auto":
        places.runner(prepared.request.runner)  # refuses an unknown one before a run begins
    with reporting(prepared) as (facts, emit):
        try:
            return trio.run(_run, replace(prepared, facts=facts), emit)
        except BaseExceptionGroup as group:
            raise _first(group) from None


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one exception worth showing of a nursery's group."""
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


async def _run(prepared: Prepared, emit: Emit) -> int:
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
        if prepared.request.runner == "auto" and isolation.name != "docker":
            print(f"runwright: jobs run in a namespace: {isolation.why}", file=sys.stderr)
        if isolation.name == "namespace" and prepared.request.runner == "auto":
            note = f"runwright: {isolation.why} Jobs run in namespaces of this machine instead."
            print(note, file=sys.stderr)
        choose = places.chooser(isolation, prepared.request.runner, prepared.images)
        code = await _all_workflows(prepared, choose, cancellation, emit)
        nursery.cancel_scope.cancel()
        return code
    return codes.CANCELLED


async def _all_workflows(prepared: Prepared, choose: Any, cancellation: Any, emit: Emit) -> int:
    import trio

    from engine.job import Cancellation
    from engine.run import RunResult
    from engine.run import run as run_plan
    from engine.store import groups

    results: list[RunResult] = []
    most = prepared.request.concurrent_jobs or max(4, os.cpu_count() or 1)
    slots = trio.CapacityLimiter(most)

    async def one(index: int) -> None:
        found, facts = prepared.plans[index], prepared.facts[index]
        wanted = _settings(prepared, index)
        enter = partial(groups.member, facts.checkout.repository)
        # a run that another one replaces is cancelled alone, not with its neighbours
        stop = Cancellation()
        with cancellation.heard_by(lambda: stop.request(cancellation.reason)):
            results.append(await run_plan(found, facts, wanted, choose, stop, emit, slots, enter))

    async with trio.open_nursery() as nursery:
        for index in range(len(prepared.plans)):
            nursery.start_soon(one, index)
    return _exit_code(results, cancellation.requested)


def _settings(prepared: Prepared, index: int) -> Any:
    from engine.run import Settings

    request = prepared.request
    pull: Any = request.pull
    return Settings(
        environments=settings.environments(prepared.project.directory),
        source=prepared.project.root,
        hidden=git.ignored(prepared.project.root) if request.use_gitignore else (),
        secrets=prepared.secrets,
        variables=prepared.variables,
        inputs=prepared.inputs[index],
        env=prepared.environment,
        matrix=prepared.matrix,
        workspace_mode="bind" if request.bind else "copy" if request.copy else "overlay",
        pull=pull,
        options=request.container_options,
        network=request.network,
        platform=request.container_architecture,
        debug=request.verbose
        or prepared.secrets.get("ACTIONS_STEP_DEBUG") == "true"
        or prepared.variables.get("ACTIONS_STEP_DEBUG") == "true",
    )


def _exit_code(results: list[Any], cancelled: bool) -> int:
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
