"""`runwright validate`: every problem of every file, and nothing is run."""

from __future__ import annotations

import sys

import click

from engine.cli import INVALID, SUCCESS, options, workflows
from engine.cli.show import show
from engine.problems import errors


@click.command()
@click.argument("paths", nargs=-1, metavar="[FILE OR FOLDER]...")
@options.workflows
def validate(paths: tuple[str, ...], **given: tuple[str, ...] | str) -> int:
    """Check workflow files: their shape, their expressions, their needs."""
    project = workflows.project(str(given["directory"]))
    files = workflows.find(project, (*paths, *given["workflows"]))
    _, problems = workflows.read_all(files)
    show(problems, sys.stdout)
    wrong = errors(problems)
    noun = "file" if len(files) == 1 else "files"
    summary = f"{len(wrong)} {'error' if len(wrong) == 1 else 'errors'} in {len(files)} {noun}"
    click.echo(summary if wrong else f"{len(files)} {noun}, no errors", err=True)
    return INVALID if wrong else SUCCESS
