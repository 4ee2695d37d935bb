"""What is valid and still wrong: one rule a file, and each says its name in what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from engine.lint import (
    action,
    anchor,
    argument,
    background,
    calls,
    command,
    comparison,
    concurrency,
    condition,
    credentials,
    empty,
    event,
    injection,
    label,
    limit,
    manifest,
    matrix,
    needs,
    outdated,
    property,
    shell,
    types,
    uses,
    variable,
)
from engine.lint.comments import switched_off
from engine.lint.document import Document, Manifest, Project, Settings, of_action
from engine.problems import Problem

__all__ = ["HINTS", "RULES", "Document", "Manifest", "Project", "Settings", "lint", "of_action"]

Rule = Callable[[Document], Iterator[Problem]]

# by the name that their problems have
RULES: Mapping[str, Rule] = {
    "action": action.check,
    "anchor": anchor.check,
    "argument": argument.check,
    "background": background.check,
    "calls": calls.check,
    "command": command.check,
    "comparison": comparison.check,
    "concurrency": concurrency.check,
    "condition": condition.check,
    "credentials": credentials.check,
    "empty": empty.check,
    "event": event.check,
    "injection": injection.check,
    "label": label.check,
    "limit": limit.check,
    "manifest": manifest.check,
    "matrix": matrix.check,
    "needs": needs.check,
    "outdated": outdated.check,
    "property": property.check,
    "shell": shell.check,
    "type": types.check,
    "uses": uses.check,
    "variable": variable.check,
}
HINTS = frozenset(("anchor",))  # matters of taste: only for who asks for them


def lint(document: Document, *, off: frozenset[str] = frozenset()) -> list[Problem]:
    """The mistakes of a document, in the order of the file.

    Rules in `off`, in the project's settings and in the file's own comments are left out.
    """
    settings = document.settings
    left_out = (off | settings.off | (HINTS - settings.on)) - (settings.on - off)
    rules = (rule for name, rule in RULES.items() if name not in left_out)
    found = [problem for rule in rules for problem in rule(document)]
    return sorted(unless_said(found, document.text), key=lambda problem: problem.place)


def unless_said(problems: Iterable[Problem], text: str) -> Iterator[Problem]:
    """Those problems that no comment of the file switches off."""
    off = switched_off(text)
    for problem in problems:
        if not off.get(0, frozenset()) & {problem.rule} and problem.rule not in off.get(
            problem.place.line, frozenset()
        ):
            yield problem
