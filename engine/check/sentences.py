"""Our own sentences, for what the schema says nothing about."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeAlias

Json: TypeAlias = Any
Error: TypeAlias = Any  # a jsonschema.ValidationError; its stubs call every field possibly unset

MERGE = "GitHub has no merge keys (<<); write the keys out, or use an alias for a whole value"
_KINDS = {"string": "a string", "number": "a number", "integer": "a whole number"} | {
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "empty",
}


def kind_of(value: Json) -> str:
    """What a value is, in words."""
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


def shown(value: Json) -> str:
    """A value as it is quoted; a list or a mapping by its kind."""
    if value is None or isinstance(value, (list, dict)):
        return kind_of(value)
    return json.dumps(value, ensure_ascii=False)


def _type(error: Error, name: str) -> str:
    wanted = error.validator_value
    kinds = [wanted] if isinstance(wanted, str) else list(wanted)
    if "string" in kinds:  # GitHub turns any single value into a string
        kinds = [kind for kind in kinds if kind not in ("number", "boolean", "null")]
    else:
        kinds = [kind for kind in kinds if kind != "null"] or kinds
    wanted_text = listed([_KINDS[kind] for kind in kinds], "or")
    return f"{name} must be {wanted_text}, not {kind_of(error.instance)}"


def options(error: Error) -> str:
    """What an `enum` takes."""
    return f"it is {listed([str(value) for value in error.validator_value], 'or')}"


def _missing(error: Error, name: str) -> str:
    absent = [json.dumps(key) for key in error.validator_value if key not in error.instance]
    return f"{listed(absent, 'and')} missing in {name}"


def _empty(_: Error, name: str) -> str:
    return f"{name} must not be empty"


SENTENCES: dict[Any, Callable[[Error, str], str]] = {
    "type": _type,
    "required": _missing,
    "minLength": _empty,
    "minItems": _empty,
    "minProperties": _empty,
    "minimum": lambda error, name: f"{name} must be {error.validator_value} or more",
}


def listed(words: list[str], last: str) -> str:
    """`a`, `a or b`, `a, b or c`."""
    return f" {last} ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def quoted(hint: str) -> str:
    """The name inside a "did you mean" hint, '' where there is none."""
    return hint.split('"')[1] if hint else ""
