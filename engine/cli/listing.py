"""`list` and `graph`: what there is to run, without running it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import click

from engine import cron, triggers
from engine.cli import SUCCESS, called, options, workflows
from engine.cli.called import Called
from engine.model import Job, Workflow
from engine.plan import Plan
from engine.report.style import table
from engine.triggers import Schedule


def _plans(given: dict[str, Any]) -> tuple[Plan, ...]:
    """The plans of all workflows; what they call in other repositories is not fetched."""
    project = workflows.project(given["directory"])
    found, _ = workflows.read_or_refuse(workflows.find(project, given["workflows"]))
    return called.plans([(workflow, ()) for workflow in found], Called(project.root))


@click.command()
@options.workflows
@click.option("--schedule", is_flag=True, help="List when schedules are due next instead.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON array.")
def list_(schedule: bool = False, as_json: bool = False, **given: Any) -> int:
    """List every job of every workflow, with its events and needs."""
    if schedule:
        return _list_schedules([found.workflow for found in _plans(given)], as_json)
    rows = [row for found in _plans(given) for row in _rows(found, found.workflow)]
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


def _rows(found: Plan, entry: Workflow, key: str = "", name: str = "") -> Iterator[dict[str, Any]]:
    """The jobs of a plan, each with those that it calls; events and name are the first one's."""
    for job in found.jobs:
        shown = f"{name}{job.name.node.text if job.name else job.id}"
        yield {
            "job": f"{key}{job.id}",
            "name": shown,
            "needs": [f"{key}{need}" for need in found.needs[job.id]],
            "runs-on": _written(job),
            "events": [trigger.event for trigger in entry.triggers],
            "workflow": entry.name,
            "file": found.workflow.file,
        }
        if job.id in found.calls:
            yield from _rows(found.calls[job.id], entry, f"{key}{job.id}/", f"{shown} / ")


TIMES = 3  # of each schedule that are listed


def _list_schedules(found: list[Workflow], as_json: bool) -> int:
    """The next times of all schedules, earliest first, each in its own time zone."""
    due = [
        (moment, schedule, workflow)
        for workflow in found
        for schedule in triggers.schedules(workflow)
        for moment in cron.next_times(schedule.cron, schedule.timezone, datetime.now(UTC), TIMES)
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
    for found in _plans(given):
        for line in draw(found.workflow.name, found):
            click.echo(line)
    return SUCCESS


def _as_text(name: str, found: Plan) -> Iterator[str]:
    yield name
    yield from _text_of(found, "  ")


def _text_of(found: Plan, margin: str, key: str = "") -> Iterator[str]:
    for depth, level in enumerate(found.levels()):
        for id_ in level:
            needs = found.needs[id_]
            shown = f"  (needs {', '.join(needs)})" if needs else ""
            yield f"{margin}{'  ' * depth}{key}{id_}{shown}"
            if id_ in found.calls:
                inner = f"{margin}{'  ' * depth}  "
                yield from _text_of(found.calls[id_], inner, f"{key}{id_}/")


def _as_mermaid(name: str, found: Plan) -> Iterator[str]:
    yield "---"
    yield f"title: {json.dumps(name)}"
    yield "---"
    yield "graph LR"
    yield from _mermaid_of(found, "  ")


def _mermaid_of(found: Plan, margin: str, key: str = "") -> Iterator[str]:
    for id_, needs in found.needs.items():
        if id_ in found.calls:
            yield f"{margin}subgraph {key}{id_}"
            yield from _mermaid_of(found.calls[id_], f"{margin}  ", f"{key}{id_}/")
            yield f"{margin}end"
        else:
            yield f"{margin}{key}{id_}"
        for need in needs:
            yield f"{margin}{key}{need} --> {key}{id_}"


def _as_dot(name: str, found: Plan) -> Iterator[str]:
    yield f"digraph {json.dumps(name)} {{"
    yield "  rankdir=LR;"
    yield from _dot_of(found)
    yield "}"


def _dot_of(found: Plan, key: str = "") -> Iterator[str]:
    for id_, needs in found.needs.items():
        whole = json.dumps(f"{key}{id_}")
        yield f"  {whole};"
        for need in needs:
            yield f"  {json.dumps(f'{key}{need}')} -> {whole};"
        if id_ in found.calls:
            inner = json.dumps(f"cluster {key}{id_}")
            yield f"  subgraph {inner} {{"
            yield from _dot_of(found.calls[id_], f"{key}{id_}/")
            yield "  }"
