"""Job containers as a workflow meets them: the shell that runs, and what its folders are called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from e2e import DEBIAN, repository, run, workflow

pytestmark = pytest.mark.docker
CI = ".github/workflows/ci.yml"
WHICH = 'test -n "$BASH_VERSION" && echo bash || echo sh'

# --- shells ---------------------------------------------------------------------------------------

# The image has both, and its sh is no bash.
UNNAMED = f"""
on: push
jobs:
  short:
    runs-on: ubuntu-latest
    container: {DEBIAN}
    steps: &steps
      - run: {WHICH}
      - {{name: stops, run: "false; echo went on"}}
  long:
    runs-on: ubuntu-latest
    container: {{image: "{DEBIAN}"}}
    steps: *steps
  none:
    runs-on: ubuntu-latest
    steps: *steps
  empty:
    runs-on: ubuntu-latest
    container: ${{{{ vars.NONE }}}}
    steps: *steps
"""


@pytest.mark.covers("CTR-004", "CTR-007")
def test_the_shell_of_a_job_container_is_sh_where_none_is_named(tmp_path: Path) -> None:
    ran = run(repository(tmp_path, {CI: UNNAMED}))
    assert {job: ran.printed(job) for job in ran.jobs()} == {
        "short": "sh\n",
        "long": "sh\n",
        "none": "bash\n",
        "empty": "bash\n",
    }
    shells = {event["job"]: event["shell"] for event in ran.of("step.started", name="stops")}
    assert shells == {
        "short": "sh -e {0}",
        "long": "sh -e {0}",
        "none": "bash -e {0}",
        "empty": "bash -e {0}",
    }
    assert {event["outcome"] for event in ran.of("step.finished", name="stops")} == {"failure"}


PIPE = "false | true; echo no pipefail"
NAMED = f"""
on: push
jobs:
  by-step:
    runs-on: ubuntu-latest
    container: {DEBIAN}
    steps:
      - run: {WHICH}; {PIPE}
      - {{shell: sh, run: '{WHICH}; {PIPE}'}}
      - {{shell: bash, run: '{WHICH}; {PIPE}'}}
  by-default:
    runs-on: ubuntu-latest
    container: {DEBIAN}
    defaults: {{run: {{shell: bash}}}}
    steps:
      - {{shell: sh, run: '{WHICH}'}}
      - run: {WHICH}; {PIPE}
"""


@pytest.mark.covers("CTR-004")
def test_a_named_shell_counts_in_a_job_container(tmp_path: Path) -> None:
    """Bash comes with pipefail then."""
    ran = run(repository(tmp_path, {CI: NAMED}))
    assert ran.printed("by-step") == "sh\nno pipefail\nsh\nno pipefail\nbash\n"
    assert ran.printed("by-default") == "sh\nbash\n"
    assert ran.jobs() == {"by-step": "failure", "by-default": "failure"}


# --- folders --------------------------------------------------------------------------------------

# What the expression says, what the variable says, and proof that it is there.
FOLDERS = """
- run: |
    echo "${{ github.workspace }} $GITHUB_WORKSPACE $PWD $(cat "${{ github.workspace }}/file")"
    echo "${{ runner.temp }} $RUNNER_TEMP"
    echo "${{ runner.tool_cache }} $RUNNER_TOOL_CACHE"
    echo in temp >"${{ runner.temp }}/made"
    test -d "${{ runner.tool_cache }}"
    test "${{ github.event_path }}" = "$GITHUB_EVENT_PATH"
    head -c 1 "${{ github.event_path }}"; echo
- uses: ./js
- uses: ./docker
  with:
    file: ${{ github.workspace }}/file
    made: ${{ runner.temp }}/made
    text: in ${{ github.workspace }}
"""
NAMES = "name: A\ndescription: A\n"
TOLD = (
    'echo "$GITHUB_WORKSPACE $INPUT_FILE $INPUT_MADE $INPUT_TEXT"; cat "$INPUT_FILE" "$INPUT_MADE"'
)
FILES = {
    "file": "committed\n",
    "js/action.yml": f"{NAMES}runs: {{using: node24, main: main.js}}\n",
    "js/main.js": "console.log(process.env.GITHUB_WORKSPACE, process.cwd(), __dirname);",
    "docker/action.yml": f"{NAMES}inputs: {{file: {{}}, made: {{}}, text: {{}}}}\n"
    "runs: {using: docker, image: Dockerfile}\n",
    "docker/Dockerfile": f"FROM {DEBIAN}\nENTRYPOINT {json.dumps(['sh', '-c', TOLD])}\n",
}


@pytest.mark.covers("CTR-008")
@pytest.mark.parametrize(
    ("keys", "workspace", "temp", "tools"),
    [
        ({"container": DEBIAN}, "/__w/repo/repo", "/__w/_temp", "/__t"),
        ({}, "/home/runner/work/repo/repo", "/home/runner/work/_temp", "/opt/hostedtoolcache"),
    ],
)
def test_expressions_and_variables_agree_about_folders(
    tmp_path: Path, keys: dict[str, str], workspace: str, temp: str, tools: str
) -> None:
    """Both are the container's; a Docker action has its own names, and gets its inputs in them."""
    ran = run(repository(tmp_path / "repo", {CI: workflow(FOLDERS, **keys), **FILES}))
    assert ran.code == 0, ran.errors + ran.printed()
    assert ran.printed().splitlines() == [
        f"{workspace} {workspace} {workspace} committed",
        f"{temp} {temp}",
        f"{tools} {tools}",
        "{",
        f"{workspace} {workspace} {workspace}/js",
        f"/github/workspace /github/workspace/file /github/runner_temp/made in {workspace}",
        "committed",
        "in temp",
    ]
