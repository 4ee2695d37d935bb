"""What the schema itself says about a failure: the nearest sentence on the way to it."""

from __future__ import annotations

from typing import Any, TypeAlias

from msgspec import Struct

from engine.check.rules import FORBIDDEN, Json

Error: TypeAlias = Any  # a jsonschema.ValidationError; its stubs call every field possibly unset


class Guidance(Struct, frozen=True):
    sentence: str  # the nearest `errorMessage` about this very value
    alternatives: frozenset[str]  # keys of which one had to be there
    beside: frozenset[str]  # keys whose presence makes the rule
    about_key: bool  # the failure is about a key's name, not its value


_INTO = frozenset(("properties", "patternProperties"))  # then comes a name
_DOWN = frozenset(("items", "additionalProperties", "propertyNames"))


def guidance_of(rules: Json, error: Error) -> Guidance:
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
        if schema is FORBIDDEN:
            break
        if keyword in _INTO or keyword in _DOWN:
            sentence, before = "", ""
            alternatives = set(error.validator_value if error.validator == "required" else ())
            beside = set()
        sentence = schema.get("errorMessage", before)
    return Guidance(sentence, frozenset(alternatives), frozenset(beside), about_key)


def _required_by(condition: Json) -> set[str]:
    if not isinstance(condition, dict):
        return set()
    names = set(condition.get("required", ()))
    return names.union(*(_required_by(part) for part in condition.get("anyOf", ())))
