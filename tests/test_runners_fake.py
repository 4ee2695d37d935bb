"""The pretended machine: its language, its scripted replies, its memory."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import trio

from engine.machine import Command, Exit, Layout, MachineError, MachineSpec
from runners.fake import FakeRunner, Reply

SPEC = MachineSpec("r", "job", Layout("/w", "/t", "/c"))
ENV = {"GITHUB_OUTPUT": "/t/out", "GITHUB_ENV": "/t/env", "NAME": "value"}


def command(script: str) -> Command:
    return Command(script, ("sh", "{0}"), "/w", ENV, files=("/t/out", "/t/env"))


async def run(script: str, runner: FakeRunner | None = None) -> tuple[Exit, bytes]:
    out = bytearray()
    async with (runner or FakeRunner()).open(SPEC, print) as machine:
        return await machine.exec(command(script), out.extend), bytes(out)


async def test_the_language() -> None:
    script = (
        "echo a b\nprint-env NAME\nanything else\noutput X=1\noutput Y=2\nenv Z=3\nexit 4\necho"
    )
    exit, out = await run(script)
    assert exit == Exit(4, {"/t/out": b"X=1\nY=2\n", "/t/env": b"Z=3\n"})
    assert out == b"a b\nvalue\n"


async def test_files_that_nobody_asked_for_stay() -> None:
    assert (await run("summary hello"))[0] == Exit(0)


async def test_fail_times() -> None:
    runner = FakeRunner()
    codes = [(await run("fail-times 2\nexit 0", runner))[0].code for _ in range(3)]
    assert codes == [1, 1, 0]


async def test_lost() -> None:
    async with FakeRunner().open(SPEC, print) as machine:
        for _ in range(2):
            with pytest.raises(MachineError, match="power cut"):
                await machine.exec(command("lost power cut"), print)


@pytest.mark.parametrize(
    ("script", "seconds", "code"),
    [
        ("sleep 60", 3.0, 130),
        ("trap-cancel 4\nsleep 60", 7.0, 130),
        ("trap-cancel 99\nsleep 60", 13.0, 137),
    ],
)
async def test_cancelling(autojump_clock: Any, script: str, seconds: float, code: int) -> None:
    start = trio.current_time()
    with trio.move_on_after(3):
        exit, _ = await run("output A=1\n" + script)
    assert exit == Exit(code, {"/t/out": b"A=1\n"})
    assert trio.current_time() - start == pytest.approx(seconds)


async def test_scripted_replies(autojump_clock: Any) -> None:
    reply = Reply(3, (b"a", b"b\n"), {"GITHUB_OUTPUT": b"X=1\n"}, seconds=5)
    exit, out = await run("build", FakeRunner({"build": reply}))
    assert (exit, out) == (Exit(3, {"/t/out": b"X=1\n"}), b"ab\n")
    exit, out = await run("echo x", FakeRunner(lambda spec, command: None))
    assert (exit, out) == (Exit(0), b"x\n")


async def test_memory() -> None:
    runner = FakeRunner(refuse={"other": "no such image"})
    async with runner.open(SPEC, print) as machine:
        await machine.put("/x", b"tar")
        assert await machine.get("/x") == b"tar"
        await machine.exec(command("echo"), print)
        assert (runner.opened, runner.closed) == ([SPEC], [])
    assert runner.closed == [SPEC]
    assert [(name, given.script) for name, given in runner.commands] == [("job", "echo")]
    with pytest.raises(MachineError, match="no such image"):
        async with runner.open(MachineSpec("r", "other", SPEC.layout), print):
            pass


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("runners.fake", ("docker", "h11")),
        ("runners.host", ("docker", "h11")),
        ("runners.namespace", ("docker", "h11")),
        ("runners.docker", ("docker", "requests")),
    ],
)
def test_imports_stay_cheap(module: str, absent: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print([name for name in {absent} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
