"""What git says about a checkout."""

from __future__ import annotations

import re
from pathlib import Path

from engine.contexts import ZERO_SHA, Checkout, Commit, short_ref
from engine.worktree import asked, asked_at_once

MAX_COMMITS = 1000  # of a push whose changed files are looked at (GitHub's workflow syntax, paths)
_CONFIG = ("config", "-z", "--get-regexp", r"^(remote\.origin\.url|init\.defaultbranch)$")
_HEAD = ("symbolic-ref", "-q", "--short", "refs/remotes/origin/HEAD")
_HEADS = ("for-each-ref", "--format=%(HEAD)%(refname) %(objectname)", "refs/heads")
_NEWEST = ("log", "-1", "--format=%H%x00%P%x00%an%x00%ae%x00%cI%x00%B")
_REMOTE = re.compile(
    r"(?:https?://(?:[^@/]+@)?(?P<web>[^/]+)/|(?:ssh|git)://(?:[^@/]+@)?(?P<host>[^/:]+)(?::\d+)?/"
    r"|(?:[^@/]+@)(?P<scp>[^:/]+):)/*(?P<path>.+?)(?:\.git)?/*$"
)


def checkout(directory: Path, default_branch: str = "") -> Checkout:
    """The facts of the checkout at a directory; what git can't tell keeps a plain default."""
    printed = asked_at_once(directory, _CONFIG, _HEAD, _HEADS, _NEWEST)
    configured, head, listed, newest = (text or "" for text in printed)
    settings = _settings(configured)
    server, repository = _remote(settings.get("remote.origin.url", ""))
    tips, current = _branches(listed)
    usual = settings.get("init.defaultbranch", "main")
    branch = default_branch or _default_branch(head, list(map(short_ref, tips)), usual)
    ref = current or _detached(directory) or f"refs/heads/{branch}"
    commit = _commit(newest)
    tips |= _remote_tips(directory, branch, ref)
    base = tips.get(f"refs/remotes/origin/{branch}") or tips.get(f"refs/heads/{branch}", "")
    return Checkout(
        repository=repository or f"local/{_slug(directory.name)}",
        ref=ref,
        default_branch=branch,
        server_url=server or "https://github.com",
        commit=commit,
        base="" if base == commit.sha else base,
        before=_before(directory, commit, ref, branch, tips),
    )


def newest_tag(directory: Path) -> str:
    """The tag that was made last; '' where there is none."""
    newest = ("--sort=-creatordate", "--count=1", "--format=%(refname:lstrip=2)")
    return _git(directory, "for-each-ref", *newest, "refs/tags")


def fork_point(directory: Path, one: str, other: str) -> str:
    """The last commit that two have in common; '' where git knows none."""
    return _git(directory, "merge-base", one, other)


def changes(directory: Path, before: str, after: str) -> tuple[str, ...] | None:
    """The files below a directory that differ between two commits, and those that differ from HEAD
    in the working tree, since jobs see them; None where git can't tell.

    A rename counts with both of its names. As on GitHub, more than a thousand commits are too many
    to look at.
    """
    count = _git(directory, "rev-list", "--count", f"{before}..{after}")
    if not count.isdigit() or int(count) > MAX_COMMITS:
        return None
    names = ("diff", "--name-only", "--no-renames", "--relative", "-z")
    untracked = ("ls-files", "--others", "--exclude-standard", "-z")
    found: dict[str, None] = {}
    for arguments in ((*names, before, after), (*names, "HEAD"), untracked):
        listed = asked(directory, *arguments)
        if listed is None:
            return None
        found |= dict.fromkeys(filter(None, listed.split("\0")))
    return tuple(found)


def ignored(directory: Path) -> tuple[str, ...]:
    """Paths below a directory that git ignores, a wholly ignored folder as one path."""
    listed = _git(
        directory,
        *("ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z"),
    )
    return tuple(path.rstrip("/") for path in listed.split("\0") if path.strip("./"))


def _git(directory: Path, *arguments: str) -> str:
    """What a git command prints, '' where it fails or git is not installed."""
    return (asked(directory, *arguments) or "").strip()


def _commit(printed: str) -> Commit:
    fields = printed.split("\0")
    if len(fields) != 6:
        return Commit()
    sha, parents, author, email, time, message = fields
    return Commit(sha, (parents.split() or [ZERO_SHA])[0], message.strip(), author, email, time)


def _branches(printed: str) -> tuple[dict[str, str], str]:
    """The branches here with their last commits, and the one that is checked out."""
    lines = printed.splitlines()
    current = next((line[1:].partition(" ")[0] for line in lines if line[0] == "*"), "")
    return dict(line[1:].split(" ", 1) for line in lines), current


def _remote_tips(directory: Path, default_branch: str, ref: str) -> dict[str, str]:
    """The last commits of the default branch and of the current one at the remote."""
    branches = dict.fromkeys((default_branch, short_ref(ref)))
    names = [f"refs/remotes/origin/{branch}" for branch in branches]
    listed = _git(directory, "for-each-ref", "--format=%(refname) %(objectname)", *names)
    return dict(line.split(" ", 1) for line in listed.splitlines())


def _before(
    directory: Path, commit: Commit, ref: str, default_branch: str, tips: dict[str, str]
) -> str:
    """Where a push of the current ref would find it; the parent where all is pushed already."""
    if commit.sha == ZERO_SHA:
        return ""
    if ref.startswith("refs/tags/"):
        return ZERO_SHA
    pushed = tips.get(f"refs/remotes/origin/{short_ref(ref)}", "")
    if pushed and fork_point(directory, pushed, commit.sha) != commit.sha:
        return pushed
    is_new = not pushed and short_ref(ref) != default_branch and ref in tips
    return ZERO_SHA if is_new else commit.parent


def _detached(directory: Path) -> str:
    """The ref of a checkout without a branch that has commits: the coming branch, or a tag."""
    branch = _git(directory, "symbolic-ref", "-q", "HEAD")
    if branch:
        return branch
    tag = _git(directory, "describe", "--tags", "--exact-match", "HEAD")
    return f"refs/tags/{tag}" if tag else ""


def _default_branch(head: str, here: list[str], usual: str) -> str:
    if head.strip():
        return head.strip().partition("/")[2]
    known = next((name for name in (usual, "main", "master") if name in here), "")
    return known or (here[0] if len(here) == 1 else "") or usual


def _settings(printed: str) -> dict[str, str]:
    """What git's configuration says that is asked for here, by names in lower case."""
    pairs = (entry.partition("\n") for entry in printed.split("\0") if entry)
    return {name: value for name, _, value in pairs}


def _remote(url: str) -> tuple[str, str]:
    match = _REMOTE.match(url)
    if match is None or match["path"].count("/") < 1:
        return "", ""
    return f"https://{match['web'] or match['host'] or match['scp']}", match["path"]


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name) or "repository"
