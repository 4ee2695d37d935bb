"""What steps say they have built: the lines of GITHUB_ARTIFACTS, and the list made of them."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

MOST = 500  # subjects of one job (actions/runner)
LARGEST = 1024 * 1024  # bytes of one step's file (actions/runner)

_DIGITS = {"sha256": 64, "sha384": 96, "sha512": 128}
_IMAGE = re.compile(r"(.+)@(sha256|sha384|sha512):([0-9a-fA-F]+)")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)")


class SubjectError(Exception):
    """A declaration that GitHub would refuse too; the text says which and why."""


class Subject(Struct, frozen=True):
    """An image by its reference, or a file by its name; `digest` is "sha256:…".

    The digest of a file is '' until the machine was asked for that of `path`.
    """

    line: int
    name: str
    digest: str
    kind: Literal["file", "oci"]
    path: str = ""

    def hashed(self, digits: str) -> Subject:
        return replace(self, digest=f"sha256:{digits}")


def read(text: str) -> tuple[Subject, ...]:
    """What a step's file declares, one a line (actions/runner, CreateArtifactsFileCommand).

    Raises SubjectError.
    """
    if len(text.encode()) > LARGEST:
        raise SubjectError("The file has more than 1024k.")
    lines = ((number, line.strip()) for number, line in enumerate(text.split("\n"), 1))
    return tuple(_subject(*line) for line in lines if line[1] and not line[1].startswith("#"))


def _subject(line: int, text: str) -> Subject:
    if "=" in text:
        raise SubjectError(f"Line {line}: entries with '=' are reserved")
    scheme, rest = "", text
    if found := _SCHEME.fullmatch(text):
        scheme, rest = found[1].lower(), found[2]
    image = _IMAGE.fullmatch(rest)
    if scheme == "oci" or (not scheme and image and len(image[3]) == _DIGITS[image[2]]):
        return _image(line, image)
    if scheme not in ("", "file"):
        raise SubjectError(f"Line {line}: '{scheme}://' is neither file:// nor oci://")
    name = posixpath.basename(posixpath.normpath(rest))
    return Subject(line, name, "", "file", rest)


def _image(line: int, image: re.Match[str] | None) -> Subject:
    if image is None:
        raise SubjectError(f"Line {line}: an image needs @sha256:, @sha384: or @sha512: at its end")
    reference, algorithm, digits = image.groups()
    if len(digits) != _DIGITS[algorithm]:
        wanted = _DIGITS[algorithm]
        raise SubjectError(f"Line {line}: a {algorithm} has {wanted} digits, not {len(digits)}")
    return Subject(line, reference, f"{algorithm}:{digits.lower()}", "oci")


def added(known: Mapping[str, Subject], declared: Iterable[Subject]) -> dict[str, Subject]:
    """What a step adds to the subjects of its job, by name. Raises SubjectError."""
    new: dict[str, Subject] = {}
    for subject in declared:
        before = known.get(subject.name) or new.setdefault(subject.name, subject)
        if before.digest != subject.digest:
            raise SubjectError(
                f"Line {subject.line}: '{subject.name}' was declared before as {before.digest} "
                f"and is {subject.digest} now"
            )
        if len(known) + len(new) > MOST:
            raise SubjectError(f"Line {subject.line}: a job declares {MOST} artifacts at most")
    return new


def listed(subjects: Iterable[Subject]) -> str:
    """The JSON of GITHUB_ARTIFACTS_LIST (actions/runner, ArtifactsListFileCommand)."""
    rows = [
        {"name": subject.name, "digest": subject.digest, "kind": subject.kind}
        for subject in sorted(subjects, key=lambda subject: subject.name)
    ]
    return json.dumps({"version": 1, "subjects": rows}, separators=(",", ":"))
