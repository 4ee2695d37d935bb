"""A repository, a run of the real command in it, and what its events say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
DEBIAN = "runwright-test/debian:bookworm"
Json = dict[str, Any]


def repository(folder: Path, files: Mapping[str, str]) -> Path:
    """A git repository with these files in one commit."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        if text.startswith("#!"):
            path.chmod(0o755)
    _git(folder, "init", "-q", "-b", "main")
    _git(folder, "add", "-A", "-f")
    who = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    _git(folder, *who, "commit", "-q", "--allow-empty", "-m", "A subject")
    return folder


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True)


@dataclass(frozen=True)
class Ran:
    """A finished command: its exit code, its events, and what it said on standard error."""

    code: int
    events: tuple[Json, ...]
    errors: str

    def of(self, type_: str, **fields: Any) -> list[Json]:
        return [
            event
            for event in self.events
            if event["type"] == type_ and all(event.get(k) == v for k, v in fields.items())
        ]

    def printed(self, job: str | None = None) -> str:
        events = self.of("output") if job is None else self.of("output", job=job)
        return "".join(event["text"] for event in events)

    def annotations(self, level: str) -> list[str]:
        return [event["message"] for event in self.of("annotation", level=level)]

    def ends(self) -> dict[str, str]:
        """How each step ended, by its name, in the order of the ends."""
        return {event["name"]: event["conclusion"] for event in self.of("step.finished")}

    def jobs(self) -> dict[str, str]:
        return {event["job"]: event["outcome"] for event in self.of("job.finished")}

    def reason(self, job: str) -> str:
        return str(self.of("job.finished", job=job)[0]["reason"])


def run(
    folder: Path, *arguments: str, image: str = DEBIAN, env: Mapping[str, str] | None = None
) -> Ran:
    """`runwright push --json` in a repository, with an image of the tests."""
    command = [sys.executable, "-m", "engine", "push", "--json", "--no-pull"]
    command += ["-C", str(folder), "-P", f"ubuntu-latest={image}", *arguments]
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
    variables.pop("GITHUB_ACTIONS", None)
    done = subprocess.run(
        command, env=variables, capture_output=True, text=True, check=False, timeout=600
    )
    events = tuple(json.loads(line) for line in done.stdout.splitlines() if line.startswith("{"))
    return Ran(done.returncode, events, done.stderr)


def workflow(steps: str, **keys: str) -> str:
    """A workflow of one job, `test`."""
    extra = "".join(f"    {name.replace('_', '-')}: {value}\n" for name, value in keys.items())
    lines = "".join(f"      {line}\n" for line in steps.strip("\n").split("\n"))
    return f"on: push\njobs:\n  test:\n    runs-on: ubuntu-latest\n{extra}    steps:\n{lines}"
