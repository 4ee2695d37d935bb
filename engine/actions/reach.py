"""Which of the found actions some steps come to, in composites too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from engine.actions import is_checkout
from engine.actions.manifest import Action, CompositeRuns, DockerRuns
from engine.actions.resolve import Found
from engine.model import Step
from engine.reference import Image, ReferenceError_, Remote, key, parse, placed


def reached(
    steps: Iterable[Step], known: Mapping[str, Found], home: Remote | None = None
) -> Iterator[Found | None]:
    """What some steps use, and what that uses; None for what is only known at run time.

    `known` are the actions that were found, by their keys (Resolved.found).
    """
    told: set[str] = set()
    left = [(step, home) for step in steps]
    while left:
        step, origin = left.pop()
        left += [(child, origin) for child in step.children]
        if step.uses is None or is_checkout(step):
            continue
        found = _named(step.uses.text, known, origin)
        if found is None or found.key not in told:
            yield found
        if found is not None and found.key not in told:
            told.add(found.key)
            inner = found.reference if isinstance(found.reference, Remote) else None
            runs = found.action.runs
            left += [(s, inner) for s in runs.steps] if isinstance(runs, CompositeRuns) else []


def _named(text: str, known: Mapping[str, Found], home: Remote | None) -> Found | None:
    try:
        reference = placed(parse(text), home)
    except ReferenceError_:
        return None
    return of_image(reference) if isinstance(reference, Image) else known.get(key(reference))


def of_image(reference: Image) -> Found:
    """An image as an action without a manifest."""
    return Found(reference, Action(reference.image, DockerRuns(str(reference))))


def folders(found: Iterable[Found | None]) -> dict[str, Path]:
    """The folders of remote actions by their path in a machine (MachineSpec.actions)."""
    return {
        one.reference.folder: one.source
        for one in found
        if one is not None and isinstance(one.reference, Remote) and one.source is not None
    }
