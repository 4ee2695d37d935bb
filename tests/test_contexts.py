"""The contexts and the default variables, from facts about a run."""

from __future__ import annotations

from typing import Any

import pytest

from engine.contexts import (
    PULL_REQUEST_EVENTS,
    Checkout,
    Commit,
    RunFacts,
    default_variables,
    github,
    runner,
    short_ref,
)
from engine.machine import Facts, Layout
from engine.payloads import payload

SHA, PARENT, OTHER = "a" * 40, "b" * 40, "c" * 40
COMMIT = Commit(SHA, PARENT, "Fix: é\n\nBody", "Ada", "ada@example.org", "2024-05-06T07:08:09Z")
CHECKOUT = Checkout("octo/hello", "refs/heads/feature/x", "main", commit=COMMIT)
TAGGED = Checkout("octo/hello", "refs/tags/v1", "main", commit=COMMIT)
LAYOUT = Layout("/home/runner/work/hello/hello", "/home/runner/work/_temp", "/opt/hostedtoolcache")
FACTS = Facts("docker", LAYOUT)


def facts(event_name: str = "push", event: Any = None, **more: Any) -> RunFacts:
    checkout = more.pop("checkout", CHECKOUT)
    given = payload(event_name, checkout, "ada") if event is None else event
    return RunFacts(
        run_id="1658821493", run_number=3, event_name=event_name, event=given, checkout=checkout,
        workflow="CI", workflow_file=".github/workflows/ci.yml", actor="ada", token="t0ken", **more,
    )  # fmt: skip


def context(event_name: str = "push", event: Any = None, **more: Any) -> dict[str, Any]:
    return github(facts(event_name, event, **more))


# --- github ---------------------------------------------------------------------------------------


@pytest.mark.covers("CTX-001", "CTX-003")
def test_the_context_of_a_push_is_complete() -> None:
    event = payload("push", CHECKOUT, "ada")
    assert context() == {
        "actor": "ada",
        "actor_id": "0",
        "api_url": "https://api.github.com",
        "base_ref": "",
        "event": event,
        "event_name": "push",
        "graphql_url": "https://api.github.com/graphql",
        "head_ref": "",
        "ref": "refs/heads/feature/x",
        "ref_name": "feature/x",
        "ref_protected": False,
        "ref_type": "branch",
        "repository": "octo/hello",
        "repository_id": "0",
        "repository_owner": "octo",
        "repository_owner_id": "0",
        "repositoryUrl": "git://github.com/octo/hello.git",
        "retention_days": "90",
        "run_attempt": "1",
        "run_id": "1658821493",
        "run_number": "3",
        "secret_source": "Actions",
        "server_url": "https://github.com",
        "sha": SHA,
        "token": "t0ken",
        "triggering_actor": "ada",
        "workflow": "CI",
        "workflow_ref": "octo/hello/.github/workflows/ci.yml@refs/heads/feature/x",
        "workflow_sha": SHA,
    }


@pytest.mark.covers("CTX-001")
def test_ids_come_from_the_event_and_are_strings() -> None:
    event = {"sender": {"id": 12}, "repository": {"id": 34, "owner": {"id": "56"}}}
    found = context(event=event)
    ids = (found["actor_id"], found["repository_id"], found["repository_owner_id"])
    assert ids == ("12", "34", "56")


@pytest.mark.covers("CTX-001")
def test_another_server() -> None:
    found = context(checkout=Checkout("o/r", server_url="https://ghe.example"))
    assert found["api_url"] == "https://ghe.example/api/v3"
    assert found["graphql_url"] == "https://ghe.example/api/graphql"
    assert found["repositoryUrl"] == "git://ghe.example/o/r.git"


@pytest.mark.covers("CTX-003")
def test_a_further_attempt() -> None:
    assert context(run_attempt=2)["run_attempt"] == "2"


@pytest.mark.covers("CTX-002")
@pytest.mark.parametrize("event", [{}, {"repository": 1, "sender": [], "pull_request": "x"}])
@pytest.mark.parametrize("name", ["push", "pull_request", "pull_request_target", "issues"])
def test_any_event_file_gives_a_context(name: str, event: Any) -> None:
    found = context(name, event)
    assert found["event"] is event
    assert all(
        isinstance(found[key], str) for key in found if key not in ("event", "ref_protected")
    )


PULL = {"number": 5, "pull_request": {"number": 5, "base": {"ref": "dev"}, "head": {"ref": "fix"}}}


@pytest.mark.covers("CTX-004")
@pytest.mark.parametrize(
    ("name", "event", "checkout", "ref", "ref_name", "ref_type"),
    [
        ("push", {}, CHECKOUT, "refs/heads/feature/x", "feature/x", "branch"),
        ("push", {}, TAGGED, "refs/tags/v1", "v1", "tag"),
        ("push", {"ref": "refs/tags/v2"}, CHECKOUT, "refs/tags/v2", "v2", "tag"),
        ("push", {"ref": "main"}, CHECKOUT, "refs/heads/feature/x", "feature/x", "branch"),
        ("workflow_dispatch", {"ref": "refs/heads/z"}, CHECKOUT, "refs/heads/z", "z", "branch"),
        ("schedule", {"ref": "refs/heads/z"}, CHECKOUT, "refs/heads/main", "main", "branch"),
        ("issue_comment", PULL, TAGGED, "refs/heads/main", "main", "branch"),
        ("delete", {"ref": "z"}, CHECKOUT, "refs/heads/main", "main", "branch"),
        ("create", {"ref": "z"}, CHECKOUT, "refs/heads/z", "z", "branch"),
        ("create", {"ref": "z", "ref_type": "tag"}, CHECKOUT, "refs/tags/z", "z", "tag"),
        ("create", {"ref": "v1"}, TAGGED, "refs/tags/v1", "v1", "tag"),
        ("release", {"release": {"tag_name": "v2"}}, CHECKOUT, "refs/tags/v2", "v2", "tag"),
        ("release", {"release": {"tag_name": ""}}, CHECKOUT, "refs/heads/feature/x", "feature/x",
         "branch"),
        ("deployment", {"deployment": {"ref": "z"}}, CHECKOUT, "refs/heads/z", "z", "branch"),
        ("deployment_status", {"deployment": {"ref": "v1"}}, TAGGED, "refs/tags/v1", "v1", "tag"),
        ("deployment", {"deployment": {"ref": OTHER, "sha": OTHER}}, CHECKOUT, "", "", "branch"),
        ("merge_group", {"merge_group": {"head_ref": "refs/heads/q"}}, CHECKOUT, "refs/heads/q",
         "q", "branch"),
        ("registry_package", {}, TAGGED, "refs/tags/v1", "v1", "tag"),
        ("pull_request", PULL, CHECKOUT, "refs/pull/5/merge", "5/merge", "branch"),
        ("pull_request_review", PULL, CHECKOUT, "refs/pull/5/merge", "5/merge", "branch"),
        ("pull_request_review_comment", PULL, TAGGED, "refs/pull/5/merge", "5/merge", "branch"),
        ("pull_request", {"number": 7}, CHECKOUT, "refs/pull/7/merge", "7/merge", "branch"),
        ("pull_request", {}, CHECKOUT, "refs/pull/1/merge", "1/merge", "branch"),
        ("pull_request_target", PULL, CHECKOUT, "refs/heads/dev", "dev", "branch"),
        ("pull_request_target", {}, CHECKOUT, "refs/heads/main", "main", "branch"),
    ],
)  # fmt: skip
def test_the_ref_of_an_event(
    name: str, event: Any, checkout: Checkout, ref: str, ref_name: str, ref_type: str
) -> None:
    found = context(name, event, checkout=checkout)
    assert (found["ref"], found["ref_name"], found["ref_type"]) == (ref, ref_name, ref_type)
    assert found["workflow_ref"] == f"octo/hello/.github/workflows/ci.yml@{ref}"


@pytest.mark.covers("CTX-004")
@pytest.mark.parametrize(
    ("name", "event", "sha"),
    [
        ("push", {}, SHA), ("push", {"after": OTHER}, OTHER), ("schedule", {"after": OTHER}, SHA),
        ("deployment", {"deployment": {"sha": OTHER}}, OTHER),
        ("deployment_status", {"deployment": {"sha": OTHER}}, OTHER),
        ("merge_group", {"merge_group": {"head_sha": OTHER}}, OTHER),
        ("pull_request", {"pull_request": {"head": {"sha": OTHER}}}, SHA),
    ],
)  # fmt: skip
def test_the_commit_of_an_event_is_the_one_it_names(name: str, event: Any, sha: str) -> None:
    found = context(name, event)
    assert (found["sha"], found["workflow_sha"]) == (sha, sha)


@pytest.mark.covers("CTX-004")
@pytest.mark.parametrize("name", sorted(PULL_REQUEST_EVENTS))
def test_pull_requests_know_both_branches(name: str) -> None:
    found = context(name, PULL)
    assert (found["base_ref"], found["head_ref"]) == ("dev", "fix")


def test_other_events_know_none() -> None:
    found = context("push", PULL)
    assert (found["base_ref"], found["head_ref"]) == ("", "")


@pytest.mark.parametrize(
    ("ref", "wanted"),
    [
        ("refs/heads/main", "main"), ("refs/heads/a/b", "a/b"), ("refs/tags/v1", "v1"),
        ("refs/pull/5/merge", "5/merge"), ("main", "main"), ("", ""),
        ("refs/heads/refs/tags/x", "refs/tags/x"),
    ],
)  # fmt: skip
def test_short_refs(ref: str, wanted: str) -> None:
    assert short_ref(ref) == wanted


def test_the_token_is_not_in_the_text_of_the_facts() -> None:
    assert "t0ken" not in repr(facts())


# --- runner and variables -------------------------------------------------------------------------


@pytest.mark.covers("CTX-012")
def test_the_runner() -> None:
    assert runner(FACTS) == {
        "name": "Runwright",
        "os": "Linux",
        "arch": "X64",
        "temp": "/home/runner/work/_temp",
        "tool_cache": "/opt/hostedtoolcache",
        "workspace": "/home/runner/work/hello",
        "environment": "github-hosted",
    }


@pytest.mark.covers("CTX-012")
def test_the_runner_of_another_machine() -> None:
    found = runner(Facts("host", Layout("/w", "/t", "/c"), "macOS", "ARM64"), debug=True)
    assert (found["os"], found["arch"], found["environment"]) == ("macOS", "ARM64", "self-hosted")
    assert (found["workspace"], found["debug"]) == ("/", "1")


# what the documentation lists, without what is only set in jobs: CI and GITHUB_ACTIONS
VARIABLES = {
    "GITHUB_ACTION": "__run",
    "GITHUB_ACTION_PATH": "/a",
    "GITHUB_ACTION_REF": "v4",
    "GITHUB_ACTION_REPOSITORY": "actions/x",
    "GITHUB_ACTOR": "ada",
    "GITHUB_ACTOR_ID": "0",
    "GITHUB_API_URL": "https://api.github.com",
    "GITHUB_BASE_REF": "",
    "GITHUB_ENV": "/e",
    "GITHUB_EVENT_NAME": "push",
    "GITHUB_EVENT_PATH": "/event.json",
    "GITHUB_GRAPHQL_URL": "https://api.github.com/graphql",
    "GITHUB_HEAD_REF": "",
    "GITHUB_JOB": "build",
    "GITHUB_OUTPUT": "/o",
    "GITHUB_PATH": "/p",
    "GITHUB_REF": "refs/heads/feature/x",
    "GITHUB_REF_NAME": "feature/x",
    "GITHUB_REF_PROTECTED": "false",
    "GITHUB_REF_TYPE": "branch",
    "GITHUB_REPOSITORY": "octo/hello",
    "GITHUB_REPOSITORY_ID": "0",
    "GITHUB_REPOSITORY_OWNER": "octo",
    "GITHUB_REPOSITORY_OWNER_ID": "0",
    "GITHUB_RETENTION_DAYS": "90",
    "GITHUB_RUN_ATTEMPT": "1",
    "GITHUB_RUN_ID": "1658821493",
    "GITHUB_RUN_NUMBER": "3",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_SHA": SHA,
    "GITHUB_STATE": "/s",
    "GITHUB_STEP_SUMMARY": "/m",
    "GITHUB_TRIGGERING_ACTOR": "ada",
    "GITHUB_WORKFLOW": "CI",
    "GITHUB_WORKFLOW_REF": "octo/hello/.github/workflows/ci.yml@refs/heads/feature/x",
    "GITHUB_WORKFLOW_SHA": SHA,
    "GITHUB_WORKSPACE": "/w",
    "RUNNER_ARCH": "X64",
    "RUNNER_DEBUG": "1",
    "RUNNER_ENVIRONMENT": "github-hosted",
    "RUNNER_NAME": "Runwright",
    "RUNNER_OS": "Linux",
    "RUNNER_TEMP": "/home/runner/work/_temp",
    "RUNNER_TOOL_CACHE": "/opt/hostedtoolcache",
    "RUNNER_WORKSPACE": "/home/runner/work/hello",
}


@pytest.mark.covers("CTX-019")
def test_the_default_variables_are_complete_and_without_the_token() -> None:
    step = {
        "action": "__run", "action_path": "/a", "action_ref": "v4", "action_status": "success",
        "action_repository": "actions/x", "env": "/e", "event_path": "/event.json", "job": "build",
        "output": "/o", "path": "/p", "state": "/s", "step_summary": "/m", "workspace": "/w",
    }  # fmt: skip
    assert default_variables(context() | step, runner(FACTS, debug=True)) == VARIABLES


@pytest.mark.covers("CTX-019")
def test_what_a_step_does_not_have_is_no_variable() -> None:
    found = default_variables(context(), runner(FACTS))
    assert {"GITHUB_ACTION_PATH", "RUNNER_DEBUG", "GITHUB_TOKEN", "GITHUB_EVENT"} & set(found) == (
        set()
    )
    assert all(isinstance(value, str) for value in found.values())
