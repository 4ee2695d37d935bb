"""The bytes of a file become text, within the limits of what a reader takes."""

from __future__ import annotations

import re

from msgspec import Struct
from ruamel.yaml.error import YAMLError

from engine.problems import Place, Problem


class Limits(Struct, frozen=True):
    """What a reader takes; the defaults are GitHub's (actions/runner, workflow parser options).

    `size` is in bytes, of the values with aliases replaced, by GitHub's own estimate. `files`,
    `calls` (levels of called workflows) and `jobs` (0 is no limit) are of a workflow with all that
    it calls.
    """

    characters: int = 1024 * 1024
    nodes: int = 50_000
    depth: int = 50
    size: int = 10 * 1024 * 1024
    files: int = 51
    calls: int = 9
    jobs: int = 0


GITHUB = Limits()


def decode(text: str | bytes, file: str, most: int) -> str | Problem:
    if len(text) > most * (4 if isinstance(text, bytes) else 1):
        return _too_large(file, most)
    try:
        decoded = text if isinstance(text, str) else text.decode("utf-8")
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode("utf-8")
        place = Place(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
        message = f"byte 0x{error.object[error.start]:02x} is not UTF-8; save the file as UTF-8"
        return Problem(place, message, "yaml")
    if len(decoded) > most:
        return _too_large(file, most)
    decoded = decoded.removeprefix("\ufeff")
    if _SURROGATE.search(decoded):  # the parser takes UTF-8 only
        return character_problem(None, file, decoded)
    return decoded


_SURROGATE = re.compile(r"[\ud800-\udfff]")


def _too_large(file: str, most: int) -> Problem:
    message = (
        f"the file is larger than {most} characters, GitHub's limit for a workflow; "
        "split it or move scripts into files of their own"
    )
    return Problem(Place(file), message, "file-size")


def character_problem(error: YAMLError | None, file: str, text: str) -> Problem:
    bad = re.search(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text)
    if bad is None:
        return Problem(Place(file), f"this is not YAML: {error}", "yaml")
    line = text.count("\n", 0, bad.start()) + 1
    column = bad.start() - (text.rfind("\n", 0, bad.start()) + 1) + 1
    message = f"the character U+{ord(bad[0]):04X} is not allowed in YAML; remove it"
    return Problem(Place(file, line, column), message, "yaml")
