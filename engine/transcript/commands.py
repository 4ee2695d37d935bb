"""What each workflow command does."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from engine import matchers
from engine.events import AnnotationLevel, GroupEnded, GroupStarted
from engine.masks import HIDDEN
from engine.transcript import places
from engine.transcript.syntax import Command

if TYPE_CHECKING:
    from engine.transcript import Transcript

LEVELS: dict[str, AnnotationLevel] = {"notice": "notice", "warning": "warning", "error": "error"}
NOT_ECHOED = frozenset((*LEVELS, "debug", "add-mask", "stop-commands"))


class CommandRefused(Exception):
    """A command that can't be obeyed, which fails the step; the text says why."""


class Asked(Struct, frozen=True):
    """A command that needs a file of the machine."""

    command: Command
    path: str


def group(transcript: Transcript, command: Command) -> None:
    title = transcript.masks.hide(command.data)
    transcript.emit(GroupStarted(job=transcript.job, step=transcript.step, title=title))


def endgroup(transcript: Transcript, _: Command) -> None:
    transcript.emit(GroupEnded(job=transcript.job, step=transcript.step))


def debug(transcript: Transcript, command: Command) -> None:
    transcript.tell(command.data)


def annotate(transcript: Transcript, command: Command) -> None:
    place = places.of_command(command.properties, transcript.workspace)
    title = command.properties.get("title", "")
    transcript.issue(LEVELS[command.name], command.data, place, title=title)


def add_mask(transcript: Transcript, command: Command) -> None:
    if not command.data.strip():
        message = "Can't add secret mask for empty string in ##[add-mask] command."
        return transcript.issue("warning", message)
    if transcript.echoes:
        transcript.say(f"::add-mask::{HIDDEN}\n")
    transcript.flush()  # what came before was no secret yet
    return transcript.masks.add(command.data)


def echo(transcript: Transcript, command: Command) -> None:
    switch = command.data.strip().lower()
    if switch not in ("on", "off"):
        raise CommandRefused(
            "Invalid echo command value. Possible values can be: 'on', 'off'. "
            f"Current value is: '{command.data}'."
        )
    transcript.echo = switch == "on"


def stop_commands(transcript: Transcript, command: Command) -> None:
    token = command.data.lower()
    usual = token in ("", "pause-logging") or token in COMMANDS
    if usual and not transcript.unsecure_tokens:
        raise CommandRefused(
            f"Invalid stop token '{command.data}'; choose a random one that is no command's name, "
            "or set ACTIONS_ALLOW_UNSECURE_STOPCOMMAND_TOKENS to true if you must."
        )
    if len(token) > 6:
        transcript.flush()
        transcript.masks.add(command.data)
    transcript.stopped = token


def set_output(transcript: Transcript, command: Command) -> None:
    transcript.outputs.append((_name(command), command.data))
    _deprecate(transcript, command, "GITHUB_OUTPUT")


def save_state(transcript: Transcript, command: Command) -> None:
    transcript.state[_name(command)] = command.data
    _deprecate(transcript, command, "GITHUB_STATE")


def _deprecate(transcript: Transcript, command: Command, file: str) -> None:
    """Say once a step what GitHub has announced."""
    if not transcript.warned:
        transcript.warned = True
        transcript.issue(
            "warning",
            f"The `{command.name}` command is deprecated and will be disabled soon. "
            f"Write to the file in ${file} instead.",
        )


def set_env(transcript: Transcript, command: Command) -> None:
    _insecure(transcript, command, "GITHUB_ENV")
    name = _name(command)
    if name.upper() == "NODE_OPTIONS":
        message = "Can't update NODE_OPTIONS environment variable using ::set-env:: command."
        return transcript.issue("error", message)
    transcript.env[name] = command.data
    return None


def add_path(transcript: Transcript, command: Command) -> None:
    _insecure(transcript, command, "GITHUB_PATH")
    if not command.data:
        raise CommandRefused("The path of ##[add-path] must not be empty.")
    transcript.path.append(command.data)


def _insecure(transcript: Transcript, command: Command, file: str) -> None:
    if not transcript.unsecure_commands:
        raise CommandRefused(
            f"The `{command.name}` command is disabled. Write to the file in ${file} instead, or "
            "set ACTIONS_ALLOW_UNSECURE_COMMANDS to true if you must."
        )


def _name(command: Command) -> str:
    name = command.properties.get("name")
    if not name:
        raise CommandRefused(f"Required field 'name' is missing in ##[{command.name}] command.")
    return name


# --- problem matchers -----------------------------------------------------------------------------


def add_matcher(transcript: Transcript, command: Command) -> None:
    if not command.data:
        return transcript.issue("warning", "File path must be specified.")
    return _ask(transcript, command)


def remove_matcher(transcript: Transcript, command: Command) -> None:
    owner = command.properties.get("owner", "")
    if bool(owner) == bool(command.data):
        given = "both" if owner else "neither"
        message = f"##[remove-matcher] takes an owner or a file, and was given {given}."
        return transcript.issue("warning", message)
    return _remove(transcript, [owner]) if owner else _ask(transcript, command)


def _ask(transcript: Transcript, command: Command) -> None:
    transcript.asked = Asked(command, posixpath.join(transcript.workspace, command.data))


def change_matchers(transcript: Transcript, asked: Asked, text: str) -> None:
    """Add or remove what a file describes. Raises MatcherError."""
    found = matchers.read(text)
    owners = [matcher.owner for matcher in found]
    if asked.command.name == "remove-matcher":
        return _remove(transcript, owners)
    transcript.matchers.add(found)
    return transcript.tell(f"Added matchers: {_listed(owners)}.")


def _remove(transcript: Transcript, owners: list[str]) -> None:
    transcript.matchers.remove(owners)
    transcript.tell(f"Removed matchers: {_listed(owners)}.")


def _listed(owners: list[str]) -> str:
    return ", ".join(f"'{owner}'" for owner in owners) or "none"


COMMANDS: dict[str, Callable[[Transcript, Command], None]] = {
    "group": group,
    "endgroup": endgroup,
    "debug": debug,
    "notice": annotate,
    "warning": annotate,
    "error": annotate,
    "add-mask": add_mask,
    "echo": echo,
    "stop-commands": stop_commands,
    "set-output": set_output,
    "save-state": save_state,
    "set-env": set_env,
    "add-path": add_path,
    "add-matcher": add_matcher,
    "remove-matcher": remove_matcher,
}
