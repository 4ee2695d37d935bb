"""`runwright validate`: every problem of every file, and nothing is run."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from engine.cli import INVALID, SUCCESS, called, options, workflows
from engine.cli.show import show
from engine.problems import Problem, errors


@click.command()
@click.argument("paths", nargs=-1, metavar="[FILE OR FOLDER]...")
@options.workflows
def validate(paths: tuple[str, ...], **given: tuple[str, ...] | str) -> int:
    """Check workflow files: their shape, their expressions, their needs, their calls."""
    project = workflows.project(str(given["directory"]))
    files = workflows.find(project, (*paths, *given["workflows"]))
    problems = list(dict.fromkeys(problem for file in files for problem in _problems(file)))
    show(problems, sys.stdout)
    wrong = errors(problems)
    noun = "file" if len(files) == 1 else "files"
    summary = f"{len(wrong)} {'error' if len(wrong) == 1 else 'errors'} in {len(files)} {noun}"
    click.echo(summary if wrong else f"{len(files)} {noun}, no errors", err=True)
    return INVALID if wrong else SUCCESS


def _problems(file: Path) -> list[Problem]:
    workflow, found = workflows.read(file)
    return found if workflow is None else [*found, *called.problems(workflow, file)]
