"""`runwright clean`: what runs that are over left behind is removed."""

from __future__ import annotations

import click

from engine.cli import ENVIRONMENT, SUCCESS


@click.command()
def clean() -> int:
    """Remove containers, networks, volumes and folders of runs that are over."""
    import trio

    from engine.cli import places
    from engine.machine import MachineError

    code = SUCCESS
    for name in ("docker", "namespace", "host"):
        try:
            removed = trio.run(places.runner(name).clean)
        except MachineError as error:
            if name == "docker":
                click.echo(f"runwright: {error}", err=True)
                code = ENVIRONMENT
            continue
        for item in removed:
            click.echo(f"removed {item}")
    return code
