"""A `uses:` step: its action found, its inputs answered, its kind run."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import trio

from engine import actions
from engine.actions.manifest import Action, DockerRuns, NodeRuns
from engine.events import Outcome
from engine.expr import to_string
from engine.expr.values import lookup
from engine.job import composite, found, phase
from engine.job.container import container, image_of
from engine.job.inputs import inputs
from engine.job.javascript import javascript
from engine.job.result import Effects, StepResult
from engine.job.retried import Try
from engine.job.step import LiveStep, Prepare
from engine.reference import Local
from engine.tree import Fields, strings


async def prepare(live: LiveStep, inner: Prepare) -> Try:
    """What a phase of the step does; `inner` prepares the steps of a composite.

    Raises CannotRun, Unresolved, ContainerError.
    """
    if actions.is_checkout(live.step):
        given = await live.bench.answer(lambda: strings(live.step.with_, live.scope()))
        live.announce()
        ref = lookup(given, "ref", "")
        if ref and ref not in _names_of_checkout(live.bench.state.base["github"]):
            live.annotate(_other_ref(ref, live.bench.state.base["github"]), "warning")
        return partial(_checked_out, live)
    use, bench = live.use, live.bench
    if live.phase == "main":
        use.found = await found.find(bench, use)
        _warn(live, use.found.action)
    if live.phase != "post":
        use.inputs = await bench.answer(lambda: inputs(use, live.scope()))
    if phase.has(use, "post") and not use.has_post:
        use.has_post = True
        bench.posts.append(use)
    return await _of_kind(live, inner)


async def _of_kind(live: LiveStep, inner: Prepare) -> Try:
    use, bench = live.use, live.bench
    assert use.found
    match use.found.action.runs:
        case NodeRuns() as runs:
            return live.tried(javascript(bench, use, live.scope(), live.files, runs, live.phase))
        case DockerRuns() as docker:
            image = await image_of(bench, use, docker)
            make = partial(container, bench, use, runs=docker, phase=live.phase, image=image)
            return live.tried(await bench.answer(lambda: make(live.scope(), live.files)))
    live.announce()
    return live.retried(partial(composite.run, live, inner))


async def _checked_out(live: LiveStep) -> StepResult:
    """The workspace already holds the repository; nothing is left to be done."""
    await trio.lowlevel.checkpoint()
    github = live.bench.state.base["github"]
    outputs = {"ref": to_string(github["ref"]), "commit": to_string(github["sha"])}
    return StepResult(Outcome.SUCCESS, Outcome.SUCCESS, effects=Effects(outputs=outputs))


def _names_of_checkout(github: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a workflow may call the commit that its jobs see."""
    pull = github["event"].get("pull_request")
    head = pull.get("head") if isinstance(pull, dict) else None
    heads = (head.get("ref"), head.get("sha")) if isinstance(head, dict) else ()
    return github["ref"], github["ref_name"], github["sha"], github["head_ref"], *heads


def _other_ref(ref: str, github: Mapping[str, Any]) -> str:
    here = f"{github['ref_name']}, {github['sha'][:7]}"
    return (
        f'The job sees the files that are checked out here ({here}), not those of "{ref}": '
        "check that out first, or run the workflow in a worktree of it."
    )


def _warn(live: LiveStep, action: Action) -> None:
    """Of inputs that the action does not have, and of what will not happen."""
    for message in (*_about_inputs(live, action), *_about_pre(live, action)):
        live.annotate(message, "warning")


def _about_inputs(live: LiveStep, action: Action) -> list[str]:
    if not isinstance(live.step.with_, Fields):
        return []
    names = [key.node.text for key, _ in live.step.with_.entries if key.template is None]
    known = {declared.name.lower(): declared for declared in action.inputs}
    is_docker = isinstance(action.runs, DockerRuns)
    valid = [declared.name for declared in action.inputs]
    valid += ["entryPoint", "args"] if is_docker else []
    unknown = [name for name in names if name.lower() not in map(str.lower, valid)]
    messages = []
    if unknown and live.step.uses and not live.step.uses.text.startswith("docker://"):
        listed, allowed = (", ".join(f"'{name}'" for name in some) for some in (unknown, valid))
        messages.append(f"Unexpected input(s) {listed}, valid inputs are [{allowed}]")
    for name in names:
        if (declared := known.get(name.lower())) and declared.deprecation:
            about = f"Input '{declared.name}' has been deprecated with message: "
            messages.append(about + declared.deprecation)
    return messages


def _about_pre(live: LiveStep, action: Action) -> list[str]:
    is_local = live.use.found is not None and isinstance(live.use.found.reference, Local)
    if not is_local or not phase.has(live.use, "pre"):
        return []
    return [f"`pre` execution is not supported for local action from '{action.name}'"]
