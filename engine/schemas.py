"""Where the JSON Schemas are: beside a checkout, or inside an installed package."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent


def schema_path(name: str) -> Path:
    """The file of a schema: `workflow`, `action` or `event`."""
    checkout = _HERE.parent / "schema" / f"{name}.schema.json"
    return checkout if checkout.exists() else _HERE / "_schema" / checkout.name


def schema_text(name: str) -> str:
    """A schema's JSON text."""
    return schema_path(name).read_text(encoding="utf-8")
