"""The repository as an action: its own steps, run in a container with GitHub's variables set."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent
IMAGE = "runwright-test/debian:bookworm"
PLATFORM = f"-P ubuntu-latest={IMAGE}"

WORKFLOW = """
on: push
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - run: |
          echo "::warning file=app.py,line=3::look here"
          echo "the secret is $TOKEN"
          echo "### Hello" >> "$GITHUB_STEP_SUMMARY"
        env:
          TOKEN: ${{ secrets.TOKEN }}
      - run: exit ${{ vars.CODE || 0 }}
  other:
    runs-on: ubuntu-latest
    steps:
      - run: exit 9
"""


def steps() -> list[dict[str, str]]:
    """The composite steps of action.yml."""
    found: list[dict[str, str]] = YAML(typ="safe").load(ROOT / "action.yml")["runs"]["steps"]
    return found


def inside(folder: Path, arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the action's steps, one after the other, as a job of GitHub's would."""
    workflows = folder / "repository" / ".runwright"
    workflows.mkdir(parents=True)
    (workflows / "ci.yml").write_text(WORKFLOW)
    (folder / "temp").mkdir()
    script = "set -e\n" + "\n".join(
        f"bash --noprofile --norc -eo pipefail -c {_quoted(step['run'])}" for step in steps()
    )
    variables = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_ACTION_PATH": "/action",
        "GITHUB_OUTPUT": "/github/output",
        "GITHUB_STEP_SUMMARY": "/github/summary",
        "RUNNER_TEMP": "/github/temp",
        "INPUT_EVENT": "push",
        "INPUT_WORKFLOWS": ".runwright",
        "INPUT_JOBS": "test",
        "INPUT_SECRETS": "TOKEN=hidden value",
        "INPUT_ARGUMENTS": arguments,
    }
    given = [word for name, value in variables.items() for word in ("-e", f"{name}={value}")]
    return subprocess.run(
        [
            *("docker", "run", "--rm", "--network", "host", *given),
            *("-v", "/var/run/docker.sock:/var/run/docker.sock"),
            *("-v", f"{ROOT}:/action:ro", "-v", f"{folder}:/github"),
            *("-w", "/github/repository", IMAGE, "bash", "-c", script),
        ],
        capture_output=True,
        text=True,
        check=False,
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


@pytest.mark.docker
def test_the_action_runs_a_job_and_tells_github(tmp_path: Path) -> None:
    done = inside(tmp_path, PLATFORM)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "::group::test: Run echo" in done.stdout
    assert "::warning title=test,file=app.py,line=3::look here" in done.stdout
    assert "hidden value" not in done.stdout
    assert (tmp_path / "output").read_text().splitlines()[0] == "result=success"
    summary = (tmp_path / "summary").read_text()
    assert "| test | success |" in summary
    assert "### Hello" in summary
    lines = (tmp_path / "temp/runwright/events.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["type"] == "run.finished"
    assert not list((tmp_path / "temp/runwright").glob("secrets.*"))


@pytest.mark.docker
def test_a_failing_job_fails_the_action(tmp_path: Path) -> None:
    done = inside(tmp_path, f"{PLATFORM} --var CODE=3")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "::error title=test::Process completed with exit code 3." in done.stdout
    assert "result=failure" in (tmp_path / "output").read_text()


def test_every_input_reaches_the_script() -> None:
    manifest = YAML(typ="safe").load(ROOT / "action.yml")
    given = manifest["runs"]["steps"][1]["env"]
    assert set(given) == {f"INPUT_{name.upper()}" for name in manifest["inputs"]}
