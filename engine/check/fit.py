"""Whether a value fits its rules, yes or no: what jsonschema would decide, without loading it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias

Json: TypeAlias = Any


def fits(rules: Json, value: Json) -> bool:
    """Draft-07, for the keywords that our schemas use; `rules` have no `$ref` left."""
    return rules is True or (
        rules is not False
        and all(
            KEYWORDS[keyword](expected, value, rules)
            for keyword, expected in rules.items()
            if keyword in KEYWORDS
        )
    )


# --- any value ------------------------------------------------------------------------------------


def _type(expected: Json, value: Json, _: Json) -> bool:
    names = (expected,) if isinstance(expected, str) else expected
    return any(_is(name, value) for name in names)


def _is(name: str, value: Json) -> bool:
    if name == "integer" and isinstance(value, float):
        return value.is_integer()
    if name in ("integer", "number") and isinstance(value, bool):
        return False
    return isinstance(value, _TYPES[name])


_TYPES: dict[str, Any] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "array": list,
    "object": dict,
    "null": type(None),
}


def _const(expected: Json, value: Json, _: Json) -> bool:
    return bool(expected == value) and isinstance(expected, bool) is isinstance(value, bool)


def _enum(expected: Json, value: Json, rules: Json) -> bool:
    return any(_const(item, value, rules) for item in expected)


def _if(condition: Json, value: Json, rules: Json) -> bool:
    return fits(rules.get("then" if fits(condition, value) else "else", True), value)


# --- texts, numbers and lists ---------------------------------------------------------------------


def _pattern(expected: str, value: Json, _: Json) -> bool:
    return not isinstance(value, str) or re.search(expected, value) is not None


def _at_least(kind: type[str | list[Json] | dict[str, Json]]) -> Callable[[int, Json, Json], bool]:
    return lambda least, value, _: not isinstance(value, kind) or len(value) >= least


def _max_length(most: int, value: Json, _: Json) -> bool:
    return not isinstance(value, str) or len(value) <= most


def _minimum(least: float, value: Json, _: Json) -> bool:
    return isinstance(value, bool) or not isinstance(value, (int, float)) or not value < least


def _items(rules: Json, value: Json, _: Json) -> bool:
    return not isinstance(value, list) or all(fits(rules, item) for item in value)


# --- mappings -------------------------------------------------------------------------------------


def _required(names: list[str], value: Json, _: Json) -> bool:
    return not isinstance(value, dict) or all(name in value for name in names)


def _properties(known: Json, value: Json, _: Json) -> bool:
    return not isinstance(value, dict) or all(
        fits(known[name], item) for name, item in value.items() if name in known
    )


def _pattern_properties(patterns: Json, value: Json, _: Json) -> bool:
    return not isinstance(value, dict) or all(
        fits(rules, item)
        for pattern, rules in patterns.items()
        for name, item in value.items()
        if re.search(pattern, name)
    )


def _additional(others: Json, value: Json, rules: Json) -> bool:
    known, patterns = rules.get("properties", ()), rules.get("patternProperties", ())
    return not isinstance(value, dict) or all(
        fits(others, item)
        for name, item in value.items()
        if name not in known and not any(re.search(pattern, name) for pattern in patterns)
    )


def _property_names(rules: Json, value: Json, _: Json) -> bool:
    return not isinstance(value, dict) or all(fits(rules, name) for name in value)


def _dependencies(dependent: Json, value: Json, _: Json) -> bool:
    return not isinstance(value, dict) or all(
        fits(rules, value) for name, rules in dependent.items() if name in value
    )


KEYWORDS: dict[str, Callable[[Any, Json, Json], bool]] = {
    "type": _type,
    "const": _const,
    "enum": _enum,
    "if": _if,
    "allOf": lambda parts, value, _: all(fits(part, value) for part in parts),
    "anyOf": lambda parts, value, _: any(fits(part, value) for part in parts),
    "not": lambda rules, value, _: not fits(rules, value),
    "pattern": _pattern,
    "minLength": _at_least(str),
    "maxLength": _max_length,
    "minimum": _minimum,
    "minItems": _at_least(list),
    "items": _items,
    "minProperties": _at_least(dict),
    "required": _required,
    "properties": _properties,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional,
    "propertyNames": _property_names,
    "dependencies": _dependencies,
}
