"""Composite actions that use each other: without end, or deeper than GitHub goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct, field

from engine.problems import Place, Problem
from engine.reference import Local, Remote, key

MAX_DEPTH = 9  # levels below the step of a workflow (actions/runner, CompositeActionsMaxDepth)


class Use(Struct, frozen=True):
    """One `uses:` of an action, and whether its step has an `if`."""

    reference: Local | Remote
    place: Place
    conditional: bool = False

    @property
    def key(self) -> str:
        return key(self.reference)


def problems(first: Sequence[Use], inner: Mapping[str, Sequence[Use]]) -> list[Problem]:
    """What could never end, and what is too deep; `inner` is what each action uses.

    GitHub looks into remote actions before a job starts, whatever their conditions. What a local
    action uses is looked at when it runs: there a condition may make an end.
    """
    walks = _Walk(inner, lambda use: not use.conditional), _Walk(inner, _is_remote)
    for walk in walks:
        for use in filter(walk.follows, first):
            walk.visit(use, ())
    return list(dict.fromkeys(found for walk in walks for found in walk.found.values()))


def _is_remote(use: Use) -> bool:
    return isinstance(use.reference, Remote)


class _Walk(Struct):
    inner: Mapping[str, Sequence[Use]]
    follows: Callable[[Use], bool]
    depths: dict[str, int] = field(default_factory=dict)  # the deepest visit of each action
    found: dict[frozenset[str], Problem] = field(default_factory=dict)  # one a loop

    def visit(self, use: Use, chain: tuple[Use, ...]) -> None:
        names = [above.key for above in chain]
        if use.key in names:
            loop = chain[names.index(use.key) :]
            message = "these actions use each other and could never end"
            self._say(frozenset(link.key for link in loop), message, (*loop, use))
        elif len(chain) > MAX_DEPTH:
            message = f"these actions are nested deeper than {MAX_DEPTH} levels, GitHub's limit"
            self._say(frozenset(), message, (*chain, use))
        elif self.depths.get(use.key, -1) < len(chain):
            self.depths[use.key] = len(chain)
            for below in filter(self.follows, self.inner.get(use.key, ())):
                self.visit(below, (*chain, use))

    def _say(self, about: frozenset[str], message: str, chain: Sequence[Use]) -> None:
        written = " -> ".join(str(use.reference) for use in chain)
        problem = Problem(chain[-1].place, f"{message}: {written}", "action")
        self.found.setdefault(about, problem)
