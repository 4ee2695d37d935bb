"""Which mounts a job's machine has, and which its container steps share with it."""

from __future__ import annotations

from posixpath import dirname

from msgspec import Struct

from engine.machine import STEP_COMMANDS, STEP_LAYOUT, Layout, MachineSpec
from runners.docker import workspace
from runners.docker.workspace import Mount

SOCKET = "/var/run/docker.sock"  # where everything looks for it
# Where a job's container has it: what crosses a link, as /var/run is, keeps some versions of Docker
# from copying anything (moby/moby#52653, #53258).
SOCKET_IN_JOB = "/run/docker.sock"
_MEMORY = {"type": "tmpfs", "device": "tmpfs", "o": "mode=1777"}


class Shared(Struct, frozen=True):
    """A directory that container steps share with the machine, by its name in both."""

    name: str
    inside: str
    beside: str
    in_memory: bool = False


def shared(layout: Layout) -> tuple[Shared, ...]:
    """All but the workspace (actions/runner, ContainerActionHandler)."""
    home = layout.home or f"{layout.temp}/_github_home"
    return (
        Shared("temp", layout.temp, STEP_LAYOUT.temp),
        Shared("home", home, str(STEP_LAYOUT.home)),
        Shared("workflow", dirname(layout.event), dirname(STEP_LAYOUT.event), in_memory=True),
        Shared("commands", layout.commands, STEP_COMMANDS, in_memory=True),
    )


def volumes(spec: MachineSpec, name: str, *, layered: bool) -> tuple[str, ...]:
    """The names of the volumes that a machine called `name` needs."""
    layers = workspace.volumes(name) if layered else ()
    if not spec.contains:
        return layers
    return (*layers, f"{name}-workspace", *(f"{name}-{one.name}" for one in shared(spec.layout)))


def of_machine(
    spec: MachineSpec, name: str, labels: dict[str, str], driver: Mount | None
) -> list[Mount]:
    """The workspace, with the `driver` of its volume, and what container steps share beside it."""
    own = _workspace(spec, name, labels, driver)
    if not spec.contains:
        return own
    return [
        *own,
        *(
            _volume(f"{name}-{one.name}", one.inside, labels, _local(_MEMORY, one.in_memory))
            for one in shared(spec.layout)
        ),
    ]


def of_step(spec: MachineSpec, name: str) -> list[Mount]:
    """The mounts of a container step beside a machine called `name`."""
    if spec.source and spec.workspace_mode == "bind":
        own = _bind(str(spec.source), STEP_LAYOUT.workspace)
    else:
        own = {"Type": "volume", "Source": f"{name}-workspace", "Target": STEP_LAYOUT.workspace}
    return [
        own,
        *(
            {"Type": "volume", "Source": f"{name}-{one.name}", "Target": one.beside}
            for one in shared(spec.layout)
        ),
    ]


def in_machine(layout: Layout, path: str) -> str:
    """What the machine calls a path of a container step."""
    for one in shared(layout):
        if path.startswith(one.beside + "/"):
            return one.inside + path.removeprefix(one.beside)
    return path


def read_only(source: str, target: str, labels: dict[str, str], *, shipped: bool) -> Mount:
    """A folder of the daemon's computer; a `shipped` one lies in a volume of its own there."""
    if not shipped:
        return _bind(source, target) | {"ReadOnly": True}
    bind = {"type": "none", "o": "bind,ro", "device": source}
    return _volume("", target, labels, _local(bind))


def socket(path: str, target: str) -> Mount:
    """The daemon's socket, for a job's container or for one beside it."""
    return _bind(path, target)


def _workspace(
    spec: MachineSpec, name: str, labels: dict[str, str], driver: Mount | None
) -> list[Mount]:
    if spec.source and spec.workspace_mode == "bind":
        return [_bind(str(spec.source), spec.layout.workspace)]
    if driver or spec.contains:
        known = f"{name}-workspace" if spec.contains else ""
        return [_volume(known, spec.layout.workspace, labels, driver)]
    return []


def _local(options: dict[str, str], wanted: bool = True) -> Mount | None:
    return {"Name": "local", "Options": options} if wanted else None


def _volume(name: str, target: str, labels: dict[str, str], driver: Mount | None) -> Mount:
    """A volume that is made with its container; one without a name also goes with it."""
    options = {"Labels": labels, "NoCopy": True} | ({"DriverConfig": driver} if driver else {})
    found: Mount = {"Type": "volume", "Target": target, "VolumeOptions": options}
    return found | ({"Source": name} if name else {})


def _bind(source: str, target: str) -> Mount:
    return {"Type": "bind", "Source": source, "Target": target}
