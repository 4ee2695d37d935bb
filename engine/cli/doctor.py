"""`runwright doctor`: what this machine can run, and why."""

from __future__ import annotations

import click

from engine import git
from engine.cli import ENVIRONMENT, SUCCESS, settings, workflows
from engine.report.style import table


@click.command()
@click.option("-C", "--directory", default="", metavar="DIR", help="Work in this directory.")
@click.option("-P", "--platform", multiple=True, metavar="LABEL=IMAGE")
def doctor(directory: str, platform: tuple[str, ...]) -> int:
    """Say which Docker answers, which isolation jobs get, which images stand for which labels."""
    import trio

    project = workflows.project(directory)
    code, rows = trio.run(_machines, project)
    checkout = git.checkout(project.root)
    rows += [
        ["repository", str(project.root), "" if project.is_repository else "not a git repository"],
        ["github.repository", checkout.repository, ""],
        ["github.ref", checkout.ref, checkout.commit.sha[:12]],
    ]
    images = settings.images(platform, project.directory)
    rows += [[f"runs-on: {label}", image, ""] for label, image in images.items()]
    for line in table(rows):
        click.echo(line)
    return code


async def _machines(project: workflows.Project) -> tuple[int, list[list[str]]]:
    from engine.cli import places
    from engine.machine import MachineError
    from runners import docker, namespace

    found = await docker.probe(project.root)
    spare = await namespace.probe()
    rows = [
        ["Docker", found.version or "no", f"{found.url} {found.reason}".strip()],
        ["workspace", found.tier or "-", _TIERS.get(found.tier, "")],
        ["namespace", "yes" if spare.works else "no", spare.reason],
    ]
    try:
        isolation = await places.decide("auto")
    except MachineError as error:
        return ENVIRONMENT, [*rows, ["jobs run in", "nothing", str(error)]]
    return SUCCESS, [*rows, ["jobs run in", isolation.name, isolation.why]]


_TIERS = {
    "overlay": "each job sees the repository through an overlay of its own; nothing is copied",
    "shipped": "the repository is shipped into a volume once, each job gets an overlay of it",
    "copy": "each job gets a full copy of the repository",
}
