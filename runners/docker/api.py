"""A small client of the Docker Engine API, for the calls on a job's hot path."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote, urlencode, urlsplit

import h11
import trio
from msgspec import Struct, field

from engine.machine import MachineError

NEWEST = (1, 47)  # of the API versions that this client was written for
_SIZE = 1 << 16
_OTHERWISE = "Or run jobs without Docker: --runner namespace."

Json = dict[str, Any]


class ApiError(MachineError):
    """Docker answered with an error status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Address(Struct, frozen=True):
    """Where the daemon listens: a Unix socket's path, or a host and port."""

    url: str
    socket: str = ""
    host: str = ""
    port: int = 0
    certificates: str = ""  # directory of ca.pem, cert.pem and key.pem; empty: no TLS
    verify: bool = True


class Reply(Struct, frozen=True):
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else {}


class Upgraded(Struct):
    """A connection that Docker has handed over, and what came on it with the answer."""

    stream: trio.abc.Stream
    early: bytes = b""


def address(environ: Mapping[str, str] = os.environ) -> Address:
    """The daemon that DOCKER_HOST, else the current Docker context, else the default names.

    Raises MachineError.
    """
    if host := environ.get("DOCKER_HOST"):
        verify = bool(environ.get("DOCKER_TLS_VERIFY"))
        certificates = environ.get("DOCKER_CERT_PATH", "") if verify else ""
        return parse(host, certificates or (str(Path("~/.docker").expanduser()) if verify else ""))
    if (context := _context(environ)) != "default":
        return _contexts_address(context)
    return parse("unix:///var/run/docker.sock")


def parse(url: str, certificates: str = "", verify: bool = True) -> Address:
    """An address from its URL. Raises MachineError."""
    parts = urlsplit(url if "://" in url else f"tcp://{url}")
    if parts.scheme == "unix":
        return Address(url, socket=parts.netloc + parts.path)
    try:
        port = parts.port or (2376 if certificates else 2375)
    except ValueError:
        port = 0
    if parts.scheme in ("tcp", "http", "https") and parts.hostname and port:
        return Address(url, "", parts.hostname, port, certificates, verify)
    raise MachineError(
        f"The Docker address '{url}' is not understood: use unix:///path/to/docker.sock or "
        "tcp://host:port in DOCKER_HOST (for ssh, forward the socket: "
        "ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock HOST)."
    )


def _context(environ: Mapping[str, str]) -> str:
    if name := environ.get("DOCKER_CONTEXT"):
        return name
    folder = Path(environ.get("DOCKER_CONFIG") or "~/.docker").expanduser()
    try:
        return json.loads((folder / "config.json").read_text()).get("currentContext") or "default"
    except (OSError, ValueError, AttributeError):
        return "default"


def _contexts_address(name: str) -> Address:
    from docker.context import ContextAPI
    from docker.errors import DockerException

    try:
        context = ContextAPI.get_context(name)
    except (DockerException, OSError, ValueError) as error:
        raise MachineError(f"Docker context '{name}' cannot be read: {error}.") from error
    if context is None:
        raise MachineError(f"There is no Docker context '{name}': see docker context ls.")
    tls = context.TLSConfig
    ca = getattr(tls, "ca_cert", None)
    return parse(
        context.Host or "", str(Path(ca).parent) if ca else "", bool(getattr(tls, "verify", 1))
    )


class Api(Struct):
    """The daemon at an address; each call has a connection of its own."""

    address: Address
    _version: str = ""
    _tls: ssl.SSLContext | None = None
    _limit: trio.CapacityLimiter = field(default_factory=lambda: trio.CapacityLimiter(64))

    async def call(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        data: bytes | AsyncIterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        sink: Callable[[bytes], None] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send a request and await its answer, whose body goes to `sink` piece by piece if given.

        Raises ApiError for a status of 400 and above, MachineError when Docker is not there.
        """
        payload = _payload(body) if body is not None else data
        async with self._limit, self._connection() as stream:
            try:
                wire = _Wire(stream)
                await wire.ask(method, await self._target(path, query), payload, headers)
                return _checked(await wire.answer(sink))
            except (trio.BrokenResourceError, OSError, h11.ProtocolError) as error:
                raise self._lost(error) from error

    async def upgrade(
        self, path: str, body: Json | None = None, query: Mapping[str, str] | None = None
    ) -> Upgraded:
        """Send a request that turns its connection into a raw one, which the caller closes.

        Raises ApiError, MachineError.
        """
        stream = await self._connect()
        try:
            wire = _Wire(stream)
            headers = {"Connection": "Upgrade", "Upgrade": "tcp"}
            payload = _payload(body) if body is not None else b""
            await wire.ask("POST", await self._target(path, query), payload, headers)
            reply = await wire.answer()
            if reply.status != 101:
                _checked(reply)
                raise MachineError(f"Docker did not open a stream for {path}.")
            return Upgraded(stream, wire.early)
        except (trio.BrokenResourceError, OSError, h11.ProtocolError) as error:
            await trio.aclose_forcefully(stream)
            raise self._lost(error) from error
        except BaseException:
            await trio.aclose_forcefully(stream)
            raise

    async def ping(self) -> str:
        """The API version that is spoken with the daemon. Raises MachineError."""
        if not self._version:
            async with self._connection() as stream:
                try:
                    wire = _Wire(stream)
                    await wire.ask("GET", "/_ping", None, None)
                    reply = _checked(await wire.answer())
                except (trio.BrokenResourceError, OSError, h11.ProtocolError) as error:
                    raise self._lost(error) from error
            offered = reply.headers.get("api-version", "1.41")
            self._version = min((tuple(map(int, offered.split("."))), offered), (NEWEST, "1.47"))[1]
        return self._version

    async def _target(self, path: str, query: Mapping[str, str] | None) -> str:
        target = f"/v{await self.ping()}{quote(path, safe='/:')}"
        return f"{target}?{urlencode(query)}" if query else target

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[trio.abc.Stream]:
        stream = await self._connect()
        try:
            yield stream
        finally:
            await trio.aclose_forcefully(stream)

    async def _connect(self) -> trio.abc.Stream:
        where = self.address
        try:
            if where.socket:
                return await trio.open_unix_socket(where.socket)
            stream = await trio.open_tcp_stream(where.host, where.port)
            if not where.certificates:
                return stream
            return trio.SSLStream(stream, self._context(), server_hostname=where.host)
        except (OSError, RuntimeError) as error:  # RuntimeError: TLS files that are not there
            raise _unreachable(where, error) from error

    def _context(self) -> ssl.SSLContext:
        if not self._tls:
            folder = Path(self.address.certificates)
            self._tls = ssl.create_default_context(cafile=str(folder / "ca.pem"))
            self._tls.load_cert_chain(str(folder / "cert.pem"), str(folder / "key.pem"))
            if not self.address.verify:
                self._tls.check_hostname = False
                self._tls.verify_mode = ssl.CERT_NONE
        return self._tls

    def _lost(self, error: Exception) -> MachineError:
        return MachineError(
            f"Docker at {self.address.url} broke off ({_words(error)}). "
            "Is its daemon still running? Try: docker info."
        )


class _Wire:
    """One request and its answer over a stream."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self._http = h11.Connection(h11.CLIENT)
        self.early = b""

    async def ask(
        self,
        method: str,
        target: str,
        payload: bytes | AsyncIterator[bytes] | None,
        headers: Mapping[str, str] | None,
    ) -> None:
        fields = {"Host": "docker", "Connection": "close", **(headers or {})}
        if isinstance(payload, bytes):
            fields["Content-Length"] = str(len(payload))
            fields.setdefault("Content-Type", "application/json")
        elif payload is not None:
            fields["Transfer-Encoding"] = "chunked"
        await self._send(h11.Request(method=method, target=target, headers=list(fields.items())))
        if isinstance(payload, bytes):
            await self._send(h11.Data(data=payload))
        elif payload is not None:
            async for piece in payload:
                await self._send(h11.Data(data=piece))
        await self._send(h11.EndOfMessage())

    async def answer(self, sink: Callable[[bytes], None] | None = None) -> Reply:
        reply, pieces = Reply(0, {}), bytearray()
        while True:
            event = await self._event()
            if isinstance(event, (h11.Response, h11.InformationalResponse)):
                names = {k.decode().lower(): v.decode() for k, v in event.headers}
                reply = Reply(event.status_code, names)
                if reply.status == 101:
                    self.early = self._http.trailing_data[0]
                    return reply
            elif isinstance(event, h11.Data):
                if sink and reply.status < 400:
                    sink(bytes(event.data))
                else:
                    pieces += event.data
            else:
                return Reply(reply.status, reply.headers, bytes(pieces))

    async def _send(self, event: h11.Event) -> None:
        if data := self._http.send(event):
            await self._stream.send_all(data)

    async def _event(self) -> h11.Event:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(bytes(await self._stream.receive_some(_SIZE)))
        if event is h11.PAUSED:  # a connection that was handed over says no more
            return h11.EndOfMessage()
        return cast("h11.Event", event)


def _payload(body: Json) -> bytes:
    return json.dumps(body).encode()


def _checked(reply: Reply) -> Reply:
    if reply.status < 400:
        return reply
    try:
        message = str(json.loads(reply.body)["message"])
    except (ValueError, KeyError, TypeError):
        message = reply.body.decode(errors="replace").strip() or f"HTTP status {reply.status}"
    raise ApiError(reply.status, message)


def _words(error: BaseException) -> str:
    return str(error.__cause__ or error) or type(error).__name__


def _unreachable(where: Address, error: Exception) -> MachineError:
    if isinstance(error, PermissionError):
        remedy = (
            "you may not use it. Join its group and log in again: sudo usermod -aG docker $USER."
        )
    elif where.socket:
        remedy = f"it does not answer ({_words(error)}). Start it: sudo systemctl start docker."
    else:
        remedy = f"it does not answer ({_words(error)}). Check DOCKER_HOST or docker context ls."
    return MachineError(f"Cannot reach Docker at {where.url}: {remedy} {_OTHERWISE}")
