"""Every example runs as its README says, and prints what its golden transcript holds."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
import trio
from jsonschema import Draft7Validator

from engine.schemas import schema_text
from runners import namespace

ROOT = Path(__file__).parent.parent
GOLDENS = Path(__file__).parent / "goldens"
UPDATE = "RUNWRIGHT_UPDATE_GOLDENS"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"

Json = dict[str, Any]


def says(program: str, *arguments: str) -> str | None:
    """What a program of this machine prints; None where it is missing or fails."""
    if shutil.which(program) is None:
        return None
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def no_python() -> str:
    found = says("python3", "-c", "import ensurepip, sys; print(sys.version_info >= (3, 8))")
    return "" if found == "True\n" else "python3 of 3.8 or later with venv is not on this machine"


def no_node() -> str:
    major = (says("node", "--version") or "v0").removeprefix("v").partition(".")[0]
    return "" if int(major) >= 18 else "node 18 or later is not on this machine"


def no_dash() -> str:
    return "" if shutil.which("dash") else "dash is not on this machine"


@dataclass(frozen=True)
class Example:
    name: str
    code: int = 0
    image: str = "runwright-test/debian:bookworm"
    lacks: Callable[[], str] = str  # why it can't run without Docker here; '' where it can
    downloads: bool = False


EXAMPLES = (
    Example("hello"),
    Example("python-package", lacks=no_python, downloads=True),
    Example("node-project", image="runwright-test/node", lacks=no_node),
    Example("build-test-package"),
    Example("dynamic-matrix"),
    Example("clean-up", code=1),
    Example("failing-leg", code=1, lacks=no_dash),
    Example("reusable-workflow"),
    Example("retries-and-filters"),
)
each = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)


# --- running --------------------------------------------------------------------------------------


def run(example: Example, runner: str, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "engine", "-C", f"examples/{example.name}", "push"]
    command += ["--runner", runner, "-P", f"ubuntu-latest={example.image}", "--no-pull", *more]
    if example.downloads:
        command += proxied(runner)
    environment = os.environ | {"NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    for name in ("GITHUB_ACTIONS", "COLUMNS"):  # they change what is printed
        environment.pop(name, None)
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


def proxied(runner: str) -> list[str]:
    """For networks that open TLS: jobs trust the certificates that pip trusts here."""
    own = os.environ.get("PIP_CERT")
    if not own:
        return []
    if runner != "docker":
        return ["--env", "PIP_CERT"]
    return [
        *("--container-options", f"-v {own}:{CERTIFICATES}:ro"),
        *("--env", f"PIP_CERT={CERTIFICATES}"),
    ]


def check(example: Example, runner: str, folder: Path) -> None:
    """Run it: exit code, transcript and events are right."""
    log = folder / "events.jsonl"
    done = run(example, runner, "--events", str(log))
    assert done.returncode == example.code, done.stdout + done.stderr
    found = normalized(done.stdout)
    golden = GOLDENS / f"{example.name}.txt"
    if os.environ.get(UPDATE):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(found, encoding="utf-8")
    assert found == golden.read_text(encoding="utf-8"), f"{UPDATE}=1 accepts what it prints now"
    check_events(log.read_text(encoding="utf-8").splitlines())


@pytest.mark.docker
@each
def test_on_docker(example: Example, tmp_path: Path) -> None:
    check(example, "docker", tmp_path)


@each
def test_in_a_namespace(example: Example, tmp_path: Path) -> None:
    probe = trio.run(namespace.probe)
    reason = example.lacks() if probe.works else f"no namespaces here: {probe.reason}"
    if reason:
        pytest.skip(reason)
    check(example, "namespace", tmp_path)


@pytest.mark.docker
def test_json_on_standard_output_is_the_same_events() -> None:
    done = run(EXAMPLES[0], "docker", "--json")
    assert done.returncode == 0, done.stderr
    check_events(done.stdout.splitlines())


def test_the_readme_names_every_example() -> None:
    folders = {path.name for path in (ROOT / "examples").iterdir() if path.is_dir()}
    assert folders == {example.name for example in EXAMPLES}
    readme = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    assert [name for name in folders if f"runwright -C examples/{name} push" not in readme] == []


# --- transcripts ----------------------------------------------------------------------------------

VARIES = (
    (re.compile(r"#\d+ on (\w+)(: .*)?"), r"#<number> on \1"),  # the run's number, its commit
    (re.compile(r"runs in (docker|namespace)( \(.*\))?$"), "runs in <isolation>"),
    (re.compile(r"--runner (docker|namespace)"), "--runner <isolation>"),
    (re.compile(r"\b\d+h\d\dm\b|\b\d+m\d\ds\b|\b\d+(\.\d+)?m?s\b"), "<time>"),
    (re.compile(r"\bduration_ms [\d.]+"), "duration_ms <time>"),
)


def normalized(text: str) -> str:
    """The transcript without what differs from run to run and from machine to machine.

    Jobs run side by side, so only the order within a job counts: each job's lines stand together,
    the jobs by name, and so do the rows of the final table. Its columns are divided by ` | `.
    Times, the run's number, the commit's title and the isolation are replaced by a word.
    """
    jobs: dict[str, list[str]] = defaultdict(list)
    rows: list[str] = []
    before: list[str] = []
    after: list[str] = []
    for line in text.splitlines():
        job, bar, rest = line.partition(" │")
        if bar:
            jobs[job].append(_constant(rest).rstrip())
        elif re.match(r"(?:  |[✓✗⊘-] ) \S.*\S  +\S", line):
            rows.append(_row(line))
        elif rows:
            after.append(_constant(line))
        else:
            before.append(_constant(line))
    named = [line for job in sorted(jobs) for line in (f"[{job}]", *jobs[job])]
    table = rows[:1] + sorted(rows[1:])
    return "\n".join([*before[:1], *named, *before[1:], *table, *after]) + "\n"


def _constant(line: str) -> str:
    for pattern, replacement in VARIES:
        line = pattern.sub(replacement, line)
    return line


def _row(line: str) -> str:
    cells = re.split(r"  +", _constant(line).strip())
    return " | ".join("<where>" if cell in ("docker", "namespace") else cell for cell in cells)


# --- events ---------------------------------------------------------------------------------------


def check_events(lines: list[str]) -> None:
    """Each line fits the schema, and together they obey the laws of their order."""
    validator = Draft7Validator(json.loads(schema_text("event")))
    events = [json.loads(line) for line in lines]
    assert [error.message for event in events for error in validator.iter_errors(event)] == []
    assert [event["time"] for event in events] == sorted(event["time"] for event in events)
    types = [event["type"] for event in events]
    assert (types[0], types[-1]) == ("run.started", "run.finished")
    assert (types.count("run.started"), types.count("run.finished")) == (1, 1)
    check_jobs(events)


def check_jobs(events: list[Json]) -> None:
    """Each job and leg ends once; all that it says lies between its start and its end."""
    expected = set(events[0]["jobs"])
    by_job: dict[str, list[Json]] = defaultdict(list)
    for event in events:
        if event["type"] == "job.expanded":
            expected = expected - {event["job"]} | set(event["legs"])
        elif event["type"] == "job.called":
            expected |= set(event["jobs"])
        if event["job"] and event["type"] != "job.expanded":
            by_job[event["job"]].append(event)
    assert set(by_job) == expected
    for own in by_job.values():
        types = [event["type"] for event in own]
        assert (types.count("job.finished"), types[-1]) == (1, "job.finished")
        if own[-1]["outcome"] != "skipped":
            assert types[0] in ("job.started", "job.called")
            assert types.count(types[0]) == 1
        check_steps([event for event in own if "step" in event])


def check_steps(events: list[Json]) -> None:
    """Steps come one after the other; each starts first and finishes last, or is skipped."""
    steps = [(number, list(own)) for number, own in groupby(events, lambda event: event["step"])]
    assert [number for number, _ in steps] == list(range(1, len(steps) + 1))
    for _, own in steps:
        types = [event["type"] for event in own]
        if own[-1]["outcome"] == "skipped":
            assert types == ["step.finished"]
            continue
        assert (types[0], types[-1]) == ("step.started", "step.finished")
        assert (types.count("step.started"), types.count("step.finished")) == (1, 1)
        assert own[-1]["attempts"] == 1 + types.count("step.attempt")
