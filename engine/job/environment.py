"""What a step finds in its environment, and GitHub's paths as a container step sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine import contexts
from engine.job.frame import Use
from engine.job.state import JobState
from engine.machine import STEP_COMMANDS, STEP_LAYOUT, Layout
from engine.plan import Leg
from engine.reference import Remote
from engine.tree import Scope


def variables(
    state: JobState, use: Use, scope: Scope, given: Mapping[str, str], leg: Leg
) -> dict[str, str]:
    """A step's environment, later entries winning (actions/runner, Handler).

    `given` is the environment of the command line.
    """
    github: Any = scope.contexts["github"]
    runner: Any = scope.contexts["runner"]
    home = state.facts.layout.home
    return {
        "CI": leg.container.env.get("CI", "true") if leg.container else "true",
        **({"HOME": home} if home else {}),
        **given,
        **state.env,
        **use.frame.env,
        **use.env,
        **contexts.default_variables({**github, "job": leg.job.id}, runner),
        "GITHUB_ACTIONS": "true",
        "ACT": "true",
    }


def of_action(use: Use) -> dict[str, str]:
    """What an action finds beside that: its name, its inputs, the state of its earlier phases."""
    wanted = use.found.reference if use.found else None
    whose = (
        {"GITHUB_ACTION_REPOSITORY": wanted.name, "GITHUB_ACTION_REF": wanted.ref}
        if isinstance(wanted, Remote)
        else {}
    )
    return {
        **whose,
        **{f"INPUT_{name.replace(' ', '_').upper()}": text for name, text in use.inputs.items()},
        **{f"STATE_{name}": text for name, text in use.saved.items()},
    }


def in_container_step(env: Mapping[str, str], layout: Layout) -> dict[str, str]:
    """An environment with the paths of a container step (actions/runner, ContainerInfo)."""
    moves = _moves(layout)
    return {name: _moved(text, moves) for name, text in env.items()} | {"HOME": _HOME}


def out_of_container_step(path: str, layout: Layout) -> str:
    """What a path of a container step is called in the machine."""
    return _moved(path, [(after, before) for before, after in _moves(layout)])


_HOME = str(STEP_LAYOUT.home)


def _moves(layout: Layout) -> list[tuple[str, str]]:
    """Directories of the machine and what they are called in a container step, deepest first."""
    found = [
        (layout.workspace, STEP_LAYOUT.workspace),
        (layout.commands, STEP_COMMANDS),
        (layout.event, STEP_LAYOUT.event),
        (layout.temp, STEP_LAYOUT.temp),
    ]
    return [*found, (layout.home, _HOME)] if layout.home else found


def _moved(text: str, moves: list[tuple[str, str]]) -> str:
    for before, after in moves:
        if text == before or text.startswith(before + "/"):
            return after + text.removeprefix(before)
    return text
