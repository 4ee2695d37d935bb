"""`runwright validate`: every problem of every file, and nothing is run."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine import printing
from engine.cli import (
    INVALID,
    SUCCESS,
    checking,
    documents,
    options,
    repository,
    show,
    workflows,
)
from engine.cli.documents import Document
from engine.printing.text import lines
from engine.problems import Problem, errors

if TYPE_CHECKING:
    from engine.check import Kind

STDIN = "-"


@click.command()
@click.argument("paths", nargs=-1, metavar="[FILE OR FOLDER]...")
@options.workflows
@click.option(
    "--format",
    "form",
    type=click.Choice(printing.NAMES),
    default="text",
    help="How problems are written (default: text).",
)
@click.option(
    "--kind",
    type=click.Choice(["workflow", "action"]),
    help="What the files are, where neither name nor content tells.",
)
@click.option(
    "--stdin-filename",
    default="<stdin>",
    metavar="FILE",
    help="What standard input (given as -) is called in messages.",
)
def validate(
    paths: tuple[str, ...], form: str, kind: Kind | None, stdin_filename: str, **given: Any
) -> int:
    """Check workflows and actions: their shape, their expressions, their needs.

    Without a file or folder the whole repository is checked; - is standard input.
    """
    project = workflows.project(given["directory"])
    named = [*paths, *given["workflows"]]
    piped = [_piped(stdin_filename, kind)] if STDIN in named else []
    rest = [name for name in named if name != STDIN]
    files = repository.files(project, rest) if rest or not piped else []
    problems = [problem for document in piped for problem in checking.check(document)]
    problems += checking.check_all(files, kind)
    if form == "text":
        _write_text(problems, {document.name: document.content for document in piped})
        click.echo(_summary(problems, len(files) + len(piped)), err=True)
    else:
        click.echo(printing.printed(problems, form), nl=False)
    return INVALID if errors(problems) else SUCCESS


def _piped(name: str, kind: Kind | None) -> Document:
    content = sys.stdin.buffer.read(documents.MOST_BYTES + 1)
    return Document(name, content, Path(name).absolute(), kind)


def _write_text(problems: Sequence[Problem], known: dict[str, bytes]) -> None:
    source, colour = show.source_lines(known), show.has_colour(sys.stdout)
    click.echo(lines(problems, source, colour), nl=False, color=colour)


def _summary(problems: Sequence[Problem], count: int) -> str:
    wrong = len(errors(problems))
    noun = "file" if count == 1 else "files"
    if not wrong:
        return f"{count} {noun}, no errors"
    return f"{wrong} {'error' if wrong == 1 else 'errors'} in {count} {noun}"
