"""Command files on Docker: what steps write to them, and what their mistakes and ends change."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from e2e import repository, run, workflow
from test_cli import IMAGE
from test_leftovers import running

pytestmark = pytest.mark.docker
CI = ".github/workflows/ci.yml"

# What a block may be broken by: empty lines at both ends, blanks, and what looks like syntax.
NOTES = "\n  first\n\nEOF\nKEY=value\nOTHER<<END\nend%0A 🙂 \n\n"

BLOCKS = """
on: push
jobs:
  write:
    runs-on: ubuntu-latest
    outputs: {notes: '${{ steps.it.outputs.NOTES }}'}
    steps:
      - id: it
        run: |
          mark=$(head -c 15 /dev/urandom | base64)
          for file in "$GITHUB_OUTPUT" "$GITHUB_ENV"; do
            { echo "NOTES<<$mark"; cat notes.txt; echo; echo "$mark"; } >>"$file"
            echo "AFTER=1" >>"$file"
          done
      - env: {OUTPUT: '${{ steps.it.outputs.NOTES }}'}
        run: python3 show.py OUTPUT NOTES AFTER
  read:
    needs: write
    runs-on: ubuntu-latest
    steps:
      - env: {NOTES: '${{ needs.write.outputs.notes }}'}
        run: python3 show.py NOTES
"""
SHOW = """
import json, os, sys
print(json.dumps([os.environ[name] for name in sys.argv[1:]]))
"""


@pytest.mark.covers("CMD-002")
def test_blocks_with_random_delimiters_keep_their_newlines(tmp_path: Path) -> None:
    ran = run(repository(tmp_path, {CI: BLOCKS, "notes.txt": NOTES, "show.py": SHOW}))
    assert ran.code == 0, ran.errors + ran.printed()
    assert json.loads(ran.printed("write")) == [NOTES, NOTES, "1"]
    assert json.loads(ran.printed("read")) == [NOTES]


STATEFUL = {
    "act/action.yml": "name: A\ndescription: A\nruns: {using: node24, main: m.js, post: p.js}\n",
    "act/m.js": """
        const fs = require('fs'), mark = `ghadelimiter_${require('crypto').randomUUID()}`;
        fs.appendFileSync(process.env.GITHUB_STATE, `notes<<${mark}\\none\\n\\ntwo \\n${mark}\\n`);
    """,
    "act/p.js": "console.log(JSON.stringify(process.env.STATE_notes));",
}


@pytest.mark.covers("CMD-002")
def test_blocks_of_state_keep_their_newlines(tmp_path: Path) -> None:
    ran = run(repository(tmp_path, {CI: workflow("- uses: ./act"), **STATEFUL}))
    assert ran.code == 0, ran.errors + ran.printed()
    assert json.loads(ran.printed()) == "one\n\ntwo "


# --- mistakes -------------------------------------------------------------------------------------

EMPTY = "Name must not be empty and delimiter must not be empty"
MISTAKES = {
    ("output", "nonsense\n"): "Invalid format 'nonsense'",
    ("output", " \n"): "Invalid format ' '",
    ("output", "<<E\nx\nE\n"): f"Invalid format '<<E'. {EMPTY}",
    ("output", "a<<\nx\n"): f"Invalid format 'a<<'. {EMPTY}",
    ("output", "a<<E\nx\n E\n"): "Invalid value. Matching delimiter not found 'E'",
    ("output", "a<<E\nx"): "Invalid value. EOF marker missing new line.",
    ("env", "nonsense\n"): "Invalid format 'nonsense'",
    ("env", "a<<E\nx\n"): "Invalid value. Matching delimiter not found 'E'",
    ("state", "nonsense\n"): "Invalid format 'nonsense'",
}


@pytest.mark.covers("CMD-003")
def test_a_mistake_in_a_file_fails_the_step_and_says_what_it_is(tmp_path: Path) -> None:
    steps = "".join(
        f'- run: printf %s "$TEXT" >>"$GITHUB_{file.upper()}"\n'
        f"  env: {{TEXT: {json.dumps(text)}}}\n"
        "  continue-on-error: true\n"
        for file, text in MISTAKES
    )
    ran = run(repository(tmp_path, {CI: workflow(steps)}))
    assert ran.code == 0, ran.errors
    ends = ran.of("step.finished")
    assert [(end["outcome"], end["exit_code"]) for end in ends] == [("failure", 0)] * len(MISTAKES)
    wanted = [
        f"Unable to process file command '{file}' successfully. {why}"
        for (file, _), why in MISTAKES.items()
    ]
    assert ran.annotations("error") == wanted
    assert [end["reason"] for end in ends] == wanted


@pytest.mark.covers("CMD-003", "CMD-005")
def test_a_mistake_fails_the_job_and_other_files_count(tmp_path: Path) -> None:
    steps = """
- id: it
  run: |
    echo fine
    echo nonsense >>"$GITHUB_ENV"
    echo a=1 >>"$GITHUB_OUTPUT"
- run: echo never
- if: failure()
  run: echo "output ${{ steps.it.outputs.a }}"
"""
    ran = run(repository(tmp_path, {CI: workflow(steps)}))
    assert (ran.code, ran.jobs()) == (1, {"test": "failure"})
    assert list(ran.ends().values()) == ["failure", "skipped", "success"]
    assert ran.printed() == "fine\noutput 1\n"


@pytest.mark.covers("CMD-004")
def test_node_options_are_refused_and_the_step_goes_on(tmp_path: Path) -> None:
    steps = """
- env: {ACTIONS_ALLOW_UNSECURE_COMMANDS: true}
  run: |
    echo A=1 >>"$GITHUB_ENV"
    echo NODE_OPTIONS=--inspect >>"$GITHUB_ENV"
    printf 'node_options<<E\\n--inspect\\nE\\n' >>"$GITHUB_ENV"
    echo B=2 >>"$GITHUB_ENV"
- run: echo "$A $B [${NODE_OPTIONS-none}] [${node_options-none}] [${{ env.NODE_OPTIONS }}]"
"""
    ran = run(repository(tmp_path, {CI: workflow(steps)}))
    assert ran.code == 0, ran.errors
    assert ran.printed() == "1 2 [none] [none] []\n"
    message = "Can't store NODE_OPTIONS output parameter using '$GITHUB_ENV' command."
    assert ran.annotations("error") == [message] * 2


# --- steps that fail or are cancelled -------------------------------------------------------------

WRITE = """
    echo written=1 >>"$GITHUB_OUTPUT"
    echo LATER=2 >>"$GITHUB_ENV"
    echo "$PWD/bin" >>"$GITHUB_PATH"
    echo '# Notes' >>"$GITHUB_STEP_SUMMARY"
""".strip("\n")
READ = 'echo "${{ steps.it.outcome }} ${{ steps.it.outputs.written }} $LATER $(tool)"'
TOOL = {"bin/tool": "#!/bin/sh\necho 3\n"}


@pytest.mark.covers("CMD-005")
@pytest.mark.parametrize("end", ["exit 3", "kill -KILL $$"])
def test_what_a_failed_step_wrote_counts(tmp_path: Path, end: str) -> None:
    steps = f"- id: it\n  run: |\n{WRITE}\n    {end}\n- if: failure()\n  run: {READ}\n"
    ran = run(repository(tmp_path, {CI: workflow(steps), **TOOL}))
    assert ran.code == 1 and ran.jobs() == {"test": "failure"}
    assert ran.printed().splitlines()[-1] == "failure 1 2 3"
    assert [event["text"] for event in ran.of("summary")] == ["# Notes\n"]


@pytest.mark.covers("CMD-005")
def test_what_a_failed_container_step_wrote_counts(tmp_path: Path) -> None:
    steps = """
- id: it
  uses: docker://runwright-test/busybox
  with: {entrypoint: sh, args: '-c "echo written=1 >>$GITHUB_OUTPUT; exit 3"'}
- if: failure()
  run: echo "${{ steps.it.outcome }} ${{ steps.it.outputs.written }}"
"""
    ran = run(repository(tmp_path, {CI: workflow(steps)}))
    assert ran.code == 1
    assert ran.printed() == "failure 1\n"


@pytest.mark.covers("CMD-005")
def test_what_a_cancelled_step_wrote_counts(tmp_path: Path) -> None:
    steps = f"""
- id: it
  background: true
  run: |
{WRITE}
    touch all-written
    sleep 600
- run: until [ -e all-written ]; do sleep 0.05; done
- cancel: it
- run: {READ}
"""
    ran = run(repository(tmp_path, {CI: workflow(steps, timeout_minutes="2"), **TOOL}))
    assert ran.code == 0, ran.errors
    assert ran.printed() == "cancelled 1 2 3\n"
    assert [event["text"] for event in ran.of("summary")] == ["# Notes\n"]


@pytest.mark.covers("CMD-005")
def test_what_a_step_wrote_counts_when_the_run_is_cancelled(tmp_path: Path) -> None:
    steps = f"""
- id: it
  run: |
{WRITE}
    echo all written
    sleep 600
- if: cancelled()
  run: {READ}
"""
    repository(tmp_path, {CI: workflow(steps), **TOOL})
    with running(tmp_path, *IMAGE, "--no-pull") as cancelled:
        cancelled.until("│   all written")
        cancelled.process.send_signal(signal.SIGINT)
        assert cancelled.end() == 130
    assert "│   cancelled 1 2 3\n" in cancelled.text
    assert "\n# Notes\n" in cancelled.text.partition("Summary of test")[2]
