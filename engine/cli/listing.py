"""`list`, `graph` and `plan`: what there is to run, without running it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from engine import contexts
from engine import plan as planning
from engine.cli import SUCCESS, options, workflows
from engine.contexts import RunFacts
from engine.expr import to_string
from engine.model import Job, Workflow
from engine.plan import Leg, Plan
from engine.report.style import table
from engine.tree import Scope, Unresolved

if TYPE_CHECKING:
    from engine.cli.prepare import Prepared


def _read(given: dict[str, Any]) -> list[Workflow]:
    project = workflows.project(given["directory"])
    found, _ = workflows.read_or_refuse(workflows.find(project, given["workflows"]))
    return found


@click.command()
@options.workflows
@click.option("--json", "as_json", is_flag=True, help="As one JSON array.")
def list_(as_json: bool = False, **given: Any) -> int:
    """List every job of every workflow, with its events and needs."""
    rows = [_row(workflow, job) for workflow in _read(given) for job in workflow.jobs]
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return SUCCESS
    header = ["Job", "Name", "Needs", "Runs on", "Events", "Workflow", "File"]
    cells = [
        [
            row["job"],
            row["name"],
            ", ".join(row["needs"]),
            row["runs-on"],
            ", ".join(row["events"]),
            row["workflow"],
            row["file"],
        ]
        for row in rows
    ]
    for line in table([header, *cells]):
        click.echo(line)
    return SUCCESS


def _row(workflow: Workflow, job: Job) -> dict[str, Any]:
    return {
        "job": job.id,
        "name": job.name.node.text if job.name else job.id,
        "needs": [need.id for need in job.needs],
        "runs-on": _written(job),
        "events": [trigger.event for trigger in workflow.triggers],
        "workflow": workflow.name,
        "file": workflow.file,
    }


def _written(job: Job) -> str:
    """`runs-on` as the author wrote it, expressions and all."""
    from engine.source import plain

    if job.runs_on is None:
        return job.uses.text if job.uses else ""
    value = plain(job.runs_on.node)
    return value if isinstance(value, str) else json.dumps(value)


@click.command()
@options.workflows
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "mermaid", "dot"]),
    default="text",
    help="How to draw.",
)
def graph(style: str = "text", **given: Any) -> int:
    """Draw which job needs which."""
    draw = {"text": _as_text, "mermaid": _as_mermaid, "dot": _as_dot}[style]
    for workflow in _read(given):
        for line in draw(workflow.name, planning.plan(workflow)):
            click.echo(line)
    return SUCCESS


def _as_text(name: str, found: Plan) -> Iterable[str]:
    yield name
    levels = found.levels()
    for level in levels:
        for id_ in level:
            needs = found.needs[id_]
            yield f"  {'  ' * levels.index(level)}{id_}" + (
                f"  (needs {', '.join(needs)})" if needs else ""
            )


def _as_mermaid(name: str, found: Plan) -> Iterable[str]:
    yield "---"
    yield f"title: {json.dumps(name)}"
    yield "---"
    yield "graph LR"
    for id_, needs in found.needs.items():
        yield f"  {id_}"
        for need in needs:
            yield f"  {need} --> {id_}"


def _as_dot(name: str, found: Plan) -> Iterable[str]:
    yield f"digraph {json.dumps(name)} {{"
    yield "  rankdir=LR;"
    for id_, needs in found.needs.items():
        yield f"  {json.dumps(id_)};"
        for need in needs:
            yield f"  {json.dumps(need)} -> {json.dumps(id_)};"
    yield "}"


@click.command("plan")
@click.argument("event", required=False, default="")
@options.workflows
@options.selection
@options.values
def plan(event: str, **given: Any) -> int:
    """Print what EVENT would run, as JSON: jobs, needs, steps, and the legs that are known."""
    from engine.cli.prepare import prepare
    from engine.cli.request import Request

    prepared = prepare(Request(event=event, **given), lenient=True)
    found = [
        planning.as_json(one, legs)
        for one, legs in zip(prepared.plans, _all_legs(prepared), strict=True)
    ]
    click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    return SUCCESS


def _all_legs(prepared: Prepared) -> list[dict[str, tuple[Leg, ...]]]:
    """For each plan the legs that are asked for, of the jobs whose legs are already known."""
    known = zip(prepared.plans, prepared.facts, prepared.inputs, strict=True)
    return [
        {
            id_: tuple(leg for leg in legs if _is_wanted(leg, prepared.matrix))
            for id_, legs in _legs(found, facts, inputs, prepared.variables).items()
        }
        for found, facts, inputs in known
    ]


def _legs(
    found: Plan, facts: RunFacts, inputs: dict[str, Any], variables: dict[str, str]
) -> dict[str, tuple[Leg, ...]]:
    scope = Scope({"github": contexts.github(facts), "inputs": inputs, "vars": variables})
    legs = {}
    for job in found.jobs:
        if planning.is_static(job):
            try:
                legs[job.id] = planning.expand(job, scope)
            except Unresolved:
                continue
    return legs


def _is_wanted(leg: Leg, matrix: tuple[tuple[str, str], ...]) -> bool:
    """Whether --matrix selects a leg; several values of one key select any of them."""
    return all(
        any(to_string(leg.matrix[key]) == value for name, value in matrix if name == key)
        for key, _ in matrix
        if key in leg.matrix
    )


def dry_run(prepared: Prepared) -> int:
    """What would run, in the order it would start."""
    for found, fact, legs in zip(prepared.plans, prepared.facts, _all_legs(prepared), strict=True):
        click.echo(f"{found.workflow.name} on {fact.event_name}")
        for level in found.levels():
            for id_ in level:
                _show_job(found, id_, legs.get(id_))
    return SUCCESS


def _show_job(found: Plan, id_: str, legs: tuple[Leg, ...] | None) -> None:
    job = found.by_id[id_]
    needs = f" after {', '.join(found.needs[id_])}" if found.needs[id_] else ""
    condition = f" if {job.condition.node.text.strip()}" if job.condition else ""
    names = [f"{id_} (legs known later)"] if legs is None else [leg.name for leg in legs]
    for name in names:
        click.echo(f"  {name}{needs}{condition}")
    if not names:
        click.echo(f"  {id_} skipped: no leg of its matrix was selected by --matrix")
        return
    for step in job.steps:
        text = step.name or step.run
        shown = (
            step.uses.text if step.uses else text.node.text.strip().split("\n")[0] if text else ""
        )
        click.echo(f"    - {shown or step.kind}")
