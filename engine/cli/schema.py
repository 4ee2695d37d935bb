"""`runwright schema`: the JSON Schemas that editors use, and telling editors of them."""

from __future__ import annotations

import json
from pathlib import Path

import click

from engine.cli import SUCCESS
from engine.problems import Refused, did_you_mean, usage
from engine.schemas import schema_text

NAMES = ("workflow", "action", "event")


@click.command()
@click.argument("names", nargs=-1, metavar="[workflow|action|event] [FILE]...")
@click.option("--install", is_flag=True, help="Map files to schemas in .vscode/settings.json.")
@click.option(
    "--modeline",
    is_flag=True,
    help="Print the comment that names the schema in a file, or put it into each FILE.",
)
@click.option(
    "--url",
    default="",
    metavar="URL",
    help="Where the schemas are on the web (default: in this installation).",
)
@click.option("-C", "--directory", default="", metavar="DIR", help="Work in this directory.")
def schema(names: tuple[str, ...], install: bool, modeline: bool, url: str, directory: str) -> int:
    """Print the JSON Schema of a workflow, an action or an event line, or make editors use it."""
    if install:
        _install(url, directory)
    elif modeline:
        _modelines(names or NAMES[:1], url, Path(directory))
    else:
        click.echo(schema_text(_only(names)), nl=False)
    return SUCCESS


def _only(names: tuple[str, ...]) -> str:
    name = names[0] if names else NAMES[0]
    if len(names) > 1 or name not in NAMES:
        hint = did_you_mean(name, NAMES) or f"; there are {', '.join(NAMES)}"
        raise usage(f'there is no schema "{" ".join(names)}"{hint}')
    return name


def _install(url: str, directory: str) -> None:
    from engine.cli import editors, workflows

    root = workflows.project(directory).root
    try:
        changed = editors.install(root, url)
    except Refused:  # the settings stay as they are; this is what to add
        click.echo(json.dumps({"yaml.schemas": editors.mapping(url)}, indent=2))
        raise
    click.echo(f"{editors.SETTINGS}: {'written' if changed else 'nothing to change'}", err=True)


def _modelines(names: tuple[str, ...], url: str, directory: Path) -> None:
    from engine.cli import editors

    for name in names:
        if name in NAMES and not (directory / name).exists():
            click.echo(editors.modeline(name, url))
        else:
            changed = editors.add_modeline(directory / name, url)
            click.echo(f"{name}: {'changed' if changed else 'nothing to change'}", err=True)
