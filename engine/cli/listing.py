"""`list` and `graph`: what there is to run, without running it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import click

from engine import plan as planning
from engine import triggers
from engine.cli import SUCCESS, options, workflows
from engine.model import Job, Workflow
from engine.plan import Plan
from engine.report.style import table
from engine.triggers import Schedule


def _read(given: dict[str, Any]) -> list[Workflow]:
    project = workflows.project(given["directory"])
    found, _ = workflows.read_or_refuse(workflows.find(project, given["workflows"]))
    return found


@click.command()
@options.workflows
@click.option("--schedule", is_flag=True, help="List when schedules are due next instead.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON array.")
def list_(schedule: bool = False, as_json: bool = False, **given: Any) -> int:
    """List every job of every workflow, with its events and needs."""
    if schedule:
        return _list_schedules(_read(given), as_json)
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


TIMES = 5  # of each workflow's schedules that are listed


def _list_schedules(found: list[Workflow], as_json: bool) -> int:
    """The next times of all schedules, earliest first, each in its own time zone."""
    due = [
        (moment, schedule, workflow)
        for workflow in found
        for moment, schedule in triggers.next_times(workflow, datetime.now(UTC), TIMES)
    ]
    rows = [_due(*each) for each in sorted(due, key=lambda each: each[0])]
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    elif not rows:
        click.echo("no workflow has a schedule", err=True)
    else:
        header = ["Next", "Time zone", "Cron", "Workflow", "File"]
        for line in table([header, *map(_cells, rows)]):
            click.echo(line)
    return SUCCESS


def _due(moment: datetime, schedule: Schedule, workflow: Workflow) -> dict[str, Any]:
    return {
        "time": moment.isoformat(),
        "timezone": schedule.timezone or "UTC",
        "cron": schedule.cron,
        "workflow": workflow.name,
        "file": workflow.file,
        "line": schedule.line,
    }


def _cells(row: dict[str, Any]) -> list[str]:
    moment = datetime.fromisoformat(row["time"])
    where = f"{row['file']}:{row['line']}"
    return [f"{moment:%a %Y-%m-%d %H:%M}", row["timezone"], row["cron"], row["workflow"], where]


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
