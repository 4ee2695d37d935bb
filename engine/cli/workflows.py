"""Which workflow files a command is about, and what they say."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from engine import git, reading, source
from engine.cli import INVALID
from engine.model import Workflow
from engine.problems import Place, Problem, Refused, besides, errors, usage
from engine.schemas import schema_path
from engine.source import Node
from engine.store import checked

PLACES = (".github/workflows", ".runwright")
SUFFIXES = (".yml", ".yaml")


@dataclass(frozen=True, slots=True)
class Project:
    """The directory a command works on; `root` is the top of its repository, if it is in one."""

    directory: Path
    root: Path
    is_repository: bool


def project(directory: str) -> Project:
    """The project at a directory. Raises Refused where there is none."""
    path = Path(directory or ".")
    if not path.is_dir():
        raise usage(f'there is no directory "{directory}"', where="--directory")
    path = path.resolve()
    root = git.root(path)
    # a repository's own workflows count, also when the command is given further down in it
    if root is not None and not any((path / place).is_dir() for place in PLACES):
        return Project(path, root, True)
    return Project(path, path, root is not None)


def find(where: Project, given: Iterable[str] = ()) -> list[Path]:
    """The workflow files, sorted; `given` are files or folders. Raises Refused for none."""
    given = tuple(given)
    paths = [_given(where, name) for name in given]
    if not paths:
        paths = [where.root / place for place in PLACES] + sorted(
            path for suffix in SUFFIXES for path in where.root.glob(f"*.runwright{suffix}")
        )
    files = sorted({file for path in paths for file in _files(path)})
    if not files and given:
        raise usage(
            f"there are no workflows in it; their names end in {' or '.join(SUFFIXES)}",
            where=_shown(paths[0]),
        )
    if not files:
        raise usage(
            f"there are no workflows in {' or '.join(PLACES)} of {where.root}; "
            "name a file or folder with --workflows",
            where=_shown(where.root),
        )
    return files


def _given(where: Project, name: str) -> Path:
    path = where.directory / name
    if path.is_symlink() and not path.exists():
        target = path.readlink()
        raise usage(f'"{name}" is a link to "{target}", which does not exist', where="--workflows")
    if not path.exists():
        raise usage(f'there is no file or folder "{_text(name)}"', where="--workflows")
    return path


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return [file for file in path.iterdir() if file.suffix in SUFFIXES and not file.is_dir()]
    return [path] if path.exists() else []


def _shown(path: Path) -> str:
    """A path as its user would type it from here."""
    relative = os.path.relpath(path)
    return _text(str(path) if relative.startswith("../..") else relative)


def _text(name: str) -> str:
    """A file's name as text that can be written anywhere, also where its bytes are no UTF-8."""
    return os.fsencode(name).decode("utf-8", "replace")


def read(path: Path, name: str = "") -> tuple[Workflow | None, list[Problem]]:
    """One workflow file, shown by a name, and all that is wrong with it."""
    name = name or _shown(path)
    try:
        content = path.read_bytes() if _is_small(path) else b" " * (source.GITHUB.characters + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        return None, [Problem(Place(name), f"can't be read: {reason}", "file")]
    node, problems = source.load(content, name)
    if node is None:
        return None, problems
    problems += besides(problems, _checked(node, name, content))
    return reading.workflow(node, name, _from_root(path), problems)


def _checked(node: Node, name: str, content: bytes) -> list[Problem]:
    """What the schema says; a file that passed before is not held against it again."""
    verdict = checked.key(_edition(), name.encode(), content)
    if checked.passed(verdict):
        return []
    from engine import check

    found = [*check.check(node), *check.superset_warnings(node, name)]
    if not found:
        checked.remember(verdict)
    return found


@cache
def _edition() -> bytes:
    """Everything a verdict depends on beside the file: the schema and the code that reads it."""
    code = [Path(source.__file__), Path(source.__file__).with_name("check.py")]
    return b"".join(
        str(path.stat().st_mtime_ns).encode() for path in (schema_path("workflow"), *code)
    )


def _from_root(path: Path) -> str:
    """The path as GitHub names a workflow that has no name of its own."""
    top = git.root(path.parent)
    return _text(str(path.resolve().relative_to(top)) if top else path.name)


def _is_small(path: Path) -> bool:
    """Whether a file may be read at once. Raises OSError for what would never end, as a pipe."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is not a regular file")
    return found.st_size <= 4 * source.GITHUB.characters


def read_all(files: Iterable[Path]) -> tuple[list[Workflow], list[Problem]]:
    """Every file that can be read, and the problems of all."""
    workflows, problems = [], []
    for file in files:
        workflow, found = read(file)
        problems += found
        if workflow is not None:
            workflows.append(workflow)
    return workflows, problems


def read_or_refuse(files: Iterable[Path]) -> tuple[list[Workflow], list[Problem]]:
    """The workflows and the warnings; any error refuses all (exit code 3)."""
    workflows, problems = read_all(files)
    if errors(problems):
        raise Refused(problems, INVALID)
    return workflows, problems
