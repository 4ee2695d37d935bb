"""A composite action: its steps in a frame of their own, and the outputs they come to."""

from __future__ import annotations

from engine.actions.manifest import CompositeRuns
from engine.events import Outcome
from engine.job import found
from engine.job.frame import Frame, Use
from engine.job.order import Bench
from engine.job.result import CANCELED, Effects, StepResult
from engine.job.step import LiveStep, Prepare
from engine.job.take import take
from engine.reference import Remote
from engine.tree import string


def open_frame(bench: Bench, use: Use) -> None:
    """Make the frame of a composite and the uses of its steps, once for all phases."""
    assert use.found
    runs, reference = use.found.action.runs, use.found.reference
    if use.inner or not isinstance(runs, CompositeRuns):
        return
    github = {"action_path": found.folder(bench, reference)}
    if isinstance(reference, Remote):
        github |= {"action_repository": reference.name, "action_ref": reference.ref}
    frame = Frame(github=github, depth=use.frame.depth + 1, status=Outcome.SUCCESS)
    frame.origin = reference if isinstance(reference, Remote) else use.frame.origin
    use.inner = tuple(Use(step, use.index, frame, frame.action_name(step)) for step in runs.steps)
    for inner in use.inner:
        inner.found = found.foreseen(bench, inner)


def enter(use: Use) -> None:
    """Begin the frame anew, with what the step hands to it now."""
    if use.inner:
        frame = use.inner[0].frame  # they share it
        frame.inputs, frame.env = use.inputs, {**use.frame.env, **use.env}
        frame.status, frame.keeps = Outcome.SUCCESS, use.keeps
        frame.steps.clear()


async def run(live: LiveStep, prepare: Prepare) -> StepResult:
    """Every step that its condition lets run; the worst conclusion is that of the whole.

    A condition without an answer ends it (actions/runner, CompositeActionHandler).

    Raises Unresolved where an output has no answer.
    """
    bench, use = live.bench, live.use
    live.delegates = True  # a cancel is for the step in it that runs
    open_frame(bench, use)
    enter(use)
    results: list[StepResult] = []
    for inner in use.inner:
        results.append(await take(bench, inner, "main", prepare))
        if results[-1].undecided:
            break
    outputs = await bench.answer(lambda: _outputs(live))
    conclusions = [result.conclusion for result in results]
    failed = next((r for r in results if r.conclusion is Outcome.FAILURE), None)
    if Outcome.CANCELLED in conclusions:
        outcome, reason = Outcome.CANCELLED, CANCELED
    elif failed:
        outcome, reason = Outcome.FAILURE, failed.reason
    else:
        outcome, reason = Outcome.SUCCESS, ""
    return StepResult(
        outcome,
        outcome,
        reason,
        exit_code=failed.exit_code if failed else None,
        printed="".join(result.printed for result in results),
        effects=Effects(outputs=outputs),
    )


def _outputs(live: LiveStep) -> dict[str, str]:
    """The outputs of the action, also where a step of it failed."""
    use = live.use
    assert use.found
    if not use.inner:
        return {}
    scope = live.bench.state.scope(use.inner[0].frame)
    return {name: string(tree, scope) for name, tree in use.found.action.outputs.items()}
