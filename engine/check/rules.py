"""The schema's text becomes the rules that a value is held against."""

from __future__ import annotations

import json
from functools import cache
from typing import Any, TypeAlias

from engine.schemas import schema_text

Json: TypeAlias = Any

_FOR_EDITORS = frozenset(
    ("description", "markdownDescription", "markdownEnumDescriptions", "defaultSnippets")
)

# What `false` means for a property; where it says `false`, jsonschema's error lacks the name.
FORBIDDEN: Json = {"not": {}}


@cache
def rules(name: str) -> Json:
    """A schema ready for use: without notes for editors, and with nothing to look up."""
    return _inlined(json.loads(schema_text(name)))


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
                name: FORBIDDEN if value is False else value for name, value in properties.items()
            }
        if not isinstance(reference := own.pop("$ref", None), str):
            return own
        target = definition(reference.rpartition("/")[2])
        return target | own if own else target

    return inline(schema)


def _is_note(value: Json) -> bool:
    """Whether `description` and the like annotate, or name a property of the document."""
    return not isinstance(value, dict)
