"""The inputs of one use of an action: what the step gives, and what the manifest says otherwise."""

from __future__ import annotations

from engine.expr import to_string
from engine.job.frame import Use
from engine.tree import Scope, resolve, strings


def inputs(use: Use, scope: Scope) -> dict[str, str]:
    """The inputs by the manifest's names, which ignore case; what it does not name comes along.

    None is refused for being required (actions/runner, ActionRunner). Raises Unresolved.
    """
    assert use.found
    given = strings(use.step.with_, scope)
    by_folded = {name.lower(): text for name, text in given.items()}
    found: dict[str, str] = {}
    for declared in use.found.action.inputs:
        text = by_folded.pop(declared.name.lower(), None)
        found[declared.name] = to_string(resolve(declared.default, scope)) if text is None else text
    return found | {name: text for name, text in given.items() if name.lower() in by_folded}
