"""Runs on disk, and their numbers."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.events import (
    JobExpanded,
    JobFinished,
    JobStarted,
    Log,
    Outcome,
    Output,
    RunStarted,
    Summary,
)
from engine.store.home import home
from engine.store.runs import KEPT, begin, logger, summarizer, writer

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNWRIGHT_STATE", str(tmp_path / "state"))


def test_the_folder_can_be_chosen(tmp_path: Path) -> None:
    assert home() == tmp_path / "state"
    assert begin("o/r", "ci.yml").folder.parent == tmp_path / "state" / "runs"


def test_without_a_choice_it_is_the_platforms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNWRIGHT_STATE")
    monkeypatch.setenv("XDG_STATE_HOME", "/x")
    assert home().name == "runwright"


@pytest.mark.covers("CTX-003")
def test_runs_are_counted_for_each_workflow() -> None:
    names = [("o/r", "a"), ("o/r", "b"), ("o/r", "a"), ("o/s", "a"), ("o/r", "a"), ("o/r", "b")]
    assert [begin(*name).run_number for name in names] == [1, 1, 2, 1, 3, 2]


@pytest.mark.covers("CTX-003")
def test_ids_are_digits_that_grow() -> None:
    ids = [begin("o/r", "a").run_id for _ in range(20)]
    assert all(id_.isdigit() for id_ in ids)
    assert sorted(ids, key=int) == ids
    assert len(set(ids)) == 20


@pytest.mark.covers("CTX-003")
def test_runs_that_begin_together_differ() -> None:
    with ThreadPoolExecutor(16) as pool:
        records = list(pool.map(lambda _: begin("o/r", "a"), range(64)))
    assert len({record.run_id for record in records}) == 64
    assert sorted(record.run_number for record in records) == list(range(1, 65))
    assert all(record.folder.is_dir() for record in records)


@pytest.mark.covers("CTX-003")
def test_so_do_those_of_several_processes() -> None:
    script = (
        f"import sys; sys.path[:0] = [{str(ROOT)!r}]\n"
        "from engine.store.runs import begin\n"
        "for _ in range(12):\n"
        "    record = begin('o/r', 'a'); print(record.run_id, record.run_number)"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
        for _ in range(5)
    ]
    lines = [line.split() for one in running for line in one.communicate()[0].splitlines()]
    assert [one.returncode for one in running] == [0] * 5
    assert len({run_id for run_id, _ in lines}) == 60
    assert sorted(int(number) for _, number in lines) == list(range(1, 61))


def test_events_are_readable_while_the_run_goes_on() -> None:
    record = begin("o/r", "a")
    write = writer(record)
    for count in range(1, 4):
        write(Log(message=f"é\n{count}", run=record.run_id))
        lines = record.events.read_text(encoding="utf-8").split("\n")
        assert lines.pop() == ""
        assert [json.loads(line)["message"] for line in lines] == [
            f"é\n{number}" for number in range(1, count + 1)
        ]


def test_what_is_written_later_is_added() -> None:
    record = begin("o/r", "a")
    writer(record)(Log(message="one"))
    writer(record)(Output(job="a", step=1, text="two\n"))
    found = [json.loads(line) for line in record.events.read_text(encoding="utf-8").splitlines()]
    assert [line["type"] for line in found] == ["log", "output"]


@pytest.mark.covers("CMD-025")
def test_each_job_has_a_log_while_the_run_goes_on() -> None:
    record = begin("o/r", "a")
    keep = logger(record)
    keep(RunStarted(run_id="1", run_number=1, event_name="push", workflow="w", file="f", title="t",
                    jobs=("a", "b")))  # fmt: skip
    keep(JobExpanded(job="a", legs=("a.0",)))
    keep(Output(job="a.0", step=1, text="one\n"))
    keep(Output(job="b/c", step=1, text="two\n"))
    assert record.log("a.0").read_text(encoding="utf-8").endswith("Z one\n")
    keep(JobFinished(job="a.0", name="a (1)", outcome=Outcome.SUCCESS))
    assert record.log("a.0").read_text(encoding="utf-8").endswith("Z Job a (1): success\n")
    logs = record.folder / "logs"
    names = sorted(str(path.relative_to(logs)) for path in logs.rglob("*.log"))
    assert names == ["a.0.log", "b/c.log"]


@pytest.mark.covers("STEP-031")
def test_all_summaries_are_one_file() -> None:
    record = begin("o/r", "a")
    keep = summarizer(record)
    started = JobStarted(job="a.0", name="a (1)", runs_on=(), isolation="fake", image="")
    for event in (started, Output(job="a.0", step=1, text="x")):
        keep(event)
    assert not record.summary.exists()
    keep(Summary(job="a.0", step=1, name="Test", text="# One\n\n"))
    keep(Summary(job="b", step=2, name="Lint", text="two"))
    written = record.summary.read_text(encoding="utf-8")
    assert written == "## a (1): Test\n\n# One\n\n## b: Lint\n\ntwo\n\n"


def test_old_runs_are_forgotten_and_their_count_is_not() -> None:
    first = begin("o/r", "a")
    writer(first)(Log(message="x"))
    other = home() / "runs" / "notes"
    other.mkdir()
    records = [begin("o/r", "a") for _ in range(KEPT)]
    assert not first.folder.exists()
    assert all(record.folder.exists() for record in records)
    assert other.exists()
    assert records[-1].run_number == KEPT + 1


def test_a_broken_count_starts_again() -> None:
    begin("o/r", "a")
    (counter,) = (home() / "counters").iterdir()
    counter.write_text("rubbish")
    assert [begin("o/r", "a").run_number for _ in range(2)] == [1, 2]


def test_no_place_to_write_is_an_os_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RUNWRIGHT_STATE", str(tmp_path / "file"))
    with pytest.raises(OSError):
        begin("o/r", "a")
