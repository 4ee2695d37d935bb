"""Others check their workflows with our hook for pre-commit: the real one runs it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.source import load, plain

ROOT = Path(__file__).parent.parent
HOOK = plain(load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"), "hooks")[0])[0]

GOOD = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps: [{run: make}]\n"
BAD_ACTION = "name: a\ndescription: b\nruns: {using: composite}\n"


@pytest.mark.parametrize(
    ("path", "checked"),
    [
        (".github/workflows/ci.yml", True),
        (".github/workflows/ci.yaml", True),
        (".github/workflows/deep/ci.yml", False),
        (".github/dependabot.yml", False),
        (".runwright/local.yml", True),
        ("ci.runwright.yml", True),
        ("action.yml", True),
        ("tools/lint/action.yaml", True),
        ("reaction.yml", False),
        ("compose.yml", False),
        ("action.yml.orig", False),
    ],
)
def test_which_files_the_hook_is_for(path: str, checked: bool) -> None:
    assert bool(re.search(HOOK["files"], path)) is checked


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=x", "-c", "user.email=x@example.org")
    command = ["git", "-C", str(folder), *who, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def commit(folder: Path) -> str:
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "x")
    return git(folder, "rev-parse", "HEAD")


def snapshot(folder: Path) -> str:
    """This checkout as it is, committed or not, as a repository of its own; its commit."""
    listed = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return commit(folder)


def run_hooks(folder: Path, home: Path) -> tuple[int, str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "run", "--all-files"],
        cwd=folder,
        env=env | {"PRE_COMMIT_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_pre_commit_runs_the_hook(tmp_path: Path) -> None:
    revision = snapshot(tmp_path / "hooks")
    theirs = tmp_path / "theirs"
    (theirs / ".github" / "workflows").mkdir(parents=True)
    (theirs / ".pre-commit-config.yaml").write_text(
        f"repos:\n- repo: {tmp_path / 'hooks'}\n  rev: {revision}\n"
        "  hooks: [{id: runwright-validate}]\n"
    )
    (theirs / ".github" / "workflows" / "ci.yml").write_text(GOOD)
    (theirs / "action.yml").write_text(BAD_ACTION)
    (theirs / "compose.yml").write_text("services: {}\n")
    commit(theirs)

    code, said = run_hooks(theirs, tmp_path / "home")
    assert code == 1, said
    assert "action.yml:3:1: a composite action needs steps [schema]" in said
    assert "1 error in 2 files" in said

    (theirs / "action.yml").unlink()
    commit(theirs)
    code, said = run_hooks(theirs, tmp_path / "home")
    assert code == 0, said
    assert "Passed" in said
