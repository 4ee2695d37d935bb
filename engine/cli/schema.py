"""`runwright schema`: the JSON Schemas that editors use."""

from __future__ import annotations

import click

from engine.cli import SUCCESS
from engine.schemas import schema_text


@click.command()
@click.argument("name", default="workflow", type=click.Choice(["workflow", "action", "event"]))
def schema(name: str) -> int:
    """Print the JSON Schema of a workflow, an action or an event line."""
    click.echo(schema_text(name), nl=False)
    return SUCCESS
