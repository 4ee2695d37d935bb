"""Actions at the command line: folders instead of repositories, offline, and what a plan says."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from gitserver import Origin
from test_cli import Done, environment, job, runwright, write

from engine.cli.fetching import local_repositories
from engine.problems import Refused

NODE = "name: Tool\nruns: {using: node24, main: index.js}\n"


@pytest.fixture
def origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Origin:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    found = Origin(tmp_path / "elsewhere")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(found.settings))
    return found


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with a workflow of one step, which uses octo/tool@v1."""
    folder = tmp_path / "here"
    write(folder, ci=job("uses: octo/tool@v1"))
    return folder


def plan(here: Path, origin: Origin, *arguments: str) -> Done:
    more = {"GIT_CONFIG_GLOBAL": str(origin.settings), "GIT_CONFIG_NOSYSTEM": "1"}
    return runwright(here, "plan", *arguments, env=environment(here, **more))


def step(done: Done) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.out)[0]["jobs"][0]["steps"][0]
    return found


@pytest.mark.covers("ACT-001", "ACT-002")
def test_a_plan_says_what_each_step_stands_for(here: Path, origin: Origin) -> None:
    sha = origin.repository("octo/tool").commit({"action.yml": NODE}, "v1")
    done = plan(here, origin)
    folder = here / "state" / "actions" / "github.com" / "octo" / "tool" / sha
    stands_for = {"kind": "node24", "name": "Tool", "commit": sha, "where": str(folder)}
    assert (done.code, step(done)["stands-for"]) == (0, stands_for)
    assert f"runwright: Getting octo/tool@v1 ({sha[:12]}) from https://github.com" in done.err
    again = plan(here, origin, "--action-offline-mode")
    assert (again.out, again.err) == (done.out, "")


@pytest.mark.covers("ACT-001")
def test_a_folder_instead_of_a_repository(here: Path, origin: Origin) -> None:
    (here / "tool").mkdir()
    (here / "tool" / "action.yml").write_text(NODE)
    done = plan(here, origin, "--local-repository", "Octo/Tool@v1=tool")
    wanted = {"kind": "node24", "name": "Tool", "where": str((here / "tool").resolve())}
    assert step(done)["stands-for"] == wanted
    assert origin.asked == []


def test_a_plan_of_what_can_t_be_had_is_still_a_plan(here: Path, origin: Origin) -> None:
    done = plan(here, origin)
    assert (done.code, step(done)["stands-for"]) == (0, {"kind": "unknown"})
    assert 'ci.yml:6:15: there is no repository "octo/tool" at https://github.com' in done.err


@pytest.mark.covers("ACT-001")
def test_folders_by_name(tmp_path: Path) -> None:
    (tmp_path / "a=b").mkdir()
    given = (
        *("octo/tool@v1=.", "Octo/Tool=a=b", f"octo/other@refs/heads/x={tmp_path}"),
        "https://github.com/octo/third@v2=.",
    )
    top = tmp_path.resolve()
    assert local_repositories(given, tmp_path) == {
        "octo/tool@v1": top,
        "octo/tool": top / "a=b",
        "octo/other@refs/heads/x": top,
        "octo/third@v2": top,
    }


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("octo/tool", '"octo/tool" maps nothing; write OWNER/REPO@REF=DIR, or OWNER/REPO=DIR'),
        ("octo=.", "maps nothing"),
        ("octo/tool@=.", "maps nothing"),
        ("octo/tool@v1=", "maps nothing"),
        ("octo/tool@v1=missing", 'there is no folder "missing"'),
        ("octo/tool@v1=~nobody-of-this-name/x", 'there is no folder "~nobody-of-this-name/x"'),
    ],
)
def test_a_folder_that_stands_for_nothing(tmp_path: Path, given: str, says: str) -> None:
    with pytest.raises(Refused) as refused:
        local_repositories([given], tmp_path)
    assert says in str(refused.value) and refused.value.exit_code == 2
