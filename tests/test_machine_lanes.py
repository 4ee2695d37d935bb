"""What every machine does with several commands at once, whichever runner made it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import trio
from test_machine import (
    IMAGE,
    KINDS,
    LAYOUT,
    RUNNERS,
    SH,
    Bench,
    bench,
    closed,
    every,
    repository,
)

from engine.machine import Command, Exit, MachineSpec

__all__ = ["bench", "repository"]

SOON = 60  # seconds; a guard against what would never end


class Beside:
    """Commands that run at once on one machine: what each said, and how it ended."""

    def __init__(self, bench: Bench, nursery: trio.Nursery) -> None:
        self.bench = bench
        self.nursery = nursery
        self.out: dict[str, bytearray] = {}
        self.exits: dict[str, Exit] = {}
        self.scopes: dict[str, trio.CancelScope] = {}
        self.said = trio.Condition()

    def start(self, name: str, script: str, files: tuple[str, ...] = ()) -> None:
        self.nursery.start_soon(self._run, name, script, files)

    async def _run(self, name: str, script: str, files: tuple[str, ...]) -> None:
        out = self.out[name] = bytearray()
        self.scopes[name] = trio.CancelScope()
        command = Command(script, SH, self.bench.machine.facts.layout.workspace, files=files)
        with self.scopes[name]:
            self.exits[name] = await self.bench.machine.exec(command, out.extend)

    async def until(self, holds: Callable[[], bool]) -> None:
        while not holds():  # noqa: ASYNC110
            await trio.sleep(0.01)

    async def ready(self, *names: str) -> None:
        """Each has printed "ready"."""
        await self.until(lambda: all(b"ready" in self.out.get(name, b"") for name in names))


def meet(bench: Bench, own: str, others: list[str]) -> str:
    """A script that goes on when all others are under way too."""
    waits = "".join(
        f"while [ ! -e {bench.temp}/{other} ]; do sleep 0.02; done\n" for other in others
    )
    return f"touch {bench.temp}/{own}\n{waits}"


@every
async def test_two_commands_overlap(bench: Bench) -> None:
    with trio.fail_after(SOON):
        async with trio.open_nursery() as nursery:
            beside = Beside(bench, nursery)
            beside.start("a", meet(bench, "a", ["b"]) + "echo from a; exit 3")
            beside.start("b", meet(bench, "b", ["a"]) + "echo from b >&2; exit 4")
    assert beside.exits == {"a": Exit(3), "b": Exit(4)}
    assert beside.out == {"a": b"from a\n", "b": b"from b\n"}


@every
async def test_ten_at_once_and_the_output_of_each_is_in_order_and_apart(bench: Bench) -> None:
    names = [f"n{number}" for number in range(10)]
    for _ in range(2):
        with trio.fail_after(SOON):
            async with trio.open_nursery() as nursery:
                beside = Beside(bench, nursery)
                for name in names:
                    path = bench.file(f"out-{name}")
                    script = (
                        f"{meet(bench, name, names)}for i in 1 2 3 4 5; do "
                        f"echo {name} $i; echo {name} err $i >&2; done; echo {name} >{path}"
                    )
                    beside.start(name, script, (path,))
        for name in names:
            assert beside.out[name].decode() == "".join(
                f"{name} {i}\n{name} err {i}\n" for i in range(1, 6)
            )
            path = bench.file(f"out-{name}")
            assert beside.exits[name] == Exit(0, {path: f"{name}\n".encode()})
        await bench.run(f"cd {bench.temp} && rm {' '.join(names)}")


@every
async def test_no_more_shells_than_commands_at_once(bench: Bench) -> None:
    async def shells(count: int) -> set[bytes]:
        names = [f"n{number}" for number in range(count)]
        async with trio.open_nursery() as nursery:
            beside = Beside(bench, nursery)
            for name in names:
                beside.start(name, meet(bench, name, names) + "echo $PPID")
        await bench.run(f"cd {bench.temp} && rm {' '.join(names)}")
        return {bytes(out) for out in beside.out.values()}

    with trio.fail_after(SOON):
        first = await shells(1)
        many = await shells(4)
        assert len(many) == 4
        assert first < many
        assert await shells(3) < many
        assert await shells(1) == first


@every
async def test_cancelling_one_leaves_the_others(bench: Bench) -> None:
    kept = bench.file("kept")
    with trio.fail_after(SOON):
        async with trio.open_nursery() as nursery:
            beside = Beside(bench, nursery)
            go = f"while [ ! -e {bench.temp}/go ]; do sleep 0.02; done"
            beside.start("a", f"echo ready; {go}; echo a; exit 2")
            beside.start("b", f"trap 'echo x >{kept}; exit 9' INT; echo ready; {go}", (kept,))
            beside.start("c", "echo ready; exec sleep 600")
            await beside.ready("a", "b", "c")
            beside.scopes["c"].cancel()
            beside.scopes["b"].cancel()
            await beside.until(lambda: set(beside.exits) == {"b", "c"})
            assert beside.exits == {"b": Exit(9, {kept: b"x\n"}), "c": Exit(130)}
            assert (await bench.run(f"touch {bench.temp}/go")).code == 0
    assert beside.exits["a"] == Exit(2)
    assert beside.out["a"] == b"ready\na\n"


@every
async def test_a_shell_that_is_killed_takes_no_other_with_it(bench: Bench) -> None:
    names = ["a", "b", "c"]
    files = {name: bench.file(name) for name in names}
    with trio.fail_after(SOON):
        async with trio.open_nursery() as nursery:
            beside = Beside(bench, nursery)
            for name in ("a", "b"):
                script = f"echo {name} >{files[name]}; kill -9 $PPID; sleep 600; echo survived"
                beside.start(name, meet(bench, name, names) + script, (files[name],))
            beside.start("c", meet(bench, "c", names) + "sleep 0.2; echo c")
    for name in ("a", "b"):
        assert beside.exits[name] == Exit(137, {files[name]: f"{name}\n".encode()})
        assert not beside.out[name]
    assert (beside.exits["c"], beside.out["c"]) == (Exit(0), b"c\n")
    with trio.fail_after(SOON):
        async with trio.open_nursery() as nursery:
            beside = Beside(bench, nursery)
            for name in names:
                beside.start(name, f"echo next {name}")
    assert beside.out == {name: f"next {name}\n".encode() for name in names}


@closed
async def test_a_step_that_kills_everything_among_others(bench: Bench) -> None:
    path = bench.file("out")
    for _ in range(2):
        with trio.fail_after(SOON):
            async with trio.open_nursery() as nursery:
                beside = Beside(bench, nursery)
                for name in ("a", "b"):
                    beside.start(
                        name,
                        f"echo {name} >{path}-{name}; echo ready; exec sleep 600",
                        (f"{path}-{name}",),
                    )
                await beside.ready("a", "b")
                assert (await bench.run("kill -9 -1; sleep 600")).code == 137
        for name in ("a", "b"):
            assert beside.exits[name] == Exit(137, {f"{path}-{name}": f"{name}\n".encode()})
            assert beside.out[name] == b"ready\n"
        assert (await bench.run("echo next; exit 5")).code == 5
        assert bench.out == b"next\n"


@every
@pytest.mark.parametrize("after", [0, 0.002, 0.01, 0.03, 0.1, 0.3])
async def test_cancelled_at_any_moment(bench: Bench, after: float) -> None:
    """Its shell may not even be there yet."""
    with trio.fail_after(SOON):
        async with trio.open_nursery() as nursery:
            beside = Beside(bench, nursery)
            beside.start("a", f"echo ready; while [ ! -e {bench.temp}/go ]; do sleep 0.02; done")
            await beside.ready("a")
            beside.start("b", "exec sleep 600")
            await trio.sleep(after)
            beside.scopes.get("b", trio.CancelScope()).cancel()
            await bench.run(f"touch {bench.temp}/go; echo alive")
            assert bench.out == b"alive\n"
            if "b" in beside.scopes:
                beside.scopes["b"].cancel()
    assert beside.exits["a"] == Exit(0)
    assert beside.exits.get("b", Exit(130)).code in (130, 137, 143)


@pytest.mark.parametrize("kind", KINDS)
async def test_every_lane_has_the_environment_of_the_spec(kind: str) -> None:
    spec = MachineSpec("test-machine", "lanes", LAYOUT, None, image=IMAGE, env={"GIVEN": "it's"})
    async with RUNNERS[kind]().open(spec, print) as machine:
        bench = Bench(machine, Path())
        async with trio.open_nursery() as nursery:
            beside = Beside(bench, nursery)
            for name in ("a", "b"):
                beside.start(name, meet(bench, name, ["a", "b"]) + "echo $GIVEN; id -u; umask")
    assert beside.out["a"] == beside.out["b"]
    assert beside.out["a"].startswith(b"it's\n")
