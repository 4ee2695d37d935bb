"""Asking a job to stop: once, for a reason, and heard by whatever it is doing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Cancellation:
    """`request` may come at any time; the one who listens then decides what to stop."""

    def __init__(self) -> None:
        self.requested = False
        self.reason = ""
        self.timed_out = False
        self._listeners: list[Callable[[], None]] = []

    def request(self, reason: str, *, timed_out: bool = False) -> None:
        if self.requested:
            return
        self.requested, self.reason, self.timed_out = True, reason, timed_out
        for listener in list(self._listeners):
            listener()

    @contextmanager
    def heard_by(self, listener: Callable[[], None]) -> Iterator[None]:
        """Call the listener when the request comes, or now if it came before."""
        self._listeners.append(listener)
        try:
            if self.requested:
                listener()
            yield
        finally:
            self._listeners.remove(listener)
