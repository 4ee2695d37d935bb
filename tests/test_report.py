"""What readers see: plain lines, JSON lines, GitHub's own log commands."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from engine.events import (
    Annotation,
    AttemptFailed,
    Debug,
    Event,
    GroupEnded,
    GroupStarted,
    JobAttemptFailed,
    JobCalled,
    JobExpanded,
    JobFinished,
    JobStarted,
    Log,
    Outcome,
    Output,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
    Summary,
    WorkflowSkipped,
)
from engine.report.annotations import Annotations
from engine.report.jsonl import jsonl
from engine.report.log import JobLog, stamp_of
from engine.report.plain import TAIL, Plain
from engine.report.style import Style, duration, table
from engine.transcript import parse
from engine.transcript.commands import COMMANDS

SCHEMA = Path(__file__).parent.parent / "schema" / "event.schema.json"
OK, BAD, SKIPPED, CANCELLED = (
    Outcome.SUCCESS, Outcome.FAILURE, Outcome.SKIPPED, Outcome.CANCELLED,
)  # fmt: skip

RUN = RunStarted(
    run="7", run_id="7", run_number=3, event_name="push", workflow="CI", file="ci.yml",
    title="Fix it", jobs=("build", "test", "ship"),
)  # fmt: skip


def at(job: str, step: int = 0) -> dict[str, Any]:
    return {"run": "7", "job": job} | ({"step": step} if step else {})


NAMES = frozenset((*COMMANDS, "x"))
EVENTS: list[Event] = [
    RUN,
    Log(run="7", message="Pulling alpine"),
    JobExpanded(**at("build"), legs=("build.0",)),
    JobStarted(**at("build.0"), name="build (1)", runs_on=("x",), isolation="docker", image="a:1"),
    StepStarted(**at("build.0", 1), name="Run make", script="make\nall", shell="sh -e {0}",
                env={"A": "b"}),
    Output(**at("build.0", 1), text="one\ntwo\n"),
    GroupStarted(**at("build.0", 1), title="Details"),
    Output(**at("build.0", 1), text="three"),
    GroupEnded(**at("build.0", 1)),
    Debug(**at("build.0", 1), message="why"),
    StepFinished(**at("build.0", 1), name="Run make", outcome=OK, conclusion=OK, seconds=1.5),
    StepFinished(**at("build.0", 2), name="Deploy", outcome=SKIPPED, conclusion=SKIPPED,
                 reason="`false` is false"),
    Summary(**at("build.0", 1), name="Run make", text="# Fine\n"),
    JobFinished(**at("build.0"), name="build (1)", outcome=OK, seconds=2),
    JobStarted(**at("test"), name="test", runs_on=("x",), isolation="docker", image=""),
    StepStarted(**at("test", 1), name="Run test"),
    Output(**at("test", 1), text="testing\n"),
    AttemptFailed(**at("test", 1), attempt=1, attempts=2, reason="Exit code 1.", delay=2),
    Annotation(**at("test", 1), level="error", message="wrong\nhere", title="T", file="a.py",
               line=4),
    Log(**at("test"), level="warning", message="slow"),
    StepFinished(**at("test", 1), name="Run test", outcome=BAD, conclusion=BAD, seconds=75,
                 attempts=2, reason="Process completed with exit code 1.", exit_code=1),
    StepFinished(**at("test", 2), name="Lint", outcome=BAD, conclusion=OK, seconds=0.25,
                 reason="Process completed with exit code 2."),
    JobFinished(**at("test"), name="test", outcome=BAD, seconds=80),
    JobFinished(**at("ship"), name="ship", outcome=SKIPPED, reason="a need failed"),
    RunFinished(run="7", outcome=BAD, seconds=3725),
]  # fmt: skip

PLAIN = """\
▶ CI #3 on push: Fix it
Pulling alpine
build (1) │ runs in docker (a:1)
build (1) │ Run make
build (1) │   one
build (1) │   two
build (1) │   ▸ Details
build (1) │     three
build (1) │   debug: why
build (1) │ ✓ Run make 1.50s
build (1) │ - Deploy skipped: `false` is false
test │ runs in docker
test │ Run test
test │   testing
test │ attempt 1 of 2 failed: Exit code 1. Trying again in 2.00s.
test │   error: T: wrong
test │   here (a.py:4)
test │ warning: slow
test │ ✗ Run test 1m15s: Process completed with exit code 1.
test │ ✗ Lint 0.25s: Process completed with exit code 2. (continue-on-error)
ship │ - skipped: a need failed

Summary of build (1), step "Run make"
# Fine

   Job        Result   Time   Where   Notes
✓  build (1)  success  2.00s  docker
✗  test       failure  1m20s  docker  step "Run test"; 1 retry
-  ship       skipped         -       a need failed

First failure: test, step "Run test"
    testing
    error: T: wrong
    here (a.py:4)
    Process completed with exit code 1.

✗ CI: failure in 1h02m
"""


def plain(events: list[Event], close: bool = True, **options: Any) -> str:
    written: list[str] = []
    reporter = Plain(written.append, **options)
    for event in events:
        reporter(event)
    if close:
        reporter.close()
    assert all(text.endswith("\n") for text in written)
    return "".join(written)


# --- plain ----------------------------------------------------------------------------------------


def test_a_run_as_plain_lines() -> None:
    assert plain(EVENTS) == PLAIN


def test_quiet_leaves_out_what_steps_print() -> None:
    shown = plain(EVENTS, close=False, quiet=True)
    assert not [text for text in ("one", "three", "Details", "Pulling") if text in shown]
    assert "error: T: wrong" in shown
    assert "warning: slow" in shown


def test_verbose_shows_scripts() -> None:
    shown = plain(EVENTS[3:5], close=False, verbose=True).splitlines()
    assert shown[2:] == [
        "build (1) │   make",
        "build (1) │   all",
        "build (1) │   shell: sh -e {0}",
        "build (1) │   env: A=b",
    ]


@pytest.mark.covers("WF-012")
def test_verbose_shows_what_the_token_may_do() -> None:
    permissions = {"contents": "read", "metadata": "read"}
    started = JobStarted(
        **at("a"), name="a", runs_on=("x",), isolation="docker", image="", permissions=permissions
    )
    assert plain([started], close=False, verbose=True).splitlines()[1:] == [
        "a │ GITHUB_TOKEN permissions: contents: read, metadata: read"
    ]
    assert len(plain([started], close=False).splitlines()) == 1


SKIPPED_WORKFLOW = WorkflowSkipped(
    event_name="push", workflow="Docs", file="docs.yml", reason='paths: "a" changed (line 3)'
)


def test_what_is_not_started_is_said_aside_and_at_the_end() -> None:
    line = 'Docs (docs.yml) is not started: paths: "a" changed (line 3)\n'
    aside: list[str] = []
    shown = plain([SKIPPED_WORKFLOW, *EVENTS], aside=aside.append)
    assert aside == [f"runwright: {line}"]
    assert shown == f"{PLAIN}- {line}"


def test_where_nothing_runs_it_is_said_once() -> None:
    assert plain([SKIPPED_WORKFLOW]).count("Docs") == 1


def test_many_workflows_are_told_apart() -> None:
    shown = plain(EVENTS, many=True)
    assert "CI/build (1) │   one\n" in shown
    assert "✓  CI/build (1)  success" in shown


def test_ascii_only() -> None:
    assert plain(EVENTS, style=Style(unicode=False)).isascii()


def test_colours_change_nothing_else() -> None:
    coloured = plain(EVENTS, style=Style(colour=True))
    assert "\033[31m" in coloured
    bare = coloured
    for code in ("0", "1", "2", "31", "32", "33", "34", "36"):
        bare = bare.replace(f"\033[{code}m", "")
    assert bare == plain(EVENTS)


def test_only_the_first_failure_with_its_last_lines() -> None:
    lines = "".join(f"line {number}\n" for number in range(TAIL + 30))
    failed = {"outcome": BAD, "conclusion": BAD, "reason": "no"}
    shown = plain([
        StepStarted(**at("a", 1), name="A"),
        Output(**at("a", 1), text=lines),
        StepFinished(**at("a", 1), name="A", **failed),
        StepFinished(**at("b", 1), name="B", **failed),
        JobFinished(**at("a"), name="a", outcome=BAD),
        JobFinished(**at("b"), name="b", outcome=BAD),
    ])  # fmt: skip
    end = shown.partition("First failure: ")[2].splitlines()
    assert end[0] == 'a, step "A"'
    assert end[1:] == [f"    line {number}" for number in range(30, TAIL + 30)] + ["    no"]


def test_a_job_that_may_fail_is_not_the_first_failure() -> None:
    allowed = JobFinished(**at("a"), name="a", outcome=BAD, reason="x", allowed_to_fail=True)
    assert "First failure" not in plain([allowed])
    failed = JobFinished(**at("b"), name="b", outcome=BAD, reason="y")
    assert plain([allowed, failed]).endswith("\nFirst failure: b\n    y\n")


def test_the_next_command_to_type() -> None:
    shown = plain(EVENTS, again=lambda event, job, matrix: f"{event} -j {job} {dict(matrix)}")
    assert "\n    Process completed with exit code 1.\nRun it again with: push -j test {}\n" in (
        shown
    )


def test_the_table_is_in_the_order_of_the_file() -> None:
    ends = [("ship", "s"), ("build.10", "b10"), ("test", "t"), ("build.2", "b2")]
    shown = plain([RUN, *(JobFinished(**at(key), name=name, outcome=OK) for key, name in ends)])
    rows = shown.partition("Notes\n")[2].splitlines()
    assert [row.split()[1] for row in rows] == ["b2", "b10", "t", "s"]


def test_a_job_that_fails_outside_its_steps_is_a_failure_too() -> None:
    shown = plain([JobFinished(**at("a"), name="a", outcome=BAD, reason="no image")])
    assert shown.startswith("a │ ✗ failure: no image\n")
    assert shown.endswith("\nFirst failure: a\n    no image\n")


@pytest.mark.parametrize(
    ("event", "notes"),
    [
        (JobFinished(name="a", outcome=BAD, allowed_to_fail=True),
         "allowed to fail (continue-on-error)"),
        (JobFinished(name="a", outcome=CANCELLED, reason="fail-fast"), "fail-fast"),
        (JobFinished(name="a", outcome=BAD, allowed_to_fail=True, reason="x"),
         "allowed to fail (continue-on-error); x"),
    ],
)  # fmt: skip
def test_notes_of_the_table(event: JobFinished, notes: str) -> None:
    row = plain([event]).partition("Notes\n")[2].splitlines()[0]
    assert row.endswith(f"  -      {notes}")


def test_nothing_happened_is_nothing() -> None:
    assert plain([]) == ""


@pytest.mark.covers("STEP-031")
def test_twenty_summaries_of_a_job() -> None:
    summaries = [
        Summary(**at(job, step), name=f"S{step}", text=f"text {job}{step}\n")
        for job, count in (("a", 22), ("b", 1))
        for step in range(1, count + 1)
    ]
    shown = plain([*summaries], page=lambda run: f"/runs/{run}/summary.md")
    assert shown.count("Summary of a, step") == 20 and "text a20\n" in shown
    assert "\n2 more of a; all are in /runs/7/summary.md\n\nSummary of b, step" in shown
    assert "\n2 more of a\n" in plain([*summaries])


@pytest.mark.covers("CMD-020")
def test_a_line_with_a_problem_is_shown_with_its_level() -> None:
    note = Annotation(**at("a", 1), level="warning", message="m", text="a.c:1: m", file="a.c")
    assert plain([note]).startswith("a │   warning: a.c:1: m\n")


# --- JSON lines -----------------------------------------------------------------------------------


@pytest.mark.covers("OPS-013")
def test_every_line_is_an_event_of_the_schema() -> None:
    lines: list[str] = []
    reporter = jsonl(lines.append)
    for event in EVENTS:
        reporter(event)
    assert all(line.endswith("\n") and line.count("\n") == 1 for line in lines)
    found = [json.loads(line) for line in lines]
    assert [(one["v"], one["type"]) for one in found] == [(1, event.type) for event in EVENTS]
    validator = Draft7Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert [error.message for one in found for error in validator.iter_errors(one)] == []


def test_an_event_keeps_every_field() -> None:
    lines: list[str] = []
    jsonl(lines.append)(EVENTS[4])
    assert json.loads(lines[0]) == {
        "v": 1, "type": "step.started", "time": 0.0, "run": "7", "job": "build.0", "step": 1,
        "name": "Run make", "id": "", "phase": "main", "depth": 0,
        "script": "make\nall", "shell": "sh -e {0}",
        "env": {"A": "b"},
    }  # fmt: skip


# --- inside GitHub Actions ------------------------------------------------------------------------

LOG = """\
CI #3 on push
Pulling alpine
build (1): runs in docker
::group::build (1): Run make - success (1.50s)
one
two
> Details
  three
::endgroup::
::group::build (1): Deploy - skipped
::endgroup::
build (1): success
test: runs in docker
test: slow
::group::test: Run test - failure (1m15s)
testing
::error title=T,file=a.py,line=4::wrong%0Ahere
::endgroup::
::group::test: Lint - failure (0.25s)
::endgroup::
test: failure
ship: skipped: a need failed
"""

PAGE = """\
| | Job | Result | Time | Notes |
| --- | --- | --- | --- | --- |
| ✅ | build (1) | success | 2.00s |  |
| ❌ | test | failure | 1m20s |  |
| ⏭️ | ship | skipped |  | a need failed |

### build (1): Run make

# Fine


"""


def annotated(events: list[Event]) -> tuple[str, str]:
    log: list[str] = []
    pages: list[str] = []
    reporter = Annotations(log.append, pages.append)
    for event in events:
        reporter(event)
    reporter.close()
    return "".join(log), "".join(pages)


@pytest.mark.covers("STEP-031")
def test_a_run_inside_of_github_actions() -> None:
    log, page = annotated(EVENTS)
    assert log == LOG
    assert page == PAGE


STEP = {"outcome": OK, "conclusion": OK, "seconds": 1.0}


def grouped(*events: Event) -> list[str]:
    """The lines inside the group of one step."""
    log, _ = annotated([*events, StepFinished(**at("a", 1), name="A", **STEP)])
    lines = log.splitlines()
    assert (lines[0], lines[-1]) == ("::group::a: A - success (1.00s)", "::endgroup::")
    return lines[1:-1]


@pytest.mark.parametrize(
    "text",
    [
        *("::error::x", "  ::add-mask::x", "a\n::endgroup::\nb", "a ##[error]x", "##[group]x\n"),
        *("a\r::x::y", "a\n\n  ::x::y\n", "", "\n"),
    ],
)
def test_a_command_in_the_output_is_not_obeyed_again(text: str) -> None:
    for line in grouped(Output(**at("a", 1), text=text)):
        assert parse(line, NAMES) is None
    (title, *more) = grouped(GroupStarted(**at("a", 1), title=text))
    assert [parse(line, NAMES) for line in (title, *more)] == [None] * (1 + len(more))
    log, _ = annotated([Log(run="7", message=text)])
    assert [line for line in log.splitlines() if parse(line, NAMES)] == []


def test_other_output_is_left_alone() -> None:
    text = "a :: b\n\n  # [x]\nend"
    assert grouped(Output(**at("a", 1), text=text)) == text.split("\n")


def test_properties_and_message_are_escaped() -> None:
    note = Annotation(**at("a", 1), level="warning", message="50%\r\n::x", title="a:b,c\n%",
                      file="d,e.py", line=1, end_line=2, column=3, end_column=4)  # fmt: skip
    assert grouped(note) == [
        "::warning title=a%3Ab%2Cc%0A%25,file=d%2Ce.py,line=1,endLine=2,col=3,endColumn=4"
        "::50%25%0D%0A::x"
    ]
    command = parse(grouped(note)[0], NAMES)
    assert command is not None
    assert (command.data, command.properties["title"]) == ("50%\r\n::x", "a:b,c\n%")


@pytest.mark.covers("CMD-020")
def test_a_line_with_a_problem_stays_in_the_log() -> None:
    note = Annotation(**at("a", 1), level="error", message="m", text="::x::1: m", file="a.c")
    assert grouped(note) == [".::x::1: m", "::error title=a,file=a.c::m"]


@pytest.mark.covers("CMD-014")
def test_over_the_limit_only_the_line_is_left() -> None:
    note = Annotation(**at("a", 1), level="error", message="m\n::x::", over_limit=True)
    assert grouped(note) == ["error: m", ".::x::"]


@pytest.mark.covers("STEP-031")
def test_the_page_is_no_larger_than_github_takes() -> None:
    summaries = [Summary(**at("a", n), name="x", text="é" * 100_000) for n in range(1, 8)]
    _, page = annotated([*summaries, JobFinished(name="a", outcome=OK)])
    assert len(page.encode()) <= 1024 * 1024
    assert page.count("### a: x") == 5
    assert page.endswith("\n2 more summaries do not fit on this page.\n")


def test_an_annotation_without_a_title_names_its_job() -> None:
    assert grouped(Annotation(**at("a", 1), level="notice", message="m")) == ["::notice title=a::m"]


def test_a_name_can_not_break_out_of_its_line() -> None:
    finished = StepFinished(**at("a", 1), name="x\n::error::y", **STEP)
    log, _ = annotated([finished])
    assert log.splitlines()[0] == "::group::a: x%0A::error::y - success (1.00s)"
    _, page = annotated([JobFinished(name="a|b\nc", outcome=OK)])
    assert "| ✅ | a\\|b c | success |" in page


def test_jobs_side_by_side_do_not_mix() -> None:
    log, _ = annotated([
        Output(**at("a", 1), text="of a\n"),
        Output(**at("b", 1), text="of b\n"),
        StepFinished(**at("b", 1), name="B", **STEP),
        StepFinished(**at("a", 1), name="A", **STEP),
    ])  # fmt: skip
    assert [line for line in log.splitlines() if not line.startswith("::end")] == [
        "::group::b: B - success (1.00s)", "of b", "::group::a: A - success (1.00s)", "of a",
    ]  # fmt: skip


# --- called workflows and jobs that are tried again -----------------------------------------------

CALLS: list[Event] = [
    RunStarted(
        run="7", run_id="7", run_number=3, event_name="push", workflow="CI", file="ci.yml",
        title="", jobs=("last", "call"),
    ),
    JobExpanded(**at("call"), legs=("call.0", "call.1")),
    JobCalled(**at("call.1"), name="call (b)", workflow="X", file="x.yml", matrix={"a": "b"},
              jobs=("call.1/one", "call.1/two")),
    JobCalled(**at("call.0"), name="call (a)", workflow="X", file="x.yml", matrix={"a": "a"},
              jobs=("call.0/one", "call.0/two")),
    JobFinished(**at("call.1/two.10"), name="call (b) / two (10)", outcome=SKIPPED),
    JobStarted(**at("call.1/two.2"), name="call (b) / two (2)", runs_on=("x",),
               isolation="docker", image="", matrix={"n": 2}),
    StepStarted(**at("call.1/two.2", 1), name="Run make"),
    StepFinished(**at("call.1/two.2", 1), name="Run make", outcome=BAD, conclusion=BAD,
                 reason="Process completed with exit code 1.", exit_code=1),
    JobFinished(**at("call.1/two.2"), name="call (b) / two (2)", outcome=BAD, seconds=1),
    JobFinished(**at("call.1/one"), name="call (b) / one", outcome=OK, seconds=1),
    JobFinished(**at("call.1"), name="call (b)", outcome=BAD, seconds=1),
    JobFinished(**at("call.0/one"), name="call (a) / one", outcome=OK, seconds=1),
    JobFinished(**at("call.0"), name="call (a)", outcome=BAD, reason="x.yml:3:1: no"),
    JobFinished(**at("last"), name="last", outcome=OK, seconds=1),
    RunFinished(run="7", outcome=BAD, seconds=2),
]  # fmt: skip


@pytest.mark.covers("RWF-011")
def test_what_a_job_calls_has_rows_of_its_own() -> None:
    shown = plain(CALLS)
    assert "call (a) │ calls x.yml\n" in shown
    rows = shown.partition("Notes\n")[2].partition("\n\n")[0].splitlines()
    assert [re.split("  +", row)[1] for row in rows] == [
        "last",
        "call (a)",  # which failed by itself
        "call (a) / one",
        "call (b) / one",
        "call (b) / two (2)",
        "call (b) / two (10)",
    ]


def test_a_job_of_a_called_workflow_is_run_again_by_its_path() -> None:
    shown = plain(CALLS, again=lambda event, job, matrix: f"{job} {dict(matrix)}")
    assert 'First failure: call (b) / two (2), step "Run make"' in shown
    assert "Run it again with: call/two {'a': 'b', 'n': 2}\n" in shown


def test_calls_inside_of_github_actions() -> None:
    log, page = annotated(CALLS)
    assert "call (a): calls x.yml\n" in log
    assert "| call (a) | failure |" in page
    assert "| call (b) / one | success |" in page
    assert "| call (b) |" not in page


AGAIN: list[Event] = [
    JobStarted(**at("a"), name="a", runs_on=("x",), isolation="docker", image=""),
    StepStarted(**at("a", 1), name="First"),
    StepFinished(**at("a", 1), name="First", outcome=BAD, conclusion=BAD, reason="no"),
    JobAttemptFailed(**at("a"), attempt=1, attempts=2, reason='Step "First" failed: no', delay=2),
    JobStarted(**at("a"), name="a", runs_on=("x",), isolation="docker", image=""),
    StepStarted(**at("a", 1), name="First"),
    StepFinished(**at("a", 1), name="First", outcome=OK, conclusion=OK),
    StepStarted(**at("a", 2), name="Second"),
    StepFinished(**at("a", 2), name="Second", outcome=BAD, conclusion=BAD, reason="why"),
    JobFinished(**at("a"), name="a", outcome=BAD, seconds=3, attempts=2),
]


def test_a_job_that_is_tried_again() -> None:
    shown = plain(AGAIN)
    told = 'attempt 1 of 2 failed: Step "First" failed: no Trying again in 2.00s.\n'
    assert f"a │ {told}" in shown
    assert shown.endswith('step "Second"; 1 retry\n\nFirst failure: a, step "Second"\n    why\n')
    assert f"a: {told}" in annotated(AGAIN)[0]


# --- the log of a job -----------------------------------------------------------------------------


def logged(*events: Event) -> list[str]:
    written: list[str] = []
    log = JobLog(written.append)
    for event in events:
        log(event)
    assert not written or written[-1].endswith("\n")
    return "".join(written).splitlines()


def at_time(seconds: float) -> dict[str, Any]:
    return {**at("a", 1), "time": seconds}


@pytest.mark.covers("CMD-025")
@pytest.mark.parametrize(
    ("seconds", "stamp"),
    [
        (0, "1970-01-01T00:00:00.0000000Z "),
        (1767225599.25, "2025-12-31T23:59:59.2500000Z "),
        (1767225599.99999999, "2026-01-01T00:00:00.0000000Z "),
        (0.0000012, "1970-01-01T00:00:00.0000012Z "),
    ],
)
def test_stamps(seconds: float, stamp: str) -> None:
    assert stamp_of(seconds) == stamp


@pytest.mark.covers("WF-012", "CMD-025")
def test_the_log_of_a_job_has_its_permissions() -> None:
    started = JobStarted(
        **at("a"), name="a", runs_on=("x",), isolation="docker", image="",
        permissions={"id-token": "write", "contents": "read"},
    )  # fmt: skip
    assert [line.partition("Z ")[2] for line in logged(started)] == [
        "Job a runs in docker",
        "##[group]GITHUB_TOKEN Permissions",
        "Contents: read",
        "IdToken: write",
        "##[endgroup]",
    ]


@pytest.mark.covers("CMD-025", "STEP-023")
def test_the_log_of_a_job() -> None:
    events = [event for event in EVENTS if event.job == "build.0"]
    zero = "1970-01-01T00:00:00.0000000Z "
    assert logged(*events) == [zero + line for line in (
        "Job build (1) runs in docker (a:1)",
        "##[group]Run make",
        "\033[36;1mmake\033[0m",
        "\033[36;1mall\033[0m",
        "shell: sh -e {0}",
        "env:",
        "  A: b",
        "##[endgroup]",
        "one",
        "two",
        "##[group]Details",
        "three",
        "##[endgroup]",
        "##[debug]why",
        "Job build (1): success",
    )]  # fmt: skip


@pytest.mark.covers("CMD-025")
@pytest.mark.parametrize(
    ("event", "lines"),
    [
        (Annotation(**at("a", 1), level="error", message="a\nb", title="T", file="x"),
         ["##[error]a", "b"]),
        (Annotation(**at("a", 1), level="notice", message="m", text="line"), ["##[notice]line"]),
        (Annotation(**at("a", 1), level="warning", message="m", over_limit=True),
         ["##[warning]m"]),
        (AttemptFailed(**at("a", 1), attempt=1, attempts=2, reason="No.", delay=2),
         ["##[warning]Attempt 1 of 2 failed: No."]),
        (Log(**at("a"), message="Pulling"), ["Pulling"]),
        (Log(**at("a"), message="slow", level="warning"), ["##[warning]slow"]),
        (JobFinished(**at("a"), name="a", outcome=BAD, reason="no image"),
         ["##[error]Job a: failure: no image"]),
        (JobFinished(**at("a"), name="a", outcome=SKIPPED, reason="a need failed"),
         ["Job a: skipped: a need failed"]),
        (JobAttemptFailed(**at("a"), attempt=1, attempts=2, reason="No.", delay=2),
         ["##[warning]Attempt 1 of 2 failed: No."]),
        (JobCalled(**at("a"), name="a", workflow="X", file="x.yml", jobs=("a/b",)),
         ["Job a calls x.yml"]),
        (StepStarted(**at("a", 1), name="Post Run x", phase="post"), ["Post job cleanup."]),
        (StepStarted(**at("a", 1), name="Run actions/checkout@v4"),
         ["##[group]Run actions/checkout@v4", "##[endgroup]"]),
        (StepStarted(**at("a", 1), name="Test", script="\n  make all\n", shell="sh"),
         ["##[group]Run make all", "\033[36;1m  make all\033[0m", "shell: sh", "##[endgroup]"]),
        (Summary(**at("a", 1), name="x", text="y"), []),
    ],
)  # fmt: skip
def test_lines_of_a_log(event: Event, lines: list[str]) -> None:
    assert [line.partition("Z ")[2] for line in logged(event)] == lines


@pytest.mark.covers("CMD-025")
def test_every_line_of_a_log_has_its_time() -> None:
    assert logged(
        Output(**at_time(1), text="a\nb\n"),
        Output(**at_time(2), text="part,"),
        Output(**at_time(3), text=" more\n"),
        Output(**at_time(4), text="not ended"),
        GroupEnded(**at_time(5)),
    ) == [
        "1970-01-01T00:00:01.0000000Z a",
        "1970-01-01T00:00:01.0000000Z b",
        "1970-01-01T00:00:02.0000000Z part, more",
        "1970-01-01T00:00:04.0000000Z not ended",
        "1970-01-01T00:00:05.0000000Z ##[endgroup]",
    ]


# --- helpers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0.00s"), (0.244, "0.24s"), (9.99, "9.99s"), (9.996, "10.0s"), (12.14, "12.1s"),
        (59.94, "59.9s"), (59.96, "1m00s"), (60, "1m00s"), (185.4, "3m05s"), (3599.4, "59m59s"),
        (3599.6, "1h00m"), (3720, "1h02m"), (90000, "25h00m"),
    ],
)  # fmt: skip
def test_durations(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_a_table_is_as_wide_as_its_cells() -> None:
    rows = [["", "Job", "Notes"], ["✓", "\033[32mb\033[0m", "x"], ["✗", "longer", ""]]
    assert table(rows) == ["   Job     Notes", "✓  \033[32mb\033[0m       x", "✗  longer"]
    assert table([]) == []


@pytest.mark.parametrize(
    ("style", "marks"),
    [(Style(), "✓✗⊘-"), (Style(unicode=False), "+x!-")],
)
def test_marks(style: Style, marks: str) -> None:
    assert "".join(map(style.mark, Outcome)) == marks
    assert style.paint("", "red") == ""
    assert Style(colour=True).paint("a", "red") == "\033[31ma\033[0m"
    assert Style(colour=True).paint("", "red") == ""
