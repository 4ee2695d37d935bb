"""Git's work trees: where one is, which files it has, and asking git about it."""

from __future__ import annotations

from functools import cache
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
    import subprocess  # not needed to find the root

    try:
        done = subprocess.run(
            ["git", "-C", str(directory), *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None
