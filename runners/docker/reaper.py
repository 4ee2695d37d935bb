"""A process beside the engine that removes what jobs leave, also when the engine is killed."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress

PATIENCE = 30.0  # seconds
_PAUSE = 0.05


class Reaper:
    """Told of things before they are made, it removes those left when its input ends.

    So the engine need not wait for Docker at its own end, and a killed one leaves nothing.
    """

    def __init__(self, address: str) -> None:
        # by its path and without site-packages, so that it is there in a few milliseconds
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, address],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            bufsize=0,
        )

    def expect(self, things: Iterable[str]) -> None:
        """These will be made: paths of the API, such as "/containers/NAME"."""
        self._say("+", things)

    def forget(self, things: Iterable[str]) -> None:
        """They have been removed."""
        self._say("-", things)

    def take(self, things: Iterable[str]) -> None:
        """Remove them now: nobody else will."""
        self._say("!", things)

    def _say(self, sign: str, things: Iterable[str]) -> None:
        stdin = self._process.stdin
        with suppress(OSError):
            if stdin is not None:
                stdin.write(f"{sign} {' '.join(things)}\n".encode())


def reap(address: str, lines: Iterable[str]) -> None:
    """Follow the lines to their end, then remove what is left."""
    left: dict[str, None] = {}
    for line in lines:
        sign, *paths = line.split()
        if sign == "+":
            left.update(dict.fromkeys(paths))
            continue
        if sign == "!":
            _remove(address, paths)
        for path in paths:
            left.pop(path, None)
    _remove(address, left)


def _remove(address: str, paths: Iterable[str]) -> None:
    left = sorted(paths)  # containers before their networks and volumes
    late = time.monotonic() + PATIENCE
    while left and time.monotonic() < late:
        left = [path for path in left if _status(address, path) not in (204, 404)]
        if left:
            time.sleep(_PAUSE)


def _status(address: str, path: str) -> int:
    query = "?force=1&v=1" if path.startswith("/containers/") else ""
    try:
        with socket.socket(socket.AF_UNIX) as wire:
            wire.settimeout(PATIENCE)
            wire.connect(address)
            wire.sendall(f"DELETE {path}{query} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())
            return int(wire.recv(64).split(b" ")[1])
    except (OSError, ValueError, IndexError):
        return 0


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    reap(sys.argv[1], sys.stdin)
