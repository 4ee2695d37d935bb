"""Raw `docker create` options become parts of the Engine API's request to create a container."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from typing import Any

from engine.machine import MachineError

Body = dict[str, Any]
Setter = Callable[[Body, str], None]

# Keys of a body that are no part of the request.
NAME = "Name"
ALIASES = "Aliases"

_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_TIMES = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_SHORT = {
    "a": "attach", "c": "cpu-shares", "e": "env", "h": "hostname", "i": "interactive",
    "l": "label", "m": "memory", "p": "publish", "P": "publish-all", "t": "tty", "u": "user",
    "v": "volume", "w": "workdir",
}  # fmt: skip


def size(text: str) -> int:
    """Bytes from "512", "64k", "1.5g" or "2GiB". Raises ValueError."""
    match = re.fullmatch(r"([0-9.]+)\s*([bkmgt]?)(?:i?b)?", text.strip().lower())
    if not match:
        raise ValueError(text)
    return int(float(match[1]) * _UNITS[match[2]])


def duration(text: str) -> int:
    """Nanoseconds from "1m30s" or "500ms". Raises ValueError."""
    parts = re.findall(r"([0-9.]+)(ns|us|ms|s|m|h)", text)
    if "".join(number + unit for number, unit in parts) != text or not parts:
        raise ValueError(text)
    return sum(int(float(number) * _TIMES[unit]) for number, unit in parts)


def port(body: Body, text: str) -> None:
    """Add "80", "8080:80", "127.0.0.1:8080:80/udp" to a body. Raises ValueError."""
    rest, _, protocol = text.partition("/")
    host, _, inside = rest.rpartition(":")
    ip, _, outside = host.rpartition(":")
    for given, published in _ports(inside, outside):
        key = f"{given}/{protocol or 'tcp'}"
        body.setdefault("ExposedPorts", {})[key] = {}
        bindings = body["HostConfig"].setdefault("PortBindings", {}).setdefault(key, [])
        bindings.append({"HostIp": ip.strip("[]"), "HostPort": published})


def _ports(inside: str, outside: str) -> list[tuple[int, str]]:
    first, _, last = inside.partition("-")
    given = range(int(first), int(last or first) + 1)
    if not outside:
        return [(number, "") for number in given]
    start, _, end = outside.partition("-")
    published = range(int(start), int(end or start) + 1)
    if len(given) != len(published):
        raise ValueError(outside)
    return [(a, str(b)) for a, b in zip(given, published, strict=True)]


def volume(body: Body, text: str) -> None:
    """Add "name:/path", "/here:/there:ro" or "/path" to a body."""
    if ":" in text:
        body["HostConfig"].setdefault("Binds", []).append(text)
    else:
        body.setdefault("Volumes", {})[text] = {}


def apply(body: Body, options: str, refused: dict[str, str] | None = None) -> None:
    """Put options into a body that has a "HostConfig".

    `refused` maps options to why they are not allowed. Raises MachineError.
    """
    try:
        words = shlex.split(options)
    except ValueError as error:
        raise MachineError(f"The container options cannot be read: {error}: {options}") from error
    queue = [part for word in words for part in _split(word)]
    while queue:
        _one(body, queue, refused or {})


def _split(word: str) -> list[str]:
    """A word as the command line's grammar has it: -it is -i -t, -m1g is -m 1g."""
    if word.startswith("--") or not word.startswith("-") or len(word) <= 2:
        return [word]
    first, rest = word[1], word[2:]
    if _SHORT.get(first) in _FLAGS:
        return [f"-{first}", *_split(f"-{rest}")]
    return [f"-{first}", rest.removeprefix("=")]


def _one(body: Body, queue: list[str], refused: dict[str, str]) -> None:
    word = queue.pop(0)
    name, equals, value = word.partition("=")
    key = name[2:] if name.startswith("--") else _SHORT.get(name[1:], "")
    if key in refused:
        raise MachineError(f"Container option '{name}' is not allowed: {refused[key]}")
    if not name.startswith("-") or not (key in _FLAGS or key in _VALUES or key in _IGNORED):
        raise MachineError(
            f"Container option '{name}' is not one that Runwright knows; see docker create --help."
        )
    if key in _FLAGS:
        if value not in ("", "true", "false"):
            raise MachineError(f"Container option '{name}' is true or false, not '{value}'.")
        _FLAGS[key](body, value != "false")
        return
    if not equals:
        if not queue:
            raise MachineError(f"Container option '{name}' wants a value.")
        value = queue.pop(0)
    if key in _IGNORED:
        return
    try:
        _VALUES[key](body, value)
    except (ValueError, KeyError) as error:
        raise MachineError(f"Container option '{name}' cannot have the value '{value}'.") from error


def _host(field: str, convert: Callable[[str], Any] = str) -> Setter:
    def put(body: Body, value: str) -> None:
        body["HostConfig"][field] = convert(value)

    return put


def _host_list(field: str, convert: Callable[[str], Any] = str) -> Setter:
    def put(body: Body, value: str) -> None:
        body["HostConfig"].setdefault(field, []).append(convert(value))

    return put


def _host_map(field: str, mark: str = "=") -> Setter:
    def put(body: Body, value: str) -> None:
        key, _, rest = value.partition(mark)
        body["HostConfig"].setdefault(field, {})[key] = rest

    return put


def _top(field: str, convert: Callable[[str], Any] = str) -> Setter:
    def put(body: Body, value: str) -> None:
        body[field] = convert(value)

    return put


def _health(field: str, convert: Callable[[str], Any]) -> Setter:
    def put(body: Body, value: str) -> None:
        body.setdefault("Healthcheck", {})[field] = convert(value)

    return put


def _env(body: Body, value: str) -> None:
    if "=" in value:  # a bare name would take this computer's value; GitHub's runner has none
        body.setdefault("Env", []).append(value)


def _label(body: Body, value: str) -> None:
    name, _, text = value.partition("=")
    body.setdefault("Labels", {})[name] = text


def _alias(body: Body, value: str) -> None:
    body.setdefault(ALIASES, []).append(value)


def _expose(body: Body, value: str) -> None:
    given, _, protocol = value.partition("/")
    for number, _ in _ports(given, ""):
        body.setdefault("ExposedPorts", {})[f"{number}/{protocol or 'tcp'}"] = {}


def _ulimit(value: str) -> Body:
    name, _, limits = value.partition("=")
    soft, _, hard = limits.partition(":")
    return {"Name": name, "Soft": int(soft), "Hard": int(hard or soft)}


def _device(value: str) -> Body:
    outside, _, rest = value.partition(":")
    inside, _, rights = rest.partition(":")
    if not rights and inside and not inside.startswith("/"):
        inside, rights = "", inside
    return {
        "PathOnHost": outside,
        "PathInContainer": inside or outside,
        "CgroupPermissions": rights or "rwm",
    }


def _gpus(value: str) -> Body:
    request: Body = {"Driver": "", "Capabilities": [["gpu"]], "Count": -1}
    if value.startswith("device="):
        ids = value.removeprefix("device=").split(",")
        return request | {"Count": 0, "DeviceIDs": ids}
    return request if value == "all" else request | {"Count": int(value)}


def _mount(value: str) -> Body:
    fields = dict(part.partition("=")[::2] for part in value.split(","))
    mount: Body = {"Type": fields.get("type", "volume")}
    mount["Target"] = fields.get("target") or fields.get("dst") or fields["destination"]
    mount["Source"] = fields.get("source") or fields.get("src", "")
    mount["ReadOnly"] = any(fields.get(k, "false") in ("", "true") for k in ("readonly", "ro"))
    return mount


def _restart(value: str) -> Body:
    name, _, count = value.partition(":")
    return {"Name": name, "MaximumRetryCount": int(count or 0)}


def _cpus(value: str) -> int:
    return int(float(value) * 10**9)


def _shell(value: str) -> list[str]:
    return ["CMD-SHELL", value]


def _flag(field: str) -> Callable[[Body, bool], None]:
    def put(body: Body, value: bool) -> None:
        body["HostConfig"][field] = value

    return put


def _nothing(body: Body, value: bool) -> None:
    """These change nothing for a container that Runwright speaks to itself."""


def _no_health(body: Body, value: bool) -> None:
    if value:
        body["Healthcheck"] = {"Test": ["NONE"]}


_FLAGS: dict[str, Callable[[Body, bool], None]] = {
    "detach": _nothing,
    "init": _flag("Init"),
    "interactive": _nothing,
    "no-healthcheck": _no_health,
    "oom-kill-disable": _flag("OomKillDisable"),
    "privileged": _flag("Privileged"),
    "publish-all": _flag("PublishAllPorts"),
    "quiet": _nothing,
    "read-only": _flag("ReadonlyRootfs"),
    "rm": _nothing,
    "sig-proxy": _nothing,
    "tty": _nothing,
}
_IGNORED = frozenset({"attach", "cidfile", "log-driver", "log-opt", "pull"})
_VALUES: dict[str, Setter] = {
    "add-host": _host_list("ExtraHosts"),
    "blkio-weight": _host("BlkioWeight", int),
    "cap-add": _host_list("CapAdd"),
    "cap-drop": _host_list("CapDrop"),
    "cgroup-parent": _host("CgroupParent"),
    "cgroupns": _host("CgroupnsMode"),
    "cpu-period": _host("CpuPeriod", int),
    "cpu-quota": _host("CpuQuota", int),
    "cpu-shares": _host("CpuShares", int),
    "cpus": _host("NanoCpus", _cpus),
    "cpuset-cpus": _host("CpusetCpus"),
    "cpuset-mems": _host("CpusetMems"),
    "device": _host_list("Devices", _device),
    "device-cgroup-rule": _host_list("DeviceCgroupRules"),
    "dns": _host_list("Dns"),
    "dns-option": _host_list("DnsOptions"),
    "dns-search": _host_list("DnsSearch"),
    "domainname": _top("Domainname"),
    "entrypoint": _top("Entrypoint", lambda value: [value] if value else []),
    "env": _env,
    "expose": _expose,
    "gpus": _host_list("DeviceRequests", _gpus),
    "group-add": _host_list("GroupAdd"),
    "health-cmd": _health("Test", _shell),
    "health-interval": _health("Interval", duration),
    "health-retries": _health("Retries", int),
    "health-start-interval": _health("StartInterval", duration),
    "health-start-period": _health("StartPeriod", duration),
    "health-timeout": _health("Timeout", duration),
    "hostname": _top("Hostname"),
    "ipc": _host("IpcMode"),
    "isolation": _host("Isolation"),
    "label": _label,
    "link": _host_list("Links"),
    "mac-address": _top("MacAddress"),
    "memory": _host("Memory", size),
    "memory-reservation": _host("MemoryReservation", size),
    "memory-swap": _host("MemorySwap", lambda value: -1 if value == "-1" else size(value)),
    "memory-swappiness": _host("MemorySwappiness", int),
    "mount": _host_list("Mounts", _mount),
    "name": _top(NAME),
    "net": _host("NetworkMode"),
    "net-alias": _alias,
    "network": _host("NetworkMode"),
    "network-alias": _alias,
    "oom-score-adj": _host("OomScoreAdj", int),
    "pid": _host("PidMode"),
    "pids-limit": _host("PidsLimit", int),
    "platform": _top("platform"),
    "publish": port,
    "restart": _host("RestartPolicy", _restart),
    "runtime": _host("Runtime"),
    "security-opt": _host_list("SecurityOpt"),
    "shm-size": _host("ShmSize", size),
    "stop-signal": _top("StopSignal"),
    "stop-timeout": _top("StopTimeout", int),
    "storage-opt": _host_map("StorageOpt"),
    "sysctl": _host_map("Sysctls"),
    "tmpfs": _host_map("Tmpfs", ":"),
    "ulimit": _host_list("Ulimits", _ulimit),
    "user": _top("User"),
    "userns": _host("UsernsMode"),
    "uts": _host("UTSMode"),
    "volume": volume,
    "volume-driver": _host("VolumeDriver"),
    "volumes-from": _host_list("VolumesFrom"),
    "workdir": _top("WorkingDir"),
}
