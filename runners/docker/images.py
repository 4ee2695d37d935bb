"""Images: found on the daemon, or pulled into it with progress and credentials."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import trio
from msgspec import Struct, field

from engine.machine import Credentials, ImageUnavailable, Log, MachineError, PullPolicy
from runners.docker import registries
from runners.docker.api import Api, ApiError

PERIOD = 2.0  # seconds between two lines of a pull's progress
WAITS = (2.0, 5.0)  # seconds before a pull is tried again
_PASSING = (
    *("timeout", "timed out", "connection reset", "eof", "toomanyrequests", "too many requests"),
    *("http status: 500", "http status: 502", "http status: 503", "http status: 504"),
)
_DONE = ("Pull complete", "Already exists")


class Wanted(Struct, frozen=True):
    """An image, and how to come by it."""

    name: str
    credentials: Credentials | None = None
    platform: str = ""
    policy: PullPolicy = "missing"


class Image(Struct, frozen=True):
    """What a container's making depends on."""

    id: str
    user: str = ""
    architecture: str = "amd64"


class Images:
    """The images of one run: each is looked for and pulled once."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._known: dict[Wanted, Image] = {}
        self._turns: defaultdict[Wanted, trio.Lock] = defaultdict(trio.Lock)

    async def ensure(self, wanted: Wanted, log: Log) -> Image:
        """The image, pulled if its policy says so. Raises MachineError."""
        async with self._turns[wanted]:
            if wanted not in self._known:
                self._known[wanted] = await _ensure(self._api, wanted, log)
            return self._known[wanted]

    def forget(self, wanted: Wanted) -> None:
        """Somebody has removed it."""
        self._known.pop(wanted, None)


async def _ensure(api: Api, wanted: Wanted, log: Log) -> Image:
    found = None if wanted.policy == "always" else await _find(api, wanted)
    if found:
        return found
    if wanted.policy == "never":
        raise MachineError(
            f"Image '{wanted.name}' is not on this computer and pulling is off: "
            f"run docker pull {wanted.name}, or leave out --pull=never / --no-pull."
        )
    await _pull(api, wanted, log)
    if found := await _find(api, wanted):
        return found
    raise MachineError(f"Image '{wanted.name}' was pulled but is not for {wanted.platform}.")


async def _find(api: Api, wanted: Wanted) -> Image | None:
    try:
        facts = (await api.call("GET", f"/images/{wanted.name}/json")).json
    except ApiError as error:
        if error.status == 404:
            return None
        raise MachineError(f"Docker cannot look at image '{wanted.name}': {error}.") from error
    found = Image(facts["Id"], facts["Config"].get("User", ""), facts["Architecture"])
    architecture = wanted.platform.partition("/")[2].partition("/")[0]
    return found if architecture in ("", found.architecture) else None


async def _pull(api: Api, wanted: Wanted, log: Log) -> None:
    """Three times at most, as GitHub does (actions/runner, ContainerOperationProvider), but only
    for what may have passed by then."""
    for wait in WAITS:
        try:
            return await _pull_once(api, wanted, log)
        except ImageUnavailable as error:
            if not any(sign in str(error).lower() for sign in _PASSING):
                raise
            log(f"{error} Trying again in {wait:g} s.")
        await trio.sleep(wait)
    return await _pull_once(api, wanted, log)


async def _pull_once(api: Api, wanted: Wanted, log: Log) -> None:
    name, tag = registries.split(wanted.name)
    headers = await registries.pulling(wanted.name, wanted.credentials)
    progress = Progress(f"Pulling {wanted.name}", log, trio.current_time)
    log(f"Pulling {wanted.name}")
    query = {"fromImage": name, "tag": tag}
    if wanted.platform:
        query["platform"] = wanted.platform
    try:
        await api.call("POST", "/images/create", headers=headers, sink=progress.feed, query=query)
    except ApiError as error:
        raise _refused(wanted.name, str(error)) from error
    if progress.error:
        raise _refused(wanted.name, progress.error)
    log(f"Pulled {wanted.name}")


def _refused(image: str, why: str) -> ImageUnavailable:
    where = registries.registry(registries.split(image)[0])
    low = why.lower()
    if any(sign in low for sign in ("denied", "unauthorized", "authentication", "no basic auth")):
        remedy = f"Log in with docker login {where}, or give it credentials"
    elif any(sign in low for sign in ("not found", "manifest unknown", "no matching manifest")):
        remedy = "Check its name and tag"
    else:
        remedy = f"Is {where} reachable? Otherwise choose an image that is on this computer"
    return ImageUnavailable(f"Image '{image}' cannot be pulled: {why}. {remedy}.")


class Progress(Struct):
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
