"""Services: containers beside the job's, by name and on localhost, healthy at the first step."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
import trio
from daemon import BUSYBOX, DEBIAN, docker, externals, left, repository, run, spec, told
from msgspec.structs import replace

from engine.machine import (
    ContainerCommand,
    Machine,
    MachineError,
    MachineSpec,
    Service,
    ServiceFacts,
)
from runners.docker import DockerRunner, health, network

__all__ = ["externals", "repository", "spec"]

SERVERS = "runwright-test/servers"
PASSWORD = "it's secret"
READY = "--health-interval 200ms --health-timeout 5s --health-retries 100"
POSTGRES = Service(
    "postgres",
    SERVERS,
    env={"POSTGRES_PASSWORD": PASSWORD},
    ports=("5432:5432",),
    command="postgres",
    options=f"--health-cmd 'pg_isready -h 127.0.0.1' {READY}",
)
REDIS = Service(
    "redis",
    SERVERS,
    ports=("6379",),
    entrypoint="redis-server",
    command="--bind '* -::*' --protected-mode no",
    options=f"--health-cmd 'redis-cli ping' {READY}",
)
ECHO = """
import socket, sys
server = socket.create_server(("", int(sys.argv[1])))
print("listening", flush=True)
while True:
    wire, _ = server.accept()
    text = b""
    while piece := wire.recv(100000):
        text += piece
    wire.sendall(sys.argv[2].encode() + b" heard %d\\n" % len(text))
    wire.close()
"""
ASK = """
import socket, sys
wire = socket.create_connection((sys.argv[1], int(sys.argv[2])), 20)
wire.sendall(b"x" * int(sys.argv[3]))
wire.shutdown(socket.SHUT_WR)
print(wire.makefile().read(), end="")
"""


def echo(name: str, port: int, ports: tuple[str, ...] = (), **more: Any) -> Service:
    """A service that says how many bytes it was sent."""
    more.setdefault("options", f"--health-cmd 'python3 -c \"{CONNECT % port}\"' {READY}")
    command = f"-c '{ECHO}' {port} {name}"
    return Service(name, DEBIAN, ports=ports, entrypoint="python3", command=command, **more)


CONNECT = "import socket; socket.create_connection((chr(48), %d))"


async def ask(machine: Machine, host: str, port: str | int, size: int = 3) -> str:
    _, out = await run(machine, f"python3 -c '{ASK}' {host} {port} {size}")
    return out


async def checked(spec: MachineSpec, script: str) -> str:
    """What a script says that must succeed."""
    async with DockerRunner().open(spec, print) as machine:
        exit_, out = await run(machine, script)
    assert exit_.code == 0, out
    return out


def with_ports(services: tuple[Service, ...], facts: Any) -> dict[str, str]:
    return {name: facts.services[name].ports for name in (service.name for service in services)}


@docker
@pytest.mark.covers("SVC-001", "SVC-002", "SVC-004", "SVC-005", "SVC-006", "SVC-007")
async def test_real_servers_on_localhost(spec: MachineSpec, externals: Path) -> None:
    spec = replace(spec, image=SERVERS, services=(POSTGRES, REDIS), externals=externals)
    lines: list[str] = []
    runner = DockerRunner()
    async with runner.open(spec, lines.append) as machine:
        facts = machine.facts.services
        assert facts["postgres"].ports == {"5432": "5432"}
        port = facts["redis"].ports["6379"]
        script = (
            f'export PGPASSWORD="{PASSWORD}" PGHOST=localhost PGUSER=postgres\n'
            "psql -qc 'create table t (a int)'; psql -qc 'insert into t values (41), (1)'\n"
            "psql -Atc 'select sum(a) from t'\n"
            f"redis-cli -p {port} set key value; redis-cli -h localhost -p {port} get key"
        )
        exit_, out = await run(machine, script)
        assert (exit_.code, out) == (0, "42\nOK\nvalue\n")
    assert "postgres service is healthy." in lines
    assert "redis service is healthy." in lines
    await runner.settle()
    assert not left(spec.run_id)


@docker
@pytest.mark.covers("SVC-003", "SVC-005", "SVC-007")
async def test_real_servers_by_name_in_a_job_container(spec: MachineSpec) -> None:
    services = (POSTGRES, replace(REDIS, ports=()))
    spec = replace(spec, image=SERVERS, services=services, localhost=False)
    script = (
        f"PGPASSWORD=\"{PASSWORD}\" psql -h postgres -U postgres -Atc 'select 6*7'\n"
        "redis-cli -h redis ping"
    )
    assert await checked(spec, script) == "42\nPONG\n"


@docker
@pytest.mark.covers("SVC-004")
async def test_jobs_side_by_side_with_the_same_ports(spec: MachineSpec, externals: Path) -> None:
    """And a server of the user's own on the host."""
    runner, said, together = DockerRunner(), {}, trio.Event()

    async def job(name: str) -> None:
        services = (echo(name, 80, ("5432:80",)),)
        own = replace(spec, name=name, services=services, externals=externals)
        async with runner.open(own, print) as machine:
            said[name] = await ask(machine, "localhost", 5432)
            if len(said) == 2:
                together.set()
            await together.wait()

    with trio.fail_after(120):
        listeners = await trio.open_tcp_listeners(5432, host="127.0.0.1")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(job, "a")
            nursery.start_soon(job, "b")
        for listener in listeners:
            await listener.aclose()
    assert said == {"a": "a heard 3\n", "b": "b heard 3\n"}


@docker
@pytest.mark.covers("SVC-002", "SVC-004")
async def test_ports_on_localhost(spec: MachineSpec, externals: Path) -> None:
    services = (
        echo("a", 80, ("8080:80", "127.0.0.1:8081:80")),
        echo("b", 80, ("80", "49153:81", "9000-9001:80-81")),
    )
    spec = replace(spec, services=services, externals=externals)
    async with DockerRunner().open(spec, print) as machine:
        facts = machine.facts.services
        assert await ask(machine, "localhost", 8080, 1_000_000) == "a heard 1000000\n"
        assert await ask(machine, "127.0.0.1", 8081) == "a heard 3\n"
        assert await ask(machine, "localhost", 9000) == "b heard 3\n"
        assert facts["b"].ports == {"80": "9000", "81": "9001"}
        assert "Error" in await ask(machine, "localhost", 81)
        assert await ask(machine, "b", 80) == "b heard 3\n"  # nobody forbids it
        assert not told("ps", "-q", "--filter", "publish=8080")


@docker
async def test_a_datagram_on_localhost(spec: MachineSpec, externals: Path) -> None:
    answer = (
        'import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.bind(("", 53))\n'
        "while True:\n"
        " text, who = s.recvfrom(99)\n"
        ' s.sendto(b"heard " + text, who)\n'
    )
    service = Service("dns", DEBIAN, ports=("5353:53/udp",), entrypoint="python3")
    spec = replace(
        spec, services=(replace(service, command=f"-c '{answer}'"),), externals=externals
    )
    asked = (
        "import socket; s = socket.socket(type=socket.SOCK_DGRAM); s.settimeout(0.5)\n"
        "while True:\n"
        ' s.sendto(b"me", ("localhost", 5353))\n'
        " try: print(s.recv(99).decode()); break\n"
        " except TimeoutError: pass\n"
    )
    assert await checked(spec, f"python3 -c '{asked}'") == "heard me\n"


@docker
async def test_localhost_survives_what_a_step_kills(spec: MachineSpec, externals: Path) -> None:
    spec = replace(spec, services=(echo("a", 80, ("8080:80",)),), externals=externals)
    async with DockerRunner().open(spec, print) as machine:
        await run(machine, "kill -9 -1")
        assert await ask(machine, "localhost", 8080) == "a heard 3\n"


@docker
@pytest.mark.covers("CTR-011")
async def test_localhost_in_an_image_of_musl(spec: MachineSpec, externals: Path) -> None:
    services = (echo("a", 80, ("8080:80",)),)
    image = "runwright-test/musl"
    spec = replace(spec, image=image, services=services, externals=externals)
    async with DockerRunner().open(spec, print) as machine:
        assert machine.facts.musl
        exit_, out = await run(machine, "echo -n abc | nc localhost 8080")
        assert (exit_.code, out) == (0, "a heard 3\n")


@docker
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"externals": None}, "there is none here. Use --network host"),
        ({"image": BUSYBOX}, "can't run what passes them on"),
        ({"network": "none"}, "--network none forbids it"),
    ],
)
async def test_localhost_that_cannot_be(
    spec: MachineSpec, externals: Path, change: dict[str, Any], message: str
) -> None:
    services = (Service("a", BUSYBOX, ports=("80",), command="sleep 600"),)
    spec = replace(spec, services=services, **{"externals": externals, **change})
    runner = DockerRunner()
    with pytest.raises(MachineError) as raised:
        async with runner.open(spec, print):
            pass
    assert message in str(raised.value)
    await runner.settle()
    assert not left(spec.run_id)


@docker
@pytest.mark.covers("SVC-002")
async def test_on_the_hosts_network(spec: MachineSpec) -> None:
    services = (echo("a", 80, ("80",)),)
    spec = replace(spec, services=services, network="host")
    async with DockerRunner().open(spec, print) as machine:
        port = machine.facts.services["a"].ports["80"]
        assert await ask(machine, "localhost", port) == "a heard 3\n"
        assert machine.facts.network == "host"


@docker
async def test_in_a_network_of_the_users_too(spec: MachineSpec) -> None:
    name = spec.run_id
    told("network", "create", name)
    try:
        spec = replace(spec, services=(echo("a", 80),), network=name, localhost=False)
        runner = DockerRunner()
        async with runner.open(spec, print) as machine:
            assert await ask(machine, "a", 80) == "a heard 3\n"
            shown = json.loads(told("network", "inspect", name))
            assert list(shown[0]["Containers"]) == [machine.facts.id]
        await runner.settle()
    finally:
        told("network", "rm", name)


@docker
@pytest.mark.covers("SVC-003", "ACT-018")
async def test_services_see_each_other_and_container_steps_see_them(spec: MachineSpec) -> None:
    services = (echo("a", 80), echo("b", 81))
    spec = replace(spec, services=services, localhost=False, contains=True)
    async with DockerRunner().open(spec, print) as machine:
        facts = machine.facts
        assert facts.services["a"].network == facts.network
        out = bytearray()
        step = ContainerCommand(DEBIAN, "python3", ("-c", ASK, "b", "81", "5"))
        assert (await machine.contain(step, out.extend)).code == 0
        assert out == b"b heard 5\n"
        asked = ("python3", "-c", ASK, "b", "81", "4")
        assert told("exec", facts.services["a"].id, *asked) == "b heard 4\n"


@docker
@pytest.mark.covers("SVC-006")
async def test_what_a_service_is_given(spec: MachineSpec) -> None:
    service = Service(
        "a",
        BUSYBOX,
        env={"A": "it's"},
        volumes=("/data",),
        options="--hostname named --tmpfs /scratch --label mine=1",
        command="sh -c 'echo $A `hostname` `ls -d /data /scratch`; exec sleep 600'",
    )
    spec = replace(spec, services=(service,), localhost=False)
    async with DockerRunner().open(spec, print) as machine:
        id_ = machine.facts.services["a"].id
        with trio.fail_after(60):
            while not (said := told("logs", id_)):  # noqa: ASYNC110
                await trio.sleep(0.05)
        assert said == "it's named /data /scratch\n"
        assert machine.facts.services["a"] == ServiceFacts(id_, machine.facts.network, {})


@docker
@pytest.mark.covers("SVC-006")
async def test_names_that_options_ask_for(spec: MachineSpec) -> None:
    name, lines = spec.run_id, list[str]()
    service = Service(
        "a", DEBIAN, options=f"--name {name} --network-alias other", entrypoint="sleep"
    )
    service = replace(service, command="600")
    spec = replace(spec, services=(service,), localhost=False, options=f"--name {name}-job")
    runner = DockerRunner()
    async with runner.open(spec, lines.append) as machine:
        assert told("exec", name, "echo", "in") == "in\n"
        assert told("exec", f"{name}-job", "getent", "hosts", "other", "a").count("\n") == 2
        async with runner.open(replace(spec, name="beside"), lines.append):
            assert machine.facts.services["a"].id.startswith(
                told("ps", "-qf", f"name=^{name}$").strip()
            )
    said = f"Another container is called '{name}' already, so this job has none of that name."
    assert said in lines
    await runner.settle()
    assert not left(spec.run_id)


# Health


@docker
@pytest.mark.covers("SVC-005", "SVC-009")
async def test_a_service_that_never_gets_healthy(spec: MachineSpec) -> None:
    options = "--health-cmd 'echo not today; exit 1' --health-interval 100ms --health-retries 2"
    command = "sh -c 'echo first; echo last; exec sleep 600'"
    sick = Service("sick", BUSYBOX, options=options, command=command)
    well = echo("well", 80)
    spec = replace(spec, services=(well, sick), localhost=False)
    runner, lines = DockerRunner(), []
    with pytest.raises(MachineError) as raised:
        async with runner.open(spec, lines.append):
            pass
    assert str(raised.value) == (
        f"Service sick (image {BUSYBOX}) failed: its health check says: not today. "
        "The last that it printed:\n  first\n  last"
    )
    assert "sick service is starting, waiting 2 seconds before checking again." in lines
    at = lines.index("Service sick printed:")
    assert lines[at + 1 : at + 3] == ["  first", "  last"]
    await runner.settle()
    assert not left(spec.run_id)


@docker
@pytest.mark.covers("SVC-005")
async def test_a_service_that_ends_before_it_is_healthy(spec: MachineSpec) -> None:
    command = "sh -c 'echo no password; exit 3'"
    dead = Service("dead", BUSYBOX, options="--health-cmd true", command=command)
    with pytest.raises(
        MachineError, match=r"it ended with exit code 3\. The last.*\n  no password"
    ):
        async with DockerRunner().open(replace(spec, services=(dead,)), print):
            pass


@docker
@pytest.mark.covers("SVC-009")
async def test_a_service_that_ends_and_has_no_health_check(spec: MachineSpec) -> None:
    dead = Service("dead", BUSYBOX, command="sh -c 'echo oh >&2; exit 3'")
    lines: list[str] = []
    async with DockerRunner().open(replace(spec, services=(dead,)), lines.append) as machine:
        assert (await run(machine, "echo on"))[1] == "on\n"
        told("wait", machine.facts.services["dead"].id)
    assert lines[-2:] == ["Service dead printed before it ended with exit code 3:", "  oh"]


@docker
@pytest.mark.covers("SVC-009")
@pytest.mark.parametrize(("script", "shown"), [("true", False), ("exit 1", True)])
async def test_logs_are_shown_when_a_step_failed(
    spec: MachineSpec, script: str, shown: bool
) -> None:
    services = (echo("b", 80), echo("a", 80))
    lines: list[str] = []
    spec = replace(spec, services=services, localhost=False)
    async with DockerRunner().open(spec, lines.append) as machine:
        await run(machine, script)
        lines.clear()
    expected = ["Service b printed:", "  listening", "Service a printed:", "  listening"]
    assert lines == (expected if shown else [])


@docker
@pytest.mark.covers("SVC-009")
async def test_only_the_end_of_long_logs(spec: MachineSpec) -> None:
    talker = Service("a", BUSYBOX, command="seq 2500")
    lines: list[str] = []
    async with DockerRunner().open(replace(spec, services=(talker,)), lines.append) as machine:
        told("wait", machine.facts.services["a"].id)
        lines.clear()
    assert lines[0] == "Service a printed (its last 2000 lines) before it ended with exit code 0:"
    assert (len(lines), lines[1], lines[-1]) == (2001, "  501", "  2500")


@docker
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image": "runwright-test/no-such"}, "Service a can't be started: Image"),
        ({"options": "--network x"}, "'--network' is not allowed"),
        ({"options": "--frobnicate"}, "'--frobnicate' is not one"),
        ({"entrypoint": "no-such"}, r"Service a \(image .*\) can't be started: .*no-such"),
        ({"command": "'"}, "command of service a cannot be read"),
        ({"ports": ("a:b",)}, "'a:b'"),
    ],
)
async def test_a_service_that_cannot_be(
    spec: MachineSpec, change: dict[str, Any], message: str
) -> None:
    service = replace(Service("a", BUSYBOX, command="sleep 600"), **change)
    spec = replace(spec, services=(service,), localhost=False, pull="never")
    runner = DockerRunner()
    with pytest.raises(MachineError, match=message):
        async with runner.open(spec, print):
            pass
    await runner.settle()
    assert not left(spec.run_id)


@docker
@pytest.mark.parametrize("after", [0.05, 0.2, 0.5, 1.0])
async def test_nothing_is_left_after_cancelling(
    spec: MachineSpec, externals: Path, after: float
) -> None:
    services = (echo("a", 80, ("80",)), Service("b", BUSYBOX, command="sleep 600"))
    spec = replace(spec, services=services, externals=externals, contains=True)
    runner = DockerRunner()
    with trio.move_on_after(after):
        async with runner.open(spec, print) as machine:
            await run(machine, "exec sleep 600")
    await runner.settle()
    assert not left(spec.run_id)


def test_the_pauses_of_the_wait() -> None:
    assert list(itertools.islice(health.waits(), 7)) == [2, 4, 8, 16, 32, 32, 32]


@pytest.mark.covers("SVC-005")
@pytest.mark.parametrize("end", ["healthy", "unhealthy", ""])
async def test_waiting_ends_soon_after_the_change(autojump_clock: Any, end: str) -> None:
    began = trio.current_time()

    async def inspect() -> health.State:
        await trio.lowlevel.checkpoint()
        late = trio.current_time() - began >= 45
        return {"Health": {"Status": end if late else "starting"}} if end else {}

    lines: list[str] = []
    state = await health.settled("db", inspect, lines.append)
    assert health.status(state) == end
    seconds = trio.current_time() - began
    assert 45 <= seconds < 46 if end else seconds == 0
    pauses = [2, 4, 8, 16, 32] if end else []
    assert lines == [
        f"db service is starting, waiting {pause} seconds before checking again."
        for pause in pauses
    ]


def test_ports_are_chosen_apart() -> None:
    def body(bindings: dict[str, list[str]]) -> dict[str, Any]:
        found = {
            key: [
                {"HostIp": ip, "HostPort": port}
                for ip, _, port in (t.rpartition("@") for t in texts)
            ]
            for key, texts in bindings.items()
        }
        return {"HostConfig": {"PortBindings": found}}

    bodies = {
        "a": body({"80/tcp": ["@", "127.0.0.1@81", "10.0.0.1@82"]}),
        "b": body({"80/udp": ["@49153", "@"]}),
        "c": {"HostConfig": {}},
    }
    assert network.taken_out(bodies.items()) == [
        network.Port("a", 80, 49154),
        network.Port("a", 80, 81, ip="127.0.0.1"),
        network.Port("a", 80, 82),
        network.Port("b", 80, 49153, "udp"),
        network.Port("b", 80, 49155, "udp"),
    ]
    assert all("PortBindings" not in body["HostConfig"] for body in bodies.values())
