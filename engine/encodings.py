"""What a secret looks like once a tool has encoded, quoted or cut it."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from urllib.parse import quote

_XML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"})
_LONG = 9  # characters of a value whose own quotes are left out
_SECTION = 6  # characters of a part that is still a secret


def encodings(value: str) -> Iterator[str]:
    """The other forms of a value, some perhaps equal to it (actions/runner, ValueEncoders).

    `x-access-token:<value>` is one of them too: its first part is of 15 bytes, so its base64 ends
    in that of the value.
    """
    data = value.encode("utf-8", "surrogatepass")
    for shift in range(3):  # what stands before it in a longer text decides which one is met
        yield b64encode(data[shift:] or data).decode()
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield quote(data, safe="")
    yield value.translate(_XML)
    yield value.replace('"', '\\"')
    yield value.replace("'", "''")
    if len(value) >= _LONG and value[0] == value[-1] == '"':
        yield value[1:-1]
    yield from _sections(value)


def _sections(value: str) -> Iterator[str]:
    """The two parts in which PowerShell shows a command that it could not run.

    It colours the sign at fault: the `&`, or the character behind a `&+`.
    """
    if "&+" in value:
        cut = value.index("&+") + 2
        parts = value[:cut], value[cut + 1 :]
    elif "&" in value:
        cut = value.rindex("&") + 1
        parts = value[:cut], value[cut:]
    else:
        return
    yield from (part for part in parts if len(part) >= _SECTION)
