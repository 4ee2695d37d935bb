"""The text of a `uses:` becomes what it names; nothing is looked up."""

from __future__ import annotations

import posixpath
import re
from typing import TypeAlias

from msgspec import Struct

FORMS = "owner/repository@ref, owner/repository/path@ref, ./path, $/path or docker://image"


class Local(Struct, frozen=True):
    """`./path`: a directory below the workspace, '' for the workspace itself."""

    path: str

    def __str__(self) -> str:
        return f"./{self.path}"


class Itself(Struct, frozen=True):
    """`$/path`: a path in the repository, and at the commit, of the very file that says so."""

    path: str

    def __str__(self) -> str:
        return f"$/{self.path}"


class Remote(Struct, frozen=True):
    """`owner/repository/path@ref`; GitHub's names are the same in any case, refs and paths not."""

    owner: str
    repository: str
    path: str
    ref: str

    @property
    def name(self) -> str:
        return f"{self.owner}/{self.repository}"

    @property
    def folder(self) -> str:
        """Where the repository lies below the folder of all actions (actions/runner)."""
        return f"{self.name}/{self.ref}"

    @property
    def key(self) -> str:
        """The same text for what is the same action."""
        return str(Remote(self.owner.lower(), self.repository.lower(), self.path, self.ref))

    def __str__(self) -> str:
        return f"{posixpath.join(self.name, self.path).rstrip('/')}@{self.ref}"


class Image(Struct, frozen=True):
    """`docker://image`."""

    image: str

    def __str__(self) -> str:
        return f"docker://{self.image}"


Reference: TypeAlias = Local | Itself | Remote | Image


class ReferenceError_(Exception):
    """A `uses:` that names nothing: a sentence with the next step."""


def parse(text: str) -> Reference:
    """What the `uses:` of a step names. Raises ReferenceError_."""
    found = _parse(text, FORMS)
    if not isinstance(found, Image) and _is_workflow(found.path):
        raise ReferenceError_(
            f'"{text}" is a workflow, and a step takes an action; '
            "call it from a job of its own, with `jobs.<id>.uses`"
        )
    return found


def parse_call(text: str) -> Local | Itself | Remote:
    """Which workflow the `uses:` of a job names; a path is the file's. Raises ReferenceError_."""
    found = _parse(text, "owner/repository/.github/workflows/name.yml@ref or ./path/name.yml")
    if isinstance(found, Image) or not found.path:
        raise ReferenceError_(f'"{text}" is no workflow; name its file')
    if isinstance(found, Local) and "@" in found.path:
        raise ReferenceError_(
            f'"{text}" is of the same repository, so it takes no version: '
            'leave out "@" and what follows'
        )
    return found


def placed(found: Reference, home: Remote | None) -> Local | Remote | Image:
    """A reference as it is meant in a file of `home`; None is the repository of the run itself.

    Only `$/path` depends on where it stands: `./path` is below the workspace wherever it is said.
    """
    if not isinstance(found, Itself):
        return found
    if home is None:
        return Local(found.path)
    return Remote(home.owner, home.repository, found.path, home.ref)


def key(found: Local | Remote) -> str:
    """The name under which what a reference stands for is kept."""
    return found.key if isinstance(found, Remote) else str(found)


# --- the forms (actions/runner, WorkflowTemplateConverter) ----------------------------------------

_NAME = re.compile(r"(?!\.+$)[A-Za-z0-9_.-]+")
# what git allows in the name of a ref (git-check-ref-format), as far as it could do harm
_REF = re.compile(r"(?![/.-])(?!.*(?:\.\.|//|@\{))[^\s\x00-\x20\x7f~^:?*\[\\]+(?<![/.])")


def _parse(text: str, forms: str) -> Reference:
    if "${{" in text:
        raise ReferenceError_(f'"{text}" must be written out: no expression is possible in `uses`')
    if text.startswith("docker://"):
        return _image(text)
    if text.startswith("$/"):
        return _itself(text)
    if text.startswith(("./", ".\\")):
        return Local(_normalized(text[2:]))
    return _remote(text, forms)


def _image(text: str) -> Image:
    image = text.removeprefix("docker://")
    if not image or any(character.isspace() for character in image):
        raise ReferenceError_(f'"{text}" names no image; write one, such as docker://alpine:3.20')
    return Image(image)


def _itself(text: str) -> Itself:
    path = _normalized(text[2:])
    if "@" in path:
        raise ReferenceError_(
            f'"{text}" is of this very version: leave out "@" and what follows, '
            "or write owner/repository/path@ref"
        )
    if path.partition("/")[0] == "..":
        raise ReferenceError_(f'"{text}" is outside of the repository; write a path inside of it')
    return Itself(path)


def _remote(text: str, forms: str) -> Remote:
    name, at, ref = text.partition("@")
    parts = [part for part in re.split(r"[/\\]", name) if part not in ("", ".")]
    if len(parts) < 2 or (name.startswith(".") and not at):
        hint = "" if at or not parts else f"; did you mean ./{'/'.join(parts)}?"
        raise ReferenceError_(f'"{text}" names no action; write {forms}{hint}')
    _check_version(text, name, ref)
    owner, repository, *path = parts
    for part in (owner, repository):
        if not _NAME.fullmatch(part):
            raise ReferenceError_(
                f'"{part}" in "{text}" can\'t be the name of an owner or a repository: '
                "it has only letters, digits, -, _ and ."
            )
    if ".." in path:
        raise ReferenceError_(f'"{text}" is outside of the repository; write a path inside of it')
    return Remote(owner, repository, "/".join(path), ref)


def _check_version(text: str, name: str, ref: str) -> None:
    if not ref:
        raise ReferenceError_(
            f'"{text}" has no version; add one, such as {name}@v1 (a tag, a branch or a commit)'
        )
    if "@" in ref:
        raise ReferenceError_(
            f'"{text}" has more than one "@"; write {name}@{ref.partition("@")[0] or "v1"}'
        )
    if not _REF.fullmatch(ref):
        raise ReferenceError_(
            f'"{ref}" in "{text}" can\'t be a version; write a tag, a branch or a commit'
        )


def _normalized(path: str) -> str:
    found = posixpath.normpath(path.replace("\\", "/").lstrip("/"))
    return "" if found == "." else found


def _is_workflow(path: str) -> bool:
    return path.startswith(".github/workflows/") and path.endswith((".yml", ".yaml"))
