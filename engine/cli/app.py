"""The commands by name, each imported only when it is asked for."""

from __future__ import annotations

from importlib import import_module

import click

from engine.problems import did_you_mean

# name -> module and object, and one line for the help, so that helping imports nothing more
_COMMANDS = {
    "run": ("engine.cli.run:run", "Run the workflows of an event (`runwright push` for short)."),
    "list": ("engine.cli.listing:list_", "List workflows and jobs."),
    "graph": ("engine.cli.listing:graph", "Draw which job needs which."),
    "plan": ("engine.cli.plan:plan", "Print what would run, as JSON."),
    "validate": ("engine.cli.validate:validate", "Check workflows without running them."),
    "eval": ("engine.cli.eval:eval_", "Evaluate an expression."),
    "schema": ("engine.cli.schema:schema", "Print the JSON Schema of a workflow."),
    "doctor": ("engine.cli.doctor:doctor", "Say what this machine can run, and why."),
    "clean": ("engine.cli.clean:clean", "Remove what earlier runs left behind."),
}

EVENTS = (
    *("branch_protection_rule", "check_run", "check_suite", "create", "delete", "deployment"),
    *("deployment_status", "discussion", "discussion_comment", "fork", "gollum"),
    *("image_version", "issue_comment", "issues", "label", "merge_group", "milestone"),
    *("page_build", "project", "project_card", "project_column", "public", "pull_request"),
    *("pull_request_comment", "pull_request_review", "pull_request_review_comment"),
    *("pull_request_target", "push", "registry_package", "release", "repository_dispatch"),
    *("schedule", "status", "watch", "workflow_call", "workflow_dispatch", "workflow_run"),
)


def normalized(arguments: list[str]) -> list[str]:
    """`runwright`, `runwright push …` and `runwright -j …` are all `runwright run …`."""
    if not arguments:
        return ["run"]
    arguments = _directory_last(arguments)
    first = arguments[0]
    if first in ("-h", "--help", "--version") or first in _COMMANDS:
        return arguments
    if first.startswith("-") or first in EVENTS:
        return ["run", *arguments]
    return arguments


def _directory_last(arguments: list[str]) -> list[str]:
    """`-C DIR COMMAND …`, as git's and make's users write it, is `COMMAND -C DIR …`."""
    if arguments[0] in ("-C", "--directory") and len(arguments) > 2:
        moved, rest = arguments[:2], arguments[2:]
    elif arguments[0].startswith("--directory=") and len(arguments) > 1:
        moved, rest = arguments[:1], arguments[1:]
    else:
        return arguments
    known = rest[0] in _COMMANDS or rest[0] in EVENTS
    return [rest[0], *moved, *rest[1:]] if known else arguments


class _Lazy(click.Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in _COMMANDS:
            hint = did_you_mean(args[0], [*_COMMANDS, *EVENTS])
            raise click.UsageError(f'there is no command or event "{args[0]}"{hint}', ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in _COMMANDS.items()])


def _show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        click.echo(f"runwright {version('runwright')}")
        ctx.exit()


@click.group(
    cls=_Lazy,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 success, 1 a job failed, 2 wrong usage, 3 invalid workflow, "
    "4 environment, 5 nothing ran, 70 our own defect, 124 timed out, 130 cancelled.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
def app() -> None:
    """Run GitHub Actions workflows on your own machine, each job in its own container.

    In a repository, `runwright push` runs every workflow that a push would start.
    """
