"""What git says about real checkouts."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from engine.contexts import ZERO_SHA, Checkout, Commit
from engine.git import MAX_COMMITS, changes, checkout, fork_point, newest_tag
from engine.worktree import root


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
        default_branch="trunk",
        server_url="https://github.com",
        before=git(repository, "rev-parse", "HEAD~1"),
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
    assert changes(tmp_path, "HEAD~1", "HEAD") is None


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
        ("https://ghe.example:8443/o/r.git", "https://ghe.example:8443", "o/r"),
        ("ssh://git@ghe.example:2222/o/r.git", "https://ghe.example", "o/r"),
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


def test_without_git_there_are_defaults(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert checkout(repository) == Checkout(repository="local/My-repo")


# --- branches -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("branches", "configured", "wanted"),
    [
        (["main", "dev"], "", "main"),
        (["master", "dev"], "", "master"),
        (["main", "master"], "", "main"),
        (["only"], "", "only"),
        (["one", "two"], "", "main"),
        (["main", "dev"], "dev", "dev"),
        (["main", "two"], "dev", "main"),
    ],
)
def test_the_default_branch_is_one_that_is_there(
    repository: Path, branches: list[str], configured: str, wanted: str
) -> None:
    if configured:
        git(repository, "config", "init.defaultBranch", configured)
    git(repository, "checkout", "-q", "--detach")
    git(repository, "branch", "-D", "trunk")
    for branch in branches:
        git(repository, "branch", branch)
    assert checkout(repository).default_branch == wanted


def commit(directory: Path, file: str, text: str = "x") -> str:
    """A further commit that writes one file; its name."""
    (directory / file).parent.mkdir(parents=True, exist_ok=True)
    (directory / file).write_text(text)
    git(directory, "add", file)
    git(directory, "commit", "-q", "-m", file)
    return git(directory, "rev-parse", "HEAD")


def head(directory: Path, name: str = "HEAD") -> str:
    return git(directory, "rev-parse", name)


@pytest.fixture
def clone(repository: Path, tmp_path: Path) -> Path:
    """A clone whose branch is as its remote has it."""
    git(tmp_path, "clone", "-q", str(repository), "clone")
    return tmp_path / "clone"


@pytest.mark.covers("WF-032")
def test_all_is_pushed_already(clone: Path) -> None:
    found = checkout(clone)
    assert (found.before, found.base) == (head(clone, "HEAD~1"), "")


@pytest.mark.covers("WF-032")
def test_a_push_moves_the_branch_from_where_the_remote_has_it(clone: Path) -> None:
    pushed = head(clone)
    commit(clone, "b")
    commit(clone, "c")
    assert checkout(clone).before == pushed
    assert checkout(clone).base == pushed


@pytest.mark.covers("WF-032")
def test_a_remote_that_is_ahead_is_no_place_to_start(clone: Path) -> None:
    git(clone, "reset", "-q", "--hard", "HEAD~1")
    commit(clone, "b")
    assert checkout(clone).before == head(clone, "origin/trunk")  # a forced push
    git(clone, "reset", "-q", "--hard", "origin/trunk~1")
    assert checkout(clone).before == ZERO_SHA  # the first commit has no parent


@pytest.mark.covers("WF-032")
@pytest.mark.parametrize("where", ["repository", "clone"])
def test_a_new_branch_comes_from_nowhere(
    where: str, repository: Path, clone: Path, request: pytest.FixtureRequest
) -> None:
    directory: Path = request.getfixturevalue(where)
    git(repository, "branch", "main")
    git(directory, "checkout", "-q", "-b", "topic")
    commit(directory, "b")
    assert checkout(directory, "trunk").before == ZERO_SHA
    assert checkout(directory, "trunk").base == head(directory, "HEAD~1")


@pytest.mark.covers("WF-032")
def test_a_tag_comes_from_nowhere(repository: Path) -> None:
    git(repository, "tag", "v1")
    git(repository, "checkout", "-q", "v1")
    assert checkout(repository).before == ZERO_SHA


@pytest.mark.covers("WF-032")
def test_the_newest_tag(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert newest_tag(repository) == ""
    for name, year in (("v1", 2024), ("v3", 2026), ("v2", 2025)):
        monkeypatch.setenv("GIT_COMMITTER_DATE", f"{year}-01-01T00:00:00Z")
        git(repository, "tag", "-a", "-m", name, name)
    assert newest_tag(repository) == "v3"


# --- changed files --------------------------------------------------------------------------------


@pytest.mark.covers("WF-020")
def test_what_commits_and_the_working_tree_change(repository: Path) -> None:
    before = head(repository)
    commit(repository, "src/new")
    after = commit(repository, "é and more")
    (repository / "a.txt").write_text("not committed")
    (repository / "untracked").write_text("")
    (repository / ".gitignore").write_text("ignored\n")
    (repository / "ignored").write_text("")
    found = changes(repository, before, after)
    assert found == ("src/new", "é and more", "a.txt", ".gitignore", "untracked")
    assert changes(repository, after, after) == ("a.txt", ".gitignore", "untracked")


@pytest.mark.covers("WF-020")
def test_a_rename_counts_with_both_names_and_a_removal_too(repository: Path) -> None:
    commit(repository, "old", "a long line of text that git finds again\n" * 9)
    before = commit(repository, "gone")
    git(repository, "mv", "old", "new")
    git(repository, "rm", "-q", "gone")
    git(repository, "commit", "-q", "-m", "Move")
    assert changes(repository, before, "HEAD") == ("gone", "new", "old")


@pytest.mark.covers("WF-020")
def test_a_folder_sees_its_own_files(repository: Path) -> None:
    before = head(repository)
    commit(repository, "other/a")
    commit(repository, "inner/b")
    (repository / "inner" / "c").write_text("")
    assert changes(repository / "inner", before, "HEAD") == ("b", "c")


@pytest.mark.covers("WF-020")
@pytest.mark.parametrize("before", ["f" * 40, ZERO_SHA, "no-such-ref"])
def test_what_git_does_not_know_is_not_known(repository: Path, before: str) -> None:
    assert changes(repository, before, "HEAD") is None


@pytest.mark.covers("WF-020")
def test_more_than_a_thousand_commits_are_not_looked_at(repository: Path) -> None:
    before = head(repository)
    stream = "".join(
        f"commit refs/heads/trunk\ncommitter A <a@b> {at} +0000\ndata 1\nx\n"
        + (f"from {before}\n" if at == 0 else "")
        for at in range(MAX_COMMITS + 1)
    )
    subprocess.run(
        ["git", "-C", str(repository), "fast-import", "--quiet"],
        input=stream,
        text=True,
        check=True,
    )
    assert changes(repository, before, "trunk") is None
    assert changes(repository, f"{before}", "trunk~1") == ()


@pytest.mark.covers("WF-020")
def test_a_shallow_clone_does_not_know(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{repository}", "shallow")
    found = checkout(tmp_path / "shallow")
    assert (found.before, found.commit.parent) == (ZERO_SHA, ZERO_SHA)


@pytest.mark.covers("WF-020")
def test_where_two_branches_parted(repository: Path) -> None:
    parted = head(repository)
    git(repository, "checkout", "-q", "-b", "topic")
    commit(repository, "b")
    git(repository, "checkout", "-q", "trunk")
    commit(repository, "c")
    assert fork_point(repository, "topic", "trunk") == parted
    assert fork_point(repository, "topic", "f" * 40) == ""
