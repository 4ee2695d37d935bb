"""Triggers: which event starts which workflow, and what is said about it."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import contexts, model, payloads, triggers
from engine.contexts import Checkout
from engine.model import Trigger, Workflow
from engine.source import load
from engine.triggers import Occasion, Schedule, Verdict

MAIN = "refs/heads/main"


def workflow(on: str) -> Workflow:
    """A workflow whose `on:` starts in line 2."""
    node, problems = load(f"on:\n{textwrap.indent(textwrap.dedent(on).strip(), '  ')}\n", "ci.yml")
    assert node and not problems
    return model.read(node, "ci.yml")[0]


def trigger(on: str) -> Trigger:
    return workflow(on).triggers[0]


def decide(on: str, **seen: Any) -> Verdict:
    found = trigger(on)
    return triggers.decide(found, Occasion(**{"event": found.event, **seen}))


def push(filters: str, ref: str, *files: str) -> Verdict:
    return decide(f"push: {filters}", ref=ref, files=files)


# --- push: branches and tags ----------------------------------------------------------------------


@pytest.mark.covers("WF-018", "WF-019")
@pytest.mark.parametrize(
    ("filters", "main", "feature", "v1", "x1"),
    [
        ("", True, True, True, True),
        ("{branches: main}", True, False, False, False),
        ("{branches: [main, 'feature/**']}", True, True, False, False),
        ("{branches: ['**', '!feature/**']}", True, False, False, False),
        ("{branches: ['*']}", True, False, False, False),
        ("{branches-ignore: [main]}", False, True, False, False),
        ("{branches-ignore: ['**']}", False, False, False, False),
        ("{tags: ['v*']}", False, False, True, False),
        ("{tags-ignore: ['v*']}", False, False, False, True),
        ("{branches: [main], tags: ['v*']}", True, False, True, False),
        ("{branches: [main], tags-ignore: ['v*']}", True, False, False, True),
        ("{branches-ignore: [main], tags: ['v*']}", False, True, True, False),
        ("{branches-ignore: ['**'], tags: ['**']}", False, False, True, True),
        ("{branches: , tags: ['v*']}", False, False, True, False),
        ("{paths: ['**']}", True, True, True, True),
    ],
)
def test_branches_and_tags(filters: str, main: bool, feature: bool, v1: bool, x1: bool) -> None:
    refs = (MAIN, "refs/heads/feature/a", "refs/tags/v1", "refs/tags/x1")
    assert [push(filters, ref, "a").runs for ref in refs] == [main, feature, v1, x1]


@pytest.mark.covers("WF-018")
@pytest.mark.parametrize("on", ["push", "[push]"])
def test_an_event_without_filters_runs(on: str) -> None:
    node, _ = load(f"on: {on}\n", "ci.yml")
    assert node
    (found,) = model.read(node, "ci.yml")[0].triggers
    verdict = triggers.decide(found, Occasion("push", ref=MAIN))
    assert verdict == Verdict(True, "on: push (line 1)")


def test_another_event_does_not_run() -> None:
    verdict = decide("push:", event="pull_request")
    assert verdict == Verdict(False, "on: push (line 2) is not pull_request")


@pytest.mark.covers("WF-018")
@pytest.mark.parametrize("ref", [MAIN, "refs/tags/v1"])
def test_what_is_deleted_starts_nothing_on_push(ref: str) -> None:
    payload = {"ref": ref, "deleted": True}
    seen = triggers.occasion("push", payload, ref)
    verdict = triggers.decide(trigger("push:"), seen)
    assert not verdict.runs and "was deleted" in verdict.reason
    assert triggers.decide(trigger("delete:"), triggers.occasion("delete", payload, ref)).runs


# --- paths ----------------------------------------------------------------------------------------


@pytest.mark.covers("WF-020")
@pytest.mark.parametrize("event", ["push", "pull_request", "pull_request_target"])
@pytest.mark.parametrize(
    ("filters", "files", "runs"),
    [
        ("{paths: ['src/**']}", ["src/a.py"], True),
        ("{paths: ['src/**']}", ["docs/a.md"], False),
        ("{paths: ['src/**']}", ["docs/a.md", "src/a.py"], True),
        ("{paths: ['src/**']}", [], False),
        ("{paths: ['src/**', '!src/docs/**']}", ["src/docs/a.md"], False),
        ("{paths: ['src/**', '!src/docs/**']}", ["src/docs/a.md", "src/a.py"], True),
        ("{paths: ['src/**', '!src/docs/**', '**/keep']}", ["src/docs/keep"], True),
        ("{paths-ignore: ['**.md']}", ["a.md", "docs/b.md"], False),
        ("{paths-ignore: ['**.md']}", ["a.md", "b.py"], True),
        ("{paths-ignore: ['**.md']}", [], True),
        ("{paths-ignore: ['**.md', '!keep.md']}", ["keep.md"], True),
        ("{branches: [main], paths: ['src/**']}", ["src/a.py"], True),
        ("{branches: [other], paths: ['src/**']}", ["src/a.py"], False),
        ("{branches: [main], paths: ['src/**']}", ["a.py"], False),
    ],
)
def test_paths(event: str, filters: str, files: list[str], runs: bool) -> None:
    verdict = decide(f"{event}: {filters}", ref=MAIN, base_ref="main", files=tuple(files))
    assert verdict.runs == runs


@pytest.mark.covers("WF-020")
def test_paths_are_not_asked_of_tags() -> None:
    assert push("{tags: ['v*'], paths: [src]}", "refs/tags/v1", "docs").runs
    assert push("{paths: [src]}", "refs/tags/v1", "docs").runs


@pytest.mark.covers("WF-020")
@pytest.mark.parametrize(
    ("filters", "files", "runs"),
    [
        ("{paths: [x]}", ["a"] * 299 + ["x"], True),
        ("{paths: [x]}", ["a"] * 300 + ["x"], False),
        ("{paths-ignore: [a]}", ["a"] * 299 + ["x"], True),
        ("{paths-ignore: [a]}", ["a"] * 300 + ["x"], False),
    ],
)
def test_only_300_files_are_looked_at(filters: str, files: list[str], runs: bool) -> None:
    assert push(filters, MAIN, *files).runs == runs


@pytest.mark.covers("WF-020")
@pytest.mark.parametrize("key", ["paths", "paths-ignore"])
def test_unknown_files_count_as_matched(key: str) -> None:
    verdict = decide(f"push: {{{key}: [x]}}", ref=MAIN)
    reason = f"{key}: the changed files are not known, so taken as matched (line 2)"
    assert verdict == Verdict(True, reason)


@given(st.lists(st.sampled_from(["a", "b", "src/a", "src/b"]), min_size=1, max_size=5))
def test_ignoring_is_the_opposite_of_all_being_meant(files: list[str]) -> None:
    by_paths = [push("{paths: ['src/**']}", MAIN, file).runs for file in files]
    assert push("{paths: ['src/**']}", MAIN, *files).runs == any(by_paths)
    assert push("{paths-ignore: ['src/**']}", MAIN, *files).runs == (not all(by_paths))


# --- pull requests --------------------------------------------------------------------------------


@pytest.mark.covers("WF-023")
@pytest.mark.parametrize("event", ["pull_request", "pull_request_target"])
@pytest.mark.parametrize(
    ("types", "activity", "runs"),
    [
        ("", "opened", True),
        ("", "synchronize", True),
        ("", "reopened", True),
        ("", "closed", False),
        ("", "labeled", False),
        ("", "", True),
        ("types: []", "closed", False),
        ("types: []", "opened", True),
        ("types: closed", "closed", True),
        ("types: [closed, labeled]", "labeled", True),
        ("types: [closed]", "opened", False),
        ("types: [closed]", "", True),
    ],
)
def test_types_of_a_pull_request(event: str, types: str, activity: str, runs: bool) -> None:
    assert decide(f"{event}: {{{types}}}", activity=activity).runs == runs


@pytest.mark.covers("WF-023")
@pytest.mark.parametrize(
    ("on", "activity", "runs"),
    [
        ("issues:", "labeled", True),
        ("issues: {types: [opened]}", "opened", True),
        ("issues: {types: [opened]}", "closed", False),
        ("pull_request_review:", "dismissed", True),
        ("release: {types: published}", "released", False),
        ("watch:", "started", True),
    ],
)
def test_types_of_other_events(on: str, activity: str, runs: bool) -> None:
    assert decide(on, activity=activity).runs == runs


@pytest.mark.covers("WF-018", "WF-023")
@pytest.mark.parametrize("event", ["pull_request", "pull_request_target", "merge_group"])
@pytest.mark.parametrize(
    ("filters", "base", "runs"),
    [
        ("{branches: [main]}", "main", True),
        ("{branches: [main]}", "topic", False),
        ("{branches-ignore: [main]}", "main", False),
        ("{branches-ignore: [main]}", "topic", True),
        ("{branches: [main]}", "", True),
    ],
)
def test_branches_are_those_of_the_base(event: str, filters: str, base: str, runs: bool) -> None:
    seen = {"ref": "refs/pull/1/merge", "base_ref": base, "head_branch": "main"}
    assert decide(f"{event}: {filters}", **seen).runs == runs


# --- [skip ci] ------------------------------------------------------------------------------------

SKIPPING = [
    *("[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]"),
    *("Fix it [skip ci] now", "Fix it\n\nMore of it\n[no ci]\n"),
    *("Fix it\n\n\nskip-checks: true", "Fix it\n\n\nskip-checks:true\n"),
    "Fix it\r\n\r\n\r\nskip-checks: true\r\n",
    "Fix it\n\nBody\n\n\nSigned-off-by: A <a@b>\nskip-checks: true",
]
RUNNING = [
    *("", "skip ci", "[skip-ci]", "[skip ci", "(skip ci)", "[skip  ci]"),
    *("skip-checks: true", "Fix it\n\nskip-checks: true", "Fix it\n\n\nskip-checks: false"),
    "Fix it\n\n\nskip-checks: true\nSigned-off-by: A <a@b>",
    "Fix it\n\n\nskip-checks: true\n\nMore",
]


@pytest.mark.covers("WF-024")
@pytest.mark.parametrize("event", ["push", "pull_request"])
def test_a_message_can_skip(event: str) -> None:
    def runs(message: str) -> bool:
        return decide(f"{event}:", ref=MAIN, message=message, activity="opened").runs

    assert [message for message in SKIPPING if runs(message)] == []
    assert [message for message in RUNNING if not runs(message)] == []


@pytest.mark.covers("WF-024")
@pytest.mark.parametrize(
    "event", ["pull_request_target", "workflow_dispatch", "schedule", "issues"]
)
def test_other_events_are_not_skipped(event: str) -> None:
    assert decide(f"{event}:", message="[skip ci]").runs


@pytest.mark.covers("WF-024")
def test_an_endless_message_is_no_trouble() -> None:
    message = "\n" * 50_000 + "a\n" * 50_000 + "skip-checks: tru"
    assert decide("push:", ref=MAIN, message=message).runs


# --- other events ---------------------------------------------------------------------------------

SCHEDULE = """
schedule:
  - cron: '0 5 * * 1'
    timezone: Europe/Paris
  - cron: 30 4 * * *
"""


@pytest.mark.covers("WF-028")
@pytest.mark.parametrize(
    ("line", "runs", "reason"),
    [
        ("0 5 * * 1", True, 'cron: "0 5 * * 1" is due (line 3)'),
        ("30 4  * * *", True, 'cron: "30 4 * * *" is due (line 5)'),
        (
            "* * * * *",
            False,
            'schedule: "* * * * *" is none of ["0 5 * * 1", "30 4 * * *"] (line 2)',
        ),
        ("", True, "schedule: the cron line is not known, so taken as matched"),
    ],
)
def test_a_schedule_is_its_cron_line(line: str, runs: bool, reason: str) -> None:
    seen = triggers.occasion("schedule", {"schedule": line} if line else {}, MAIN)
    assert triggers.decide(trigger(SCHEDULE), seen) == Verdict(runs, reason)


@pytest.mark.covers("WF-029")
@pytest.mark.parametrize(
    ("filters", "runs"),
    [
        ("{workflows: [Build]}", True),
        ("{workflows: Build}", True),
        ("{workflows: [build]}", False),
        ("{workflows: ['*']}", False),
        ("{workflows: [Test, Build], types: [completed]}", True),
        ("{workflows: [Build], types: [requested]}", False),
        ("{workflows: [Build], branches: [topic]}", True),
        ("{workflows: [Build], branches: [main]}", False),
        ("{workflows: [Build], branches-ignore: [topic]}", False),
        ("{workflows: [.github/workflows/build.yml]}", True),
    ],
)
def test_a_workflow_follows_another(filters: str, runs: bool) -> None:
    run = {"name": "Build", "path": ".github/workflows/build.yml", "head_branch": "topic"}
    payload = {"action": "completed", "workflow": {"name": "Build"}, "workflow_run": run}
    seen = triggers.occasion("workflow_run", payload, MAIN)
    assert triggers.decide(trigger(f"workflow_run: {filters}"), seen).runs == runs


@pytest.mark.covers("WF-030")
@pytest.mark.parametrize(
    ("filters", "action", "runs"),
    [
        ("", "nightly", True),
        ("{types: [nightly, weekly]}", "weekly", True),
        ("{types: [nightly]}", "Nightly", False),
        ("{types: [night*]}", "nightly", False),
    ],
)
def test_a_dispatch_of_a_repository_has_types(filters: str, action: str, runs: bool) -> None:
    payload = {"action": action, "client_payload": {"a": 1}}
    seen = triggers.occasion("repository_dispatch", payload, MAIN)
    assert triggers.decide(trigger(f"repository_dispatch: {filters}"), seen).runs == runs


@pytest.mark.covers("WF-034")
@pytest.mark.parametrize(
    ("filters", "runs"),
    [
        ("", True),
        ("{names: [My Image]}", True),
        ("{names: [Other]}", False),
        ("{versions: ['1.*', '2.*']}", True),
        ("{versions: ['3.*']}", False),
        ("{names: [My Image], versions: ['1.*']}", False),
        ("{names: [Other], versions: ['2.*']}", False),
    ],
)
def test_an_image_has_a_name_and_a_version(filters: str, runs: bool) -> None:
    payload = {"image_version": {"name": "My Image", "version": "2.1"}}
    seen = triggers.occasion("image_version", payload, MAIN)
    assert triggers.decide(trigger(f"image_version: {filters}"), seen).runs == runs


@pytest.mark.parametrize(("state", "runs"), [("success", True), ("inactive", False), ("", True)])
def test_an_inactive_deployment_starts_nothing(state: str, runs: bool) -> None:
    seen = triggers.occasion("deployment_status", {"deployment_status": {"state": state}}, MAIN)
    assert triggers.decide(trigger("deployment_status:"), seen).runs == runs


# --- reasons --------------------------------------------------------------------------------------

WRITTEN = """
push:
  branches:
    - main
    - 'v*'
    - '!v0*'
  paths:
    - 'src/**'
"""


@pytest.mark.parametrize(
    ("branch", "files", "reason"),
    [
        (
            "main",
            ("a", "src/b"),
            'branches: "main" matches "main" (line 4); paths: "src/b" matches "src/**" (line 8)',
        ),
        (
            "feature/x",
            (),
            'branches: "feature/x" matches none of ["main", "v*", "!v0*"] (line 3)',
        ),
        ("v0.1", (), 'branches: "v0.1" is excluded by "!v0*" (line 6)'),
        ("v1", ("a",), 'paths: "a" changed, and none matches ["src/**"] (line 7)'),
        (
            "v1",
            ("a", "b", "c"),
            'paths: "a" and 2 more changed, and none matches ["src/**"] (line 7)',
        ),
        ("v1", (), 'paths: no file changed, and none matches ["src/**"] (line 7)'),
    ],
)
def test_the_reason_of_a_push(branch: str, files: tuple[str, ...], reason: str) -> None:
    assert decide(WRITTEN, ref=f"refs/heads/{branch}", files=files).reason == reason


@pytest.mark.parametrize(
    ("on", "seen", "reason"),
    [
        (
            "push: {tags: ['v*']}",
            {"ref": MAIN},
            'tags: only tags are filtered, so the branch "main" does not count (line 2)',
        ),
        (
            "push: {branches: [main]}",
            {"ref": "refs/tags/v1"},
            'branches: only branches are filtered, so the tag "v1" does not count (line 2)',
        ),
        (
            "push: {branches-ignore: ['wip/**']}",
            {"ref": "refs/heads/wip/a"},
            'branches-ignore: "wip/a" matches "wip/**" (line 2)',
        ),
        (
            "pull_request:",
            {"activity": "closed"},
            'types: "closed" is none of ["opened", "synchronize", "reopened"], '
            "the default of pull_request (line 2)",
        ),
        ("push:", {"message": "a [no ci]"}, 'the head commit\'s message says "[no ci]"'),
        (
            "issues: {types: [opened, closed]}",
            {"activity": "edited"},
            'types: "edited" is none of ["opened", "closed"] (line 2)',
        ),
        (
            "push: {branches: [a, b, c, d, e, f, g]}",
            {"ref": MAIN},
            'branches: "main" matches none of ["a", "b", "c", "d", "e", 2 more] (line 2)',
        ),
        (
            "push: {paths-ignore: ['*.md']}",
            {"ref": MAIN, "files": ("a.md", "b.md")},
            'paths-ignore: "a.md" and 1 more changed, and all match ["*.md"] (line 2)',
        ),
    ],
)
def test_reasons(on: str, seen: dict[str, Any], reason: str) -> None:
    assert decide(on, **seen).reason == reason


# --- occasions ------------------------------------------------------------------------------------


@pytest.mark.covers("WF-032")
def test_our_own_payloads_are_understood() -> None:
    commit = contexts.Commit(message="Fix it [skip ci]")
    checkout = Checkout(ref="refs/heads/topic", commit=commit)
    seen = triggers.occasion("push", payloads.payload("push", checkout, "me"), checkout.ref, ["a"])
    assert seen == Occasion("push", ref="refs/heads/topic", files=("a",), message=commit.message)
    payload = payloads.payload("pull_request", checkout, "me")
    seen = triggers.occasion("pull_request", payload, "refs/pull/1/merge", message="Fix")
    assert (seen.activity, seen.base_ref, seen.message) == ("opened", "main", "Fix")


def test_the_base_of_a_queue_is_a_branch() -> None:
    payload = {"action": "checks_requested", "merge_group": {"base_ref": "refs/heads/a/b"}}
    assert triggers.occasion("merge_group", payload, "refs/heads/q").base_ref == "a/b"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
KEYS = st.sampled_from(
    ["action", "head_commit", "workflow", "workflow_run", "pull_request", "deleted", "schedule"]
)


@given(st.sampled_from(["push", "merge_group", "workflow_run"]), st.dictionaries(KEYS, JSON))
def test_no_payload_breaks(event: str, payload: dict[str, Any]) -> None:
    assert triggers.occasion(event, payload, MAIN).event == event


# --- mistakes -------------------------------------------------------------------------------------


@pytest.mark.covers("WF-022", "WF-027")
@pytest.mark.parametrize(
    ("on", "expected"),
    [
        ("push: {branches: ['a[']}", [(2, "glob")]),
        ("push: {tags: ['!a']}", [(2, "glob")]),
        ("push: {paths-ignore: ['+']}", [(2, "glob")]),
        ("pull_request: {branches: ['?a'], paths: ['']}", [(2, "glob"), (2, "glob")]),
        ("image_version: {versions: ['[']}", [(2, "glob")]),
        ("workflow_run: {workflows: ['[']}", []),
        ("issues: {types: ['[']}", []),
        ("push: {branches: [a], branches-ignore: [b]}", []),  # the schema's affair
        ("push: {brunches: ['[']}", []),
        ("push:", []),
        ("schedule: [{cron: '* * * *'}, {cron: 0 0 * * *, timezone: Mars}]", [(2, "cron")] * 2),
        ("schedule: 3", []),
        ("schedule: [{cron: }, 3]", []),
        (SCHEDULE, []),
        (
            "workflow_dispatch: {inputs: {x: {type: choice, options: [a], default: b}}}",
            [(2, "inputs")],
        ),
        (
            "workflow_call: {inputs: {x: {type: string, required: true, default: b}}}",
            [(2, "inputs")],
        ),
    ],
)
def test_mistakes(on: str, expected: list[tuple[int, str]]) -> None:
    found = [(problem.place.line, problem.rule) for problem in triggers.check(trigger(on))]
    assert found == expected


# --- schedules ------------------------------------------------------------------------------------


@pytest.mark.covers("WF-027")
def test_the_schedules_of_a_workflow() -> None:
    assert triggers.schedules(workflow(SCHEDULE)) == (
        Schedule("0 5 * * 1", "Europe/Paris", 3),
        Schedule("30 4 * * *", "", 5),
    )
    assert triggers.schedules(workflow("push:")) == ()
