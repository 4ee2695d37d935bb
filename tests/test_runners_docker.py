"""What is particular to jobs in Docker: images, options, workspaces, and leaving nothing behind."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trio

from engine.machine import Command, Credentials, Exit, Layout, Machine, MachineError, MachineSpec
from runners.docker import DockerRunner, api, images, options, owner, probe, registries, workspace

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
        exit, out = await run(machine, script)
    assert exit.code == 0, out
    return out


def left(run_id: str) -> list[str]:
    """Everything on the daemon that carries a run's label."""
    label = f"label=runwright.run={run_id}"
    found = []
    for listing in (("ps", "-aq"), ("volume", "ls", "-q"), ("network", "ls", "-q")):
        command = ["docker", *listing, "--filter", label]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found += done.stdout.split()
    return found


# The workspace


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


# Images


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
            with pytest.raises(MachineError, match="Check its name and tag"):
                await once(replace(spec, image=f"{address}/some/busybox:2"), "true")
        finally:
            forget(name)


@docker
async def test_pull_with_credentials(
    spec: MachineSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with registry(tmp_path, "sesame") as address:
        name = push(address, tmp_path / "docker", "sesame")
        spec = replace(spec, image=name)
        try:
            monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "nothing"))
            with pytest.raises(MachineError, match=f"docker login {address}"):
                await once(spec, "true")
            wrong = replace(spec, credentials=Credentials("someone", "wrong"))
            with pytest.raises(MachineError, match=f"docker login {address}"):
                await once(wrong, "true")
            right = replace(spec, credentials=Credentials("someone", "sesame"))
            assert await once(right, "echo in") == "in\n"
            forget(name)
            monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
            assert await once(spec, "echo in") == "in\n"
        finally:
            forget(name)


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


# Leaving nothing behind


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


def wait_until_nothing_is_left(spec: MachineSpec) -> None:
    late = time.monotonic() + 10
    while left(spec.run_id) and time.monotonic() < late:
        time.sleep(0.05)
    assert not left(spec.run_id)


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
    assert not owner.over("/".join(("elsewhere", boot, space, "1", "1")))
    assert not owner.over("/".join((computer, boot, "another", "1", "1")))
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


# Reaching Docker


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


# Options


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("--cpus 1.5", {"HostConfig": {"NanoCpus": 1_500_000_000}}),
        ("--memory=1g -m 512m", {"HostConfig": {"Memory": 512 << 20}}),
        ("-m512m", {"HostConfig": {"Memory": 512 << 20}}),
        ("-it --init --privileged", {"HostConfig": {"Init": True, "Privileged": True}}),
        ("--privileged=false", {"HostConfig": {"Privileged": False}}),
        ("--user 1000:1000 -w /x", {"User": "1000:1000", "WorkingDir": "/x"}),
        ("-e A=b --env 'C=d e' -e F", {"Env": ["A=b", "C=d e"]}),
        ("--hostname x -l a=b --label c", {"Hostname": "x", "Labels": {"a": "b", "c": ""}}),
        ("--add-host a:1.2.3.4", {"HostConfig": {"ExtraHosts": ["a:1.2.3.4"]}}),
        ("--cap-add X --cap-drop Y", {"HostConfig": {"CapAdd": ["X"], "CapDrop": ["Y"]}}),
        ("--shm-size 1gb", {"HostConfig": {"ShmSize": 1 << 30}}),
        ("--tmpfs /x --tmpfs /y:size=1m", {"HostConfig": {"Tmpfs": {"/x": "", "/y": "size=1m"}}}),
        (
            "--ulimit nofile=1:2",
            {"HostConfig": {"Ulimits": [{"Name": "nofile", "Soft": 1, "Hard": 2}]}},
        ),
        (
            "--health-cmd 'pg_isready -q' --health-interval 1m30s --health-retries 5",
            {
                "Healthcheck": {
                    "Test": ["CMD-SHELL", "pg_isready -q"],
                    "Interval": 90 * 10**9,
                    "Retries": 5,
                }
            },
        ),
        ("-v a:/b -v /c", {"HostConfig": {"Binds": ["a:/b"]}, "Volumes": {"/c": {}}}),
        ("--entrypoint x", {"Entrypoint": ["x"]}),
        (
            "--security-opt a=b --dns 1.1.1.1",
            {"HostConfig": {"SecurityOpt": ["a=b"], "Dns": ["1.1.1.1"]}},
        ),
        (
            "--device /dev/a:/dev/b:r --device /dev/c",
            {
                "HostConfig": {
                    "Devices": [
                        {
                            "PathOnHost": "/dev/a",
                            "PathInContainer": "/dev/b",
                            "CgroupPermissions": "r",
                        },
                        {
                            "PathOnHost": "/dev/c",
                            "PathInContainer": "/dev/c",
                            "CgroupPermissions": "rwm",
                        },
                    ]
                }
            },
        ),
        (
            "-p 127.0.0.1:80:8080/udp",
            {
                "HostConfig": {
                    "PortBindings": {"8080/udp": [{"HostIp": "127.0.0.1", "HostPort": "80"}]}
                },
                "ExposedPorts": {"8080/udp": {}},
            },
        ),
        ("--name x --log-driver y", {}),
    ],
)
def test_options(text: str, expected: dict[str, Any]) -> None:
    body: dict[str, Any] = {"HostConfig": {}}
    options.apply(body, text)
    assert body == {"HostConfig": {}} | expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("--frobnicate x", "'--frobnicate' is not one"),
        ("image", "'image' is not one"),
        ("--memory lots", "'--memory' cannot have the value 'lots'"),
        ("--cpus", "'--cpus' wants a value"),
        ("--init=perhaps", "'--init' is true or false"),
        ("--label 'a", "cannot be read"),
        ("--network x", "'--network' is not allowed: never"),
    ],
)
def test_options_that_are_wrong(text: str, message: str) -> None:
    with pytest.raises(MachineError) as raised:
        options.apply({"HostConfig": {}}, text, {"network": "never"})
    assert message in str(raised.value)


@docker
async def test_options_reach_the_container(spec: MachineSpec) -> None:
    given = "--hostname named -e A=option --tmpfs /scratch --cpus 1 --memory 256m --init"
    spec = replace(spec, options=given, env={"B": "spec"}, volumes=("/volume",), ports=("0:80",))
    out = await once(spec, "hostname; echo $A $B; ls -d /scratch /volume; cat /proc/1/comm")
    assert out == "named\noption spec\n/scratch\n/volume\ndocker-init\n"
