"""Whenever and however a run is ended, it ends in order and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from test_cli import GUARD, IMAGE, docker, environment, job, repository, runwright, write

__all__ = ["repository"]

pytestmark = docker

# Our own first line is awaited, as nobody can answer a signal while Python itself still starts.
START = "import sys; from engine.cli import main; print('up', file=sys.stderr, flush=True); main()"
SOON = 30.0  # seconds; a guard, it takes one or two

SLOW = job(
    "run: echo begun; sleep 300",
    "{name: Afterwards, if: always(), run: sleep 0.3; echo tidied}",
    "{name: Never, run: echo never}",
)


@dataclass
class Running:
    """A run under way."""

    directory: Path
    process: subprocess.Popen[bytes]
    out: Path = field(init=False)

    def __post_init__(self) -> None:
        self.out = self.directory / "out"

    @property
    def text(self) -> str:
        return self.out.read_text(errors="replace")

    def until(self, text: str) -> None:
        eventually(lambda: text in self.text)

    def end(self) -> int:
        return self.process.wait(GUARD)

    def left(self) -> list[str]:
        """What Docker still has of the runs that began in this directory."""
        found = []
        for run in (self.directory / "state" / "runs").glob("*"):
            label = f"label=runwright.run={run.name}"
            for listing in (("ps", "-aq"), ("volume", "ls", "-q"), ("network", "ls", "-q")):
                command = ["docker", *listing, "--filter", label]
                found += subprocess.run(
                    command, capture_output=True, text=True, check=True
                ).stdout.split()
        return found


@contextmanager
def running(directory: Path, *arguments: str) -> Iterator[Running]:
    """Start a run, ready to take signals."""
    with (directory / "out").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", START, *arguments],
            cwd=directory,
            env=environment(directory),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
    found = Running(directory, process)
    try:
        found.until("up\n")
        yield found
    finally:
        process.kill()
        process.wait()


def eventually(check: Callable[[], object]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + SOON
    while not check():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.02)


MOMENTS = [
    *((signal.SIGINT, delay) for delay in (0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.9, 1.3, 2)),
    *((signal.SIGTERM, delay) for delay in (0.1, 0.3, 0.5, 1)),
]


@pytest.mark.parametrize(
    ("number", "delay"), MOMENTS, ids=[f"{number.name}-{delay}s" for number, delay in MOMENTS]
)
def test_a_signal_at_any_moment(repository: Path, number: signal.Signals, delay: float) -> None:
    write(repository, slow=SLOW)
    with running(repository, *IMAGE) as run:
        time.sleep(delay)
        run.process.send_signal(number)
        code = run.end()
        # before there is anything to cancel, a termination may simply end the process
        assert code == 130 or (number is signal.SIGTERM and code == -number)
        assert "Traceback" not in run.text
        assert "defect" not in run.text
        eventually(lambda: not run.left())


@pytest.mark.covers("JOB-025")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda found: found.name)
@pytest.mark.parametrize("runner", ["docker", "namespace", "host"])
def test_the_first_signal_cancels_in_order(
    repository: Path, runner: str, number: signal.Signals
) -> None:
    write(repository, slow=SLOW)
    with running(repository, *IMAGE, "--runner", runner) as run:
        run.until("│   begun")
        run.process.send_signal(number)
        assert run.end() == 130
        after = run.text.partition(f"runwright: {number.name}: cancelling")[2]
        assert "│   tidied" in after
        assert "Never skipped" in after
        assert f"The run was cancelled ({number.name})." in after
        assert "⊘  only  cancelled" in after
        eventually(lambda: not run.left())


@pytest.mark.covers("JOB-025")
@pytest.mark.parametrize("runner", ["docker", "namespace", "host"])
def test_the_second_signal_ends_at_once(repository: Path, runner: str) -> None:
    write(repository, slow=SLOW.replace("sleep 0.3", "echo tidying; sleep 300"))
    with running(repository, *IMAGE, "--runner", runner) as run:
        run.until("│   begun")
        run.process.send_signal(signal.SIGINT)
        run.until("│   tidying")
        run.process.send_signal(signal.SIGINT)
        assert run.end() == 130
        assert "Traceback" not in run.text
        eventually(lambda: not run.left())


STUBBORN = job("run: \"trap '' INT TERM; echo begun; sleep 300; sleep 300\"")


def test_a_step_that_ignores_signals_is_ended_too(repository: Path) -> None:
    write(repository, stubborn=STUBBORN)
    with running(repository, *IMAGE) as run:
        run.until("│   begun")
        run.process.send_signal(signal.SIGINT)
        run.process.send_signal(signal.SIGINT)
        run.process.send_signal(signal.SIGINT)
        assert run.end() == 130
        assert "Traceback" not in run.text
        eventually(lambda: not run.left())


def test_nothing_is_left_of_a_run_that_ended_by_itself(repository: Path) -> None:
    write(repository, one=job("run: sleep 300 & exit 1"), two=job("run: 'true'"))
    with running(repository, *IMAGE) as run:
        assert run.end() == 1
        eventually(lambda: not run.left())


@pytest.mark.parametrize("at", ["up\n", "runs in docker", "│   begun", "│   tidying"])
def test_a_killed_engine_leaves_nothing(repository: Path, at: str) -> None:
    write(repository, slow=SLOW.replace("sleep 300", "sleep 1; echo tidying; sleep 300"))
    with running(repository, *IMAGE) as run:
        run.until(at)
        run.process.kill()
        assert run.end() == -signal.SIGKILL
        eventually(lambda: not run.left())


def carriers(mark: str) -> list[int]:
    """The processes of this machine that have a mark in their environment."""
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if mark.encode() in environ.read_bytes():
                found.append(int(environ.parent.name))
    return found


def test_a_killed_engine_leaves_no_process_in_a_namespace(repository: Path) -> None:
    mark = f"LEFT_BY_{os.getpid()}_{time.time_ns()}"
    write(repository, slow=job("run: sleep 300 & setsid sleep 300 & echo begun; sleep 300"))
    with running(repository, "--runner", "namespace", "--env", f"{mark}=1") as run:
        run.until("│   begun")
        assert carriers(mark)
        run.process.kill()
        eventually(lambda: not carriers(mark))


def test_nothing_is_left_where_all_ends_with_the_engine(repository: Path) -> None:
    """As in a container, whose processes end with the first one."""
    write(repository, quick=job("run: echo done"))
    apart = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    apart += [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    command = [*apart, sys.executable, "-m", "engine", "push", *IMAGE]
    done = subprocess.run(
        command, cwd=repository, env=environment(repository), capture_output=True, timeout=GUARD
    )
    assert done.returncode == 0, done.stderr
    assert Running(repository, subprocess.Popen("true")).left() == []


def test_clean_spares_what_is_alive(repository: Path) -> None:
    write(repository, slow=SLOW)
    with running(repository, *IMAGE) as run:
        run.until("│   begun")
        alive = run.left()
        assert alive
        assert runwright(repository, "clean").code == 0
        assert run.left() == alive
        run.process.send_signal(signal.SIGINT)
        assert run.end() == 130
        assert "│   tidied" in run.text


def test_clean_removes_what_is_not(repository: Path) -> None:
    """A container that was made by an engine of an earlier boot."""
    (repository / "state" / "runs" / "1").mkdir(parents=True)
    host = os.uname().nodename.replace("/", "_")
    label = f"runwright.engine={host}/an-earlier-boot/pid:[1]/1/1"
    create = ["docker", "create", "--label", "runwright.run=1", "--label", label]
    subprocess.run(
        [*create, IMAGE[1].partition("=")[2], "true"], check=True, stdout=subprocess.DEVNULL
    )
    done = runwright(repository, "clean")
    assert done.code == 0
    assert "removed " in done.out
    with running(repository, "--version") as run:
        assert not run.left()
