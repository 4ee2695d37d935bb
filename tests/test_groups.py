"""Concurrency groups: within a run, and between engines of one machine."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
import trio
from scripted import run

from engine.job import Cancellation
from engine.run import Environment, Group
from engine.store import groups

Noted = list[str]


async def take(
    notes: Noted, name: str, group: Group, seconds: float, after: float = 0.0
) -> Cancellation:
    """Be in the group for some seconds, from a moment on, and note what happened."""
    await trio.sleep(after)
    stop = Cancellation()
    async with groups.member("o/r", group, name, stop) as turn:
        notes.append(f"{name} {'runs' if turn else 'never runs'}")
        with trio.CancelScope() as scope, stop.heard_by(scope.cancel):
            await trio.sleep(seconds)
        notes.append(f"{name} {'cancelled' if stop.requested else 'ends'}")
    return stop


async def several(*takes: tuple[str, Group, float, float]) -> Noted:
    notes: Noted = []
    async with trio.open_nursery() as nursery:
        for name, group, seconds, after in takes:
            nursery.start_soon(take, notes, name, group, seconds, after)
    return notes


@pytest.mark.covers("WF-014")
async def test_the_second_waits_for_the_first(autojump_clock: object) -> None:
    group = Group("deploy")
    notes = await several(("a", group, 10, 0), ("b", group, 1, 1))
    assert notes == ["a runs", "a ends", "b runs", "b ends"]


@pytest.mark.covers("WF-014")
async def test_a_newer_one_replaces_the_one_that_waits(autojump_clock: object) -> None:
    group = Group("deploy")
    notes = await several(("a", group, 10, 0), ("b", group, 1, 1), ("c", group, 1, 2))
    assert notes[:3] == ["a runs", "b never runs", "b cancelled"]
    assert notes[3:] == ["a ends", "c runs", "c ends"]


@pytest.mark.covers("WF-015")
async def test_cancel_in_progress(autojump_clock: object) -> None:
    notes = await several(
        ("a", Group("deploy"), 10, 0), ("b", Group("deploy", cancel_in_progress=True), 1, 1)
    )
    assert notes == ["a runs", "a cancelled", "b runs", "b ends"]


@pytest.mark.covers("WF-016")
async def test_a_queue_keeps_its_order(autojump_clock: object) -> None:
    group = Group("deploy", queue="max")
    notes = await several(*((name, group, 5, index) for index, name in enumerate("abcd")))
    assert notes == [f"{name} {what}" for name in "abcd" for what in ("runs", "ends")]


@pytest.mark.covers("WF-016")
async def test_a_full_queue_turns_away(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "MOST_PENDING", 5)
    group = Group("deploy", queue="max")
    full = groups.MOST_PENDING + 1  # one of them runs
    takes = [
        (f"{index}", group, 1000.0 if not index else 0.0, index * 0.1) for index in range(full)
    ]
    notes = await several(*takes, ("late", group, 0, 100))
    assert "late never runs" in notes
    assert sum(note.endswith(" runs") and "never" not in note for note in notes) == full


async def test_names_are_compared_without_case_and_by_repository(autojump_clock: object) -> None:
    notes = await several(("a", Group("Deploy"), 10, 0), ("b", Group("deploy"), 1, 1))
    assert notes == ["a runs", "a ends", "b runs", "b ends"]
    async with (
        groups.member("o/r", Group("deploy"), "a", Cancellation()) as first,
        groups.member("o/other", Group("deploy"), "b", Cancellation()) as second,
    ):
        assert first and second


async def test_an_engine_that_was_killed_holds_nothing(autojump_clock: object) -> None:
    group = Group("deploy")
    path = groups._path("o/r", group.name)
    gone = {"ticket": "x", "process": "999999999/1", "running": True, "cancelled": False}
    path.write_text(json.dumps([gone]))
    assert await several(("a", group, 1, 0)) == ["a runs", "a ends"]
    path.write_text("{ half a li")
    assert await several(("a", group, 1, 0)) == ["a runs", "a ends"]


WORKFLOW = """
on: push
concurrency:
  group: ${{ github.workflow }}
  cancel-in-progress: CANCEL
jobs:
  only:
    runs-on: ubuntu-latest
    steps:
      - run: echo "start $NAME" >> log; sleep $SECONDS_TO_SLEEP; echo "end $NAME" >> log
"""


def start(folder: Path, name: str, seconds: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "engine", "push", "--runner", "host", "-C", str(folder)]
    given = ["--env", f"NAME={name}", "--env", f"SECONDS_TO_SLEEP={seconds}"]
    return subprocess.Popen([*command, *given], stdout=subprocess.PIPE, text=True)


def wait_for(path: Path, text: str) -> None:
    for _ in range(600):
        if path.exists() and text in path.read_text():
            return
        time.sleep(0.1)
    pytest.fail(f"{text!r} never came")


@pytest.mark.covers("WF-014", "WF-015")
@pytest.mark.parametrize("cancel", [False, True])
def test_two_engines_share_a_group(tmp_path: Path, cancel: bool) -> None:
    (tmp_path / ".github/workflows").mkdir(parents=True)
    text = WORKFLOW.replace("CANCEL", str(cancel).lower())
    (tmp_path / ".github/workflows/ci.yml").write_text(text)
    first = start(tmp_path, "one", 300 if cancel else 2)
    wait_for(tmp_path / "log", "start one")
    second = start(tmp_path, "two", 0)
    out_first, out_second = first.communicate()[0], second.communicate()[0]
    assert second.returncode == 0, out_second
    log = (tmp_path / "log").read_text().split("\n")
    if cancel:
        assert first.returncode == 1, out_first
        assert "higher priority waiting request" in out_first
        assert log[:3] == ["start one", "start two", "end two"]
    else:
        assert first.returncode == 0, out_first
        assert log[:4] == ["start one", "end one", "start two", "end two"]


@pytest.mark.covers("WF-017")
def test_a_job_in_its_runs_own_group_is_a_deadlock() -> None:
    ran = run(
        """
        on: push
        concurrency: deploy
        jobs:
          a:
            runs-on: x
            concurrency: Deploy
            steps: [{run: echo never}]
        """,
        enter_group=partial(groups.member, "o/r"),
    )
    assert ran.jobs["a"] == "cancelled"
    assert "deadlock" in ran.reasons["a"]


@pytest.mark.covers("JOB-021")
def test_legs_share_a_group_one_after_the_other() -> None:
    ran = run(
        """
        on: push
        jobs:
          a:
            runs-on: x
            strategy: {matrix: {n: [1, 2, 3]}}
            concurrency: {group: "deploy-${{ matrix.n != 3 }}", queue: max}
            steps: [{run: sleep 10}]
        """,
        enter_group=partial(groups.member, "o/r"),
    )
    assert ran.outcome == "success"


@pytest.mark.covers("JOB-022")
def test_an_environment_has_its_own_secrets_and_variables() -> None:
    environment = Environment({"KEY": "production key"}, {"URL": "https://example.org"})
    ran = run(
        """
        on: push
        jobs:
          a:
            runs-on: x
            environment: {name: "${{ vars.WHERE }}"}
            steps: [{run: "echo ${{ vars.URL }} ${{ vars.WHERE }} ${{ secrets.KEY }}"}]
        """,
        settings={
            "variables": {"WHERE": "Production"},
            "environments": {"production": environment},
        },
    )
    assert ran.printed("a") == "https://example.org Production ***\n"
