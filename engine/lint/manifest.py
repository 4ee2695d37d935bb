"""Actions' own files: their shape, and what their expressions may ask for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from engine import check as shape
from engine.availability import Allowed
from engine.lint.document import Manifest, Project
from engine.problems import Problem, besides
from engine.source import Mapping, Node, Scalar, Sequence
from engine.tree import build, condition

_AT_RUN = frozenset(("github", "inputs", "strategy", "matrix", "steps", "job", "runner", "env"))
_HASHES = frozenset(("hashfiles",))
_STATUS = frozenset(("always", "cancelled", "failure", "success"))

# actions/runner, action_yaml.json
_DEFAULT = Allowed(
    "inputs.<id>.default", frozenset(("github", "strategy", "matrix", "job", "runner")), _HASHES
)
_OUTPUT = Allowed("outputs.<id>.value", _AT_RUN)
_DOCKER = Allowed("runs.args and runs.env", frozenset(("inputs",)))
_AROUND = Allowed("runs.pre-if and runs.post-if", _AT_RUN - {"steps"}, _STATUS | _HASHES)
_STEP = Allowed("runs.steps", _AT_RUN, _HASHES)
_STEP_IF = Allowed("runs.steps.if", _AT_RUN, _STATUS | _HASHES)
_OLD = ("node12", "node16")


def check(found: Manifest, project: Project | None = None, *, folder: str = "") -> list[Problem]:
    """What is wrong with an `action.yml`; `folder` is where it is, as `./path`."""
    known = shape.check(found.node, "action")
    more: list[Problem] = []
    _expressions(found.node, more)
    runs = found.node.get("runs") if isinstance(found.node, Mapping) else None
    if isinstance(runs, Mapping):
        more += [*_node(runs), *_steps(runs), *(_files(runs, project, folder) if project else ())]
    return sorted([*known, *besides(known, more)], key=lambda problem: problem.place)


def _node(runs: Mapping) -> Iterator[Problem]:
    using = runs.get("using")
    if isinstance(using, Scalar) and using.text in _OLD:
        message = f'GitHub\'s runners no longer have {using.text} and take node20; write "node24"'
        yield Problem(using.place, message, "outdated", "warning")


def _files(runs: Mapping, project: Project, folder: str) -> Iterator[Problem]:
    """The programs of a JavaScript action; they may also be built before the action is used."""
    using = runs.get("using")
    if not isinstance(using, Scalar) or not using.text.startswith("node"):
        return
    for key in ("pre", "main", "post"):
        program = runs.get(key)
        if not isinstance(program, Scalar) or not program.text:
            continue
        if not project.has(str(PurePosixPath(folder, program.text))):
            message = f'"{program.text}" is not there; build it, or correct the path'
            yield Problem(program.place, message, "manifest", "warning")


# --- expressions --------------------------------------------------------------------------------


def _expressions(node: Node, problems: list[Problem]) -> None:
    for about in _values(_get(node, "inputs")):
        _build(_get(about, "default"), _DEFAULT, problems)
    for about in _values(_get(node, "outputs")):
        _build(_get(about, "value"), _OUTPUT, problems)
    runs = _get(node, "runs")
    for key in ("args", "env"):
        _build(_get(runs, key), _DOCKER, problems)
    for key in ("pre-if", "post-if"):
        _condition(_get(runs, key), _AROUND, problems)
    steps = _get(runs, "steps")
    for step in steps.items if isinstance(steps, Sequence) else ():
        for name, value in step.entries if isinstance(step, Mapping) else ():
            if name.text == "if":
                _condition(value, _STEP_IF, problems)
            elif name.text not in ("id", "uses"):
                _build(value, _STEP, problems)


def _build(node: Node | None, allowed: Allowed, problems: list[Problem]) -> None:
    if node is not None:
        build(node, allowed, problems)


def _condition(node: Node | None, allowed: Allowed, problems: list[Problem]) -> None:
    if isinstance(node, Scalar):
        condition(node, allowed, problems)


# --- steps --------------------------------------------------------------------------------------


def _steps(runs: Mapping) -> Iterator[Problem]:
    """Ids of a composite action's steps, which are unique as a job's are."""
    seen: dict[str, Scalar] = {}
    steps = runs.get("steps")
    for step in steps.items if isinstance(steps, Sequence) else ():
        id_ = _get(step, "id")
        if isinstance(id_, Scalar) and id_.text:
            first = seen.setdefault(id_.text.lower(), id_)
            if first is not id_:
                message = (
                    f'the step id "{id_.text}" is already used at line {first.place.line}, '
                    f"column {first.place.column}; ids are unique, without regard to case"
                )
                yield Problem(id_.place, message, "id")


def _get(node: Node | None, key: str) -> Node | None:
    return node.get(key) if isinstance(node, Mapping) else None


def _values(node: Node | None) -> Iterator[Node]:
    for _, value in node.entries if isinstance(node, Mapping) else ():
        yield value
