"""The shells a `run` step can name, and what GitHub starts for each."""

from __future__ import annotations

import shlex

from msgspec import Struct


class ShellError(Exception):
    """The shell can't be used; the text says why."""


class Shell(Struct, frozen=True):
    """`argv` holds `{0}` where the script's path goes; `shown` is what the log says."""

    argv: tuple[str, ...]
    extension: str = ".sh"
    before: str = ""
    after: str = ""

    @property
    def shown(self) -> str:
        return " ".join(self.argv)

    def script(self, text: str) -> str:
        """What goes into the script file: the text with what GitHub puts around it."""
        return f"{self.before}{text}{self.after}"


_PWSH_AFTER = "\nif ((Test-Path -LiteralPath variable:\\LASTEXITCODE)) { exit $LASTEXITCODE }\n"

# actions/runner, ScriptHandlerHelpers
_KNOWN = {
    "bash": Shell(("bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "{0}")),
    "sh": Shell(("sh", "-e", "{0}")),
    "python": Shell(("python", "{0}"), ".py"),
    "pwsh": Shell(
        ("pwsh", "-command", ". '{0}'"),
        ".ps1",
        before="$ErrorActionPreference = 'stop'\n",
        after=_PWSH_AFTER,
    ),
}
_WINDOWS = frozenset(("cmd", "powershell"))


def choose(named: str, *, in_container: bool, has_bash: bool) -> Shell:
    """The shell of a step: the one it names, or GitHub's choice. Raises ShellError."""
    if not named:
        if in_container or not has_bash:
            return _KNOWN["sh"]
        return Shell(("bash", "-e", "{0}"))
    if named in _KNOWN:
        return _KNOWN[named]
    if named in _WINDOWS:
        raise ShellError(f"the shell '{named}' exists on Windows only; name bash, sh or pwsh")
    return _custom(named)


def _custom(named: str) -> Shell:
    if "{0}" not in named:
        raise ShellError(
            "Invalid shell option. Shell must be a valid built-in (bash, sh, cmd, powershell, "
            "pwsh) or a format string containing '{0}'"
        )
    try:
        return Shell(tuple(shlex.split(named)), "")
    except ValueError as error:
        raise ShellError(f"the shell '{named}' can't be split into words: {error}") from None
