"""What git says about a checkout."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

from engine.contexts import ZERO_SHA, Checkout, Commit

_FORMAT = "%H%x00%P%x00%an%x00%ae%x00%cI%x00%B"
_REMOTE = re.compile(
    r"(?:(?:https?|ssh|git)://(?:[^@/]+@)?(?P<host>[^/:]+)(?::\d+)?/|(?:[^@/]+@)(?P<scp>[^:/]+):)"
    r"/*(?P<path>.+?)(?:\.git)?/*$"
)


@cache
def root(directory: Path) -> Path | None:
    """The top of the work tree that a directory is in; None outside of one."""
    found = _git(directory, "rev-parse", "--show-toplevel")
    return Path(found) if found else None


def checkout(directory: Path, default_branch: str = "") -> Checkout:
    """The facts of the checkout at a directory; what git can't tell keeps a plain default."""
    server, repository = _remote(directory)
    branch = default_branch or _default_branch(directory)
    return Checkout(
        repository=repository or f"local/{_slug(directory.name)}",
        ref=_ref(directory) or f"refs/heads/{branch}",
        default_branch=branch,
        server_url=server or "https://github.com",
        commit=_commit(directory),
    )


def changed(directory: Path) -> bool:
    """Whether tracked files differ from the commit."""
    return bool(_git(directory, "status", "--porcelain", "--untracked-files=no"))


def ignored(directory: Path) -> tuple[str, ...]:
    """Paths below a directory that git ignores, a wholly ignored folder as one path."""
    listed = _git(
        directory,
        *("ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z"),
    )
    return tuple(path.rstrip("/") for path in listed.split("\0") if path.strip("./"))


def _git(directory: Path, *arguments: str) -> str:
    """What a git command prints, '' where it fails or git is not installed."""
    try:
        done = subprocess.run(
            ["git", "-C", str(directory), *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _commit(directory: Path) -> Commit:
    fields = _git(directory, "log", "-1", f"--format={_FORMAT}").split("\0")
    if len(fields) != 6:
        return Commit()
    sha, parents, author, email, time, message = fields
    return Commit(sha, (parents.split() or [ZERO_SHA])[0], message.strip(), author, email, time)


def _ref(directory: Path) -> str:
    branch = _git(directory, "symbolic-ref", "-q", "HEAD")
    if branch:
        return branch
    tag = _git(directory, "describe", "--tags", "--exact-match", "HEAD")
    return f"refs/tags/{tag}" if tag else ""


def _default_branch(directory: Path) -> str:
    head = _git(directory, "symbolic-ref", "-q", "--short", "refs/remotes/origin/HEAD")
    return head.partition("/")[2] or _git(directory, "config", "init.defaultBranch") or "main"


def _remote(directory: Path) -> tuple[str, str]:
    match = _REMOTE.match(_git(directory, "config", "--get", "remote.origin.url"))
    if match is None or match["path"].count("/") < 1:
        return "", ""
    return f"https://{match['host'] or match['scp']}", match["path"]


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name) or "repository"
