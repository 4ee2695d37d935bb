"""The options that several commands share, spelt as act's users know them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def _all(*options: Callable[[F], F]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


workflows = _all(
    click.option(
        "-W",
        "--workflows",
        multiple=True,
        metavar="PATH",
        help="Workflow file or folder (default: .github/workflows and .runwright).",
    ),
    click.option(
        "-C", "--directory", default="", metavar="DIR", help="Work in this directory instead."
    ),
)

selection = _all(
    click.option(
        "-j",
        "--job",
        "jobs",
        multiple=True,
        metavar="ID",
        help="Only this job (and what it needs).",
    ),
    click.option("--matrix", multiple=True, metavar="KEY:VALUE", help="Only legs with this value."),
)

occasion = _all(
    click.option(
        "--type",
        "activity",
        default="",
        metavar="ACTIVITY",
        help="The event's activity, such as closed or labeled (github.event.action).",
    ),
    click.option(
        "--cron", default="", metavar="LINE", help="The cron line that is due, for schedule."
    ),
    click.option(
        "--changed",
        multiple=True,
        metavar="FILE",
        help="Let path filters see this file as changed (default: what git says).",
    ),
    click.option(
        "--ignore-filters",
        is_flag=True,
        help="Also run what branches, tags, paths, types or [skip ci] leave out.",
    ),
    click.option(
        "--chain/--no-chain",
        default=True,
        help="Run workflows that follow others by workflow_run, too (default).",
    ),
)

values = _all(
    click.option(
        "-e", "--eventpath", default="", metavar="FILE", help="JSON payload of the event."
    ),
    click.option("-s", "--secret", multiple=True, metavar="NAME[=VALUE]", help="A secret."),
    click.option("--secret-file", default="", metavar="FILE", help="Secrets (default: .secrets)."),
    click.option("--var", multiple=True, metavar="NAME[=VALUE]", help="A configuration variable."),
    click.option("--var-file", default="", metavar="FILE", help="Variables (default: .vars)."),
    click.option("--env", multiple=True, metavar="NAME[=VALUE]", help="Environment of all steps."),
    click.option("--env-file", default="", metavar="FILE", help="Environment (default: .env)."),
    click.option("--input", multiple=True, metavar="NAME=VALUE", help="An input of the workflow."),
    click.option("--input-file", default="", metavar="FILE", help="Inputs (default: .input)."),
    click.option("--actor", default="", metavar="USER", help="Who started the run."),
    click.option("--defaultbranch", default="", metavar="NAME", help="The default branch."),
)

actions = _all(
    click.option(
        "--local-repository",
        multiple=True,
        metavar="OWNER/REPO[@REF]=DIR",
        help="Take this repository's actions and workflows from a folder.",
    ),
    click.option(
        "--action-offline-mode",
        is_flag=True,
        help="Use the actions that were fetched before; ask no server.",
    ),
)

machines = _all(
    click.option(
        "--runner",
        default="auto",
        metavar="NAME",
        help="docker, namespace, host (default: Docker if it answers, else a namespace).",
    ),
    click.option(
        "-P", "--platform", multiple=True, metavar="LABEL=IMAGE", help="Image of a runner label."
    ),
    click.option(
        "--pull",
        type=click.Choice(["missing", "always", "never"]),
        default="missing",
        help="When to pull images.",
    ),
    click.option("--no-pull", "pull", flag_value="never", help="Never pull images."),
    click.option("--container-architecture", default="", metavar="OS/ARCH", help="Image platform."),
    click.option(
        "--container-options", default="", metavar="OPTIONS", help="More for the containers."
    ),
    click.option(
        "--container-daemon-socket",
        default="",
        metavar="-",
        help='"-": jobs do not reach the Docker daemon (as on GitHub they do).',
    ),
    click.option("--network", default="", metavar="NAME", help="Docker network of the containers."),
    click.option("-b", "--bind", is_flag=True, help="Let jobs write to this directory itself."),
    click.option(
        "--use-gitignore/--no-use-gitignore",
        default=True,
        help="Hide from jobs what git ignores, as in a fresh checkout (default).",
    ),
    click.option("--copy", is_flag=True, help="Give each job a full copy of the repository."),
    click.option(
        "--concurrent-jobs",
        type=click.IntRange(min=0),
        default=0,
        metavar="N",
        help="How many jobs run at the same time (default: as many as processors, at least 4).",
    ),
)

output = _all(
    click.option("-q", "--quiet", is_flag=True, help="Leave out what the steps print."),
    click.option("-v", "--verbose", is_flag=True, help="Show scripts and debug messages."),
    click.option("--events", default="", metavar="FILE", help="Also write every event to FILE."),
    click.option(
        "--json", "as_json", is_flag=True, help="Events as JSON lines on standard output."
    ),
)
