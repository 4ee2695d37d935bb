"""Reaching Docker, or saying why it can't be reached."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import trio
from daemon import (
    docker,
    left,
    once,
    repository,
    spec,
)

from engine.machine import MachineError, MachineSpec
from runners.docker import api, probe

__all__ = ["repository", "spec"]


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("unix:///no/such/docker.sock", "sudo systemctl start docker"),
        ("tcp://127.0.0.1:1", "Check DOCKER_HOST"),
        ("ssh://somewhere", "forward the socket"),
        ("tcp://", "is not understood"),
    ],
)
async def test_unreachable(
    spec: MachineSpec, host: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(MachineError) as raised:
        await once(spec, "true")
    assert message in str(raised.value)
    assert message in (await probe()).reason


async def test_a_socket_that_may_not_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(trio, "open_unix_socket", refuse)
    with pytest.raises(MachineError, match=r"usermod -aG docker.*--runner namespace"):
        await api.Api(api.parse("unix:///x")).ping()


async def test_a_daemon_that_dies_in_the_middle(tmp_path: Path) -> None:
    listener = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listener[0].socket.getsockname()[1]
    async with trio.open_nursery() as nursery:

        async def hang_up(stream: trio.SocketStream) -> None:
            await stream.receive_some(10)
            await stream.aclose()

        nursery.start_soon(trio.serve_listeners, hang_up, listener)
        with pytest.raises(MachineError, match="broke off"):
            await api.Api(api.parse(f"tcp://127.0.0.1:{port}")).ping()
        nursery.cancel_scope.cancel()


def test_addresses(tmp_path: Path) -> None:
    assert api.parse("unix:///a/b.sock").socket == "/a/b.sock"
    assert api.parse("tcp://[::1]:99").host == "::1"
    assert api.parse("tcp://h").port == 2375
    assert api.parse("tcp://h", "/certs").port == 2376
    nothing = {"DOCKER_CONFIG": str(tmp_path)}
    assert api.address(nothing).socket == "/var/run/docker.sock"
    assert api.address({**nothing, "DOCKER_HOST": "tcp://h:1"}).port == 1
    secure = {"DOCKER_HOST": "tcp://h", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/c"}
    assert api.address(secure).certificates == "/c"


@pytest.mark.covers("OPS-010")
def test_docker_contexts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = ["docker", "--config", str(tmp_path)]
    made = ["context", "create", "far", "--docker", "host=unix:///far/docker.sock"]
    subprocess.run([*config, *made], check=True, capture_output=True)
    subprocess.run([*config, "context", "use", "far"], check=True, capture_output=True)
    code = "from runners.docker import api; print(api.address().socket)"
    env = {**os.environ, "DOCKER_CONFIG": str(tmp_path)}
    env.pop("DOCKER_HOST", None)
    assert subprocess.check_output([sys.executable, "-c", code], env=env) == b"/far/docker.sock\n"


@docker
async def test_probe(repository: Path) -> None:
    found = await probe(repository)
    assert found.tier == "overlay"
    assert found.version
    assert not found.reason
    assert not left("probe")
