"""Images: odd ones, missing ones, and registries that they come from."""

from __future__ import annotations

import shutil
from typing import Any

import pytest
import trio
from daemon import (
    BUSYBOX,
    LAYOUT,
    SCRATCH,
    docker,
    left,
    once,
    repository,
    run,
    spec,
)
from msgspec.structs import replace

from engine.machine import Command, Exit, MachineError, MachineSpec
from runners.docker import DockerRunner, images

__all__ = ["repository", "spec"]


@docker
async def test_busybox(spec: MachineSpec) -> None:
    async with DockerRunner().open(replace(spec, image=BUSYBOX), print) as machine:
        assert not machine.facts.bash
        path = f"{LAYOUT.temp}/_runner_file_commands/out"
        exit, out = await run(machine, f"id -u; cat file; echo A=1 >{path}; exit 3", files=(path,))
        assert (exit, out) == (Exit(3, {path: b"A=1\n"}), "1000\ncontent\n")
        assert (await run(machine, "kill -9 -1"))[0].code == 137
        assert (await run(machine, "echo next"))[1] == "next\n"
        with trio.CancelScope() as scope:
            command = Command("echo a; exec sleep 600", ("sh", "{0}"), "/")
            exit = await machine.exec(command, lambda data: scope.cancel())
        assert exit.code == 130


@docker
async def test_an_image_without_a_shell_is_lent_one(spec: MachineSpec) -> None:
    runner = DockerRunner()
    for _ in range(2):
        assert await once(replace(spec, image=SCRATCH), "cat file; pwd", runner) == (
            f"content\n{LAYOUT.workspace}\n"
        )


@docker
async def test_no_shell_to_lend(spec: MachineSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(MachineError, match=r"no shell \(sh\).*install busybox-static"):
        await once(replace(spec, image=SCRATCH), "true")


@docker
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"image": "runwright-test/no-such", "pull": "never"},
            "docker pull runwright-test/no-such",
        ),
        ({"image": ""}, "names no image"),
        ({"image": "127.0.0.1:1/nothing"}, "Is 127.0.0.1:1 reachable"),
        ({"image": "Not A Name"}, "Not A Name"),
        ({"options": "--frobnicate"}, "'--frobnicate' is not one"),
        ({"options": "--network host"}, "'--network' is not allowed"),
        ({"network": "no-such-network"}, "no-such-network"),
        ({"ports": ("a:b",)}, "'a:b'"),
    ],
)
async def test_what_cannot_be_made(spec: MachineSpec, change: dict[str, Any], message: str) -> None:
    runner = DockerRunner()
    with pytest.raises(MachineError) as raised:
        await once(replace(spec, **change), "true", runner)
    assert message in str(raised.value)
    await runner.settle()
    assert not left(spec.run_id)


def test_progress_is_told_now_and_then() -> None:
    now, lines = [0.0], []
    progress = images.Progress("Pulling x", lines.append, lambda: now[0])
    layer = '{"status":"Downloading","id":"%s","progressDetail":{"current":%d,"total":4000000}}\n'
    text = (layer % ("a", 1000000) + layer % ("b", 3000000)).encode()
    for at in range(len(text)):
        progress.feed(text[at : at + 1])
    assert lines == ["Pulling x: 0 of 1 layers, 1 of 4 MB"]
    now[0] = 2.5
    progress.feed(b'{"status":"Pull complete","id":"a"}\n')
    assert lines[1:] == ["Pulling x: 1 of 2 layers, 7 of 8 MB"]
    progress.feed(b'{"error":"no space"}\n')
    assert progress.error == "no space"
