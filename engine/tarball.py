"""Tar archives as machines give them: one file's content, or a directory's as a build context."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path


def content(tar: bytes) -> bytes:
    """The content of the first file in an archive; b'' where there is none."""
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        for member in archive:
            if member.isfile() and (file := archive.extractfile(member)):
                return file.read()
    return b""


def single(tar: bytes) -> bytes | str:
    """The content of the file that is archived, or where a link leads; '' for anything else."""
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        member = archive.next()
        if member and member.isfile() and (file := archive.extractfile(member)):
            return file.read()
        return member.linkname if member and member.issym() else ""


def inner(tar: bytes) -> bytes:
    """An archive of one directory, without that directory's own name before all others."""
    packed = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(tar)) as archive,
        tarfile.open(fileobj=packed, mode="w") as made,
    ):
        for member in archive:
            _, slash, name = member.name.partition("/")
            if not slash or not name:
                continue
            if member.islnk():
                member.linkname = member.linkname.partition("/")[2]
            member.name = name
            made.addfile(member, archive.extractfile(member) if member.isfile() else None)
    return packed.getvalue()


def packed(folder: Path) -> bytes:
    """An archive of what is in a directory of this computer."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        archive.add(folder, ".")
    return made.getvalue()
