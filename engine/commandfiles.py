"""What a step wrote to GITHUB_ENV, GITHUB_OUTPUT, GITHUB_STATE and GITHUB_PATH."""

from __future__ import annotations

from collections.abc import Iterator


class FileCommandError(Exception):
    """A command file GitHub would refuse too; the text is GitHub's (actions/runner)."""


def pairs(text: str) -> Iterator[tuple[str, str]]:
    """`NAME=VALUE` lines and `NAME<<DELIMITER` blocks (actions/runner, FileCommandManager).

    Raises FileCommandError at the first mistake; what comes before it counts.
    """
    rest = text
    while rest:
        line, newline, rest = rest.partition("\n")
        if not line:
            continue
        equals, heredoc = line.find("="), line.find("<<")
        if equals >= 0 and (heredoc < 0 or equals < heredoc):
            name, _, value = line.partition("=")
        elif heredoc >= 0:
            name, _, delimiter = line.partition("<<")
            value, rest = _block(line, name, delimiter, rest if newline else "")
        else:
            raise FileCommandError(f"Invalid format '{line}'")
        yield name, value


def _block(line: str, name: str, delimiter: str, rest: str) -> tuple[str, str]:
    if not name or not delimiter:
        raise FileCommandError(
            f"Invalid format '{line}'. Name must not be empty and delimiter must not be empty"
        )
    lines: list[str] = []
    while rest:
        current, newline, rest = rest.partition("\n")
        if current == delimiter:
            return "\n".join(lines), rest
        if not newline:
            raise FileCommandError("Invalid value. EOF marker missing new line.")
        lines.append(current)
    raise FileCommandError(f"Invalid value. Matching delimiter not found '{delimiter}'")


def entries(text: str) -> list[str]:
    """The non-empty lines of GITHUB_PATH, as given."""
    return [line for line in text.split("\n") if line]
