"""What git says about real checkouts."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from engine.contexts import ZERO_SHA, Checkout, Commit
from engine.git import changed, checkout, root


def git(directory: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(directory), *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture(autouse=True)
def _only_these_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "Ada Lovelace")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "ada@example.org")
        monkeypatch.setenv(f"GIT_{who}_DATE", "2024-05-06T07:08:09+02:00")


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A repository without a commit."""
    directory = tmp_path / "My repo"
    directory.mkdir()
    git(directory, "init", "-q", "-b", "trunk")
    return directory


@pytest.fixture
def repository(empty: Path) -> Path:
    """Two commits."""
    (empty / "a.txt").write_text("1")
    git(empty, "add", ".")
    git(empty, "commit", "-q", "-m", "First")
    (empty / "a.txt").write_text("2")
    git(empty, "commit", "-q", "-a", "-m", "Second: é\n\nWith a body.\n\nAnd more.")
    return empty


@pytest.mark.covers("CTX-004")
def test_a_branch(repository: Path) -> None:
    assert checkout(repository) == Checkout(
        repository="local/My-repo",
        ref="refs/heads/trunk",
        default_branch="main",
        server_url="https://github.com",
        commit=Commit(
            sha=git(repository, "rev-parse", "HEAD"),
            parent=git(repository, "rev-parse", "HEAD~1"),
            message="Second: é\n\nWith a body.\n\nAnd more.",
            author="Ada Lovelace",
            email="ada@example.org",
            time="2024-05-06T07:08:09+02:00",
        ),
    )


@pytest.mark.covers("CTX-004")
def test_a_branch_with_a_slash(repository: Path) -> None:
    git(repository, "checkout", "-q", "-b", "feature/x")
    assert checkout(repository).ref == "refs/heads/feature/x"


@pytest.mark.covers("CTX-004")
def test_a_branch_is_meant_even_where_a_tag_stands(repository: Path) -> None:
    git(repository, "tag", "v1")
    assert checkout(repository).ref == "refs/heads/trunk"


@pytest.mark.covers("CTX-004")
@pytest.mark.parametrize("annotated", [True, False])
def test_a_tag(repository: Path, annotated: bool) -> None:
    git(repository, "tag", "v1", *(("-a", "-m", "One") if annotated else ()))
    git(repository, "checkout", "-q", "v1")
    assert checkout(repository).ref == "refs/tags/v1"


@pytest.mark.covers("CTX-004")
def test_a_commit_of_no_name(repository: Path) -> None:
    git(repository, "checkout", "-q", "--detach", "HEAD~1")
    found = checkout(repository, "develop")
    assert found.ref == "refs/heads/develop"
    assert (found.commit.message, found.commit.parent) == ("First", ZERO_SHA)


def test_no_commit_yet(empty: Path) -> None:
    found = checkout(empty)
    assert (found.ref, found.commit) == ("refs/heads/trunk", Commit())
    assert root(empty) == empty.resolve()


def test_an_empty_message(repository: Path) -> None:
    git(repository, "commit", "-q", "--allow-empty", "--allow-empty-message", "-m", "")
    found = checkout(repository).commit
    assert (found.message, found.author) == ("", "Ada Lovelace")


def test_a_worktree(repository: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    git(repository, "worktree", "add", "-q", "-b", "side", str(other))
    assert root(other) == other.resolve()
    assert checkout(other).ref == "refs/heads/side"
    assert checkout(other).commit == checkout(repository).commit


def test_a_folder_inside(repository: Path) -> None:
    inside = repository / "a" / "b"
    inside.mkdir(parents=True)
    assert root(inside) == repository.resolve()


def test_no_repository(tmp_path: Path) -> None:
    assert root(tmp_path) is None
    assert checkout(tmp_path) == Checkout(repository=f"local/{tmp_path.name}")
    assert not changed(tmp_path)


def test_a_name_that_is_no_repository_name(tmp_path: Path) -> None:
    directory = tmp_path / "ein Ordner & mehr"
    directory.mkdir()
    assert checkout(directory).repository == "local/ein-Ordner-mehr"


@pytest.mark.covers("CTX-001")
@pytest.mark.parametrize(
    ("url", "server", "wanted"),
    [
        ("https://github.com/o/r.git", "https://github.com", "o/r"),
        ("https://github.com/o/r", "https://github.com", "o/r"),
        ("https://github.com/o/r/", "https://github.com", "o/r"),
        ("http://ghe.example/o/r.git", "https://ghe.example", "o/r"),
        ("https://user:token@github.com/o/r.git", "https://github.com", "o/r"),
        ("https://token@github.com/o/r.js", "https://github.com", "o/r.js"),
        ("git@github.com:o/r.git", "https://github.com", "o/r"),
        ("git@github.com:/o/r.git", "https://github.com", "o/r"),
        ("org-123@github.com:o/r", "https://github.com", "o/r"),
        ("ssh://git@github.com/o/r.git", "https://github.com", "o/r"),
        ("ssh://git@ssh.github.com:443/o/r.git", "https://ssh.github.com", "o/r"),
        ("git://github.com/o/r.git", "https://github.com", "o/r"),
        ("https://gitlab.example/a/b/c.git", "https://gitlab.example", "a/b/c"),
        ("https://github.com/r", "https://github.com", "local/My-repo"),
        ("/srv/git/o/r.git", "https://github.com", "local/My-repo"),
        ("../r.git", "https://github.com", "local/My-repo"),
        ("file:///srv/git/o/r.git", "https://github.com", "local/My-repo"),
    ],
)
def test_the_remote_names_the_repository(empty: Path, url: str, server: str, wanted: str) -> None:
    git(empty, "remote", "add", "origin", url)
    found = checkout(empty)
    assert (found.server_url, found.repository) == (server, wanted)


@pytest.mark.parametrize(
    ("given", "of_remote", "configured", "wanted"),
    [
        ("given", "develop", "conf", "given"),
        ("", "feature/develop", "conf", "feature/develop"),
        ("", "", "conf", "conf"),
        ("", "", "", "main"),
    ],
)
def test_the_default_branch(
    empty: Path, given: str, of_remote: str, configured: str, wanted: str
) -> None:
    if of_remote:
        name = f"refs/remotes/origin/{of_remote}"
        git(empty, "symbolic-ref", "refs/remotes/origin/HEAD", name)
    if configured:
        git(empty, "config", "init.defaultBranch", configured)
    assert checkout(empty, given).default_branch == wanted


def test_only_tracked_files_count_as_changed(repository: Path) -> None:
    (repository / "new.txt").write_text("x")
    assert not changed(repository)
    (repository / "a.txt").write_text("3")
    assert changed(repository)


def test_without_git_there_are_defaults(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert root(repository) is None
    assert checkout(repository) == Checkout(repository="local/My-repo")
