"""One mapping of a manifest: its keys read as what they are, with a problem for what differs."""

from __future__ import annotations

from typing import Literal, TypeAlias

from engine.availability import Allowed
from engine.problems import Place, Problem, did_you_mean
from engine.source import Mapping, Node, Scalar, Sequence
from engine.tree import Condition, Text, Tree, build, condition, text

Kind: TypeAlias = Literal["a single value", "a list", "a mapping"]
VALUE: Kind = "a single value"
LIST: Kind = "a list"
MAPPING: Kind = "a mapping"


class Block:
    """A mapping called `name` in sentences; an empty value is a mapping without keys."""

    def __init__(self, node: Node, name: str, problems: list[Problem]) -> None:
        self.name = name
        self.problems = problems
        self.told: set[str] = set()  # keys of which something was said already
        self.place = node.place
        self.is_mapping = fits(node, MAPPING, name, problems)
        self.mapping = node if isinstance(node, Mapping) else Mapping((), node.place)

    def only(self, *known: str, of: str = "") -> None:
        """Complain of every other key."""
        free = [name for name in known if self.mapping.get(name) is None]
        for key, _ in self.mapping.entries:
            if key.text not in known:
                whose = f"{self.name} of {of}" if of else self.name
                taken = f"; it takes {', '.join(sorted(known)[:-1])} and {max(known)}"
                hint = did_you_mean(key.text, free)
                self.told.update(name for name in free if f'"{name}"' in hint)
                message = f'unknown key "{key.text}" in {whose}{hint or taken}'
                self.problems.append(Problem(key.place, message, "unknown-key"))

    def complain(self, key: str, message: str, place: Place | None = None) -> None:
        """A problem with a key, told once: at its value, at the mapping where it is missing, or at
        another place."""
        if key not in self.told:
            self.told.add(key)
            place = place or (self.mapping.get(key) or self).place
            self.problems.append(Problem(place, message, "action"))

    def get(self, key: str, kind: Kind) -> Node | None:
        """The value of a key; None where there is none, or one of another kind."""
        found = self.mapping.get(key)
        if found is None or is_null(found):
            return None
        if kind_of(found) == kind:
            return found
        self.complain(key, f"`{key}` must be {kind}, not {kind_of(found)}")
        return None

    def scalar(self, key: str) -> Scalar | None:
        found = self.get(key, VALUE)
        return found if isinstance(found, Scalar) else None

    def literal(self, key: str) -> str:
        """The text of a key, '' without one."""
        found = self.scalar(key)
        return found.text if found else ""

    def needed(self, key: str, what: str) -> str:
        """The text of a key that must be there; `what` says what to write."""
        found = self.literal(key)
        if not found:
            self.complain(key, f"{self.name} needs `{key}`: {what}")
        elif "${{" in found:
            self.complain(key, f"`{key}` takes no expression: write {what}")
        return found

    def entries(self, key: str) -> list[tuple[str, Node]]:
        """The entries of the mapping under a key."""
        found = self.get(key, MAPPING)
        entries = found.entries if isinstance(found, Mapping) else ()
        return [(name.text, value) for name, value in entries]

    def text(self, key: str, allowed: Allowed) -> Text | None:
        found = self.scalar(key)
        return text(found, allowed, self.problems) if found else None

    def tree(self, key: str, allowed: Allowed, kind: Kind) -> Tree | None:
        found = self.get(key, kind)
        return build(found, allowed, self.problems) if found else None

    def condition(self, key: str, allowed: Allowed) -> Condition | None:
        """The condition of a phase of an action, which has no `success()` put in."""
        found = self.scalar(key)
        if found is None or not found.text.strip():
            return None
        return condition(found, allowed, self.problems, implicit=False)


def fits(node: Node, kind: Kind, name: str, problems: list[Problem]) -> bool:
    """Whether a node is of a kind; a problem where it is not. An empty value fits every kind."""
    if is_null(node) or kind_of(node) == kind:
        return True
    problems.append(Problem(node.place, f"{name} must be {kind}, not {kind_of(node)}", "action"))
    return False


def is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.value is None


def kind_of(node: Node) -> Kind:
    match node:
        case Mapping():
            return MAPPING
        case Sequence():
            return LIST
    return VALUE
