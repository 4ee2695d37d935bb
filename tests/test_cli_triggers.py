"""What an event starts, as the command's users meet it: filters, inputs, schedules, chains."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from test_cli import ROOT, Done, environment, job, runwright, said, write


def git(directory: Path, *arguments: str) -> str:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", "-C", str(directory), *who, *arguments],
        env=environment(directory),
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


def commit(directory: Path, message: str, *files: str) -> None:
    """A commit that writes some files; the state that runs leave is never part of it."""
    for name in files:
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(message)
    git(directory, "add", "-A")
    git(directory, "commit", "-q", "--allow-empty", "-m", message)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit on main."""
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / ".gitignore").write_text("/state\n")
    commit(tmp_path, "First", "README.md")
    return tmp_path


def ran(done: Done) -> list[str]:
    """The workflows that ran, in the order of their ends."""
    return re.findall(r"^[✓✗⊘-] (\S+): \w+ in ", done.out, re.MULTILINE)


def run(directory: Path, *arguments: str) -> Done:
    return runwright(directory, *arguments, "--runner", "host")


# --- filters --------------------------------------------------------------------------------------


def on(events: str, name: str = "CI") -> str:
    return job("run: 'true'", head=f"name: {name}\non: {events}")


@pytest.mark.covers("WF-018", "WF-019")
@pytest.mark.parametrize(
    ("ref", "filters", "reason"),
    [
        ("main", "{branches: [main]}", ""),
        ("topic", "{branches: [main]}", 'branches: "topic" matches none of ["main"] (line 2)'),
        ("topic", "{branches-ignore: [main]}", ""),
        ("main", "{branches-ignore: [main]}", 'branches-ignore: "main" matches "main" (line 2)'),
        ("main", "{tags: ['v*']}",
         'tags: only tags are filtered, so the branch "main" does not count (line 2)'),
        ("v1", "{tags: ['v*']}", ""),
        ("v1", "{tags-ignore: ['v*']}", 'tags-ignore: "v1" matches "v*" (line 2)'),
    ],
)  # fmt: skip
def test_a_filter_decides(repository: Path, ref: str, filters: str, reason: str) -> None:
    write(repository, ci=on(f"{{push: {filters}}}"))
    git(repository, "tag", "v1")
    if ref != "main":
        git(repository, "checkout", "-q", *(("-b",) if ref == "topic" else ()), ref)
    done = run(repository, "push")
    assert (done.code, ran(done)) == ((5, []) if reason else (0, ["CI"]))
    assert done.err == (
        f"runwright: CI (.github/workflows/ci.yml) is not started: {reason}\n"
        "runwright: nothing runs; --ignore-filters runs what the filters leave out\n"
        if reason
        else ""
    )


@pytest.mark.covers("WF-035")
def test_the_others_run_and_the_end_names_what_did_not(repository: Path) -> None:
    write(repository, a=on("push", "Yes"), b=on("{push: {branches: [no]}}", "No"), c=on("create"))
    done = run(repository, "push")
    line = 'No (.github/workflows/b.yml) is not started: branches: "main" matches none of ["no"]'
    assert (done.code, ran(done)) == (0, ["Yes"])
    assert done.out.endswith(f"- {line} (line 2)\n")
    assert done.err == f"runwright: {line} (line 2)\n"


@pytest.mark.parametrize(
    "options", [("-W", ".github/workflows/ci.yml"), ("-j", "only")], ids=["file", "job"]
)
def test_what_was_named_obeys_its_filters_and_says_how_not_to(
    repository: Path, options: tuple[str, ...]
) -> None:
    write(repository, ci=on("{push: {branches: [no]}}"), other=on("push", "Other"))
    done = run(repository, "push", *options)
    assert "CI (.github/workflows/ci.yml) is not started" in done.err
    assert "--ignore-filters runs what the filters leave out" in done.err
    assert "CI" in ran(run(repository, "push", *options, "--ignore-filters"))


@pytest.mark.parametrize("command", [("plan", "push"), ("push", "-n")], ids=" ".join)
def test_what_would_run_obeys_filters(repository: Path, command: tuple[str, ...]) -> None:
    write(repository, ci=on("{push: {branches: [no]}}"))
    done = runwright(repository, *command)
    assert done.code == 5
    assert 'is not started: branches: "main" matches none of ["no"] (line 2)' in done.err
    done = runwright(repository, *command, "--ignore-filters")
    assert (done.code, done.err) == (0, "")
    assert "CI" in done.out


def test_events_tell_what_did_not_start(repository: Path) -> None:
    write(repository, a=on("push", "Yes"), b=on("{push: {branches: [no]}}", "No"))
    done = run(repository, "push", "--json", "--events", "events.jsonl")
    first, *rest = done.events()
    validator = jsonschema.Draft7Validator(
        json.loads((ROOT / "schema/event.schema.json").read_text())
    )
    validator.validate(first)
    assert {key: first[key] for key in first if key != "time"} == {
        "v": 1,
        "type": "workflow.skipped",
        "run": "",
        "job": "",
        "event_name": "push",
        "workflow": "No",
        "file": ".github/workflows/b.yml",
        "reason": 'branches: "main" matches none of ["no"] (line 2)',
    }
    assert rest[0]["type"] == "run.started"
    assert (repository / "events.jsonl").read_text() == done.out


def test_events_tell_it_where_nothing_runs(repository: Path) -> None:
    write(repository, b=on("{push: {branches: [no]}}", "No"))
    done = run(repository, "push", "--json")
    assert (done.code, [event["type"] for event in done.events()]) == (5, ["workflow.skipped"])
    assert done.err.endswith("--ignore-filters runs what the filters leave out\n")


def test_inside_github_actions_it_is_in_the_summary(repository: Path) -> None:
    write(repository, a=on("push", "Yes"), b=on("{push: {branches: [no]}}", "No"))
    page = repository / "state" / "page.md"
    page.parent.mkdir()
    env = environment(repository, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(page))
    done = runwright(repository, "push", "--runner", "host", env=env)
    assert 'No (.github/workflows/b.yml) is not started: branches: "main" matches' in done.out
    assert '| ⏭️ | No | not started | | branches: "main" matches none' in page.read_text()


# --- paths ----------------------------------------------------------------------------------------

PATHS = on("{push: {paths: ['src/**']}, pull_request: {paths: ['src/**']}}")


@pytest.mark.covers("WF-020")
def test_the_last_commit_of_a_branch_that_was_never_pushed(repository: Path) -> None:
    write(repository, ci=PATHS)
    commit(repository, "Code", "src/a")
    assert run(repository, "push").code == 0
    commit(repository, "Docs", "docs/a")
    done = run(repository, "push")
    assert done.code == 5
    assert 'paths: "docs/a" changed, and none matches ["src/**"] (line 2)' in done.err


@pytest.mark.covers("WF-020")
@pytest.mark.parametrize("how", ["modified", "staged", "untracked"])
def test_what_is_not_committed_counts_since_jobs_see_it(repository: Path, how: str) -> None:
    write(repository, ci=PATHS)
    commit(repository, "Code", "src/a")
    commit(repository, "Docs", "docs/a")
    name = "src/new" if how == "untracked" else "src/a"
    (repository / name).write_text("changed")
    if how == "staged":
        git(repository, "add", name)
    assert run(repository, "push").code == 0


@pytest.mark.covers("WF-020")
@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--changed", "src/a"), 0),
        (("--changed", "docs/a"), 5),
        (("--changed", "docs/a", "--changed", "src/b"), 0),
    ],
)
def test_changed_files_can_be_given(repository: Path, options: tuple[str, ...], code: int) -> None:
    write(repository, ci=PATHS)
    commit(repository, "All", "src/a", "docs/a")
    assert run(repository, "push", *options).code == code


@pytest.mark.covers("WF-020")
def test_a_push_is_all_that_the_remote_does_not_have(repository: Path, tmp_path: Path) -> None:
    write(repository, ci=PATHS)
    commit(repository, "Code", "src/a")
    clone = tmp_path / "state" / "clone"
    git(tmp_path, "clone", "-q", str(repository), str(clone))
    (clone / ".gitignore").write_text("/state\n")
    commit(clone, "More code", "src/b")
    commit(clone, "Docs", "docs/a")
    assert run(clone, "push").code == 0
    git(clone, "update-ref", "refs/remotes/origin/main", "HEAD~1")
    assert run(clone, "push").code == 5


@pytest.mark.covers("WF-020")
@pytest.mark.parametrize("event", ["push", "pull_request"])
def test_a_branch_is_compared_with_where_it_left(repository: Path, event: str) -> None:
    write(repository, ci=PATHS)
    commit(repository, "Code", "src/a")
    git(repository, "checkout", "-q", "-b", "topic")
    commit(repository, "Docs", "docs/a")
    git(repository, "checkout", "-q", "main")
    commit(repository, "Later code", "src/later")
    git(repository, "checkout", "-q", "topic")
    assert run(repository, event).code == 5
    commit(repository, "Code of the branch", "src/b")
    commit(repository, "More docs", "docs/b")
    assert run(repository, event).code == 0


@pytest.mark.covers("WF-020")
def test_an_event_file_names_commits(repository: Path) -> None:
    write(repository, ci=PATHS)
    commit(repository, "Code", "src/a")
    commit(repository, "Docs", "docs/a")
    for before, code in (("HEAD~2", 0), ("HEAD~1", 5)):
        sha = git(repository, "rev-parse", before)
        (repository / "state").mkdir(exist_ok=True)
        (repository / "state" / "event.json").write_text(json.dumps({"before": sha}))
        assert run(repository, "push", "-e", "state/event.json").code == code


@pytest.mark.covers("WF-020")
@pytest.mark.parametrize("before", ["--output=stolen", 7, None, ["x"], "f" * 40])
def test_a_commit_that_is_none_is_not_known(repository: Path, before: Any) -> None:
    write(repository, ci=PATHS)
    commit(repository, "Docs", "docs/a")
    (repository / "state").mkdir(exist_ok=True)
    (repository / "state" / "event.json").write_text(json.dumps({"before": before}))
    assert run(repository, "push", "-e", "state/event.json").code == 0
    assert not (repository / "stolen").exists()


@pytest.mark.covers("WF-020")
def test_the_first_commit_has_nothing_to_compare_with(repository: Path) -> None:
    write(repository, ci=PATHS)
    assert run(repository, "push").code == 0


# --- types, [skip ci] -----------------------------------------------------------------------------


@pytest.mark.covers("WF-023")
@pytest.mark.parametrize(
    ("events", "arguments", "reason"),
    [
        ("pull_request", ("pull_request",), ""),
        ("pull_request", ("pull_request", "--type", "closed"),
         'types: "closed" is none of ["opened", "synchronize", "reopened"], '
         "the default of pull_request (line 2)"),
        ("{pull_request: {types: closed}}", ("pull_request", "--type", "closed"), ""),
        ("{pull_request: {types: closed}}", ("pull_request",),
         'types: "opened" is none of ["closed"] (line 2)'),
        ("{issues: {types: [closed]}}", ("issues", "--type", "closed"), ""),
        ("{release: {types: [created]}}", ("release",),
         'types: "published" is none of ["created"] (line 2)'),
    ],
)  # fmt: skip
def test_types(repository: Path, events: str, arguments: tuple[str, ...], reason: str) -> None:
    write(repository, ci=on(events))
    done = run(repository, *arguments)
    assert done.code == (5 if reason else 0)
    assert reason in done.err


@pytest.mark.covers("WF-024")
@pytest.mark.parametrize("event", ["push", "pull_request"])
def test_a_message_says_to_skip(repository: Path, event: str) -> None:
    write(repository, ci=on("[push, pull_request, workflow_dispatch]"))
    commit(repository, "Docs [skip ci]", "docs")
    done = run(repository, event)
    assert done.code == 5
    assert 'is not started: the head commit\'s message says "[skip ci]"' in done.err
    assert "--ignore-filters" in done.err
    assert run(repository, event, "--ignore-filters").code == 0
    assert run(repository, "workflow_dispatch").code == 0


# --- inputs ---------------------------------------------------------------------------------------

INPUTS = """
name: Dispatch
on:
  workflow_dispatch:
    inputs:
      size: {type: number, default: 3}
      fast: {type: boolean}
      where: {type: choice, options: [staging, production], required: true}
      note: {default: none}
jobs:
  only:
    runs-on: ubuntu-latest
    steps:
      - run: |
          cat <<'END'
          ${{ format('{0}|{1}', toJSON(inputs), toJSON(github.event.inputs)) }}
          END
"""


def inputs(done: Done) -> tuple[dict[str, Any], dict[str, Any]]:
    """The `inputs` context and `github.event.inputs`, as the steps of INPUTS print them."""
    assert done.code == 0, done.text
    context, _, event = "".join(said(done)).partition("|")
    return json.loads(context), json.loads(event)


@pytest.mark.covers("WF-025", "WF-026", "CTX-015")
def test_inputs_are_typed_and_the_event_has_strings(repository: Path) -> None:
    write(repository, ci=INPUTS)
    given = ("--input", "where=staging", "--input", "FAST=true")
    context, event = inputs(run(repository, *given))
    assert context == {"size": 3, "fast": True, "where": "staging", "note": "none"}
    assert event == {"size": "3", "fast": "true", "where": "staging", "note": "none"}


@pytest.mark.covers("WF-025")
def test_where_inputs_come_from(repository: Path) -> None:
    write(repository, ci=INPUTS)
    (repository / "event.json").write_text(
        json.dumps({"inputs": {"where": "staging", "note": "event", "size": "1"}})
    )
    (repository / ".input").write_text("note=file\nsize=2\nof-another-workflow=x\n")
    context, _ = inputs(run(repository, "-e", "event.json", "--input", "size=4"))
    assert context == {"size": 4, "fast": False, "where": "staging", "note": "file"}


@pytest.mark.covers("WF-025")
@pytest.mark.parametrize(
    ("options", "problems"),
    [
        ((), ['--input: the input "where" is required; give it "staging" or "production"']),
        (
            ("where=stagin", "sizee=3", "fast=yes", "size=big"),
            [
                '--input: the workflow has no input "sizee"; did you mean "size"?',
                '--input: the input "size" takes a number, not "big"',
                '--input: the input "fast" takes true or false, not "yes"',
                '--input: the input "where" takes "staging" or "production", not "stagin"; '
                'did you mean "staging"?',
            ],
        ),
    ],
)
def test_wrong_inputs(repository: Path, options: tuple[str, ...], problems: list[str]) -> None:
    write(repository, ci=INPUTS)
    given = [word for option in options for word in ("--input", option)]
    done = run(repository, *given)
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines() == [f"{problem} [inputs]" for problem in problems]


@pytest.mark.covers("WF-025")
def test_a_wrong_input_is_where_it_was_given(repository: Path) -> None:
    write(repository, ci=INPUTS)
    (repository / "my.inputs").write_text("where=here\nother=1\n")
    done = run(repository, "--input-file", "my.inputs")
    assert done.code == 2
    assert [line.partition(": ")[0] for line in done.err.splitlines()] == ["my.inputs"] * 2


@pytest.mark.covers("WF-025")
def test_each_of_several_workflows_takes_its_own_inputs(repository: Path) -> None:
    one = on("{workflow_dispatch: {inputs: {one: {required: true}}}}", "One")
    two = on("{workflow_dispatch: {inputs: {two: {type: number}}}}", "Two")
    write(repository, one=one, two=two)
    assert run(repository, "--input", "one=1", "--input", "two=2").code == 0
    done = run(repository, "--input", "one=1", "--input", "tow=2")
    assert (done.code, 'did you mean "two"?' in done.err) == (2, True)


@pytest.mark.parametrize("option", ["--input", "--input-file"])
def test_other_events_take_no_inputs(repository: Path, option: str) -> None:
    write(repository, ci=on("push"))
    done = run(repository, "push", option, "a=b")
    assert done.code == 2
    assert done.err.startswith(f'{option}: the event "push" takes no inputs; run workflow_dispatch')


@pytest.mark.covers("WF-025", "CTX-015")
def test_a_called_workflow_can_be_run_by_itself(repository: Path) -> None:
    text = INPUTS.replace("workflow_dispatch", "workflow_call").replace(
        "{type: choice, options: [staging, production], required: true}",
        "{type: string, default: '${{ github.ref_name }}'}",
    )
    write(repository, ci=text.replace("note: {", "note: {type: string, "))
    context, _ = inputs(run(repository, "workflow_call", "--input", "fast=true"))
    assert context == {"size": 3, "fast": True, "where": "main", "note": "none"}


@pytest.mark.covers("WF-033")
def test_there_are_at_most_25_inputs(repository: Path) -> None:
    many = ", ".join(f"i{number}: {{}}" for number in range(26))
    write(repository, ci=on(f"{{workflow_dispatch: {{inputs: {{{many}}}}}}}"))
    done = run(repository)
    assert (done.code, "26 inputs are declared and GitHub takes 25" in done.err) == (3, True)


@pytest.mark.covers("WF-033")
def test_inputs_take_at_most_65535_characters(repository: Path) -> None:
    write(repository, ci=INPUTS)
    done = run(repository, "--input", "where=staging", "--input", f"note={'x' * 65_535}")
    assert (done.code, "GitHub's limit is 65535" in done.err) == (2, True)


# --- schedule -------------------------------------------------------------------------------------

NIGHTLY = job(
    "run: echo '${{ github.event.schedule }} on ${{ github.ref }}'",
    head="""\
name: Nightly
on:
  schedule:
    - cron: '30 5 * * 1-5'
      timezone: Europe/Paris
    - cron: 0 0 1 * *""",
)


@pytest.mark.covers("WF-028")
@pytest.mark.parametrize(
    ("options", "line"),
    [((), "30 5 * * 1-5"), (("--cron", "0 0 1 * *"), "0 0 1 * *"),
     (("-e", "state/event.json"), "0 0 1 * *")],
)  # fmt: skip
def test_a_schedule_runs_with_its_line(
    repository: Path, options: tuple[str, ...], line: str
) -> None:
    write(repository, ci=NIGHTLY)
    git(repository, "checkout", "-q", "-b", "topic")
    (repository / "state").mkdir()
    (repository / "state" / "event.json").write_text('{"schedule": "0 0 1 * *"}')
    assert said(run(repository, "schedule", *options)) == [f"{line} on refs/heads/main"]


@pytest.mark.covers("WF-028")
def test_a_line_that_no_schedule_has(repository: Path) -> None:
    write(repository, ci=NIGHTLY)
    done = run(repository, "schedule", "--cron", "1 1 1 1 1")
    assert done.code == 5
    assert 'schedule: "1 1 1 1 1" is none of ["30 5 * * 1-5", "0 0 1 * *"]' in done.err


def test_a_line_is_for_schedules(repository: Path) -> None:
    write(repository, ci=on("push"))
    done = run(repository, "push", "--cron", "1 1 1 1 1")
    assert (done.code, done.err.startswith("--cron: ")) == (2, True)


@pytest.mark.covers("WF-027")
def test_the_next_times_are_listed(repository: Path) -> None:
    write(repository, ci=NIGHTLY, other=on("push", "Other"))
    found = json.loads(runwright(repository, "list", "--schedule", "--json").out)
    times = [datetime.fromisoformat(row["time"]) for row in found]
    assert len(found) == 6
    assert times == sorted(times)
    assert times[0] > datetime.now(UTC)
    for row, time in zip(found, times, strict=True):
        monthly = row["cron"] == "0 0 1 * *"
        assert (time.hour, time.minute) == ((0, 0) if monthly else (5, 30))
        assert (row["timezone"], row["line"]) == (("UTC", 6) if monthly else ("Europe/Paris", 4))
    lines = runwright(repository, "list", "--schedule").out.splitlines()
    assert re.fullmatch(r"Next +Time zone +Cron +Workflow +File", lines[0])
    assert re.fullmatch(
        r"\w{3} \d{4}-\d\d-\d\d \d\d:\d\d +\S+ +.* Nightly +\.github/workflows/ci\.yml:[46]",
        lines[1],
    )


def test_no_schedule_is_said(repository: Path) -> None:
    write(repository, ci=on("push"))
    done = runwright(repository, "list", "--schedule")
    assert (done.code, done.out, done.err) == (0, "", "no workflow has a schedule\n")


# --- repository_dispatch --------------------------------------------------------------------------


@pytest.mark.covers("WF-030")
@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ((), ["nightly {}"]),
        (("--type", "weekly"), ["weekly {}"]),
        (("-e", "state/event.json"), ["weekly {a:1}"]),
        (("--type", "yearly"), []),
    ],
)
def test_a_repository_dispatch(
    repository: Path, options: tuple[str, ...], shown: list[str]
) -> None:
    step = "run: echo ${{ github.event.action }} '${{ toJSON(github.event.client_payload) }}'"
    write(repository, ci=job(step, head="on: {repository_dispatch: {types: [nightly, weekly]}}"))
    (repository / "state").mkdir()
    event = {"action": "weekly", "client_payload": {"a": 1}}
    (repository / "state" / "event.json").write_text(json.dumps(event))
    done = run(repository, "repository_dispatch", *options)
    assert done.code == (0 if shown else 5)
    assert re.sub(r'[ \n"]', "", "".join(said(done))) == "".join(shown).replace(" ", "")


# --- workflow_run ---------------------------------------------------------------------------------


def follows(name: str, *others: str, filters: str = "types: [completed]", step: str = "") -> str:
    listed = ", ".join(others)
    head = f"name: {name}\non: {{workflow_run: {{workflows: [{listed}], {filters}}}}}"
    return job(step or "run: 'true'", head=head)


SHOW = (
    "run: echo ${{ github.event.action }} ${{ github.event.workflow_run.name }} "
    "${{ github.event.workflow_run.conclusion }} ${{ github.event.workflow_run.event }} "
    "${{ github.event.workflow_run.head_branch }} ${{ github.event.workflow_run.run_number }} "
    "${{ github.ref }}"
)


@pytest.mark.covers("WF-029")
@pytest.mark.parametrize(("step", "ending"), [("true", "success"), ("false", "failure")])
def test_a_workflow_runs_after_another(repository: Path, step: str, ending: str) -> None:
    git(repository, "checkout", "-q", "-b", "topic")
    write(
        repository,
        a=job(f"run: '{step}'", head="name: CI\non: push"),
        b=follows("Deploy", "CI", step=SHOW),
        c=follows("Unrelated", "Other"),
    )
    done = run(repository, "push")
    assert ran(done) == ["CI", "Deploy"]
    assert done.code == (0 if ending == "success" else 1)
    assert f"Deploy/only │   completed CI {ending} push topic 1 refs/heads/main\n" in done.out
    assert done.err == ""


@pytest.mark.covers("WF-029")
def test_the_end_of_the_last_counts(repository: Path) -> None:
    write(repository, a=on("push"), b=follows("Deploy", "CI", step="run: 'false'"))
    done = run(repository, "push")
    assert (done.code, ran(done)) == (1, ["CI", "Deploy"])
    assert "Run it again with: runwright workflow_run --runner host --job only" in done.out


@pytest.mark.covers("WF-029")
@pytest.mark.parametrize(
    ("filters", "runs", "told"),
    [
        ("branches: [main]", 3, ""),
        ("types: [completed], branches: ['no/**']", 0,
         'branches: "main" matches none of ["no/**"] (line 2)'),
        ("types: [completed], branches-ignore: [main]", 0,
         'branches-ignore: "main" matches "main" (line 2)'),
        ("types: [requested]", 1, ""),
        ("types: [in_progress]", 1, ""),
        ("types: [requested, completed]", 2, ""),
    ],
)  # fmt: skip
def test_filters_of_a_chain(repository: Path, filters: str, runs: int, told: str) -> None:
    write(repository, a=on("push"), b=follows("Deploy", "CI", filters=filters))
    done = run(repository, "push")
    assert (done.code, ran(done).count("Deploy")) == (0, runs)
    assert done.err.count(told or "is not started") == (1 if told else 0)


@pytest.mark.covers("WF-029")
def test_a_chain_has_three_levels_and_a_loop_ends(repository: Path) -> None:
    names = ["A", "B", "C", "D", "E"]
    chain = {name: follows(name, before) for before, name in pairwise(names)}
    write(repository, A=on("push", "A"), **chain)
    done = run(repository, "push")
    assert (done.code, ran(done)) == (0, ["A", "B", "C", "D"])
    reason = 'it would follow "D", and a chain ends after 3 levels'
    assert f"E (.github/workflows/E.yml) is not started: {reason}\n" in done.err
    write(repository, A=on("{push: , workflow_run: {workflows: [A], types: completed}}", "A"))
    done = run(repository, "push", "-W", ".github/workflows/A.yml")
    assert (done.code, ran(done)) == (0, ["A"] * 4)
    assert 'it would follow "A", and a chain ends after 3 levels' in done.err


@pytest.mark.covers("WF-029")
@pytest.mark.parametrize("options", [("--no-chain",), ("-j", "first")], ids=" ".join)
def test_a_chain_can_be_left_out(repository: Path, options: tuple[str, ...]) -> None:
    write(repository, a=on("push").replace("only:", "first:"), b=follows("Deploy", "CI"))
    done = run(repository, "push", *options)
    assert (done.code, ran(done), done.err) == (0, ["CI"], "")


def test_a_dry_run_shows_what_may_follow(repository: Path) -> None:
    write(repository, a=on("push"), b=follows("Deploy", "CI"))
    done = runwright(repository, "push", "-n")
    assert "Deploy on workflow_run, where it follows one of these\n  only" in done.out


def test_what_follows_is_refused_before_anything_runs(repository: Path) -> None:
    head = "name: Deploy\non: {workflow_run: {workflows: [CI]}}"
    calls = f"{head}\njobs: {{only: {{uses: ./.github/workflows/none.yml}}}}\n"
    write(repository, a=on("push"), b=calls)
    done = run(repository, "push")
    assert (done.code, done.out) == (3, "")
    assert "none.yml" in done.err
    assert run(repository, "push", "--no-chain").code == 0


# --- mistakes -------------------------------------------------------------------------------------


@pytest.mark.covers("WF-022", "WF-027")
@pytest.mark.parametrize(
    ("events", "problem"),
    [
        ("{push: {branches: ['[']}}", "[glob]"),
        ("{schedule: [{cron: '99 * * * *'}]}", "[cron]"),
        ("{schedule: [{cron: '0 0 * * *', timezone: Mars}]}", "[cron]"),
    ],
)
def test_wrong_filters_are_problems(repository: Path, events: str, problem: str) -> None:
    write(repository, ci=on(events))
    for command in ("validate", "run"):
        done = runwright(repository, command)
        assert done.code == 3
        assert done.text.startswith(".github/workflows/ci.yml:2:")
        assert problem in done.text
