"""What a user answers to the inputs that workflows declare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from engine import availability as may
from engine import cli as codes
from engine import inputs
from engine.cli import settings
from engine.cli.request import Request
from engine.cli.workflows import Project
from engine.inputs import Answer, Input
from engine.model import Trigger
from engine.problems import Place, Refused, usage
from engine.tree import Scope, Unresolved, build, resolve

TAKE_INPUTS = ("workflow_dispatch", "workflow_call")
DEFAULT_FILE = ".input"


class Given(Struct, frozen=True):
    """Inputs as they were given, and where. `spare` are those of the default file, which all
    workflows share: who does not declare one need not take it."""

    values: Mapping[str, Any]
    places: Mapping[str, Place]
    spare: frozenset[str]


def given(request: Request, project: Project, event: str, payload: Mapping[str, Any]) -> Given:
    """All that is given: options win over the file, and that over the event file. Raises Refused,
    also where the event takes no inputs."""
    if event not in TAKE_INPUTS:
        for option, value in (("--input", request.input), ("--input-file", request.input_file)):
            if value:
                message = f'the event "{event}" takes no inputs; run {" or ".join(TAKE_INPUTS)}'
                raise usage(message, where=option)
        return Given({}, {}, frozenset())
    of_event = payload.get("inputs")
    of_file = settings.from_file(
        request.input_file, DEFAULT_FILE, project.directory, "--input-file"
    )
    sources: tuple[tuple[Place, Mapping[str, Any]], ...] = (
        (Place(request.eventpath), of_event if isinstance(of_event, dict) else {}),
        (Place(request.input_file or DEFAULT_FILE), of_file),
        (Place("--input"), settings.pairs(request.input, "--input")),
    )
    return Given(
        values={name: value for _, found in sources for name, value in found.items()},
        places={name: place for place, found in sources for name in found},
        spare=frozenset(() if request.input_file else of_file),
    )


def answers(asked: Sequence[tuple[Trigger, Scope]], found: Given) -> list[Answer]:
    """The inputs of each trigger, whose defaults are answered from its scope. Raises Refused."""
    declared = [_declared(trigger, scope) for trigger, scope in asked]
    known = [frozenset(each.name.lower() for each in inputs_) for inputs_ in declared]
    anywhere = frozenset().union(*known)
    answered = [
        inputs.answer(inputs_, _meant(found, own, anywhere), places=found.places)
        for inputs_, own in zip(declared, known, strict=True)
    ]
    problems = dict.fromkeys(problem for answer in answered for problem in answer.problems)
    if problems:
        raise Refused(problems, codes.USAGE)
    return answered


def _declared(trigger: Trigger, scope: Scope) -> tuple[Input, ...]:
    return tuple(_with_default(each, scope) for each in inputs.declared(trigger.filters))


def _with_default(each: Input, scope: Scope) -> Input:
    """A default may be an expression in workflow_call, and only there."""
    if each.default_node is None:
        return each
    try:
        tree = build(each.default_node, may.CALL_INPUT_DEFAULT, [])
        return replace(each, default=resolve(tree, scope))
    except Unresolved as error:
        raise Refused([error.problem], codes.INVALID) from None


def _meant(found: Given, own: frozenset[str], anywhere: frozenset[str]) -> dict[str, Any]:
    """What was given for one of several workflows, and what is no input of any."""
    return {
        name: value
        for name, value in found.values.items()
        if name.lower() in own or (name.lower() not in anywhere and name not in found.spare)
    }
