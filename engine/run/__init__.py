"""A nursery over the plan: each job starts the moment its needs are met."""

from __future__ import annotations

import trio
from msgspec import Struct

from engine import events
from engine.ahead import Ahead
from engine.contexts import RunFacts
from engine.events import Emit, Log, Outcome
from engine.job import Cancellation
from engine.plan import Plan
from engine.run.berth import (
    NO_SUPPLIES,
    Berth,
    Choose,
    EnterGroup,
    Environment,
    Group,
    NoPlace,
    Settings,
    Supplies,
)
from engine.run.groups import group_of, turn_in
from engine.run.jobs import run_part
from engine.run.part import Part, entry
from engine.run.shared import Shared
from engine.tree import Scope, Unresolved, string

__all__ = [
    "NO_SUPPLIES",
    "Berth",
    "Choose",
    "EnterGroup",
    "Environment",
    "Group",
    "NoPlace",
    "RunResult",
    "Settings",
    "Supplies",
    "run",
]

MOST_AHEAD = 4  # machines that are open before their jobs may start


class RunResult(Struct, frozen=True):
    """`broke`: a machine failed; `ran`: how many legs were not skipped."""

    outcome: Outcome
    broke: bool
    timed_out: bool
    ran: int


async def run(
    plan: Plan,
    facts: RunFacts,
    settings: Settings,
    choose: Choose,
    cancellation: Cancellation,
    emit: Emit,
    slots: trio.CapacityLimiter,
    enter_group: EnterGroup | None = None,
) -> RunResult:
    """Run every job of a plan. A cancellation is passed on to the jobs; it never raises.

    Without `enter_group`, concurrency groups are not waited for.
    """
    started = trio.current_time()
    async with trio.open_nursery() as nursery:
        ahead = Ahead(nursery, MOST_AHEAD)
        shared = Shared(facts, settings, choose, cancellation, slots, ahead, emit, enter_group)
        part = entry(shared, plan)
        _start(part)
        group = _group(part)
        part.held = (group,) if group else ()
        async with turn_in(shared, group, "run", cancellation):
            await run_part(part)
    outcome = Outcome.CANCELLED if cancellation.requested else part.outcome()
    shared.emit(events.RunFinished(outcome=outcome, seconds=trio.current_time() - started))
    tally = shared.tally
    return RunResult(outcome, tally.broke, tally.timed_out, tally.ran)


def _group(part: Part) -> Group | None:
    """The run's own group; an expression without an answer cancels the run."""
    try:
        return group_of(part.plan.workflow.concurrency, Scope(part.base))
    except Unresolved as error:
        part.shared.emit(Log(level="error", message=str(error.problem)))
        part.cancellation.request(str(error.problem))
        return None


def _start(part: Part) -> None:
    """Tell that the run starts, and then why its title is not the one that was asked for."""
    workflow, facts = part.plan.workflow, part.shared.facts
    title, wrong = "", None
    try:
        title = string(workflow.run_name, Scope(part.base)).strip()
    except Unresolved as error:
        wrong = Log(level="warning", message=str(error.problem))
    part.shared.emit(
        events.RunStarted(
            run_id=facts.run_id,
            run_number=facts.run_number,
            event_name=facts.event_name,
            workflow=workflow.name,
            file=workflow.file,
            title=title or _default_title(facts, workflow.name),
            jobs=tuple(job.id for job in part.plan.jobs),
        )
    )
    if wrong:
        part.shared.emit(wrong)


def _default_title(facts: RunFacts, workflow: str) -> str:
    """The subject of what was pushed, the title of a pull request, else the workflow's name."""
    pull = facts.event.get("pull_request")
    subject = facts.checkout.commit.message.partition("\n")[0] if facts.event_name == "push" else ""
    title = pull.get("title") if isinstance(pull, dict) else subject
    return title if title and isinstance(title, str) else workflow
