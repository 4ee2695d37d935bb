"""Images: found on the daemon, or pulled into it with progress and credentials."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import trio

from engine.machine import Credentials, ImageUnavailable, Log, MachineError, MachineSpec
from runners.docker.api import Api, ApiError

PERIOD = 2.0  # seconds between two lines of a pull's progress
_THREADS = trio.CapacityLimiter(8)
_DONE = ("Pull complete", "Already exists")


@dataclass(frozen=True, slots=True)
class Image:
    """What a container's making depends on."""

    id: str
    user: str = ""
    architecture: str = "amd64"


async def ensure(api: Api, spec: MachineSpec, log: Log) -> Image:
    """The image of a spec, pulled if its policy says so. Raises MachineError."""
    if not spec.image:
        raise MachineError("The job names no image: give one with -P LABEL=IMAGE or container:.")
    found = None if spec.pull == "always" else await _find(api, spec)
    if found:
        return found
    if spec.pull == "never":
        raise MachineError(
            f"Image '{spec.image}' is not on this computer and pulling is off: "
            f"run docker pull {spec.image}, or leave out --pull=never / --no-pull."
        )
    await _pull(api, spec, log)
    if found := await _find(api, spec):
        return found
    raise MachineError(f"Image '{spec.image}' was pulled but is not for {spec.platform}.")


async def _find(api: Api, spec: MachineSpec) -> Image | None:
    try:
        facts = (await api.call("GET", f"/images/{spec.image}/json")).json
    except ApiError as error:
        if error.status == 404:
            return None
        raise MachineError(f"Docker cannot look at image '{spec.image}': {error}.") from error
    found = Image(facts["Id"], facts["Config"].get("User", ""), facts["Architecture"])
    wanted = spec.platform.partition("/")[2].partition("/")[0]
    return found if wanted in ("", found.architecture) else None


async def _pull(api: Api, spec: MachineSpec, log: Log) -> None:
    name, tag = split(spec.image)
    headers = await _headers(name, spec.credentials)
    progress = Progress(f"Pulling {spec.image}", log, trio.current_time)
    log(f"Pulling {spec.image}")
    query = {"fromImage": name, "tag": tag}
    if spec.platform:
        query["platform"] = spec.platform
    try:
        await api.call("POST", "/images/create", headers=headers, sink=progress.feed, query=query)
    except ApiError as error:
        raise _refused(spec, str(error)) from error
    if progress.error:
        raise _refused(spec, progress.error)
    log(f"Pulled {spec.image}")


def split(image: str) -> tuple[str, str]:
    """A reference's name and its tag or digest: "a:5000/b" → ("a:5000/b", "latest")."""
    name, at, digest = image.partition("@")
    if at:
        return name, digest
    before, colon, tag = image.rpartition(":")
    return (before, tag) if colon and "/" not in tag else (image, "latest")


def registry(name: str) -> str:
    """The registry that an image's name leads to; Docker Hub if it says none."""
    first, slash, _ = name.partition("/")
    named = slash and ("." in first or ":" in first or first == "localhost")
    return first if named else "docker.io"


async def _headers(name: str, credentials: Credentials | None) -> dict[str, str]:
    auth: dict[str, Any] | None
    if credentials:
        auth = {
            "username": credentials.username,
            "password": credentials.password,
            "serveraddress": registry(name),
        }
    else:
        auth = await trio.to_thread.run_sync(
            _configured, registry(name), limiter=_THREADS, abandon_on_cancel=True
        )
    if not auth:
        return {}
    return {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(auth).encode()).decode()}


def _configured(where: str) -> dict[str, Any] | None:
    """Credentials from Docker's own configuration and credential helpers."""
    from docker import auth
    from docker.errors import DockerException

    try:
        found = auth.load_config().resolve_authconfig(where)
    except (DockerException, OSError) as error:
        raise MachineError(
            f"The credentials for {where} in Docker's configuration cannot be read: {error}. "
            f"Try: docker login {where}."
        ) from error
    if not found:
        return None
    return {key.lower(): value for key, value in found.items()}


def _refused(spec: MachineSpec, why: str) -> ImageUnavailable:
    where = registry(split(spec.image)[0])
    low = why.lower()
    if any(sign in low for sign in ("denied", "unauthorized", "authentication", "no basic auth")):
        remedy = f"Log in with docker login {where}, or give the container credentials"
    elif any(sign in low for sign in ("not found", "manifest unknown", "no matching manifest")):
        remedy = "Check its name and tag, or choose another one with -P LABEL=IMAGE"
    else:
        remedy = f"Is {where} reachable? Otherwise choose a local image with -P LABEL=IMAGE"
    return ImageUnavailable(f"Image '{spec.image}' cannot be pulled: {why}. {remedy}.")


@dataclass(slots=True)
class Progress:
    """A pull's JSON lines in, a line for people now and then; keeps the error if there is one."""

    title: str
    log: Log
    clock: Callable[[], float]
    error: str = ""
    _rest: bytes = b""
    _layers: dict[str, tuple[int, int]] = field(default_factory=dict)
    _done: set[str] = field(default_factory=set)
    _next: float = 0.0

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the answer, however they were cut."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.strip():
                self._note(json.loads(line))
        now = self.clock()
        if self._layers and now >= self._next:
            self._next = now + PERIOD
            self.log(self._line())

    def _note(self, message: dict[str, Any]) -> None:
        self.error = self.error or str(message.get("error", ""))
        layer, status = message.get("id", ""), message.get("status", "")
        if status in ("Pulling fs layer", "Downloading", *_DONE):
            detail = message.get("progressDetail") or {}
            known = self._layers.get(layer, (0, 0))
            self._layers[layer] = (
                detail.get("current", known[0]),
                detail.get("total", known[1]),
            )
        if status in ("Download complete", *_DONE):
            self._layers[layer] = (self._layers.get(layer, (0, 0))[1],) * 2
        if status in _DONE:
            self._done.add(layer)

    def _line(self) -> str:
        got = sum(current for current, _ in self._layers.values()) / 1e6
        total = sum(total for _, total in self._layers.values()) / 1e6
        return (
            f"{self.title}: {len(self._done)} of {len(self._layers)} layers, "
            f"{got:.0f} of {total:.0f} MB"
        )
