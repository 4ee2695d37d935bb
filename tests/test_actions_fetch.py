"""Repositories of actions: which commit a ref is, fetched once, offline, private, and refused."""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from threading import Thread
from time import sleep

import pytest
from gitserver import Origin, http_server, python
from scripted import job, workflow

from engine.actions.resolve import Absent, Located, resolve
from engine.fetch import Unavailable
from engine.fetch.actions import Actions, Sources
from engine.fetch.once import once
from engine.reference import Remote, parse

NODE = "runs: {using: node24, main: index.js}\n"


@pytest.fixture
def origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Origin:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    found = Origin(tmp_path)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(found.settings))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return found


@pytest.fixture
def log() -> list[str]:
    return []


@pytest.fixture
def finder(origin: Origin, log: list[str]) -> Callable[..., Actions]:
    """Makes what a new run would use."""
    return lambda **sources: Actions(Sources(**sources), log.append)


def remote(text: str) -> Remote:
    found = parse(text)
    assert isinstance(found, Remote)
    return found


def one(finder: Actions, text: str) -> Located | Absent:
    [answer] = finder.find([remote(text)])
    return answer


def located(finder: Actions, text: str) -> Located:
    answer = one(finder, text)
    assert isinstance(answer, Located), answer
    return answer


def refused(finder: Actions, text: str) -> str:
    answer = one(finder, text)
    assert isinstance(answer, Absent), answer
    return answer.reason


# --- which commit ---------------------------------------------------------------------------------


@pytest.mark.covers("ACT-001")
def test_refs(origin: Origin, finder: Callable[..., Actions]) -> None:
    tool = origin.repository("octo/tool")
    first = tool.commit({"action.yml": NODE}, "v1", "both")
    tool.git("tag", "--annotate", "-m", "release", "v1.0.0")
    tool.git("branch", "releases/v1")
    second = tool.commit({"more": "x"})
    tool.git("branch", "both")
    tool.git("branch", "other/v1")
    found = {
        ref: located(finder(), f"octo/tool@{ref}").sha
        for ref in (
            *("v1", "v1.0.0", "releases/v1", "both", "main", "HEAD", "refs/heads/both"),
            *("heads/main", first, second.upper()),
        )
    }
    assert found == {
        "v1": first,
        "v1.0.0": first,  # what the tag points at
        "releases/v1": first,
        "both": first,  # a tag wins over a branch
        "main": second,
        "HEAD": second,
        "refs/heads/both": second,
        "heads/main": second,
        first: first,
        second.upper(): second,
    }


@pytest.mark.covers("ACT-001")
def test_a_ref_that_moves_is_asked_for_by_each_run_and_once_in_a_run(
    origin: Origin, finder: Callable[..., Actions]
) -> None:
    tool = origin.repository("octo/tool")
    first = tool.commit({"action.yml": NODE}, "v1")
    run = finder()
    assert located(run, "octo/tool@v1").sha == first
    second = tool.commit({"more": "x"}, "v1")
    assert located(run, "octo/tool/sub@v1").sha == first
    assert located(finder(), "octo/tool@v1").sha == second


# --- the files ------------------------------------------------------------------------------------


@pytest.mark.covers("ACT-001")
def test_the_files_are_those_of_the_commit_as_github_s_archives_have_them(
    origin: Origin, finder: Callable[..., Actions]
) -> None:
    tool = origin.repository("octo/tool")
    tool.commit({"old": "only in the history"})
    (tool.folder / "old").unlink()
    (tool.folder / "run.sh").write_text("#!/bin/sh\n")
    (tool.folder / "run.sh").chmod(0o755)
    (tool.folder / "link").symlink_to("sub/file")
    sha = tool.commit(
        {
            "sub/file": "text\n",
            "left-out": "x",
            "version": "$Format:%(describe:tags)$",
            ".gitattributes": "left-out export-ignore\nversion export-subst\n",
        },
        "v1.2.3",
    )
    origin.settings.write_text(origin.settings.read_text() + "[core]\n  autocrlf = true\n")
    before = os.umask(0o077)
    try:
        folder = located(finder(), f"octo/tool@{sha}").folder
    finally:
        os.umask(before)
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
    assert names == [".gitattributes", "link", "run.sh", "sub", "sub/file", "version"]
    assert (folder / "sub/file").read_bytes() == b"text\n"
    assert (folder / "version").read_text() == "v1.2.3"
    assert (folder / "link").readlink() == Path("sub/file")
    # jobs of any user can read it, and none is meant to write to it
    modes = {name: stat.S_IMODE((folder / name).lstat().st_mode) for name in ("sub", "run.sh")}
    assert modes == {"sub": 0o755, "run.sh": 0o755}
    assert stat.S_IMODE((folder / "sub/file").stat().st_mode) == 0o644
    assert stat.S_IMODE(folder.stat().st_mode) == 0o755


@pytest.mark.covers("ACT-001")
def test_a_commit_is_fetched_once_whatever_it_is_called(
    origin: Origin, finder: Callable[..., Actions], log: list[str]
) -> None:
    sha = origin.repository("octo/tool").commit({"action.yml": NODE}, "v1", "v2")
    (origin.folder / "Octo").symlink_to("octo")  # GitHub's names are the same in any case
    (origin.folder / "octo" / "Tool.git").symlink_to("tool.git")
    folders = {
        located(finder(), text).folder
        for text in ("octo/tool@v1", "Octo/Tool@v2", "octo/tool/sub@main", f"octo/tool@{sha}")
    }
    assert len(folders) == 1
    assert len(log) == 1 and log[0].endswith(f"({sha[:12]}) from https://github.com")
    assert len(origin.asked) == 4  # three refs, one fetch


@pytest.mark.covers("ACT-001")
def test_a_commit_by_its_id_is_never_asked_for_again(
    origin: Origin, finder: Callable[..., Actions]
) -> None:
    sha = origin.repository("octo/tool").commit({"action.yml": NODE})
    before = located(finder(), f"octo/tool@{sha}")
    rmtree(origin.folder)
    asked = len(origin.asked)
    assert located(finder(), f"octo/tool@{sha}") == before
    assert len(origin.asked) == asked


# --- several at once ------------------------------------------------------------------------------

FETCH = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # may be ignored by whoever started us
from engine.reference import parse
from engine.fetch.actions import Actions, Sources
answers = Actions(Sources(), print).find([parse(text) for text in sys.argv[1:]])
print(*(answer.folder for answer in answers), sep="\\n")
"""


@pytest.mark.covers("ACT-001")
def test_processes_that_want_the_same_commit_fetch_it_once(origin: Origin) -> None:
    sha = origin.repository("octo/tool").commit({"action.yml": NODE})
    with origin.held_up():
        processes = [python(FETCH, f"octo/tool@{sha}") for _ in range(3)]
        while not all(_has_open(process.pid, f".{sha}.lock") for process in processes):
            assert all(process.poll() is None for process in processes)
            sleep(0.01)
    printed = [process.communicate()[0].splitlines() for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], printed
    assert len({lines[-1] for lines in printed}) == 1
    assert sum(line.startswith("Getting") for lines in printed for line in lines) == 1
    assert origin.asked == ["octo/tool"]


def _has_open(pid: int, name: str) -> bool:
    """Whether a process has come to a lock."""
    for descriptor in Path(f"/proc/{pid}/fd").glob("*"):
        with suppress(OSError):
            if descriptor.readlink().name == name:
                return True
    return False


@pytest.mark.covers("ACT-023")
def test_repositories_are_fetched_at_the_same_time(
    origin: Origin, finder: Callable[..., Actions]
) -> None:
    names = [f"octo/tool{number}" for number in range(4)]
    for name in names:
        origin.repository(name).commit({"action.yml": NODE}, "v1")
    run = finder()
    answers: list[Located | Absent] = []
    with origin.held_up():
        asking = Thread(
            target=lambda: answers.extend(run.find([remote(f"{name}@v1") for name in names]))
        )
        asking.start()
        while set(origin.asked) != set(names):  # all four, before any has an answer
            assert asking.is_alive()
            sleep(0.01)
    asking.join()
    assert all(isinstance(answer, Located) for answer in answers)


def test_an_engine_that_was_killed_leaves_nothing_in_the_way(
    origin: Origin, finder: Callable[..., Actions]
) -> None:
    sha = origin.repository("octo/tool").commit({"action.yml": NODE})
    with origin.held_up():
        process = python(FETCH, f"octo/tool@{sha}")
        while not origin.asked:
            assert process.poll() is None
            sleep(0.01)
        process.kill()
        process.wait()
    while _is_mentioned(sha):  # its git ends soon after it
        sleep(0.01)
    assert process.stdout is not None
    process.stdout.close()
    folder = located(finder(), f"octo/tool@{sha}").folder
    assert sorted(path.name for path in folder.iterdir()) == ["action.yml"]
    assert sorted(path.name for path in folder.parent.iterdir()) == [f".{sha}.lock", sha]


def test_an_engine_that_is_interrupted_ends_at_once_and_its_git_with_it(origin: Origin) -> None:
    sha = origin.repository("octo/tool").commit({"action.yml": NODE})
    with origin.held_up():
        process = python(FETCH, f"octo/tool@{sha}")
        while not origin.asked:
            assert process.poll() is None
            sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert "KeyboardInterrupt" in process.communicate()[0]
        while _is_mentioned(sha):  # for ever, if it went on
            sleep(0.01)


def _is_mentioned(text: str) -> bool:
    """Whether a process has a text among its arguments."""
    for arguments in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if text.encode() in arguments.read_bytes():
                return True
    return False


# --- without a network ----------------------------------------------------------------------------

NOWHERE = "http://127.0.0.1:1/"  # nothing answers there


@pytest.mark.covers("ACT-002")
def test_without_a_network_the_last_known_commit_is_used(
    origin: Origin, finder: Callable[..., Actions], log: list[str]
) -> None:
    sha = origin.repository("octo/tool").commit({"action.yml": NODE}, "v1")
    before = located(finder(), "octo/tool@v1")
    origin.goes_to(NOWHERE)
    assert located(finder(), "octo/tool@v1") == before
    assert log[-1].startswith("octo/tool@v1: unable to access")
    assert log[-1].endswith(f"the commit that it was last time is used ({sha[:12]})")


@pytest.mark.covers("ACT-002")
def test_offline_mode_asks_nobody(origin: Origin, finder: Callable[..., Actions]) -> None:
    sha = origin.repository("octo/tool").commit({"action.yml": NODE}, "v1")
    before = located(finder(), "octo/tool@v1")
    asked = len(origin.asked)
    offline = finder(offline=True)
    assert located(offline, "octo/tool@v1") == before
    assert located(offline, f"octo/tool@{sha}") == before
    for text in ("octo/tool@v2", "octo/other@v1", f"octo/tool@{'1' * 40}"):
        assert refused(offline, text) == (
            f"{text} was never fetched here; run once without --action-offline-mode, "
            "while there is a network"
        )
    assert len(origin.asked) == asked


@pytest.mark.covers("ACT-002")
def test_what_was_never_fetched_can_t_be_had_without_a_network(
    origin: Origin, finder: Callable[..., Actions]
) -> None:
    origin.goes_to(NOWHERE)
    for text in ("octo/tool@v1", f"octo/tool@{'1' * 40}"):
        said = refused(finder(), text)
        assert said.startswith(f"{text} can't be fetched from https://github.com: unable to access")
        assert said.endswith(f"try again, or use a folder with --local-repository {text}=DIR")


# --- folders instead ------------------------------------------------------------------------------


@pytest.mark.covers("ACT-001")
def test_a_folder_instead_of_a_repository(
    origin: Origin, finder: Callable[..., Actions], tmp_path: Path
) -> None:
    run = finder(replaced={"octo/tool@v1": tmp_path / "one", "octo/tool": tmp_path / "any"})
    assert located(run, "Octo/Tool/sub@v1") == Located(tmp_path / "one", "")
    assert located(run, "octo/tool@v2") == Located(tmp_path / "any", "")
    assert origin.asked == []


# --- refused --------------------------------------------------------------------------------------


@pytest.mark.covers("ACT-001")
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("octo/tool@v11", '"octo/tool" has no tag or branch "v11"; did you mean "v1"?'),
        ("octo/tool@zzz", '"octo/tool" has no tag or branch "zzz"; check the version after @'),
        ("octo/missing@v1", 'there is no repository "octo/missing" at https://github.com, or it'),
        ("octo/missing@v1", "give a token with -s GITHUB_TOKEN; check the name, or use a folder"),
        ("octo/missing@v1", "--local-repository octo/missing@v1=DIR (git: '"),
        (f"octo/tool@{'1' * 40}", "is not to be had from https://github.com (git: "),
    ],
)
def test_what_is_not_there(
    origin: Origin, finder: Callable[..., Actions], text: str, says: str
) -> None:
    origin.repository("octo/tool").commit({"action.yml": NODE}, "v1", "v2")
    assert says in refused(finder(), text)


@pytest.mark.covers("ACT-001")
def test_a_shortened_commit_id(origin: Origin, finder: Callable[..., Actions]) -> None:
    sha = origin.repository("octo/tool").commit({"action.yml": NODE})
    said = refused(finder(), f"octo/tool@{sha[:7]}")
    assert said.endswith(f"; GitHub takes whole commit ids only, so write {sha}")
    assert refused(finder(), "octo/tool@0000000").endswith("GitHub takes whole commit ids only")


def test_without_git(finder: Callable[..., Actions], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert "git is not installed: install it" in refused(finder(), "octo/tool@v1")


def test_a_cache_that_can_t_be_written_to(
    origin: Origin,
    finder: Callable[..., Actions],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    origin.repository("octo/tool").commit({"action.yml": NODE}, "v1")
    (tmp_path / "file").touch()
    monkeypatch.setenv("RUNWRIGHT_STATE", str(tmp_path / "file"))
    assert "can't be written to (Not a directory)" in refused(finder(), "octo/tool@v1")


def test_a_failure_of_one_is_no_failure_of_the_others(
    origin: Origin, finder: Callable[..., Actions]
) -> None:
    origin.repository("octo/tool").commit({"action.yml": NODE}, "v1")
    steps = workflow(job("- uses: octo/missing@v1\n- uses: octo/tool@v1")).jobs[0].steps
    resolved = resolve(steps, finder(), None)
    assert list(resolved.found) == ["octo/tool@v1"]
    assert ['there is no repository "octo/missing"' in p.message for p in resolved.problems] == [
        True
    ]


# --- private --------------------------------------------------------------------------------------


@pytest.mark.covers("ACT-025")
def test_a_private_repository_with_the_token(
    origin: Origin, finder: Callable[..., Actions], log: list[str]
) -> None:
    sha = origin.repository("octo/secret").commit({"action.yml": NODE}, "v1")
    origin.goes_to(NOWHERE)  # where the public server is
    with http_server(origin.folder, token="t0ken") as server:
        found = located(finder(server=server.url, token="t0ken"), "octo/secret@v1")
        assert found.sha == sha
        for token in ("", "wrong"):
            said = refused(finder(server=server.url, token=token), "octo/secret@v1")
            assert "t0ken" not in said and "wrong" not in said
            assert f'there is no repository "octo/secret" at {server.url}' in said
            advice = "the token given (GITHUB_TOKEN) may not read it" if token else "give a token"
            assert advice in said
    assert "t0ken" not in "".join(log)


@pytest.mark.covers("ACT-025")
def test_the_token_is_in_no_argument(
    origin: Origin, finder: Callable[..., Actions], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin.repository("octo/secret").commit({"action.yml": NODE}, "v1")
    record = tmp_path / "arguments"
    wrapper = tmp_path / "bin" / "git"
    wrapper.parent.mkdir()
    path = os.environ["PATH"]
    wrapper.write_text(f'#!/bin/sh\necho "$@" >>{record}\nPATH={path} exec git "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:{path}")
    with http_server(origin.folder, token="t0ken") as server:
        located(finder(server=server.url, token="t0ken"), "octo/secret@v1")
        header = server.wanted.partition(" ")[2]
    written = record.read_text()
    assert "ls-remote" in written and "fetch" in written
    assert "t0ken" not in written and header not in written


@pytest.mark.covers("ACT-025")
def test_a_token_that_is_wrong_does_not_hide_what_anybody_may_read(
    origin: Origin, finder: Callable[..., Actions], tmp_path: Path
) -> None:
    sha = origin.repository("octo/tool").commit({"action.yml": NODE}, "v1")

    class Picky(str):
        """Equal to no Authorization but to none at all."""

        def lower(self) -> str:
            return ""

    with http_server(origin.folder) as server:
        server.wanted = Picky("none")
        assert located(finder(server=server.url, token="wrong"), "octo/tool@v1").sha == sha
    assert "" in server.given and any(server.given)


@pytest.mark.covers("ACT-025")
def test_the_user_s_own_credentials_count(origin: Origin, finder: Callable[..., Actions]) -> None:
    sha = origin.repository("octo/secret").commit({"action.yml": NODE}, "v1")
    helper = "!f() { echo username=x-access-token; echo password=t0ken; }; f"
    with http_server(origin.folder, token="t0ken") as server:
        with origin.settings.open("a") as settings:
            settings.write(f'[credential]\n  helper = "{helper}"\n')
        assert located(finder(server=server.url), "octo/secret@v1").sha == sha


@pytest.mark.covers("ACT-025")
def test_an_enterprise_s_server_first_then_the_public_one_without_the_token(
    origin: Origin, finder: Callable[..., Actions], tmp_path: Path
) -> None:
    public = origin.repository("octo/tool").commit({"action.yml": NODE}, "v1")
    inner = Origin(tmp_path / "enterprise")
    own = inner.repository("corp/tool").commit({"action.yml": NODE}, "v1")
    with http_server(inner.folder) as server, http_server(origin.folder) as github:
        origin.goes_to(f"{github.url}/")
        run = finder(server=server.url, token="t0ken")
        assert located(run, "corp/tool@v1").sha == own
        assert located(run, "octo/tool@v1").sha == public
        assert any(server.given) and not any(github.given)
        assert f'"corp/missing" at {server.url}' in refused(run, "corp/missing@v1")


# --- folders that are made once -------------------------------------------------------------------


def test_a_folder_that_could_not_be_made_is_tried_again(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise Unavailable("no network")

    with pytest.raises(Unavailable, match="no network"):
        once(tmp_path / "made", fail)
    assert not (tmp_path / "made").exists()
    once(tmp_path / "made", lambda folder: (folder / "whole").touch())
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["whole"]
    once(tmp_path / "made", fail)  # it is there: nobody makes it anew
