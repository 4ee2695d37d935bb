"""What a job waits for: that it exists, and that nothing waits in a circle."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from engine.model.types import Job, Need
from engine.problems import Problem, did_you_mean
from engine.source import Node, one_or_more
from engine.tree import literal


def needs(node: Node | None, problems: list[Problem]) -> tuple[Need, ...]:
    items = (literal(item, problems) for item in one_or_more(node))
    return tuple(Need(item.text, item.place) for item in items)


def check_needs(jobs: tuple[Job, ...], problems: list[Problem]) -> None:
    known = {job.id.lower(): job for job in jobs}
    for job in jobs:
        for need in job.needs:
            if need.id.lower() not in known:
                others = [other.id for other in jobs if other is not job]
                hint = did_you_mean(need.id, others)
                message = f'job "{job.id}" needs job "{need.id}", which does not exist{hint}'
                problems.append(Problem(need.place, message, "needs"))
    _check_cycle(known, problems)


def _check_cycle(jobs: dict[str, Job], problems: list[Problem]) -> None:
    needs = {
        id_: [n.id.lower() for n in job.needs if n.id.lower() in jobs] for id_, job in jobs.items()
    }
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        cycle = [jobs[id_] for id_ in error.args[1][:-1]][::-1]
        first = min(range(len(cycle)), key=lambda index: cycle[index].place)
        problems.extend(_endless([*cycle[first:], *cycle[:first], cycle[first]], jobs.values()))


def _endless(chain: list[Job], jobs: Iterable[Job]) -> Iterator[Problem]:
    """Where a cycle could be cut; where no job at all can start, that is told of the first one."""
    shown = " -> ".join(f'"{job.id}" (line {job.place.line})' for job in chain)
    if all(job.needs for job in jobs):
        message = f"these jobs wait for each other and could never start: {shown}"
        yield Problem(next(iter(jobs)).place, message, "needs")
        return
    for job, needed in pairwise(chain):
        need = next(need for need in job.needs if need.id.lower() == needed.id.lower())
        message = f'job "{job.id}" needs job "{need.id}", which waits for it in turn: {shown}'
        yield Problem(need.place, message, "needs")
