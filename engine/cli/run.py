"""`runwright run`: from the command line to running workflows and back to an exit code."""

from __future__ import annotations

from typing import Any

import click

from engine import cli as codes
from engine.cli import options
from engine.cli.execute import execute
from engine.cli.prepare import prepare
from engine.cli.request import Request


@click.command()
@click.argument("event", required=False, default="")
@options.workflows
@options.selection
@options.occasion
@options.values
@options.actions
@options.machines
@options.output
@click.option("-n", "--dryrun", is_flag=True, help="Show what would run; start nothing.")
@click.option("-l", "--list", "list_only", is_flag=True, help="As `runwright list`.")
@click.option("-g", "--graph", "graph_only", is_flag=True, help="As `runwright graph`.")
@click.pass_context
def run(
    ctx: click.Context, /, dryrun: bool, list_only: bool, graph_only: bool, **given: Any
) -> int:
    """Run the workflows that EVENT starts (default: push, or the only event there is)."""
    if list_only or graph_only:
        from engine.cli import listing

        command = listing.list_ if list_only else listing.graph
        ctx.invoke(command, workflows=given["workflows"], directory=given["directory"])
        return codes.SUCCESS
    request = Request(**given)
    prepared = prepare(request)
    if dryrun:
        from engine.cli import plan

        return plan.dry_run(prepared)
    return execute(prepared)
