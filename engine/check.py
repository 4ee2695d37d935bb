"""Nodes are held against schema/; what differs comes back as problems."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, TypeAlias

from jsonschema import Draft7Validator

from engine import source
from engine.problems import Place, Problem, did_you_mean
from engine.schemas import schema_text
from engine.source import Mapping, Node, plain

Json: TypeAlias = Any
Route: TypeAlias = tuple[str | int, ...]
_Error: TypeAlias = Any  # a jsonschema.ValidationError; its stubs call every field possibly unset


def check(node: Node, schema: Literal["workflow", "action"] = "workflow") -> list[Problem]:
    """What differs between a document and its schema, in the order of the file."""
    rules, validator = _validator(schema)
    faults = _Faults(node, rules, f"the {schema}")
    found = [fault for error in validator.iter_errors(plain(node)) for fault in faults.of(error)]
    return [fault.problem for fault in sorted(_one_each(found), key=lambda f: f.problem.place)]


SUPERSET = frozenset(("retry",))


def superset_warnings(node: Node, file: str) -> list[Problem]:
    """A warning for each key that github.com would reject, if GitHub is to read the file."""
    if ".github/workflows/" not in file.replace("\\", "/"):
        return []
    message = (
        '"{}" is Runwright\'s own and github.com rejects it; '
        "keep this workflow in .runwright/ or name it *.runwright.yml"
    )
    keys = (key for part in _jobs_and_steps(node) for key, _ in part.entries)
    return [
        Problem(key.place, message.format(key.text), "superset", "warning")
        for key in sorted(keys, key=lambda key: key.place)
        if key.text in SUPERSET
    ]


def _jobs_and_steps(node: Node) -> Iterator[Mapping]:
    jobs = node.get("jobs") if isinstance(node, Mapping) else None
    for _, job in jobs.entries if isinstance(jobs, Mapping) else ():
        if isinstance(job, Mapping):
            yield job
            yield from _steps(job.get("steps"))


def _steps(steps: Node | None) -> Iterator[Mapping]:
    for step in steps.items if isinstance(steps, source.Sequence) else ():
        if isinstance(step, Mapping):
            yield step
            yield from _steps(step.get("parallel"))


# --- the schema, made ready ---------------------------------------------------------------------

_FOR_EDITORS = frozenset(
    ("description", "markdownDescription", "markdownEnumDescriptions", "defaultSnippets")
)

# What `false` means for a property; where it says `false`, jsonschema's error lacks the name.
_FORBIDDEN: Json = {"not": {}}


@cache
def _validator(name: str) -> tuple[Json, Draft7Validator]:
    rules = _inlined(json.loads(schema_text(name)))
    return rules, Draft7Validator(rules)


def _inlined(schema: Json) -> Json:
    """The schema with each `$ref` replaced by what it stands for: following them takes time.

    What stands beside a `$ref` is added to its target, as editors do; there it only annotates.
    """
    definitions = schema.pop("definitions", {})
    done: dict[str, Json] = {}

    def definition(name: str) -> Json:
        if name not in done:
            done[name] = {}  # first the empty place, for a definition that contains itself
            done[name].update(inline(definitions[name]))
        return done[name]

    def inline(part: Json) -> Json:
        if isinstance(part, list):
            return [inline(item) for item in part]
        if not isinstance(part, dict):
            return part
        own = {k: inline(v) for k, v in part.items() if not (k in _FOR_EDITORS and _is_note(v))}
        if isinstance(properties := own.get("properties"), dict):
            own["properties"] = {
                name: _FORBIDDEN if value is False else value for name, value in properties.items()
            }
        if not isinstance(reference := own.pop("$ref", None), str):
            return own
        target = definition(reference.rpartition("/")[2])
        return target | own if own else target

    return inline(schema)


def _is_note(value: Json) -> bool:
    """Whether `description` and the like annotate, or name a property of the document."""
    return not isinstance(value, dict)


# --- from the validator's errors to sentences -----------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Fault:
    problem: Problem
    parent: Route  # the mapping that the mistake was made in
    missing: frozenset[str] = frozenset()  # any of these keys would mend it
    meant: str = ""  # what an unknown key was probably meant to be
    forbidden: Route | None = None  # the key, if one of several that may not stand here


class _Faults:
    """Errors of one document become faults: a sentence of ours at a place in the file."""

    def __init__(self, node: Node, rules: Json, whole: str) -> None:
        self.node = node
        self.rules = rules
        self.whole = whole

    def of(self, error: _Error) -> Iterator[_Fault]:
        route: Route = tuple(error.absolute_path)
        if "<<" in route:
            above = route[: route.index("<<")]
            yield _Fault(Problem(self._key(above, "<<"), _MERGE, "unknown-key"), above)
        elif error.validator == "anyOf" and (branch := _fitting_branch(error)):
            for inner in branch:
                yield from self.of(inner)
        elif error.validator == "additionalProperties":
            yield from self._unknown_keys(error, route)
        else:
            yield self._fault(error, route)

    def _unknown_keys(self, error: _Error, route: Route) -> Iterator[_Fault]:
        known = set(error.schema.get("properties", ()))
        patterns = error.schema.get("patternProperties", ())
        free = sorted(known - set(error.instance))
        for name in error.instance:
            if name in known or any(re.search(pattern, name) for pattern in patterns):
                continue
            hint = did_you_mean(name, free)
            advice = hint or self._advice(error, known)
            message = f'unknown key "{name}" in {self._where(route)}{advice}'
            message = _MERGE if name == "<<" else message
            problem = Problem(self._key(route, name), message, "unknown-key")
            yield _Fault(problem, route, meant=_quoted(hint))

    def _advice(self, error: _Error, known: set[str]) -> str:
        if sentence := _guidance(self.rules, error).sentence:
            return f"; {sentence}"
        if not known:
            return "; it takes no keys"
        return f"; it takes {_listed(sorted(known), 'and')}"

    def _fault(self, error: _Error, route: Route) -> _Fault:
        guidance = _guidance(self.rules, error)
        message = self._message(error, route, guidance)
        if error.validator == "not":  # a key that the schema forbids here
            return self._forbidden(route, message, guidance.beside)
        if guidance.about_key:
            return _Fault(Problem(self._key(route, error.instance), message, "schema"), route)
        place = self._find(route).place
        if error.validator != "required":
            return _Fault(Problem(place, message, "schema"), route)
        problem = Problem(self._above(route) or place, message, "schema", value=place)
        return _Fault(problem, route, guidance.alternatives)

    def _above(self, route: Route) -> Place | None:
        """The key that a mapping stands under, which is where editors show what it lacks."""
        name = route[-1] if route else 0
        return self._key(route[:-1], name) if isinstance(name, str) else None

    def _forbidden(self, route: Route, message: str, beside: frozenset[str]) -> _Fault:
        """A key that does not go with others; GitHub's reader points at the last of them."""
        mapping, place = self._find(route[:-1]), self._key(route[:-1], str(route[-1]))
        keys = mapping.entries if isinstance(mapping, Mapping) else ()
        last = max([place, *(key.place for key, _ in keys if key.text in beside)])
        problem = Problem(place, message, "schema", value=last)
        return _Fault(problem, route[:-1], forbidden=route)

    def _message(self, error: _Error, route: Route, guidance: _Guidance) -> str:
        """What is wrong, then what to do; the schema's own sentence where it has one."""
        sentence, name, value = guidance.sentence, self._name(route), _shown(error.instance)
        if error.validator == "enum":
            hint = did_you_mean(str(error.instance), map(str, error.validator_value))
            own = error.schema.get("errorMessage") or _options(error)
            return f"{name} cannot be {value}" + (hint or f"; {own}")
        if not sentence:
            return _SENTENCES[error.validator](error, self._where(route))
        if guidance.about_key:
            return f"the key {value} cannot stand here; {sentence}"
        return f"{name} cannot be {value}; {sentence}" if sentence.startswith("write") else sentence

    def _find(self, route: Route) -> Node:
        node = self.node
        for part in route:
            if isinstance(node, Mapping):
                node = node.get(str(part)) or node
            elif isinstance(node, source.Sequence) and isinstance(part, int):
                node = node.items[part]
        return node

    def _key(self, route: Route, name: str) -> Place:
        mapping = self._find(route)
        key = mapping.key(name) if isinstance(mapping, Mapping) else None
        return key.place if key else mapping.place

    def _where(self, route: Route) -> str:
        """A mapping in words: "the workflow", "a step", `job "build"`, `"strategy"`."""
        if not route:
            return self.whole
        name = self._name(route)
        if isinstance(route[-1], int):
            return "a step" if name in ('"steps"', '"parallel"') else f"an item of {name}"
        return f"job {name}" if route[:-1] == ("jobs",) else name

    def _name(self, route: Route) -> str:
        """What a value is called: the nearest key above it."""
        keys = [part for part in route if isinstance(part, str)]
        return f'"{keys[-1]}"' if keys else self.whole


def _one_each(faults: Sequence[_Fault]) -> Iterable[_Fault]:
    """One mistake is told once: no missing key beside its misspelling, no sentence twice, and
    nothing of the value of a key that can't be there."""
    meant = {(fault.parent, fault.meant) for fault in faults if fault.meant}
    forbidden = [fault.forbidden for fault in faults if fault.forbidden]
    first: dict[Any, _Fault] = {}
    for fault in sorted(faults, key=lambda f: f.problem.place):
        if any((fault.parent, name) in meant for name in fault.missing):
            continue
        if any(fault.parent[: len(route)] == route for route in forbidden):
            continue
        where = None if fault.forbidden else fault.problem.place
        first.setdefault((fault.parent, fault.problem.message, where), fault)
    return first.values()


def _fitting_branch(error: _Error) -> list[_Error]:
    """Of the branches of an `anyOf`, the errors of the first that is made for such a value."""
    branches: dict[Any, list[_Error]] = {}
    for inner in error.context or ():
        branches.setdefault(inner.relative_schema_path[0], []).append(inner)
    return next((b for b in branches.values() if not any(map(_other_kind, b))), [])


def _other_kind(error: _Error) -> bool:
    """Whether a branch failed because it is about another kind of value."""
    if error.relative_path:
        return False
    return error.validator == "type" or (
        error.validator == "enum" and not isinstance(error.instance, str)
    )


# --- what the schema itself says about a failure ------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Guidance:
    sentence: str  # the nearest `errorMessage` about this very value, or ''
    alternatives: frozenset[str]  # keys of which one had to be there
    beside: frozenset[str]  # keys whose presence makes the rule
    about_key: bool  # the failure is about a key's name, not its value


_INTO = frozenset(("properties", "patternProperties"))  # then comes a name
_DOWN = frozenset(("items", "additionalProperties", "propertyNames"))


def _guidance(rules: Json, error: _Error) -> _Guidance:
    """Walk down to what failed; an `errorMessage` counts until the walk leaves its value."""
    schema, sentence, about_key = rules, rules.get("errorMessage", ""), False
    alternatives = set(error.validator_value if error.validator == "required" else ())
    beside: set[str] = set()
    path = iter(tuple(error.absolute_schema_path)[:-1])
    for keyword in path:
        alternatives |= _required_by(schema.get("if"))
        beside |= _required_by(schema.get("if")) if keyword == "then" else set()
        before, about_key = sentence, keyword == "propertyNames"
        schema = schema[keyword]
        if keyword in _INTO or keyword == "dependencies" or isinstance(schema, list):
            name = next(path)
            beside |= {name} if keyword == "dependencies" else set()
            schema = schema[name]
        if schema is _FORBIDDEN:
            break
        if keyword in _INTO or keyword in _DOWN:
            sentence, before = "", ""
            alternatives = set(error.validator_value if error.validator == "required" else ())
            beside = set()
        sentence = schema.get("errorMessage", before)
    return _Guidance(sentence, frozenset(alternatives), frozenset(beside), about_key)


def _required_by(condition: Json) -> set[str]:
    if not isinstance(condition, dict):
        return set()
    names = set(condition.get("required", ()))
    return names.union(*(_required_by(part) for part in condition.get("anyOf", ())))


# --- our own sentences, for what the schema says nothing about ------------------------------------

_MERGE = "GitHub has no merge keys (<<); write the keys out, or use an alias for a whole value"
_KINDS = {"string": "a string", "number": "a number", "integer": "a whole number"} | {
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "empty",
}


def _kind(value: Json) -> str:
    match value:
        case None:
            return "empty"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {value}"
        case str():
            return f'the string "{value}"' if len(value) <= 40 else "a string"
        case list():
            return "a list"
    return "a mapping"


def _shown(value: Json) -> str:
    if value is None or isinstance(value, (list, dict)):
        return _kind(value)
    return json.dumps(value, ensure_ascii=False)


def _type(error: _Error, name: str) -> str:
    wanted = error.validator_value
    kinds = [wanted] if isinstance(wanted, str) else list(wanted)
    if "string" in kinds:  # GitHub turns any single value into a string
        kinds = [kind for kind in kinds if kind not in ("number", "boolean", "null")]
    else:
        kinds = [kind for kind in kinds if kind != "null"] or kinds
    wanted_text = _listed([_KINDS[kind] for kind in kinds], "or")
    return f"{name} must be {wanted_text}, not {_kind(error.instance)}"


def _options(error: _Error) -> str:
    return f"it is {_listed([str(value) for value in error.validator_value], 'or')}"


def _missing(error: _Error, name: str) -> str:
    absent = [json.dumps(key) for key in error.validator_value if key not in error.instance]
    return f"{_listed(absent, 'and')} missing in {name}"


def _empty(_: _Error, name: str) -> str:
    return f"{name} must not be empty"


_SENTENCES: dict[Any, Callable[[_Error, str], str]] = {
    "type": _type,
    "required": _missing,
    "minLength": _empty,
    "minItems": _empty,
    "minProperties": _empty,
    "minimum": lambda error, name: f"{name} must be {error.validator_value} or more",
}


def _listed(words: list[str], last: str) -> str:
    """`a`, `a or b`, `a, b or c`."""
    return f" {last} ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _quoted(hint: str) -> str:
    return hint.split('"')[1] if hint else ""
