"""A phase of a step is taken: it runs unless a cancel stops it, and what it leaves is kept."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

import trio
from msgspec.structs import replace

from engine.events import Outcome, Phase, StepFinished, Summary
from engine.job.frame import Use
from engine.job.order import Bench
from engine.job.result import CANCELED, StepResult, ended
from engine.job.retried import Try
from engine.job.step import LiveStep, Prepare


async def take(bench: Bench, use: Use, phase: Phase, prepare: Prepare) -> StepResult:
    """Run a phase of a step and let the steps after it see what it left."""
    result = await perform(bench, use, phase, prepare)
    settle(bench, use, phase, result)
    if phase != "main" or use.frame.status is None:
        bench.state.worsen(result.conclusion)
    else:
        use.frame.worsen(result.conclusion)
    return result


async def perform(
    bench: Bench,
    use: Use,
    phase: Phase,
    prepare: Prepare,
    began: Callable[[], None] = lambda: None,
) -> StepResult:
    """Run a phase of a step; nobody sees yet what it left. `began` is told when it starts."""
    await trio.lowlevel.checkpoint_if_cancelled()  # the grace may be over
    live = LiveStep(bench, use, phase, prepare, began)
    bench.running.append(live)
    if phase == "main":
        bench.begun.add(use)
    # a step that starts after the cancel is only asked for its condition
    asked = bench.cancellation.requested
    result = ended(Outcome.CANCELLED, CANCELED)
    try:
        with (
            trio.CancelScope() as scope,
            nullcontext() if asked else bench.cancellation.heard_by(lambda: live.reconsider(scope)),
        ):
            result = await live.run()
    except trio.Cancelled:  # of something around the step: its time, its group, its job
        finish(live, result)
        raise
    return finish(live, result)


def finish(live: LiveStep, result: StepResult) -> StepResult:
    """Tell how a phase of a step ended."""
    bench, effects = live.bench, result.effects
    result = replace(result, attempts=max(result.attempts, live.attempts))
    if effects.summary:
        job, name = bench.order.leg.key, bench.masks.hide(live.name)
        bench.emit(Summary(job=job, step=live.use.index, name=name, text=effects.summary))
    for complaint in effects.complaints:
        live.annotate(complaint)
    is_told = result.reason in effects.errors or live.delegates
    if result.outcome is Outcome.FAILURE and not is_told:
        live.annotate(result.reason)
    bench.emit(
        StepFinished(
            job=bench.order.leg.key,
            step=live.use.index,
            name=bench.masks.hide(live.name),
            phase=live.phase,
            depth=live.use.frame.depth,
            outcome=result.outcome,
            conclusion=result.conclusion,
            seconds=trio.current_time() - live.started,
            attempts=result.attempts,
            exit_code=result.exit_code,
            reason=bench.masks.hide(result.reason),
        )
    )
    bench.running.remove(live)
    return result


def pass_over(bench: Bench, use: Use, result: StepResult) -> None:
    """Tell that a step never began."""
    live = LiveStep(bench, use, "main", _nothing)
    bench.running.append(live)
    bench.begun.add(use)
    finish(live, result)


async def _nothing(live: LiveStep) -> Try:
    raise AssertionError(live)


def settle(bench: Bench, use: Use, phase: Phase, result: StepResult) -> None:
    """Let the steps after it see what a phase of a step left."""
    state, effects = bench.state, result.effects
    state.env.update(effects.env)
    for entry in effects.path:
        state.path = [entry, *(old for old in state.path if old != entry)]
    use.saved.update(effects.state)
    state.subjects.update(effects.subjects)
    if use.step.id and phase == "main":
        use.frame.steps[use.step.id] = {
            "outputs": dict(effects.outputs),
            "outcome": str(result.outcome),
            "conclusion": str(result.conclusion),
            "attempts": result.attempts,
        }
