"""Every event as one line of JSON (schema/event.schema.json)."""

from __future__ import annotations

import json
from collections.abc import Callable

from engine.events import Event, as_json


def jsonl(write: Callable[[str], None]) -> Callable[[Event], None]:
    """A reporter; `write` gets one line with its newline per event."""
    return lambda event: write(json.dumps(as_json(event), ensure_ascii=False) + "\n")
