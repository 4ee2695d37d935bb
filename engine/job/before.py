"""What actions ask for before all steps, those inside of composites too."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from engine.job import composite, phase
from engine.job.frame import Use
from engine.job.inputs import inputs
from engine.job.order import Bench
from engine.job.step import Prepare
from engine.job.take import take
from engine.tree import strings


async def before(bench: Bench, some: Iterable[Use], prepare: Prepare) -> None:
    """Run the `pre` of each action, in the order of the steps."""
    for use in some:
        if phase.has(use, "pre"):
            await take(bench, use, "pre", prepare)
        elif use.found is not None:
            composite.open_frame(bench, use)
            await _inside(bench, use, prepare)
        else:
            await before(bench, use.inner, prepare)


async def _inside(bench: Bench, use: Use, prepare: Prepare) -> None:
    if not any(inner.found for inner in use.inner):
        return
    scope = partial(bench.state.scope, use.frame, of_job=True)
    use.env = await bench.answer(lambda: strings(use.step.env, scope()))
    use.inputs = await bench.answer(lambda: inputs(use, scope()))
    composite.enter(use)
    await before(bench, use.inner, prepare)
