"""Images of Docker actions: built once for each content, under a name made from it."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from collections import defaultdict, deque
from typing import Any

import trio
from msgspec import Struct, field

from engine.machine import Build, Log, MachineError, MachineSpec
from runners.docker import buildkit, registries
from runners.docker.api import Api, ApiError
from runners.docker.images import Images, Wanted
from runners.docker.owner import ACTION

_LINES = 20  # of a failed build that are shown
# What only the newer of Docker's two builders knows; the other takes credentials with a request.
_MODERN = re.compile(
    rb"^\s*#\s*syntax\s*="
    rb"|^\s*(run|copy|add)\s+(--\S+\s+)*"
    rb"--(mount|link|chmod|parents|exclude|checksum|network|security)[=\s]"
    rb"|^\s*(run|copy)\s.*<<-?[\"']?[a-z_]"
    rb"|\b(target|build)(platform|os|arch|variant)\b",
    re.IGNORECASE | re.MULTILINE,
)
_FROM = re.compile(rb"^\s*from\s+(?:--\S+\s+)*(\S+)(?:\s+as\s+(\S+))?\s*$", re.I | re.M)


class Builds:
    """The builds of one run: those of the same content wait for each other."""

    def __init__(self, api: Api, images: Images) -> None:
        self._api = api
        self._images = images
        self._turns: defaultdict[str, trio.Lock] = defaultdict(trio.Lock)

    async def build(self, wanted: Build, spec: MachineSpec, log: Log) -> str:
        """The name of the image. Raises MachineError."""
        context, dockerfile = await trio.to_thread.run_sync(_read, wanted)
        tag = f"runwright-action:{context}"
        async with self._turns[tag]:
            if not await _known(self._api, tag):
                log(f"Building the image of {wanted.name}")
                modern = bool(_MODERN.search(dockerfile))
                if modern:  # it would ask registries without credentials
                    for base in bases(dockerfile):
                        image = Wanted(base, platform=spec.platform, policy=spec.pull)
                        await self._images.ensure(image, log)
                await _build(self._api, wanted, tag, spec, modern, log)
                log(f"Built the image of {wanted.name}")
        return tag


def bases(dockerfile: bytes) -> list[str]:
    """The images that a Dockerfile begins from, as far as they are written out."""
    found = [(match[1].decode(), match[2]) for match in _FROM.finditer(dockerfile)]
    stages = {stage.decode().lower() for _, stage in found if stage}
    names = dict.fromkeys(name for name, _ in found if name.lower() not in {"scratch", *stages})
    return [name for name in names if "$" not in name]


def _read(wanted: Build) -> tuple[str, bytes]:
    """A digest of what the context holds, whenever it was written, and the Dockerfile."""
    digest = hashlib.sha256(wanted.dockerfile.encode())
    dockerfile = b""
    try:
        with tarfile.open(fileobj=io.BytesIO(wanted.context)) as tar:
            for entry in sorted(tar, key=lambda entry: entry.name):
                file = tar.extractfile(entry) if entry.isreg() else None
                content = file.read() if file else b""
                about = f"\0{entry.name}\0{entry.type!r}{entry.mode & 0o777} {entry.linkname}\0"
                digest.update(about.encode("utf-8", "surrogateescape"))
                digest.update(hashlib.sha256(content).digest())
                if entry.name.removeprefix("./") == wanted.dockerfile.removeprefix("./"):
                    dockerfile = content
    except tarfile.TarError as error:
        raise MachineError(f"The files of {wanted.name} can't be read: {error}.") from error
    return digest.hexdigest(), dockerfile


async def _known(api: Api, tag: str) -> bool:
    try:
        await api.call("GET", f"/images/{tag}/json")
    except ApiError as error:
        if error.status == 404:
            return False
        raise
    return True


async def _build(
    api: Api, wanted: Build, tag: str, spec: MachineSpec, modern: bool, log: Log
) -> None:
    query = {
        "t": tag,
        "dockerfile": wanted.dockerfile,
        "labels": json.dumps({ACTION: wanted.name}),
        "rm": "1",
        "forcerm": "1",
        "version": "2" if modern else "1",
        **({"platform": spec.platform} if spec.platform else {}),
        **({"pull": "1"} if spec.pull == "always" else {}),
        **({"networkmode": spec.network} if spec.network in ("host", "none") else {}),
    }
    headers = {"Content-Type": "application/x-tar", **await registries.building()}
    told = Told(log)
    try:
        await api.call(
            "POST", "/build", data=wanted.context, headers=headers, sink=told.feed, query=query
        )
    except ApiError as error:
        told.error = str(error)
    if told.error:
        raise MachineError(_failed(wanted, told))


def _failed(wanted: Build, told: Told) -> str:
    told.close()
    shown = "".join(f"\n  {line}" for line in told.last)
    said = f" The last of what it said:{shown}" if shown else ""
    return (
        f"The image of {wanted.name} can't be built: {told.error.rstrip('.')}. "
        f"Try it alone: docker build -f {wanted.dockerfile} in the action's folder.{said}"
    )


class Told(Struct):
    """A build's JSON lines in, lines for people out; keeps the last ones, and the error."""

    log: Log
    error: str = ""
    last: deque[str] = field(default_factory=lambda: deque(maxlen=_LINES))
    _rest: bytes = b""
    _line: str = ""

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the answer, however they were cut."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.strip():
                self._note(json.loads(line))

    def close(self) -> None:
        """The last line may have no end."""
        self._say("\n")

    def _note(self, message: dict[str, Any]) -> None:
        if message.get("error"):
            self.error = str(message["error"])
        elif message.get("id") == buildkit.TRACE:
            self._say(buildkit.text(str(message["aux"])))
        elif "stream" in message:
            self._say(str(message["stream"]))

    def _say(self, text: str) -> None:
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            if line.strip():
                self.last.append(line)
                self.log(line)
