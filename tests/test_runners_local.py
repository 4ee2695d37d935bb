"""What is particular to jobs on the host and in namespaces."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from engine.machine import Command, Layout, Machine, MachineError, MachineSpec
from runners import namespace
from runners.host import HostRunner
from runners.namespace import NamespaceRunner

LAYOUT = Layout("/w", "/t", "/c")
ENGINE = """
import os, trio
from pathlib import Path
from engine.machine import Command, Layout, MachineSpec
from runners.namespace import NamespaceRunner

async def main():
    spec = MachineSpec("killed", "job", Layout("/w", "/t", "/c"), Path({source!r}))
    begun = []

    def told(data):
        begun.append(data)
        if len(begun) == 2:
            os.kill(os.getpid(), 9)

    async with NamespaceRunner().open(spec, print) as machine:
        async with trio.open_nursery() as nursery:
            for mark in ("7361", "7363"):
                script = f"setsid sleep {{mark}} & echo begun; sleep {{mark}}"
                command = Command(script, ("sh", "{{0}}"), "/")
                nursery.start_soon(machine.exec, command, told)

trio.run(main)
"""


async def said(machine: Machine, script: str) -> str:
    out = bytearray()
    command = Command(script, ("sh", "{0}"), machine.facts.layout.workspace)
    await machine.exec(command, out.extend)
    return out.decode()


def alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


async def eventually(holds: Callable[[], bool]) -> None:
    with trio.fail_after(30):
        while not holds():  # noqa: ASYNC110
            await trio.sleep(0.02)


async def test_host_ends_what_the_job_left(tmp_path: Path) -> None:
    spec = MachineSpec("r", "job", LAYOUT, tmp_path)
    async with HostRunner().open(spec, print) as machine:
        child = int(await said(machine, "setsid sleep 600 & echo $!"))
        temp = machine.facts.layout.temp
        assert machine.facts.layout.workspace == str(tmp_path)
        assert alive(child)
    await eventually(lambda: not alive(child))
    assert not os.path.exists(temp)  # noqa: ASYNC240, PTH110


async def test_host_cleans_up_after_a_failure(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        async with HostRunner().open(MachineSpec("r", "job", LAYOUT, tmp_path), print) as machine:
            temp = machine.facts.layout.temp
            raise ZeroDivisionError
    assert not os.path.exists(temp)  # noqa: ASYNC240, PTH110


async def test_host_clean_removes_only_what_is_over(tmp_path: Path) -> None:
    async with HostRunner().open(MachineSpec("a-run", "job", LAYOUT, tmp_path), print) as machine:
        await HostRunner().clean()
        assert await said(machine, "echo alive") == "alive\n"
        assert len(await HostRunner().clean("a-run")) == 1


async def test_namespaces_work_here() -> None:
    assert await namespace.probe() == namespace.Probe(True)


async def test_namespaces_without_their_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert "install util-linux" in (await namespace.probe()).reason


async def test_namespaces_that_are_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespace, "_UNSHARE", ("sh", "-c", "echo not permitted >&2; exit 1", "-"))
    found = await namespace.probe()
    assert not found.works
    assert "not permitted" in found.reason


async def test_namespace_walls(tmp_path: Path) -> None:
    outside = tmp_path.parent / "outside"
    spec = MachineSpec("r", "job", LAYOUT, tmp_path)
    async with NamespaceRunner().open(spec, print) as machine:
        assert await said(machine, "touch /usr/x 2>/dev/null || echo refused") == "refused\n"
        assert await said(machine, f"echo > {outside}; ls $HOME; echo >$HOME/x; ls $HOME") == "x\n"
        assert await said(machine, "ls /proc | grep -c '^[0-9]*$'") < "9"
    assert not outside.exists()


async def test_namespace_bears_no_survivors(tmp_path: Path) -> None:
    spec = MachineSpec("r", "job", LAYOUT, tmp_path)
    async with NamespaceRunner().open(spec, print) as machine:
        await said(machine, "setsid sleep 7362 &")
        await eventually(lambda: running("7362"))
    await eventually(lambda: not running("7362"))


def test_namespace_dies_with_its_engine(tmp_path: Path) -> None:
    code = ENGINE.format(source=str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], timeout=60)
    assert done.returncode == -signal.SIGKILL
    late = time.monotonic() + 30
    while (running("7361") or running("7363")) and time.monotonic() < late:
        time.sleep(0.02)
    assert not running("7361")
    assert not running("7363")


def running(mark: str) -> bool:
    """Whether `sleep MARK` runs somewhere on this computer."""
    wanted = f"sleep\0{mark}\0".encode()
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if line.read_bytes() == wanted:
                return True
        except OSError:
            continue
    return False


async def test_namespace_refuses_in_words(tmp_path: Path) -> None:
    with pytest.raises(MachineError):
        missing = MachineSpec("r", "job", LAYOUT, tmp_path / "missing")
        async with NamespaceRunner().open(missing, print):
            pass
