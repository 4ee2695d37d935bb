"""`defaults.run`, of a workflow and of a job."""

from __future__ import annotations

from engine.availability import Allowed
from engine.model.keys import Keys, parts
from engine.model.types import Defaults
from engine.source import Scalar, child
from engine.tree import text


def defaults(keys: Keys, allowed: Allowed) -> Defaults:
    node = child(keys.node("defaults"), "run")
    if isinstance(node, Scalar):
        whole = text(node, allowed, keys.problems)
        return Defaults(*parts(whole, allowed, ("shell", "working-directory")))
    run = Keys(node, keys.problems)
    return Defaults(run.tree("shell", allowed), run.tree("working-directory", allowed))
