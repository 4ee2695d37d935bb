"""Where a document differs from its rules: a sentence of ours at a place in the file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from jsonschema import Draft7Validator
from msgspec import Struct

from engine import source
from engine.check.guidance import Error, Guidance, guidance_of
from engine.check.rules import Json
from engine.problems import Place, Problem, did_you_mean
from engine.source import Mapping, Node, entries, plain

Route: TypeAlias = tuple[str | int, ...]

MERGE = "GitHub has no merge keys (<<); write the keys out, or use an alias for a whole value"
LONGEST = 60  # characters of a value that are quoted


def explain(node: Node, rules: Json, whole: str) -> list[Problem]:
    """A problem for each mistake; `whole` is what the document is called, as "the workflow"."""
    faults = _Faults(node, rules, whole)
    errors = Draft7Validator(rules).iter_errors(plain(node))
    found = [fault for error in errors for fault in faults.of(error)]
    return [fault.problem for fault in sorted(_one_each(found), key=lambda f: f.problem.place)]


class _Fault(Struct, frozen=True):
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

    def of(self, error: Error) -> Iterator[_Fault]:
        route: Route = tuple(error.absolute_path)
        if "<<" in route:
            above = route[: route.index("<<")]
            yield _Fault(Problem(self._key(above, "<<"), MERGE, "unknown-key"), above)
        elif error.validator == "anyOf" and (branch := _fitting_branch(error)):
            for inner in branch:
                yield from self.of(inner)
        elif error.validator == "additionalProperties":
            yield from self._unknown_keys(error, route)
        else:
            yield self._fault(error, route)

    def _unknown_keys(self, error: Error, route: Route) -> Iterator[_Fault]:
        known = set(error.schema.get("properties", ()))
        patterns = error.schema.get("patternProperties", ())
        free = sorted(known - set(error.instance))
        for name in error.instance:
            if name in known or any(re.search(pattern, name) for pattern in patterns):
                continue
            hint = did_you_mean(name, free)
            advice = hint or f"; {guidance_of(self.rules, error).sentence}"
            message = f"unknown key {shown(name)} in {self._where(route)}{advice}"
            message = MERGE if name == "<<" else message
            problem = Problem(self._key(route, name), message, "unknown-key")
            yield _Fault(problem, route, meant=hint.partition('"')[2].partition('"')[0])

    def _fault(self, error: Error, route: Route) -> _Fault:
        guidance = guidance_of(self.rules, error)
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
        keys = (key for key, _ in entries(mapping) if key.text in beside)
        last = max([place, *(key.place for key in keys)])
        # of a filter and its twin, the later is one too many
        name = str(route[-1])
        twins = bool(({f"{name}-ignore", name.removesuffix("-ignore")} - {name}) & beside)
        problem = Problem(last if twins else place, message, "schema", value=last)
        return _Fault(problem, route[:-1], forbidden=route)

    def _message(self, error: Error, route: Route, guidance: Guidance) -> str:
        """What is wrong, then what to do: the schema's sentence, as editors show it."""
        sentence, value = guidance.sentence, shown(error.instance)
        if error.validator in ("required", "not"):
            return sentence
        if guidance.about_key:
            return f"the key {value} cannot stand here; {sentence}"
        hint = did_you_mean(str(error.instance), _words(error))
        return f"{self._subject(route)} cannot be {value}{hint or f'; {sentence}'}"

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

    def _subject(self, route: Route) -> str:
        """What a value is called that can't be what it is: a list's items go by the list's name."""
        where = self._where(route)
        return self._name(route) if where.startswith("an item of") else where

    def _name(self, route: Route) -> str:
        """What a value is called: the nearest key above it."""
        keys = [part for part in route if isinstance(part, str)]
        return f'"{keys[-1]}"' if keys else self.whole


def _words(error: Error) -> list[str]:
    """The words that would have been right."""
    known = error.validator_value if error.validator == "enum" else ()
    return [word for word in known if isinstance(word, str)]


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


def _fitting_branch(error: Error) -> list[Error]:
    """Of the branches of an `anyOf`, the errors of the first that is made for such a value."""
    branches: dict[Any, list[Error]] = {}
    for inner in error.context or ():
        branches.setdefault(inner.relative_schema_path[0], []).append(inner)
    return next((b for b in branches.values() if not any(map(_other_kind, b))), [])


def _other_kind(error: Error) -> bool:
    """Whether a branch failed because it is about another kind of value."""
    if error.relative_path:
        return False
    return error.validator == "type" or (
        error.validator == "enum" and not isinstance(error.instance, str)
    )


def shown(value: Json) -> str:
    """A value as it is quoted; a list or a mapping by its kind."""
    match value:
        case None:
            return "empty"
        case list():
            return "a list" if value else "an empty list"
        case dict():
            return "a mapping" if value else "an empty mapping"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
