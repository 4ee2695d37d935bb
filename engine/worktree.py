"""Git's work trees: where one is, which files it has, and asking git about it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, partial
from pathlib import Path


@cache
def root(directory: Path) -> Path | None:
    """The top of the work tree that a directory is in; None outside of one.

    Looks for `.git` itself: the quick commands ask for nothing else, and starting git takes time.
    """
    directory = directory.resolve()
    return next((f for f in (directory, *directory.parents) if (f / ".git").exists()), None)


def files(directory: Path, *patterns: str) -> tuple[Path, ...] | None:
    """The files below a directory that git does not ignore and whose paths match a glob; None
    where git can't tell."""
    globs = [f":(glob){pattern}" for pattern in patterns]
    options = ("--cached", "--others", "--exclude-standard", "-z", "--")
    listed = asked(directory, "ls-files", *options, *globs)
    if listed is None:
        return None
    return tuple(directory / name for name in listed.split("\0") if name)


def asked(directory: Path, *arguments: str) -> str | None:
    """What a git command prints, None where it fails or git is not installed."""
    return asked_at_once(directory, arguments)[0]


def asked_at_once(directory: Path, *commands: Iterable[str]) -> list[str | None]:
    """What several git commands print, which run side by side; None as for `asked`."""
    from subprocess import DEVNULL, PIPE, Popen  # not needed to find the root

    begin = partial(Popen, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, text=True, errors="replace")
    try:
        begun = [begin(["git", "-C", str(directory), *command]) for command in commands]
    except OSError:
        return [None for _ in commands]
    printed = [process.communicate()[0] for process in begun]
    return [
        text if process.returncode == 0 else None
        for process, text in zip(begun, printed, strict=True)
    ]
