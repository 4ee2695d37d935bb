"""Comments that switch rules off: for one line, or for the whole file.

`# runwright: disable=rule,rule` after something is about that line; alone on a line it is about
the next one, and at the top of the file about all of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

WHOLE_FILE = 0
_COMMENT = re.compile(r"#\s*runwright:\s*disable\s*=\s*([a-z][a-z-]*(?:\s*,\s*[a-z][a-z-]*)*)")


def switched_off(text: str) -> Mapping[int, frozenset[str]]:
    """The rules that are off, by line; WHOLE_FILE has those of every line."""
    found: dict[int, frozenset[str]] = {}
    if "runwright:" not in text:
        return found
    at_top = True
    for number, line in enumerate(text.splitlines(), start=1):
        bare = line.strip()
        alone = bare.startswith("#")
        if match := _COMMENT.search(line):
            about = WHOLE_FILE if alone and at_top else number + 1 if alone else number
            rules = frozenset(re.split(r"\s*,\s*", match[1]))
            found[about] = found.get(about, frozenset()) | rules
        at_top = at_top and (alone or bare in ("", "---"))
    return found
