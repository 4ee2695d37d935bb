"""Payloads: what `github.event` holds where nobody gave an event file."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import contexts
from engine.cli.app import EVENTS
from engine.contexts import ZERO_SHA, Checkout, Commit, RunFacts
from engine.payloads import followed, payload, with_file

SHA, PARENT, BASE = "a" * 40, "b" * 40, "c" * 40
COMMIT = Commit(SHA, PARENT, "Fix: é\n\nBody", "Ada", "ada@example.org", "2024-05-06T07:08:09Z")
CHECKOUT = Checkout("octo/hello", "refs/heads/feature/x", "main", commit=COMMIT)
TAGGED = Checkout("octo/hello", "refs/tags/v1", "main", commit=COMMIT, before=ZERO_SHA)
REPOSITORY = {
    "name": "hello",
    "full_name": "octo/hello",
    "owner": {"login": "octo", "name": "octo"},
    "default_branch": "main",
    "html_url": "https://github.com/octo/hello",
    "clone_url": "https://github.com/octo/hello.git",
    "private": False,
    "fork": False,
}


def own(event: str, checkout: Checkout = CHECKOUT) -> dict[str, Any]:
    """What an event's payload has beside repository and sender."""
    found = payload(event, checkout, "ada")
    return {key: found[key] for key in found if key not in ("repository", "sender")}


@pytest.mark.covers("CTX-002", "WF-031", "WF-032")
@pytest.mark.parametrize("event", EVENTS)
def test_every_event_has_a_payload(event: str) -> None:
    found = payload(event, CHECKOUT, "ada")
    assert json.loads(json.dumps(found)) == found
    assert found["sender"] == {"login": "ada", "type": "User"}
    assert found["repository"] == REPOSITORY


@pytest.mark.covers("WF-031")
def test_all_events_of_github_are_known() -> None:
    assert len(EVENTS) == 37


@pytest.mark.covers("WF-032")
def test_a_push() -> None:
    head = {
        "id": SHA,
        "message": "Fix: é\n\nBody",
        "timestamp": "2024-05-06T07:08:09Z",
        "author": {"name": "Ada", "email": "ada@example.org"},
        "committer": {"name": "Ada", "email": "ada@example.org"},
        "url": f"https://github.com/octo/hello/commit/{SHA}",
    }
    assert own("push") == {
        "ref": "refs/heads/feature/x",
        "before": PARENT,
        "after": SHA,
        "created": False,
        "deleted": False,
        "forced": False,
        "base_ref": None,
        "pusher": {"name": "ada", "email": "ada@example.org"},
        "head_commit": head,
        "commits": [head],
    }


@pytest.mark.covers("WF-032")
def test_a_push_of_a_tag_creates_it() -> None:
    found = own("push", TAGGED)
    assert (found["ref"], found["created"], found["before"]) == ("refs/tags/v1", True, ZERO_SHA)


@pytest.mark.covers("WF-032", "CTX-004")
@pytest.mark.parametrize(("base", "sha"), [("", PARENT), (BASE, BASE)])
def test_a_pull_request(base: str, sha: str) -> None:
    found = own("pull_request", Checkout(*_named(CHECKOUT), commit=COMMIT, base=base))
    assert (found["action"], found["number"]) == ("opened", 1)
    assert found["pull_request"] == {
        "number": 1,
        "title": "Fix: é",
        "body": None,
        "state": "open",
        "draft": False,
        "merged": False,
        "user": {"login": "ada", "type": "User"},
        "labels": [],
        "base": {"ref": "main", "sha": sha, "repo": REPOSITORY},
        "head": {"ref": "feature/x", "sha": SHA, "repo": REPOSITORY},
    }


def _named(checkout: Checkout) -> tuple[str, str, str]:
    return checkout.repository, checkout.ref, checkout.default_branch


@pytest.mark.covers("WF-032")
@pytest.mark.parametrize(
    ("event", "checkout", "route", "value"),
    [
        ("workflow_dispatch", CHECKOUT, "ref", "refs/heads/feature/x"),
        ("workflow_dispatch", CHECKOUT, "inputs", {}),
        ("create", CHECKOUT, "ref", "feature/x"),
        ("create", CHECKOUT, "ref_type", "branch"),
        ("delete", TAGGED, "ref", "v1"),
        ("delete", TAGGED, "ref_type", "tag"),
        ("release", TAGGED, "release.tag_name", "v1"),
        ("release", Checkout(tag="v9"), "release.tag_name", "v9"),
        ("release", CHECKOUT, "action", "published"),
        ("repository_dispatch", CHECKOUT, "client_payload", {}),
        ("issues", CHECKOUT, "issue.number", 1),
        ("issue_comment", CHECKOUT, "comment.body", "Fix: é"),
        ("issue_comment", CHECKOUT, "issue.state", "open"),
        ("pull_request_review", CHECKOUT, "action", "submitted"),
        ("pull_request_review", CHECKOUT, "pull_request.head.sha", SHA),
        ("merge_group", CHECKOUT, "merge_group.base_ref", "refs/heads/main"),
        ("merge_group", CHECKOUT, "merge_group.head_sha", SHA),
        ("deployment_status", CHECKOUT, "deployment.sha", SHA),
        ("deployment_status", CHECKOUT, "deployment_status.state", "success"),
        ("image_version", CHECKOUT, "action", "ready"),
        ("watch", CHECKOUT, "action", "started"),
        ("workflow_run", CHECKOUT, "workflow_run.conclusion", "success"),
    ],
)
def test_other_events(event: str, checkout: Checkout, route: str, value: Any) -> None:
    found: Any = payload(event, checkout, "ada")
    for name in route.split("."):
        found = found[name]
    assert found == value


# --- event files ----------------------------------------------------------------------------------


@pytest.mark.covers("WF-032")
def test_an_event_file_completes_what_git_knows() -> None:
    given_ = {
        "action": "labeled",
        "pull_request": {"labels": [{"name": "x"}], "head": {"ref": "y"}},
    }
    found = with_file(payload("pull_request", CHECKOUT, "ada"), given_)
    assert (found["action"], found["pull_request"]["labels"]) == ("labeled", [{"name": "x"}])
    assert found["pull_request"]["head"]["ref"] == "y"
    assert found["pull_request"]["head"]["sha"] == SHA
    assert found["pull_request"]["base"]["ref"] == "main"


@pytest.mark.parametrize(
    ("given_", "number"),
    [
        ({}, 1),
        ({"number": 7}, 7),
        ({"pull_request": {"number": 7}}, 7),
        ({"number": 7, "pull_request": {"number": 7}}, 7),
    ],
)
def test_a_pull_request_has_one_number(given_: dict[str, Any], number: int) -> None:
    found = with_file(payload("pull_request", CHECKOUT, "ada"), given_)
    assert (found["number"], found["pull_request"]["number"]) == (number, number)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
KEYS = st.sampled_from(["pull_request", "repository", "number", "sender", "head_commit", "ref"])


@given(st.sampled_from(EVENTS), st.dictionaries(KEYS, JSON))
def test_any_event_file_can_be_merged(event: str, given_: dict[str, Any]) -> None:
    found = with_file(payload(event, CHECKOUT, "ada"), given_)
    assert set(given_) <= set(found)
    for name, value in given_.items():
        if not isinstance(value, dict) and name != "number":
            assert found[name] == value


# --- workflow_run ---------------------------------------------------------------------------------

BEFORE = RunFacts(
    run_id="1658821493", run_number=3, event_name="push", event={}, checkout=CHECKOUT,
    workflow="CI", workflow_file=".github/workflows/ci.yml", actor="ada",
)  # fmt: skip


@pytest.mark.covers("WF-029")
@pytest.mark.parametrize(
    ("activity", "conclusion", "status", "shown"),
    [
        ("requested", "", "queued", None),
        ("in_progress", "", "in_progress", None),
        ("completed", "failure", "completed", "failure"),
    ],
)
def test_a_run_that_is_followed(
    activity: str, conclusion: str, status: str, shown: str | None
) -> None:
    found = followed(BEFORE, activity, conclusion)
    run = found["workflow_run"]
    assert (found["action"], found["workflow"]["name"]) == (activity, "CI")
    assert (run["status"], run["conclusion"]) == (status, shown)
    assert (run["id"], run["run_number"], run["name"]) == (1658821493, 3, "CI")
    assert (run["event"], run["head_branch"], run["head_sha"]) == ("push", "feature/x", SHA)
    assert run["path"] == ".github/workflows/ci.yml"


@pytest.mark.covers("WF-029")
def test_the_branch_of_a_followed_pull_request_is_its_head() -> None:
    event = payload("pull_request", CHECKOUT, "ada")
    facts = RunFacts("1", 1, "pull_request", event, CHECKOUT, "CI", "ci.yml")
    assert contexts.github(facts)["ref_name"] == "1/merge"
    assert followed(facts, "completed", "success")["workflow_run"]["head_branch"] == "feature/x"
