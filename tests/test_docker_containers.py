"""Job containers: GitHub's directories, what a workflow says of them, and what is lent to them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from daemon import BUSYBOX, DEBIAN, docker, externals, left, once, repository, run, spec, told
from msgspec.structs import replace

from engine.machine import Layout, MachineSpec
from runners.docker import DockerRunner, workspace
from runners.docker.starting import Starter

__all__ = ["externals", "repository", "spec"]

pytestmark = docker

GITHUBS = Layout(
    workspace="/__w/r/r",
    temp="/__w/_temp",
    tool_cache="/__t",
    home="/github/home",
    actions="/__w/_actions",
    externals="/__e",
)
ASK = """
import socket
wire = socket.socket(socket.AF_UNIX)
wire.connect("/var/run/docker.sock")
wire.sendall(b"GET /_ping HTTP/1.0\\r\\n\\r\\n")
print(wire.recv(100).split()[1].decode())
"""


@pytest.fixture
def actions(tmp_path: Path) -> dict[str, Path]:
    """Two actions as they are kept on this computer."""
    found = {}
    for name, ref in (("actions/one", "v1"), ("actions/two", "release/v2")):
        folder = tmp_path / "cache" / name.replace("/", "-")
        (folder / "dist").mkdir(parents=True)
        (folder / "dist" / "index.js").write_text(f"console.log('{name}');\n")
        (folder / "run").write_text(f"#!/bin/sh\necho {name}\n")
        (folder / "run").chmod(0o755)
        found[f"{name}/{ref}"] = folder
    return found


def in_container(spec: MachineSpec, **more: Any) -> MachineSpec:
    return replace(spec, layout=GITHUBS, localhost=False, **more)


@pytest.mark.covers("CTR-001", "CTR-005", "CTR-006")
@pytest.mark.parametrize("user", ["", "--user 1000:1000"])
@pytest.mark.parametrize("contains", [False, True])
async def test_githubs_directories(spec: MachineSpec, user: str, contains: bool) -> None:
    spec = in_container(spec, options=user, contains=contains)
    script = (
        "pwd; cat file; echo $HOME; for folder in . /__w/_temp /__t /github/home "
        "/github/workflow /__w/_temp/_runner_file_commands; do echo x >$folder/written; done; "
        "cat /github/workflow/event.json"
    )
    event = {"/github/workflow/event.json": "{}"}
    async with DockerRunner().open(spec, print) as machine:
        exit_, out = await run(machine, script, cwd=GITHUBS.workspace, inputs=event)
    assert (exit_.code, out) == (0, "/__w/r/r\ncontent\n/github/home\n{}")


@pytest.mark.covers("CTR-003")
async def test_what_a_container_is_given(spec: MachineSpec, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    spec = in_container(
        spec,
        env={"A": "it's"},
        volumes=("/anonymous", f"{tmp_path}/shared:/shared", f"{spec.run_id}:/named:ro"),
        ports=("127.0.0.1::8080",),
        options="--hostname named --cpus 1 --tmpfs /scratch",
    )
    script = "echo $A; hostname; ls -d /anonymous /named /scratch; echo >/shared/from-job"
    runner = DockerRunner()
    try:
        out = await once(spec, script, runner)
    finally:
        await runner.settle()
        told("volume", "rm", spec.run_id)  # the user's own, which stays
    assert out == "it's\nnamed\n/anonymous\n/named\n/scratch\n"
    assert (tmp_path / "shared" / "from-job").exists()


async def test_mounts_of_the_users_go_before_ours(spec: MachineSpec, tmp_path: Path) -> None:
    for name in ("tools", "home"):
        (tmp_path / name).mkdir(mode=0o700)
    socket = "/var/run/docker.sock:/var/run/docker.sock"
    volumes = (socket, f"{tmp_path}/tools:/__t/", f"{tmp_path}/home:/github/home")
    spec = in_container(spec, volumes=volumes, options=f"--tmpfs {GITHUBS.temp}", contains=True)
    await once(spec, f"echo >/__t/new; df {GITHUBS.temp} | grep -q ^tmpfs")
    assert os.listdir(tmp_path / "tools") == ["new"]  # noqa: PTH208
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700


@pytest.mark.covers("CTR-009")
@pytest.mark.parametrize("wanted", [True, False])
async def test_the_daemons_socket(spec: MachineSpec, wanted: bool) -> None:
    spec = in_container(spec, docker_socket=wanted)
    script = f"[ -e /var/run/docker.sock ] || exit 0; python3 -c '{ASK}'"
    assert await once(spec, script) == ("200\n" if wanted else "")


@pytest.mark.covers("CTR-009")
async def test_the_daemons_socket_for_a_user_who_is_not_root(spec: MachineSpec) -> None:
    """As on the machines that GitHub hosts."""
    spec = replace(spec, options="--user 1000:1000")
    async with DockerRunner().open(spec, print) as machine:
        assert (await run(machine, f"id -u; python3 -c '{ASK}'"))[1] == "1000\n200\n"


@pytest.mark.covers("CTR-009")
@pytest.mark.parametrize("options", ["--user 0", "--user 1000:1000"])
async def test_the_socket_is_where_all_look_for_it_in_any_image(
    spec: MachineSpec, options: str
) -> None:
    """The image has no /var/run."""
    spec = replace(spec, image=BUSYBOX, options=options)
    assert await once(spec, "ls -L /var/run/") == "docker.sock\n"


async def test_a_socket_that_can_not_be_mounted_is_done_without(
    spec: MachineSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(starter: Starter, *_: Any, **__: Any) -> list[str]:
        return ["/nowhere/docker.sock"] if starter.sockets else []

    monkeypatch.setattr(Starter, "_socket", wrong)
    told: list[str] = []
    async with DockerRunner().open(spec, told.append) as machine:
        assert (await run(machine, "cat file; ls /run/docker.sock"))[1].startswith("content\n")
    assert told[-1].startswith("Jobs can't reach Docker here: its own socket can't be mounted (")


@pytest.mark.covers("CTR-006", "ACT-023")
@pytest.mark.parametrize("tier", workspace.TIERS)
async def test_actions_and_externals_are_lent(
    spec: MachineSpec, actions: dict[str, Path], externals: Path, tier: Any
) -> None:
    spec = in_container(spec, actions=actions, externals=externals)
    script = (
        "/__w/_actions/actions/one/v1/run; /__e/node24/bin/node --version | cut -c1-4; "
        "/__e/node24/bin/node /__w/_actions/actions/two/release/v2/dist/index.js; "
        "echo >/__e/new || echo >/__w/_actions/actions/one/v1/new || echo refused"
    )
    runner = DockerRunner((tier,))
    for _ in range(2):
        out = await once(spec, f"( {script} ) 2>/dev/null", runner)
        assert out == "actions/one\nv24.\nactions/two\nrefused\n"
    await runner.settle()
    assert not left(spec.run_id)


@pytest.mark.covers("CTR-011", "ACT-010")
@pytest.mark.parametrize(
    ("image", "musl", "node"),
    [
        (DEBIAN, False, "node24"),
        ("runwright-test/musl", True, "node24_alpine"),
        (BUSYBOX, False, ""),
    ],
)
async def test_which_libc_an_image_has(
    spec: MachineSpec, externals: Path, image: str, musl: bool, node: str
) -> None:
    spec = in_container(spec, image=image, externals=externals)
    async with DockerRunner().open(spec, print) as machine:
        assert machine.facts.musl == musl
        if node:
            script = f"/__e/{node}/bin/node -p 1+1"
            assert (await run(machine, script, cwd=GITHUBS.workspace))[1] == "2\n"


@pytest.mark.covers("CTR-010")
async def test_facts_and_an_end(spec: MachineSpec) -> None:
    runner = DockerRunner()
    async with runner.open(in_container(spec, contains=True), print) as machine:
        facts = machine.facts
        assert (facts.network, facts.layout, facts.image) == ("bridge", GITHUBS, DEBIAN)
        assert len(facts.id) == 64
        assert left(spec.run_id)
    await runner.settle()
    assert not left(spec.run_id)
