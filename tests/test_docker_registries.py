"""Registries that ask who one is: for job containers, services, container steps and builds."""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from daemon import (
    BUSYBOX,
    context,
    docker,
    forget,
    left,
    once,
    push,
    registry,
    repository,
    run,
    spec,
)
from msgspec.structs import replace

from engine.machine import (
    Build,
    ContainerCommand,
    ContainerError,
    Credentials,
    MachineError,
    MachineSpec,
    Pull,
    Service,
)
from runners.docker import DockerRunner, images, registries

__all__ = ["repository", "spec"]

RIGHT = Credentials("someone", "sesame")
WRONG = Credentials("someone", "open")


@dataclass
class Guarded:
    """An image in a registry that asks for a password."""

    name: str
    address: str
    folder: Path

    def configure(self, **config: Any) -> None:
        """Write Docker's configuration."""
        folder = Path(os.environ["DOCKER_CONFIG"])
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text(json.dumps(config))


@pytest.fixture
def guarded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Guarded]:
    with registry(tmp_path, "sesame") as address:
        name = push(address, tmp_path / "pusher", "sesame")
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "config"))
        try:
            yield Guarded(name, address, tmp_path)
        finally:
            forget(name)


async def as_job(spec: MachineSpec, image: str, credentials: Credentials | None) -> None:
    spec = replace(spec, image=image, credentials=credentials, localhost=False)
    assert await once(spec, "echo in") == "in\n"


async def as_service(spec: MachineSpec, image: str, credentials: Credentials | None) -> None:
    service = Service("a", image, command="sleep 600", credentials=credentials)
    spec = replace(spec, image=BUSYBOX, services=(service,), localhost=False)
    assert await once(spec, "echo in") == "in\n"


async def as_step(spec: MachineSpec, image: str, credentials: Credentials | None) -> None:
    async with DockerRunner().open(replace(spec, image=BUSYBOX, contains=True), print) as machine:
        found = await machine.provide(Pull(image, credentials), print)
        out = bytearray()
        await machine.contain(ContainerCommand(found, "echo", ("in",)), out.extend)
        assert out == b"in\n"


async def as_base(
    spec: MachineSpec, image: str, credentials: Credentials | None, run: str = "RUN"
) -> None:
    text = f"FROM {image}\n{run} echo {spec.run_id}\n"
    build = Build("./action", context({"Dockerfile": text.encode()}))
    async with DockerRunner().open(replace(spec, image=BUSYBOX, contains=True), print) as machine:
        forget(await machine.provide(build, print))


async def as_modern_base(spec: MachineSpec, image: str, credentials: Credentials | None) -> None:
    await as_base(spec, image, credentials, "RUN --mount=type=cache,target=/tmp/cache")


EVERY = pytest.mark.parametrize("use", [as_job, as_service, as_step], ids=lambda f: f.__name__)


@docker
@pytest.mark.covers("CTR-002", "SVC-006", "ACT-004")
@EVERY
async def test_given_credentials(guarded: Guarded, spec: MachineSpec, use: Any) -> None:
    for credentials in (None, WRONG):
        with pytest.raises((MachineError, ContainerError), match=f"docker login {guarded.address}"):
            await use(spec, guarded.name, credentials)
    await use(spec, guarded.name, RIGHT)


@docker
@pytest.mark.covers("CTR-002", "SVC-006", "ACT-004")
@pytest.mark.parametrize(
    "use",
    [as_job, as_service, as_step, as_base, as_modern_base],
    ids=lambda found: found.__name__,
)
async def test_dockers_configuration(guarded: Guarded, spec: MachineSpec, use: Any) -> None:
    guarded.configure(auths={"another.example": {"auth": "eDp5"}})
    with pytest.raises((MachineError, ContainerError), match=r"(?i)docker login|no basic auth"):
        await use(spec, guarded.name, None)
    auth = base64.b64encode(b"someone:sesame").decode()
    guarded.configure(auths={guarded.address: {"auth": auth}})
    await use(spec, guarded.name, None)


HELPER = """#!/bin/sh
[ "$1" = list ] && { echo '{"%s": "someone"}'; exit; }
read -r server
[ "$1 $server" = "get %s" ] || { echo 'credentials not found in native keychain'; exit 1; }
echo '{"ServerURL": "%s", "Username": "someone", "Secret": "sesame"}'
"""


@docker
@pytest.mark.covers("CTR-002")
@pytest.mark.parametrize("use", [as_job, as_base], ids=lambda found: found.__name__)
@pytest.mark.parametrize("store", [True, False], ids=["store", "helper"])
async def test_credential_helpers(
    guarded: Guarded, spec: MachineSpec, use: Any, store: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    helper = guarded.folder / "docker-credential-of-tests"
    helper.write_text(HELPER % ((guarded.address,) * 3))
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", str(guarded.folder), prepend=":")
    name = "of-tests"
    guarded.configure(
        **({"credsStore": name} if store else {"credHelpers": {guarded.address: name}})
    )
    await use(spec, guarded.name, None)


@docker
async def test_a_helper_that_is_missing(guarded: Guarded, spec: MachineSpec) -> None:
    guarded.configure(credHelpers={guarded.address: "missing"})
    with pytest.raises(MachineError, match=f"cannot be read: .*docker login {guarded.address}"):
        await as_job(spec, guarded.name, None)


@docker
async def test_pull_with_progress(spec: MachineSpec, tmp_path: Path) -> None:
    with registry(tmp_path) as address:
        name = push(address, tmp_path / "docker")
        lines: list[str] = []
        try:
            async with DockerRunner().open(replace(spec, image=name), lines.append) as machine:
                assert (await run(machine, "cat file"))[1] == "content\n"
            assert (lines[0], lines[-1]) == (f"Pulling {name}", f"Pulled {name}")
            lines.clear()
            async with DockerRunner().open(replace(spec, image=name), lines.append):
                assert lines == []
            with pytest.raises(MachineError, match=r"Check its name and tag.*-P LABEL=IMAGE"):
                await once(replace(spec, image=f"{address}/some/busybox:2"), "true")
        finally:
            forget(name)


@docker
async def test_an_image_is_pulled_once_in_a_run_and_again_when_it_was_removed(
    spec: MachineSpec, tmp_path: Path
) -> None:
    with registry(tmp_path) as address:
        name = push(address, tmp_path / "docker")
        lines: list[str] = []
        runner, spec = DockerRunner(), replace(spec, image=name, pull="always")
        try:
            for _ in range(2):
                async with runner.open(spec, lines.append) as machine:
                    assert (await run(machine, "echo in"))[1] == "in\n"
            assert lines.count(f"Pulled {name}") == 1
            await runner.settle()
            forget(name)
            async with runner.open(spec, lines.append) as machine:
                assert (await run(machine, "echo in"))[1] == "in\n"
            assert lines.count(f"Pulled {name}") == 2
            await runner.settle()
            assert not left(spec.run_id)
        finally:
            forget(name)


@pytest.mark.parametrize(
    ("image", "name", "tag", "registry"),
    [
        ("debian", "debian", "latest", "docker.io"),
        ("debian:12", "debian", "12", "docker.io"),
        ("a/b:1", "a/b", "1", "docker.io"),
        ("localhost/b", "localhost/b", "latest", "localhost"),
        ("host:5000/b", "host:5000/b", "latest", "host:5000"),
        ("ghcr.io/a/b:1@sha256:0", "ghcr.io/a/b:1", "sha256:0", "ghcr.io"),
    ],
)
def test_image_names(image: str, name: str, tag: str, registry: str) -> None:
    assert registries.split(image) == (name, tag)
    assert registries.registry(name) == registry


# --- a registry in trouble ------------------------------------------------------------------------


@contextmanager
def answering(status: int) -> Iterator[str]:
    """The address of a registry that answers with one status whatever it is asked for."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/v2/" else status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"localhost:{server.server_port}"
        server.shutdown()


@pytest.mark.covers("CTR-001")
@pytest.mark.parametrize(("status", "tries"), [(503, 3), (404, 1)])
async def test_a_pull_is_tried_again_where_that_may_help(
    spec: MachineSpec, monkeypatch: pytest.MonkeyPatch, status: int, tries: int
) -> None:
    monkeypatch.setattr(images, "WAITS", (0.0, 0.0))
    told: list[str] = []
    with answering(status) as address:
        wanted = replace(spec, image=f"{address}/busybox")
        with pytest.raises(MachineError, match="cannot be pulled"):
            async with DockerRunner().open(wanted, told.append):
                raise AssertionError("it was opened")
    assert [line.startswith("Pulling ") for line in told].count(True) == tries
    assert sum("Trying again in 0 s." in line for line in told) == tries - 1
