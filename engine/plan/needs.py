"""Jobs become a graph of needs, with the graphs of what they call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from graphlib import TopologicalSorter
from typing import Any

from msgspec import Struct, field

from engine.calls import Find
from engine.model import Job, Workflow
from engine.problems import Place, Problem, did_you_mean


class Plan(Struct, frozen=True, dict=True):
    """What will happen and after what: jobs in file order, `needs` and `ancestors` by job id.

    `calls` are the plans of called workflows by the id of the job that calls.
    """

    workflow: Workflow
    jobs: tuple[Job, ...]
    needs: Mapping[str, tuple[str, ...]]
    ancestors: Mapping[str, frozenset[str]]
    calls: Mapping[str, Plan] = field(default_factory=dict)

    @cached_property
    def by_id(self) -> dict[str, Job]:
        return {job.id: job for job in self.jobs}

    def whole(self) -> Iterator[Plan]:
        """This plan and those of all that it calls, each workflow as often as it is called."""
        yield self
        for called in self.calls.values():
            yield from called.whole()

    def names(self) -> Iterator[str]:
        """All jobs, those of called workflows as `caller/called`."""
        for job in self.jobs:
            yield job.id
            called = self.calls.get(job.id)
            yield from (f"{job.id}/{name}" for name in (called.names() if called else ()))

    def levels(self) -> list[list[str]]:
        """Job ids by how many jobs must end before them, for showing only: nothing waits for it."""
        import networkx

        return [sorted(level) for level in networkx.topological_generations(graph(self.needs))]

    def longest(self) -> list[str]:
        """The most jobs that have to run one after another: no run has fewer rounds than these."""
        import networkx

        return list(networkx.dag_longest_path(graph(self.needs)))


def _nobody(uses: str, file: str) -> tuple[None, list[Problem]]:
    return None, []


def plan(workflow: Workflow, selected: Iterable[str] = (), find: Find = _nobody) -> Plan:
    """The plan of all jobs, or of those selected and what they need.

    `find` gives the workflows that jobs call; what `calls.check` refuses must not be planned.
    `caller/called` selects a job of a called workflow.
    """
    ids = {job.id.lower(): job.id for job in workflow.jobs}
    needs = {
        job.id: tuple(dict.fromkeys(ids[need.id.lower()] for need in job.needs))
        for job in workflow.jobs
    }
    ancestors = _ancestors(needs)
    inner = _inner(selected, ids)
    wanted = set(inner).union(*(ancestors[id_] for id_ in inner)) if inner else set(ids.values())
    jobs = tuple(job for job in workflow.jobs if job.id in wanted)
    return Plan(
        workflow=workflow,
        jobs=jobs,
        needs={id_: before for id_, before in needs.items() if id_ in wanted},
        ancestors={id_: before for id_, before in ancestors.items() if id_ in wanted},
        calls={
            job.id: plan(called, inner.get(job.id, ()), find)
            for job in jobs
            if (called := _called(job, workflow, find)) is not None
        },
    )


def _inner(selected: Iterable[str], ids: Mapping[str, str]) -> dict[str, list[str]]:
    """What is selected of each job's called workflow, by job; nothing where all of it is."""
    found: dict[str, list[str]] = {}
    for name in selected:
        head, _, rest = name.partition("/")
        found.setdefault(ids[head.lower()], []).append(rest)
    return {id_: [] if "" in names else names for id_, names in found.items()}


def _called(job: Job, workflow: Workflow, find: Find) -> Workflow | None:
    return find(job.uses.text, workflow.file)[0] if job.uses else None


def unknown_jobs(known: Iterable[str], selected: Iterable[str]) -> list[Problem]:
    """The selected names that are no job."""
    names = {name.lower(): name for name in known}
    return [
        Problem(
            Place("--job"),
            f'there is no job "{name}"{did_you_mean(name, names.values())}; '
            f"the jobs are: {', '.join(names.values()) or 'none'}",
            "usage",
        )
        for name in selected
        if name.lower() not in names
    ]


def graph(needs: Mapping[str, Iterable[str]]) -> Any:
    """A networkx.DiGraph with an edge from each need to the job that needs it."""
    import networkx  # a seventh of a second to import: only where there is a graph to ask

    digraph: Any = networkx.DiGraph()
    digraph.add_nodes_from(needs)
    digraph.add_edges_from((need, id_) for id_, before in needs.items() for need in before)
    return digraph


def _ancestors(needs: Mapping[str, tuple[str, ...]]) -> dict[str, frozenset[str]]:
    """All that each job waits for, its needs' needs included."""
    found: dict[str, frozenset[str]] = {}
    for id_ in TopologicalSorter(needs).static_order():
        found[id_] = frozenset(needs[id_]).union(*(found[need] for need in needs[id_]))
    return found
