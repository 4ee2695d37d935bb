"""What a command brings for its jobs before they run: actions, and Node where one needs it."""

from __future__ import annotations

import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from engine import actions
from engine import cli as codes
from engine.cli import show
from engine.cli.prepare import Prepared
from engine.model import Step
from engine.problems import Place, Problem, Refused, errors

if TYPE_CHECKING:
    from engine.run import Supplies


def supplies(prepared: Prepared) -> Supplies:
    """All that the steps of the jobs use; fetched where need be. Raises Refused."""
    from engine.run import NO_SUPPLIES, Supplies

    jobs = [job for plan in prepared.plans for part in plan.whole() for job in part.jobs]
    steps = [step for job in jobs for step in job.steps]
    needs_proxy = any(job.services is not None and job.container is None for job in jobs)
    if not any(map(_uses, steps)) and not needs_proxy:
        return NO_SUPPLIES
    from engine.actions.manifest import NodeRuns
    from engine.cli import fetching

    found = prepared.finder()
    resolved = fetching.resolved(prepared.plans, found, prepared.project.root)
    if problems := errors(resolved.problems):
        wrong = any(problem.rule != "fetch" for problem in problems)
        raise Refused(problems, codes.INVALID if wrong else codes.ENVIRONMENT)
    show.show(resolved.problems)
    has_node = any(isinstance(one.action.runs, NodeRuns) for one in resolved.found.values())
    node = _node(prepared) if has_node or needs_proxy else None
    return Supplies(resolved.found, found, node)


def _uses(step: Step) -> bool:
    is_action = step.uses is not None and not actions.is_checkout(step)
    return is_action or any(map(_uses, step.children))


def _node(prepared: Prepared) -> Path:
    from engine.fetch import Unavailable
    from engine.fetch.node import externals

    wanted = prepared.request.container_architecture.rpartition("/")[2] or platform.machine()
    try:
        return externals(wanted, lambda line: print(f"runwright: {line}", file=sys.stderr))
    except Unavailable as error:
        problem = Problem(Place("runwright run"), str(error), "environment")
        raise Refused([problem], codes.ENVIRONMENT) from None
