"""`plan` and the dry run: what an event would run, stage by stage, without running it."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from engine import contexts, stages
from engine.cli import NOTHING_RAN, SUCCESS, known, options, show
from engine.cli.prepare import Prepared, prepare
from engine.cli.request import Request
from engine.cli.starts import Start
from engine.plan import Leg, Plan
from engine.report.style import not_started
from engine.tree import Scope


@click.command("plan")
@click.argument("event", required=False, default="")
@click.option(
    "--stage",
    type=click.Choice(["workflow", "plan", "expanded"]),
    default="expanded",
    help="What the author meant; the graph of needs; or jobs with their known legs (default).",
)
@options.workflows
@options.selection
@options.occasion
@options.values
@options.actions
def plan(event: str, stage: str, **given: Any) -> int:
    """Print what EVENT would run, as JSON: jobs, needs, steps, and the legs that are known.

    Actions of other places are fetched, so that each step says what its `uses` stands for.
    """
    prepared = prepare(Request(event=event, **given))
    _tell(prepared)
    found = [_staged(prepared, start, stage) for start in prepared.starts]
    if stage == "expanded":
        _explain(prepared, found)
    click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    return SUCCESS if found else NOTHING_RAN


def _staged(prepared: Prepared, start: Start, stage: str) -> Any:
    if stage == "workflow":
        return stages.workflow(start.plan.workflow)
    if stage == "plan":
        return stages.plan(start.plan)
    return stages.expanded(start.plan, _legs(prepared, start))


def _explain(prepared: Prepared, found: list[Any]) -> None:
    from engine.cli import fetching

    plans = [start.plan for start in prepared.starts]
    resolved = fetching.resolved(plans, prepared.finder(), prepared.project.root)
    show.show(resolved.problems)
    fetching.explain(found, plans, resolved)


def _tell(prepared: Prepared) -> None:
    """What does not start, and why."""
    for event in prepared.skipped:
        print(f"runwright: {not_started(event)}", file=sys.stderr)
    if prepared.remedy:
        print(prepared.remedy, file=sys.stderr)


def _legs(prepared: Prepared, start: Start) -> dict[str, list[Leg]]:
    """The legs that are asked for, of the jobs whose legs are already known."""
    github = contexts.github(start.facts)
    scope = Scope({"github": github, "inputs": start.inputs, "vars": prepared.variables})
    return known.legs(start.plan, scope, prepared.matrix)


# --- the dry run ----------------------------------------------------------------------------------


def dry_run(prepared: Prepared) -> int:
    """What would run, in the order it would start."""
    _tell(prepared)
    for start in prepared.starts:
        click.echo(f"{start.plan.workflow.name} on {start.facts.event_name}")
        _show_jobs(start.plan, _legs(prepared, start))
    for found in prepared.followers:
        click.echo(f"{found.workflow.name} on workflow_run, where it follows one of these")
        _show_jobs(found, {})
    return SUCCESS if prepared.starts else NOTHING_RAN


def _show_jobs(found: Plan, legs: dict[str, list[Leg]], key: str = "") -> None:
    """Each job before those that need it: it has fewer jobs before it than they have."""
    for id_ in sorted(found.needs, key=lambda id_: len(found.ancestors[id_])):
        _show_job(found, id_, key, legs.get(f"{key}{id_}"))
        if id_ in found.calls:
            _show_jobs(found.calls[id_], legs, f"{key}{id_}/")


def _show_job(found: Plan, id_: str, key: str, legs: list[Leg] | None) -> None:
    job, needs = found.by_id[id_], found.needs[id_]
    after = f" after {', '.join(f'{key}{need}' for need in needs)}" if needs else ""
    condition = f" if {job.condition.node.text.strip()}" if job.condition else ""
    names = [f"{key}{id_} (legs known later)"] if legs is None else [leg.name for leg in legs]
    for name in names:
        click.echo(f"  {name}{after}{condition}")
    if not names:
        click.echo(f"  {key}{id_} skipped: no leg of its matrix was selected by --matrix")
        return
    if job.uses:
        click.echo(f"    calls {job.uses.text}")
    for step in job.steps:
        text = step.name or step.run
        shown = (
            step.uses.text if step.uses else text.node.text.strip().split("\n")[0] if text else ""
        )
        click.echo(f"    - {shown or step.kind}")
