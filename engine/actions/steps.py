"""The steps of a composite action: their keys, and what GitHub's runner insists on."""

from __future__ import annotations

from engine import availability as may
from engine import model
from engine.actions.block import LIST, MAPPING, VALUE, Block, fits
from engine.model import Step
from engine.problems import Problem
from engine.source import Node, Scalar, Sequence
from engine.tree import has_expression

_BOTH = ("id", "name", "if", "env", "continue-on-error")
_RUN_KEYS = ("run", "shell", "working-directory", *_BOTH)
_USES_KEYS = ("uses", "with", *_BOTH)
_MAPPINGS = ("env", "with")


def read(node: Node | None, problems: list[Problem]) -> tuple[Step, ...]:
    """The steps, compiled; what is wrong is added to `problems`."""
    if node is None or not fits(node, LIST, "`steps`", problems):
        return ()
    for item in node.items if isinstance(node, Sequence) else ():
        _check(Block(item, "a step", problems))
    return model.steps(node, problems, may.COMPOSITE_STEP)


def _check(step: Block) -> None:
    if not step.is_mapping:
        return
    run, uses = step.mapping.key("run"), step.mapping.key("uses")
    if run and uses:
        step.complain("uses", "a step has either `run` or `uses`; make two steps of it")
    elif uses:
        step.only(*_USES_KEYS, of="a composite action with `uses`")
        if not step.literal("uses"):
            step.complain("uses", "`uses` must not be empty")
    elif run:
        step.only(*_RUN_KEYS, of="a composite action with `run`")
        _check_run(step, run)
    else:
        step.complain("", "a step needs `run` or `uses`")
    _check_kinds(step)


def _check_kinds(step: Block) -> None:
    for key, value in step.mapping.entries:
        is_expression = isinstance(value, Scalar) and has_expression(value)
        step.get(key.text, MAPPING if key.text in _MAPPINGS and not is_expression else VALUE)


def _check_run(step: Block, run: Scalar) -> None:
    if not step.literal("run"):
        step.complain("run", "`run` must not be empty")
    if not step.literal("shell"):
        message = (
            "a step with `run` needs `shell` in an action, since the defaults of a workflow "
            "do not count here; write shell: bash"
        )
        step.complain("shell", message, run.place)
