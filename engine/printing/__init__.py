"""Problems for whoever reads them: people, programs, code scanning, GitHub's log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TypeAlias

from engine.problems import Problem

Format: TypeAlias = Callable[[Sequence[Problem]], str]

_FORMATS = {
    "json": "engine.printing.records:records",
    "sarif": "engine.printing.sarif:sarif",
    "github": "engine.printing.commands:commands",
}
NAMES = ("text", *_FORMATS)


def printed(problems: Sequence[Problem], name: str) -> str:
    """All problems in one of the formats that programs read; each is imported when it is used."""
    module, _, function = _FORMATS[name].partition(":")
    write: Format = getattr(import_module(module), function)
    return write(problems)
