"""Which workflow files a command is about, and what they say."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from engine import worktree
from engine.cli import INVALID, documents
from engine.problems import Problem, Refused, errors, usage

if TYPE_CHECKING:
    from engine.model import Workflow

PLACES = (".github/workflows", ".runwright")
SUFFIXES = (".yml", ".yaml")


class Project(Struct, frozen=True):
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
    root = worktree.root(path)
    # a repository's own workflows count, also when the command is given further down in it
    if root is not None and not any((path / place).is_dir() for place in PLACES):
        return Project(path, root, True)
    return Project(path, path, root is not None)


def find(where: Project, given: Iterable[str] = ()) -> list[Path]:
    """The workflow files, sorted; `given` are files or folders. Raises Refused for none."""
    given = tuple(given)
    paths = [named(where, name) for name in given] or own(where.root)
    files = sorted({file for path in paths for file in listed(path)})
    if not files and given:
        raise usage(
            f"there are no workflows in it; their names end in {' or '.join(SUFFIXES)}",
            where=documents.shown(paths[0]),
        )
    if not files:
        raise usage(
            f"there are no workflows in {' or '.join(PLACES)} of {where.root}; "
            "name a file or folder with --workflows",
            where=documents.shown(where.root),
        )
    return files


def own(root: Path) -> list[Path]:
    """Where a repository keeps its workflows: folders, which may be missing, and files."""
    loose = [path for suffix in SUFFIXES for path in root.glob(f"*.runwright{suffix}")]
    return [*(root / place for place in PLACES), *sorted(loose)]


def named(where: Project, name: str) -> Path:
    """A file or folder that the command line names. Raises Refused where there is none."""
    path = where.directory / name
    if path.is_symlink() and not path.exists():
        target = path.readlink()
        raise usage(f'"{name}" is a link to "{target}", which does not exist', where="--workflows")
    if not path.exists():
        raise usage(f'there is no file or folder "{documents.text(name)}"', where="--workflows")
    return path


def listed(path: Path) -> list[Path]:
    """The YAML files of a folder; a file itself; nothing where there is nothing."""
    if path.is_dir():
        return [file for file in path.iterdir() if file.suffix in SUFFIXES and not file.is_dir()]
    return [path] if path.exists() else []


def read(path: Path, name: str = "") -> tuple[Workflow | None, list[Problem]]:
    """One workflow file, shown by a name, and all that is wrong with it."""
    from engine.cli import meaning

    try:
        return meaning.read(documents.load(path, "workflow", name))
    except OSError as error:
        return None, [documents.unreadable(path, error, name)]


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
