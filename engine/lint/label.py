"""Labels of runners that nobody has, and labels that no runner has together."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from engine.lint.document import Document
from engine.lint.runners import GIVEN, HOSTED, RETIRED, SELF_HOSTED, Label, Labels, alternatives
from engine.problems import Problem, did_you_mean

_HOSTED = frozenset(label for labels in HOSTED.values() for label in labels)
# services that run jobs elsewhere, each with labels of its own
_SERVICES = (
    *("blacksmith-", "buildjet-", "depot-", "namespace-", "nscloud-", "warp-", "ubicloud"),
    *("runs-on", "cirun-", "actuated", "codebuild-", "gha-runner-", "github-hosted-"),
)


def check(document: Document) -> Iterator[Problem]:
    """Unknown and retired labels, and labels of different machines in one job."""
    own = tuple(label.lower() for label in document.settings.labels)
    for job in document.workflow.jobs:
        for labels in alternatives(job):
            if not any(label.text.lower() == SELF_HOSTED for label in labels):
                for label in labels:
                    yield from _known(label, own)
            yield from _together(labels)


def _known(label: Label, own: tuple[str, ...]) -> Iterator[Problem]:
    folded = label.text.lower()
    if folded in RETIRED:
        message = (
            f'GitHub has no runner "{label.text}" any more, so the job would wait in vain; '
            f'use "{RETIRED[folded]}"'
        )
        yield Problem(label.place, message, "label", "warning")
    elif not _exists(folded, own):
        near = did_you_mean(label.text, (*_HOSTED, *GIVEN)) or ";"
        message = (
            f'no runner of GitHub has the label "{label.text}"{near} if it is one of your own, '
            "name it under labels: in .runwright/lint.yml"
        )
        yield Problem(label.place, message, "label")


def _exists(label: str, own: tuple[str, ...]) -> bool:
    if not label or label in _HOSTED or label in GIVEN or label.startswith(_SERVICES):
        return True
    # larger runners are named by their owners, mostly after what they are larger than
    larger = any(label.startswith(f"{hosted}-") for hosted in _HOSTED)
    return larger or any(fnmatchcase(label, pattern) for pattern in own)


def _together(labels: Labels) -> Iterator[Problem]:
    first: Label | None = None
    for label in labels:
        if label.text.lower() not in _HOSTED and not GIVEN.get(label.text.lower()):
            continue
        first = first or label
        if _contradict(first, label):
            message = (
                f'"{label.text}" and "{first.text}" (line {first.place.line}) are different '
                "machines, and a job runs on one that has all its labels; for one job on each, "
                "use a matrix"
            )
            yield Problem(label.place, message, "label")


def _contradict(one: Label, other: Label) -> bool:
    if one.system != other.system:
        return True
    both = {one.text.lower(), other.text.lower()}
    return len(both) == 2 and both <= _HOSTED
