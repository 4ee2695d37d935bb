"""How often, after what wait and on what grounds something is tried again (our superset)."""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Struct

Backoff = Literal["fixed", "linear", "exponential"]

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)?")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, None: 1.0}


class RetryOn(Struct, frozen=True):
    """Retry only when one of these holds; `output` are patterns searched in what was printed."""

    exit_codes: tuple[int, ...] = ()
    output: tuple[re.Pattern[str], ...] = ()
    timeout: bool = False


class Retry(Struct, frozen=True):
    """`attempts` counts the first one too; times are in seconds; `on` None means any failure."""

    attempts: int = 3
    backoff: Backoff = "fixed"
    delay: float = 0.0
    max_delay: float = float("inf")
    jitter: bool = False
    timeout: float | None = None
    on: RetryOn | None = None

    @property
    def looks_at_output(self) -> bool:
        return self.on is not None and bool(self.on.output)

    def wait(self, failed: int) -> float:
        """Seconds to wait after the attempt numbered `failed` (from 1), before any jitter."""
        match self.backoff:
            case "linear":
                seconds = self.delay * failed
            case "exponential":
                seconds = self.delay * 2.0 ** min(failed - 1, 64)
            case _:
                seconds = self.delay
        return min(seconds, self.max_delay)

    def again(self, *, exit_code: int | None, output: str, timed_out: bool) -> bool:
        """Whether a failure of this kind is one to retry."""
        if self.on is None:
            return True
        by_end = self.on.timeout if timed_out else exit_code in self.on.exit_codes
        return by_end or any(pattern.search(output) for pattern in self.on.output)


def seconds(text: str | float) -> float | None:
    """`500ms`, `10s`, `2m`, `1h` or a bare number of seconds; None for anything else."""
    match = _DURATION.fullmatch(str(text).strip())
    return float(match[1]) * _UNITS[match[2]] if match else None
