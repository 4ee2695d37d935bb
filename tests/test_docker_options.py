"""Options of `docker create`, as parts of a request."""

from __future__ import annotations

from typing import Any

import pytest
from daemon import (
    docker,
    once,
    repository,
    spec,
)
from msgspec.structs import replace

from engine.machine import MachineError, MachineSpec
from runners.docker import options

__all__ = ["repository", "spec"]


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
        ("--log-driver y --pull never", {}),
        ("--name x --network-alias y", {"Name": "x", "Aliases": ["y"]}),
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
