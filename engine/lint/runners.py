"""Which runners a job may run on, as far as its `runs-on:` and its matrix say it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct

from engine.expr import Expr
from engine.expr.tree import Index, Named
from engine.expr.tree import Literal as Constant
from engine.expr.tree import Node as ExprNode
from engine.model import Job
from engine.problems import Place
from engine.source import Mapping as MappingNode
from engine.source import Node, Scalar, Sequence, entries
from engine.tree import Fields, Items, Text, Tree

System = Literal["linux", "windows", "macos"]

# https://docs.github.com/actions/reference/runners/github-hosted-runners, larger ones included
HOSTED: Mapping[System, frozenset[str]] = {
    "linux": frozenset(
        (
            *("ubuntu-latest", "ubuntu-24.04", "ubuntu-24.04-arm", "ubuntu-22.04"),
            *("ubuntu-22.04-arm", "ubuntu-slim"),
        )
    ),
    "windows": frozenset(
        (
            *("windows-latest", "windows-2025", "windows-2025-vs2026", "windows-2022"),
            "windows-11-arm",
        )
    ),
    "macos": frozenset(
        (
            *("macos-latest", "macos-latest-large", "macos-latest-xlarge"),
            *("macos-26", "macos-26-intel", "macos-26-large", "macos-26-xlarge"),
            *("macos-15", "macos-15-intel", "macos-15-large", "macos-15-xlarge"),
            *("macos-14", "macos-14-large", "macos-14-xlarge"),
        )
    ),
}
# what GitHub's own list of retired images had, and what stands for each now
RETIRED: Mapping[str, str] = {
    **dict.fromkeys(("ubuntu-20.04", "ubuntu-18.04", "ubuntu-16.04"), "ubuntu-24.04"),
    **dict.fromkeys(("windows-2019", "windows-2016"), "windows-2025"),
    **dict.fromkeys(
        ("macos-13", "macos-13-large", "macos-13-xlarge", "macos-12", "macos-12-large"), "macos-15"
    ),
    **dict.fromkeys(("macos-12-xlarge", "macos-11", "macos-11.0", "macos-10.15"), "macos-15"),
}
SELF_HOSTED = "self-hosted"
# every self-hosted runner has one of each
GIVEN: Mapping[str, System | None] = {
    "linux": "linux",
    "windows": "windows",
    "macos": "macos",
    **dict.fromkeys(("x64", "arm", "arm64", SELF_HOSTED)),
}


class Label(Struct, frozen=True):
    """A label as written."""

    text: str
    place: Place

    @property
    def system(self) -> System | None:
        """The operating system that a label of GitHub's stands for."""
        folded = self.text.lower()
        if folded in GIVEN:
            return GIVEN[folded]
        systems: dict[str, System] = {"ubuntu": "linux", "windows": "windows", "macos": "macos"}
        return systems.get(folded.partition("-")[0])


Labels = tuple[Label, ...]


def alternatives(job: Job) -> Iterator[Labels]:
    """The labels of a job, once for each leg of its matrix that decides; only what is written."""
    match job.runs_on:
        case Items(_, items):
            yield tuple(label for item in items for one in _choices(item, job) for label in one)
        case Fields():
            labels = job.runs_on.get("labels")
            if labels is not None and job.runs_on.get("group") is None:
                yield from _choices(labels, job)
        case Text():
            yield from _choices(job.runs_on, job)


def systems(job: Job) -> frozenset[System]:
    """The operating systems that a job may meet; empty where that is not known of every leg."""
    found = [{label.system for label in labels} - {None} for labels in alternatives(job)]
    if not found or not all(found):
        return frozenset()
    return frozenset(system for one in found for system in one if system)


def _choices(tree: Tree, job: Job) -> Iterator[Labels]:
    match tree:
        case Text(node, None):
            yield (Label(node.text, node.place),)
        case Text(_, template) if template and len(template.parts) == 1:
            part = template.parts[0]
            if isinstance(part, Expr):
                yield from _of_matrix(part.tree, job)
        case Items():
            yield tuple(
                Label(item.node.text, item.node.place)
                for item in tree.items
                if isinstance(item, Text) and item.template is None
            )


def _of_matrix(node: ExprNode, job: Job) -> Iterator[Labels]:
    """The values of `matrix.name`, or of a property of them."""
    path = _path(node)
    matrix = job.strategy.matrix if job.strategy else None
    if path is None or len(path) < 2 or path[0] != "matrix" or not isinstance(matrix, Fields):
        return
    for value in _values(matrix.node, path[1]):
        for key in path[2:]:
            value = _get(value, key) if value else None
        yield from _written(value)


def _path(node: ExprNode) -> tuple[str, ...] | None:
    keys: list[str] = []
    while isinstance(node, Index) and isinstance(node.key, Constant):
        keys.append(str(node.key.value).lower())
        node = node.base
    return (node.name.lower(), *reversed(keys)) if isinstance(node, Named) else None


def _values(matrix: MappingNode, name: str) -> Iterator[Node | None]:
    row = _get(matrix, name)
    yield from row.items if isinstance(row, Sequence) else ()
    include = matrix.get("include")
    for entry in include.items if isinstance(include, Sequence) else ():
        if (value := _get(entry, name)) is not None:
            yield value


def _get(node: Node, name: str) -> Node | None:
    return next((value for key, value in entries(node) if key.text.lower() == name), None)


def _written(node: Node | None) -> Iterator[Labels]:
    match node:
        case Scalar() if isinstance(node.value, str) and "${{" not in node.text:
            yield (Label(node.text, node.place),)
        case Sequence():
            yield tuple(label for item in node.items for one in _written(item) for label in one)
