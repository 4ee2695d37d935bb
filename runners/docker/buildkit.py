"""What BuildKit tells of a build: protocol buffers inside of JSON, read as far as people care."""

from __future__ import annotations

import base64
from collections.abc import Iterator

TRACE = "moby.buildkit.trace"
# Fields of StatusResponse, Vertex and VertexLog (moby/buildkit, api/services/control).
_VERTEX, _LOG = 1, 3
_NAME, _STARTED, _COMPLETED = 3, 5, 6
_MESSAGE = 4


def text(trace: str) -> str:
    """The lines of one trace message: steps that begin, and what they print."""
    found = []
    for number, value in _fields(base64.b64decode(trace)):
        inner = dict(_fields(value)) if number in (_VERTEX, _LOG) else {}
        if number == _VERTEX and _STARTED in inner and _COMPLETED not in inner:
            found.append(inner.get(_NAME, b"") + b"\n")
        elif number == _LOG:
            found.append(inner.get(_MESSAGE, b""))
    return b"".join(found).decode(errors="replace")


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The fields that have bytes, by number; numbers are passed over."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 2:
            size, at = _varint(data, at)
            yield key >> 3, data[at : at + size]
            at += size
        elif kind == 0:
            _, at = _varint(data, at)
        else:
            at += {1: 8, 5: 4}[kind]


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            return value, at
        shift += 7
