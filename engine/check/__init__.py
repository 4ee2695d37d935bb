"""Nodes are held against schema/; what differs comes back as problems."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

from engine import source
from engine.check.fit import fits
from engine.check.rules import rules
from engine.problems import Problem
from engine.source import Mapping, Node, child, entries, plain

Kind: TypeAlias = Literal["workflow", "action"]


def check(node: Node, kind: Kind = "workflow") -> list[Problem]:
    """What differs between a document and its schema, in the order of the file."""
    if fits(rules(kind), plain(node)):
        return []
    from engine.check import faults  # only here, since jsonschema takes long to import

    return faults.explain(node, rules(kind), f"the {kind}")


SUPERSET = frozenset(("retry",))


def superset_warnings(node: Node, file: str) -> list[Problem]:
    """A warning for each key that github.com would reject, if GitHub is to read the file."""
    if ".github/workflows/" not in file.replace("\\", "/"):
        return []
    message = (
        '"{}" is Runwright\'s own and github.com rejects it; '
        "keep this workflow in .runwright/ or name it *.runwright.yml"
    )
    keys = (key for part in _jobs_and_steps(node) for key, _ in part.entries)
    return [
        Problem(key.place, message.format(key.text), "superset", "warning")
        for key in sorted(keys, key=lambda key: key.place)
        if key.text in SUPERSET
    ]


def _jobs_and_steps(node: Node) -> Iterator[Mapping]:
    for _, job in entries(child(node, "jobs")):
        if isinstance(job, Mapping):
            yield job
            yield from _steps(job.get("steps"))


def _steps(steps: Node | None) -> Iterator[Mapping]:
    for step in steps.items if isinstance(steps, source.Sequence) else ():
        if isinstance(step, Mapping):
            yield step
            yield from _steps(step.get("parallel"))
