"""The folder of all that outlives a run."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """Where it is: RUNWRIGHT_STATE overrides the platform's state directory."""
    if named := os.environ.get("RUNWRIGHT_STATE"):
        return Path(named)
    from platformdirs import user_state_path

    return user_state_path("runwright")
