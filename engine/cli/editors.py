"""What editors are told: which schema checks which files."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from engine import source
from engine.check import Kind
from engine.cli import ENVIRONMENT, documents, meaning
from engine.problems import Place, Problem, Refused, usage
from engine.schemas import schema_path

SETTINGS = Path(".vscode", "settings.json")
FILES = {
    "workflow": [
        *(".github/workflows/*.yml", ".github/workflows/*.yaml"),
        *(".runwright/*.yml", ".runwright/*.yaml", "*.runwright.yml", "*.runwright.yaml"),
    ],
    "action": ["action.yml", "action.yaml", "!.github/workflows/*", "!.runwright/*"],
}
_KEY = "yaml.schemas"
_MODELINE = re.compile(r"^#[ \t]*yaml-language-server:[ \t]*\$schema=[^\r\n]*", re.MULTILINE)


def address(name: str, base: str) -> str:
    """Where an editor finds a schema: below an address of the web, or in this installation."""
    path = schema_path(name)
    return f"{base.rstrip('/')}/{path.name}" if base else path.resolve().as_uri()


# --- a comment in the file itself -----------------------------------------------------------------


def modeline(name: str, base: str) -> str:
    """The comment that yaml-language-server obeys, wherever it runs."""
    return f"# yaml-language-server: $schema={address(name, base)}"


def add_modeline(file: Path, base: str) -> bool:
    """Put the comment at the top of a file, or in place of another one; whether anything changed.
    Raises Refused where the file can't be read or written."""
    try:
        content = file.read_bytes()
        text = content.decode("utf-8")
        changed = _with_modeline(text, modeline(_kind(file, content), base))
        if changed != text:
            file.write_bytes(changed.encode("utf-8"))
    except UnicodeDecodeError:
        raise usage("this is not UTF-8; save the file as UTF-8", where=str(file)) from None
    except OSError as error:
        raise _unusable(file, error) from None
    return changed != text


def _with_modeline(text: str, line: str) -> str:
    if found := _MODELINE.search(text):
        return text[: found.start()] + line + text[found.end() :]
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    newline = "\r\n" if "\r\n" in text else "\n"
    return f"{mark}{line}{newline}{text.removeprefix(mark)}"


def _kind(file: Path, content: bytes) -> Kind:
    node, _ = source.load(content, str(file))
    return meaning.kind_of(file.absolute(), node)


# --- the settings of a folder, as VS Code keeps them ----------------------------------------------


def install(folder: Path, base: str) -> bool:
    """Map the files of a repository to the schemas; whether anything changed.

    Raises Refused where the settings have comments, which would be lost, or can't be written.
    """
    path = folder / SETTINGS
    try:
        text = path.read_text(encoding="utf-8-sig") if path.exists() else ""
        settings = _parsed(path, text)
        changed = settings | {_KEY: _merged(path, settings.get(_KEY, {}), base)}
        if changed != settings:
            path.parent.mkdir(exist_ok=True)
            indent = found[1] if (found := re.search(r"\n([ \t]+)\S", text)) else "  "
            written = json.dumps(changed, indent=indent, ensure_ascii=False)
            path.write_text(f"{written}\n", encoding="utf-8")
    except OSError as error:
        raise _unusable(path, error) from None
    return changed != settings


def mapping(base: str) -> dict[str, list[str]]:
    """Each schema's address and the files it is for."""
    return {address(name, base): files for name, files in FILES.items()}


def _parsed(path: Path, text: str) -> dict[str, Any]:
    try:
        settings = json.loads(text or "{}")
    except ValueError:
        raise usage(
            "it has comments or trailing commas, which writing it would lose; "
            f"add the lines above to it (inside {_KEY}, if it has that)",
            where=documents.shown(path),
        ) from None
    if not isinstance(settings, dict):
        raise usage("it holds no settings; they are one JSON object", where=documents.shown(path))
    return settings


def _merged(path: Path, schemas: Any, base: str) -> dict[str, Any]:
    """Other schemas stay; ours at another address, for the very same files, is replaced."""
    if not isinstance(schemas, dict):
        message = f'"{_KEY}" has to be a mapping of schemas to files'
        raise usage(message, where=documents.shown(path))
    others = {at: files for at, files in schemas.items() if files not in FILES.values()}
    return others | mapping(base)


def _unusable(path: Path, error: OSError) -> Refused:
    reason = error.strerror or str(error)
    place = Place(documents.shown(path))
    return Refused([Problem(place, f"can't be changed: {reason}", "file")], ENVIRONMENT)
