"""However a job ends, nothing of it stays on the daemon."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio
from daemon import (
    DEBIAN,
    docker,
    externals,
    left,
    once,
    repository,
    run,
    spec,
    wait_until_nothing_is_left,
)

from engine.machine import Command, MachineError, MachineSpec
from runners.docker import DockerRunner, owner

__all__ = ["externals", "repository", "spec"]


@docker
async def test_nothing_is_left_after_success_and_after_failure(spec: MachineSpec) -> None:
    runner = DockerRunner()
    await once(spec, "true", runner)
    with pytest.raises(ZeroDivisionError):
        async with runner.open(spec, print):
            raise ZeroDivisionError
    await runner.settle()
    assert not left(spec.run_id)


@docker
@pytest.mark.parametrize("after", [0, 0.003, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4])
async def test_nothing_is_left_after_cancelling(spec: MachineSpec, after: float) -> None:
    runner = DockerRunner()
    with trio.move_on_after(after):
        async with runner.open(spec, print) as machine:
            await run(machine, "exec sleep 600")
    await runner.settle()
    assert not left(spec.run_id)


@docker
async def test_an_exception_in_mid_step_ends_the_container(spec: MachineSpec) -> None:
    def fail(data: bytes) -> None:
        raise ZeroDivisionError

    runner = DockerRunner()
    with pytest.raises(ZeroDivisionError):
        async with runner.open(spec, print) as machine:
            await machine.exec(Command("echo; sleep 600", ("sh", "{0}"), "/"), fail)
    await runner.settle()
    assert not left(spec.run_id)


@docker
def test_soon_after_a_run_all_is_removed(spec: MachineSpec) -> None:
    trio.run(once, spec, "true")
    wait_until_nothing_is_left(spec)


ENGINE = """
import os, trio
from pathlib import Path
from engine.machine import Command, Layout, MachineSpec
from runners.docker import DockerRunner

async def main():
    layout = Layout("/home/runner/work/r/r", "/home/runner/work/_temp", "/opt/tools")
    spec = MachineSpec({run!r}, "job", layout, Path({source!r}), image={image!r})
    async with DockerRunner().open(spec, print) as machine:
        script = "setsid sleep 600 & sleep 600 & echo begun; sleep 600"
        command = Command(script, ("sh", "{{0}}"), "/")
        await machine.exec(command, lambda data: print("begun", flush=True))

trio.run(main)
"""


@contextmanager
def engine_in_a_step(spec: MachineSpec) -> Iterator[subprocess.Popen[bytes]]:
    code = ENGINE.format(run=spec.run_id, source=str(spec.source), image=DEBIAN)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as engine:
        assert engine.stdout
        assert engine.stdout.readline() == b"begun\n"
        yield engine


@docker
def test_a_killed_engine_leaves_nothing(spec: MachineSpec) -> None:
    with engine_in_a_step(spec) as engine:
        trio.run(DockerRunner().clean)
        assert len(left(spec.run_id)) == 4  # container, overlay, its two layers: it is alive
        engine.send_signal(signal.SIGKILL)
    wait_until_nothing_is_left(spec)


@docker
def test_where_all_is_killed_the_container_goes_and_clean_does_the_rest(spec: MachineSpec) -> None:
    with engine_in_a_step(spec) as engine:
        time.sleep(0.3)  # for the guard, which no step waits for
        for child in subprocess.check_output(["pgrep", "-P", str(engine.pid)]).split():
            os.kill(int(child), signal.SIGKILL)
        engine.send_signal(signal.SIGKILL)
    late = time.monotonic() + 10
    ps = ["docker", "ps", "-aq", "--filter", f"label=runwright.run={spec.run_id}"]
    while subprocess.check_output(ps) and time.monotonic() < late:
        time.sleep(0.05)
    assert not subprocess.check_output(ps)
    trio.run(DockerRunner().clean)
    assert not left(spec.run_id)


BUSY = """
import os, sys, trio
from pathlib import Path
from engine.machine import Command, ContainerCommand, Layout, MachineSpec, Service
from runners.docker import DockerRunner

async def main(run, source, image, node):
    layout = Layout("/home/runner/work/r/r", "/home/runner/work/_temp", "/opt/tools")
    services = (Service("a", image, ports=("80",), command="sleep 600"),)
    spec = MachineSpec(
        run, "job", layout, Path(source), image=image, services=services, externals=Path(node),
        contains=True,
    )
    begun = set()

    def told(name):
        begun.add(name)
        if len(begun) == 3:
            print("begun", flush=True)

    async with DockerRunner().open(spec, lambda line: None) as machine:
        async with trio.open_nursery() as nursery:
            for name in "bc":
                command = Command("echo begun; sleep 600", ("sh", "{0}"), "/")
                nursery.start_soon(machine.exec, command, lambda data, name=name: told(name))
            step = ContainerCommand(image, "sh", ("-c", "echo begun; sleep 600"))
            nursery.start_soon(machine.contain, step, lambda data: told("step"))

trio.run(main, *sys.argv[1:])
"""


@pytest.fixture
def busy_engine(spec: MachineSpec, externals: Path) -> Iterator[subprocess.Popen[bytes]]:
    """One with a service, a port on localhost, two commands and a container step under way."""
    given = [spec.run_id, str(spec.source), DEBIAN, str(externals)]
    command = [sys.executable, "-c", BUSY, *given]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as engine:
        assert engine.stdout
        assert engine.stdout.readline() == b"begun\n"
        yield engine
        engine.kill()


@docker
def test_a_killed_engine_leaves_no_services_and_steps(
    spec: MachineSpec, busy_engine: subprocess.Popen[bytes]
) -> None:
    # containers of the job, the service, the port and the step; a network; seven volumes
    assert len(left(spec.run_id)) == 4 + 1 + 7
    busy_engine.kill()
    wait_until_nothing_is_left(spec)


@docker
def test_where_all_is_killed_clean_ends_services_and_steps(
    spec: MachineSpec, busy_engine: subprocess.Popen[bytes]
) -> None:
    for child in subprocess.check_output(["pgrep", "-P", str(busy_engine.pid)]).split():
        os.kill(int(child), signal.SIGKILL)
    busy_engine.kill()
    busy_engine.wait()
    trio.run(DockerRunner().clean)
    assert not left(spec.run_id)


@docker
async def test_clean_of_one_run(spec: MachineSpec) -> None:
    async with DockerRunner().open(spec, print) as machine:
        removed = await DockerRunner().clean(spec.run_id)
        assert any(name.startswith(f"runwright-{spec.run_id}-job") for name in removed)
        with pytest.raises(MachineError, match="lost"):
            for _ in range(2):
                await run(machine, "true")
    assert not left(spec.run_id)


def test_whether_an_engine_is_over() -> None:
    here = owner.engine()
    computer, boot, space, pid, started = here.split("/")
    assert not owner.over(here)
    assert owner.over("/".join((computer, boot, space, pid, started + "1")))
    assert owner.over("/".join((computer, "earlier", space, pid, started)))
    assert not owner.over("/".join(("elsewhere", "another", space, pid, started)))
    assert not owner.over("/".join(("a-container", boot, space, pid, started)))
    assert owner.over("/".join((computer, boot, "another", "1", "1"))) is (os.geteuid() == 0)
    assert not owner.over("")


@docker
async def test_a_container_that_is_killed_in_mid_step(spec: MachineSpec) -> None:
    runner = DockerRunner()
    with pytest.raises(MachineError, match="lost"):
        async with runner.open(spec, print) as machine:
            kill = ["docker", "kill", machine.facts.id]
            command = Command("echo; sleep 600", ("sh", "{0}"), "/")
            await machine.exec(command, lambda data: subprocess.run(kill, check=True) and None)
    await runner.settle()
    assert not left(spec.run_id)
