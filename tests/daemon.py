"""What the tests of jobs in Docker share: a spec, a repository, a registry, and what is left."""

from __future__ import annotations

import base64
import io
import json
import os
import platform
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from engine.fetch import node
from engine.machine import Command, Exit, Layout, Machine, MachineSpec
from runners.docker import DockerRunner

LAYOUT = Layout("/home/runner/work/r/r", "/home/runner/work/_temp", "/opt/hostedtoolcache")
DEBIAN = "runwright-test/debian:bookworm"
BUSYBOX = "runwright-test/busybox"
SCRATCH = "runwright-test/scratch"
docker = pytest.mark.docker


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    source = tmp_path / "repo"
    (source / "sub").mkdir(parents=True)
    (source / "file").write_text("content\n")
    (source / "sub" / "link").symlink_to("../file")
    return source


@pytest.fixture
def spec(repository: Path, request: pytest.FixtureRequest) -> MachineSpec:
    run = f"test-{os.getpid()}-{abs(hash(request.node.nodeid)):x}"
    return MachineSpec(run, "job", LAYOUT, repository, image=DEBIAN)


async def run(machine: Machine, script: str, **more: Any) -> tuple[Exit, str]:
    out = bytearray()
    more.setdefault("cwd", LAYOUT.workspace)
    exit = await machine.exec(Command(script, ("sh", "-e", "{0}"), **more), out.extend)
    return exit, out.decode()


async def once(spec: MachineSpec, script: str, runner: DockerRunner | None = None) -> str:
    async with (runner or DockerRunner()).open(spec, print) as machine:
        exit, out = await run(machine, script, cwd=spec.layout.workspace)
    assert exit.code == 0, out
    return out


def told(*arguments: str) -> str:
    """What the docker command says."""
    command = ["docker", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def left(run_id: str) -> list[str]:
    """Everything on the daemon that carries a run's label."""
    label = f"label=runwright.run={run_id}"
    found = []
    for listing in (("ps", "-aq"), ("volume", "ls", "-q"), ("network", "ls", "-q")):
        command = ["docker", *listing, "--filter", label]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found += done.stdout.split()
    return found


def wait_until_nothing_is_left(spec: MachineSpec) -> None:
    late = time.monotonic() + 10
    while left(spec.run_id) and time.monotonic() < late:
        time.sleep(0.05)
    assert not left(spec.run_id)


@contextmanager
def registry(folder: Path, password: str = "") -> Iterator[str]:
    """A registry on this computer; its address."""
    program = shutil.which("docker-registry")
    assert program, "the Debian package docker-registry is missing"
    with subprocess.Popen(["python3", "-c", _FREE], stdout=subprocess.PIPE, text=True) as free:
        address = f"127.0.0.1:{free.communicate()[0].strip()}"
    config = f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {folder}/data}}}}\n"
    config += f"http: {{addr: '{address}'}}\n"
    if password:
        command = ["htpasswd", "-nbB", "someone", password]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        (folder / "htpasswd").write_text(done.stdout)
        config += f"auth: {{htpasswd: {{realm: test, path: {folder}/htpasswd}}}}\n"
    (folder / "config.yml").write_text(config)
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([program, "serve", folder / "config.yml"], stderr=log, stdout=log)
    try:
        _await_port(address)
        yield address
    finally:
        server.kill()
        server.wait()


_FREE = "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])"


def _await_port(address: str) -> None:
    import socket

    host, port = address.split(":")
    late = time.monotonic() + 30
    while time.monotonic() < late:
        with suppress(OSError):
            socket.create_connection((host, int(port)), 1).close()
            return
        time.sleep(0.05)
    raise AssertionError("the registry did not start")


def forget(image: str) -> None:
    subprocess.run(["docker", "rmi", "-f", image], capture_output=True)


def push(address: str, config: Path, password: str = "") -> str:
    """Push the busybox image and forget it; its name in the registry."""
    name = f"{address}/some/busybox:1"
    auth = base64.b64encode(f"someone:{password}".encode()).decode()
    config.mkdir()
    (config / "config.json").write_text(json.dumps({"auths": {address: {"auth": auth}}}))
    where = ["docker", "--config", str(config)]
    subprocess.run([*where, "tag", BUSYBOX, name], check=True)
    subprocess.run([*where, "push", "-q", name], check=True, capture_output=True)
    subprocess.run([*where, "rmi", name], check=True, capture_output=True)
    return name


def context(files: dict[str, bytes], when: int = 0) -> bytes:
    """A build's context."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = len(content), 0o755, when
            tar.addfile(entry, io.BytesIO(content))
    return made.getvalue()


@pytest.fixture
def externals() -> Path:
    """The folder with Node that the engine supplies."""
    return node.externals(platform.machine(), print)
