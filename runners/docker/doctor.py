"""What `doctor` tells of Docker: its versions, and how a repository gets into it."""

from __future__ import annotations

import secrets
from pathlib import Path

from msgspec import Struct

from engine.machine import Layout, MachineError, MachineSpec
from runners.docker.api import Api, address
from runners.docker.runner import DockerRunner


class Probe(Struct, frozen=True):
    """What was found; `tier` is empty where Docker is not there or has no image to try with, and
    `reason` says which.
    """

    url: str
    version: str = ""
    api: str = ""
    tier: str = ""
    reason: str = ""


async def probe(source: Path | None = None) -> Probe:
    """Try Docker out, with `source` as the repository. Never raises MachineError."""
    url = ""
    try:
        api = Api(address())
        url = api.address.url
        spoken = await api.ping()
        version = (await api.call("GET", "/version")).json["Version"]
        known = [tag for row in (await api.call("GET", "/images/json")).json for tag in _tags(row)]
        if source is None or not known:
            reason = "no image to try the workspace with" if source else "no repository to try"
            return Probe(url, version, spoken, "", reason)
        layout = Layout("/home/runner/work/probe/probe", "/home/runner/work/_temp", "/opt/tools")
        spec = MachineSpec("probe", secrets.token_hex(4), layout, source, image=known[0])
        return Probe(url, version, spoken, await DockerRunner().tier(spec, lambda line: None))
    except MachineError as error:
        return Probe(url, reason=str(error))


def _tags(row: dict[str, list[str] | None]) -> list[str]:
    return [tag for tag in row.get("RepoTags") or [] if not tag.startswith("<none>")]
