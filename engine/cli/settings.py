"""What a user gives beside the workflow: secrets, variables, inputs, images, the event."""

from __future__ import annotations

import getpass
import json
import os
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.problems import Place, Problem, Refused, usage

if TYPE_CHECKING:
    from engine.run import Environment

SELF_HOSTED = "-self-hosted"
UBUNTU = "catthehacker/ubuntu"
IMAGES = {
    "ubuntu-latest": f"{UBUNTU}:act-latest",
    "ubuntu-24.04": f"{UBUNTU}:act-24.04",
    "ubuntu-22.04": f"{UBUNTU}:act-22.04",
}


def pairs(given: Iterable[str], option: str) -> dict[str, str]:
    """`NAME=VALUE` options; a bare NAME takes its value from the environment, or asks for it."""
    found = {}
    for item in given:
        name, equals, value = item.partition("=")
        if not name:
            raise usage(f'"{item}" has no name; write NAME=VALUE', where=option)
        found[name] = value if equals else _from_environment(name, option)
    return found


def _from_environment(name: str, option: str) -> str:
    if name in os.environ:
        return os.environ[name]
    if option == "--secret" and sys.stdin.isatty():
        return getpass.getpass(f"Value of the secret {name}: ")
    raise usage(f'"{name}" has no value here and none in the environment', where=option)


def from_file(given: str, default: str, directory: Path, option: str) -> dict[str, str]:
    """The pairs of a `.env`-like file; a default file may be missing, a named one may not."""
    path = directory / (given or default)
    if not given and not path.exists():
        return {}
    from dotenv import dotenv_values

    try:
        with path.open(encoding="utf-8") as stream:
            values = dotenv_values(stream=stream, interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error, option) from None
    return {name: value or "" for name, value in values.items()}


def _unreadable(path: Path, error: Exception, option: str) -> Refused:
    reason = getattr(error, "strerror", None) or str(error)
    if isinstance(error, UnicodeDecodeError):
        byte, line = error.object[error.start], error.object.count(b"\n", 0, error.start) + 1
        reason = f"byte 0x{byte:02x} in line {line} is not UTF-8; save the file as UTF-8"
    return Refused([Problem(Place(str(path)), f"can't be read: {reason}", option.lstrip("-"))], 2)


def environments(directory: Path) -> dict[str, Environment]:
    """What the files `.secrets.NAME` and `.vars.NAME` hold for jobs of the environment NAME."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for kind in ("secrets", "vars"):
        for path in sorted(directory.glob(f".{kind}.?*")):
            name = path.name.removeprefix(f".{kind}.").lower()
            pairs_ = from_file(path.name, "", directory, f"--{kind}")
            found.setdefault(name, {})[kind] = pairs_
    if not found:
        return {}
    from engine.run import Environment

    return {
        name: Environment(parts.get("secrets", {}), parts.get("vars", {}))
        for name, parts in found.items()
    }


def event_payload(path: str) -> dict[str, Any]:
    """The JSON object in an event file. Raises Refused."""
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        place = Place(path, error.lineno, error.colno)
        raise Refused([Problem(place, f"this is not JSON: {error.msg}", "usage")], 2) from None
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        raise _unreadable(Path(path), error, "--eventpath") from None
    if not isinstance(found, dict):
        raise usage("an event file holds one JSON object", where=path)
    return found


# --- images -------------------------------------------------------------------------------------


def images(given: Iterable[str], directory: Path) -> dict[str, str]:
    """Runner labels in lower case and the image each stands for; `-P` wins over `.actrc`."""
    return {**IMAGES, **_platforms(_actrc(directory)), **_platforms(given)}


def _platforms(given: Iterable[str]) -> dict[str, str]:
    found = {}
    for item in given:
        label, equals, image = item.partition("=")
        if not equals or not label or not image:
            raise usage(f'"{item}" maps nothing; write LABEL=IMAGE', where="--platform")
        found[label.lower()] = image
    return found


def _actrc(directory: Path) -> list[str]:
    config = Path(os.environ.get("XDG_CONFIG_HOME", Path.home() / ".config"))
    found: list[str] = []
    for path in (config / "act" / "actrc", Path.home() / ".actrc", directory / ".actrc"):
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            continue
        mapped = [image for line in lines for image in _in_actrc(line)]
        if mapped:
            print(f"runwright: image mapping from {path}: {', '.join(mapped)}", file=sys.stderr)
        found += mapped
    return found


def _in_actrc(line: str) -> list[str]:
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        return []
    if len(words) == 2 and words[0] in ("-P", "--platform"):
        return [words[1]]
    return [word.removeprefix("--platform=") for word in words if word.startswith("--platform=")]
