"""The inputs that workflow_dispatch and workflow_call declare, and the answers given to them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias, get_args

from msgspec import Struct, field

from engine.expr import values
from engine.problems import Place, Problem, did_you_mean
from engine.source import Mapping as MappingNode
from engine.source import Node, Scalar, child, entries, plain
from engine.source import Sequence as SequenceNode

Json: TypeAlias = Any
Kind = Literal["string", "boolean", "number", "choice", "environment"]
By = Literal["workflow_dispatch", "workflow_call"]

# https://docs.github.com/actions/reference/workflow-syntax-for-github-actions#onworkflow_dispatchinputs
MAX_INPUTS = 25
MAX_PAYLOAD = 65_535

_OPTION = Place("--input")
_WANTED = {"boolean": "true or false", "number": "a number"}


class Input(Struct, frozen=True):
    """A declared input. `default` is as written: in workflow_call it may hold an expression."""

    name: str
    place: Place
    kind: Kind = "string"
    required: bool = False
    default: Json = None
    options: tuple[str, ...] = ()
    description: str = ""
    default_node: Node | None = None
    option_nodes: tuple[Scalar, ...] = ()

    @property
    def type_default(self) -> Json:
        """What stands where nothing was given; the first option of a choice, as GitHub's form."""
        match self.kind:
            case "boolean":
                return False
            case "number":
                return 0
            case "choice" if self.options:
                return self.options[0]
        return ""


class Answer(Struct, frozen=True):
    """`inputs` is the context, `event` is `github.event.inputs`: the same as strings."""

    inputs: dict[str, Json] = field(default_factory=dict)
    event: dict[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


# --- what is declared ---------------------------------------------------------------------------


def declared(filters: Node | None) -> tuple[Input, ...]:
    """The inputs below `on.workflow_dispatch` or `on.workflow_call`, in the order of the file.

    What the schema complains of is read as if it were not there.
    """
    return tuple(_input(key, value) for key, value in entries(child(filters, "inputs")))


def _input(key: Scalar, node: Node) -> Input:
    about = node if isinstance(node, MappingNode) else MappingNode((), key.place)
    options = about.get("options")
    items = options.items if isinstance(options, SequenceNode) else ()
    scalars = tuple(item for item in items if isinstance(item, Scalar))
    return Input(
        name=key.text,
        place=key.place,
        kind=_kind(plain(about.get("type"))),
        required=plain(about.get("required")) is True,
        default=plain(about.get("default")),
        options=tuple(values.to_string(item.value) for item in scalars),
        description=values.to_string(plain(about.get("description"))),
        default_node=about.get("default"),
        option_nodes=scalars,
    )


def _kind(written: Json) -> Kind:
    return next((kind for kind in get_args(Kind) if kind == written), "string")


def check(filters: Node | None, by: By) -> list[Problem]:
    """Declarations that contradict themselves; types of defaults are the schema's affair."""
    inputs = declared(filters)
    if by == "workflow_call":
        return [problem for each in inputs for problem in _check_required(each)]
    problems = [problem for each in inputs for problem in _check_choice(each)]
    if len(inputs) > MAX_INPUTS:
        message = (
            f"{len(inputs)} inputs are declared and GitHub takes {MAX_INPUTS}; "
            "put several values into one, for example as JSON"
        )
        problems.append(Problem(inputs[MAX_INPUTS].place, message, "inputs"))
    return problems


def _check_choice(each: Input) -> list[Problem]:
    return [*_check_twice(each), *_check_default(each)]


def _check_twice(each: Input) -> Iterator[Problem]:
    seen: dict[str, Scalar] = {}
    for option in each.option_nodes:
        first = seen.setdefault(option.text, option)
        if first is not option:
            message = (
                f'the option "{option.text}" is there twice (first at line {first.place.line})'
            )
            yield Problem(option.place, f"{message}; remove one", "inputs", "warning")


def _check_default(each: Input) -> list[Problem]:
    default = values.to_string(each.default)
    if each.kind != "choice" or each.default is None or not each.options:
        return []
    if default in each.options or each.default_node is None:
        return []
    message = f'the default "{default}" is not an option: {_listed(each.options)}'
    place = each.default_node.place
    return [Problem(place, message + did_you_mean(default, each.options), "inputs", "warning")]


def _check_required(each: Input) -> list[Problem]:
    if not each.required or each.default is None or each.default_node is None:
        return []
    message = (
        f'the input "{each.name}" is required, so callers must give it and the default is '
        "never used; remove one of them"
    )
    return [Problem(each.default_node.place, message, "inputs", "warning")]


# --- what is answered ---------------------------------------------------------------------------


def answer(
    inputs: Sequence[Input],
    given: Mapping[str, Json],
    *,
    by: By = "workflow_dispatch",
    source: Place = _OPTION,
    places: Mapping[str, Place] | None = None,
) -> Answer:
    """What a run's `inputs` are; names are compared without regard to case.

    A dispatch gives text, which becomes the declared type; a call gives JSON of that type, its
    expressions evaluated before (as those in defaults: replace `Input.default`). Problems stand at
    `places[name]` where the name is there, else at `source`. The rules are GitHub's: required
    inputs of a call must be given even where a default is declared (actions/runner,
    ValidateWorkflowJobInputs); a dispatch fills them with the default.
    """
    asked = _Asked({each.name.lower(): each for each in inputs}, by, source, places or {})
    folded = {name.lower(): (name, value) for name, value in given.items()}
    asked.refuse_unknown(given)
    found = {
        each.name: asked.value(each, *folded.get(each.name.lower(), ("", None))) for each in inputs
    }
    event = {name: values.to_string(value) for name, value in found.items()}
    if by == "workflow_dispatch":
        asked.limit(event)
    return Answer(found, event, tuple(asked.problems))


class _Asked:
    """One set of answers held against what is declared."""

    def __init__(
        self, known: Mapping[str, Input], by: By, source: Place, places: Mapping[str, Place]
    ) -> None:
        self.known = known
        self.by = by
        self.source = source
        self.places = places
        self.problems: list[Problem] = []

    def problem(self, name: str, message: str) -> None:
        self.problems.append(Problem(self.places.get(name, self.source), message, "inputs"))

    def refuse_unknown(self, given: Mapping[str, Json]) -> None:
        names = [each.name for each in self.known.values()]
        for name in given:
            if name.lower() not in self.known:
                hint = did_you_mean(name, names) or f"; it has {_listed(names) or 'none'}"
                self.problem(name, f'the workflow has no input "{name}"{hint}')

    def value(self, each: Input, name: str, value: Json) -> Json:
        """The typed value of an input that was given as `name`, or not at all (null)."""
        if value is None or (each.required and value == "" and self.by == "workflow_dispatch"):
            return self.absent(each)
        typed = _typed(each.kind, value, strict=self.by == "workflow_call")
        if typed is None:
            wanted = _WANTED.get(each.kind, "text")
            self.problem(name, f'the input "{each.name}" takes {wanted}, not {_shown(value)}')
            return each.type_default
        if each.kind == "choice" and each.options and typed not in each.options:
            hint = did_you_mean(typed, each.options)
            options = _listed(each.options)
            self.problem(
                name, f'the input "{each.name}" takes {options}, not {_shown(value)}{hint}'
            )
        return typed

    def absent(self, each: Input) -> Json:
        has_default = each.default is not None and self.by == "workflow_dispatch"
        if each.required and not has_default:
            wanted = _listed(each.options) or _WANTED.get(each.kind, "text")
            self.problem(each.name, f'the input "{each.name}" is required; give it {wanted}')
        if each.default is None:
            return each.type_default
        typed = _typed(each.kind, each.default, strict=False)
        return each.type_default if typed is None else typed

    def limit(self, event: Mapping[str, str]) -> None:
        size = len(json.dumps(event, ensure_ascii=False, separators=(",", ":")))
        if size > MAX_PAYLOAD:
            self.problem("", f"the inputs take {size} characters; GitHub's limit is {MAX_PAYLOAD}")


def _typed(kind: Kind, value: Json, *, strict: bool) -> Json:
    """A value as its kind; None where it is not one. `strict` takes no text for another kind."""
    if kind == "boolean":
        return _boolean(value, strict)
    if kind == "number":
        return _number(value, strict)
    if isinstance(value, (list, dict)):
        return None
    return values.to_string(value)


def _boolean(value: Json, strict: bool) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and not strict:
        return {"true": True, "false": False, "": False}.get(value.strip().lower())
    return None


def _number(value: Json, strict: bool) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    if isinstance(value, str) and strict:
        return None
    number = values.to_number(value)
    return values.tidy(number) if math.isfinite(number) else None


def _listed(names: Sequence[str]) -> str:
    shown = [f'"{name}"' for name in names]
    return " or ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def _shown(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)
