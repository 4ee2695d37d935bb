"""How a repository gets into a job's container."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from daemon import (
    BUSYBOX,
    LAYOUT,
    docker,
    left,
    once,
    repository,
    run,
    spec,
)
from msgspec.structs import replace

from engine.machine import MachineSpec
from runners.docker import DockerRunner, api, workspace

__all__ = ["repository", "spec"]


@docker
@pytest.mark.parametrize("tier", workspace.TIERS)
async def test_every_way_in_keeps_the_repository_apart(spec: MachineSpec, tier: Any) -> None:
    runner = DockerRunner((tier,))
    script = "cat sub/link; ls; echo more >>file; echo x >sub/new; rm sub/link; cat file"
    for _ in range(2):
        assert await once(spec, script, runner) == "content\nfile\nsub\ncontent\nmore\n"
    assert spec.source
    assert (spec.source / "file").read_text() == "content\n"
    assert [path.name for path in (spec.source / "sub").iterdir()] == ["link"]
    await runner.settle()
    assert not left(spec.run_id)


@docker
async def test_a_daemon_that_does_not_see_the_repository(
    spec: MachineSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, asked = workspace.seen, []

    async def seen(*given: Any) -> bool:
        asked.append(given)
        return len(asked) > 1 and await real(*given)

    monkeypatch.setattr(workspace, "seen", seen)
    lines: list[str] = []
    runner = DockerRunner()
    async with runner.open(spec, lines.append) as machine:
        assert (await run(machine, "cat file"))[1] == "content\n"
    assert lines == [f"Copying {spec.source} to the Docker daemon"]
    async with runner.open(spec, lines.append):
        assert len(lines) == 1
    await runner.settle()
    assert not left(spec.run_id)
    await runner.clean()


@docker
async def test_workspace_check_sees_the_difference(spec: MachineSpec, tmp_path: Path) -> None:
    assert spec.source
    other = tmp_path / "other"
    shutil.copytree(spec.source, other, symlinks=True)
    (other / "file").write_text("a different text\n")
    runner = DockerRunner()
    async with runner.open(spec, print) as machine:
        client = api.Api(api.address())
        assert await workspace.seen(client, machine.facts.id, spec)
        assert not await workspace.seen(client, machine.facts.id, replace(spec, source=other))


@docker
@pytest.mark.parametrize("user", ["1000:1000", "1000"])
@pytest.mark.parametrize("mode", ["overlay", "copy"])
async def test_a_user_who_is_not_root(spec: MachineSpec, user: str, mode: Any) -> None:
    spec = replace(spec, options=f"--user {user}", workspace_mode=mode)
    spec = replace(spec, layout=replace(LAYOUT, home="/github/home"))
    temp, tools = spec.layout.temp, spec.layout.tool_cache
    script = (
        f"id -u; echo >new; echo >{temp}/new; echo >{tools}/new; echo >$HOME/new; "
        "echo $HOME; git init -q .; git status --short"
    )
    assert await once(spec, script) == "1000\n/github/home\n?? file\n?? new\n?? sub/\n"


@docker
async def test_files_put_for_a_user_who_is_not_root(spec: MachineSpec) -> None:
    async with DockerRunner().open(replace(spec, image=BUSYBOX), print) as machine:
        await machine.put("/new/place", b"\0" * 10240)
        assert (await run(machine, "id -u; echo >/new/place/file"))[1] == "1000\n"
