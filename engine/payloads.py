"""The payload of an event where no file gives it: small, true, made from what git knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from engine import contexts
from engine.contexts import PULL_REQUEST_EVENTS, ZERO_SHA, Checkout, RunFacts, short_ref

Payload: TypeAlias = dict[str, Any]

# What happened, where nobody said it: the first thing that happens to such an object.
_ACTIVITIES = {
    **dict.fromkeys(PULL_REQUEST_EVENTS, "opened"),
    "branch_protection_rule": "created",
    "check_run": "completed",
    "check_suite": "completed",
    "discussion": "created",
    "discussion_comment": "created",
    "image_version": "ready",
    "issue_comment": "created",
    "issues": "opened",
    "label": "created",
    "merge_group": "checks_requested",
    "milestone": "created",
    "project": "created",
    "project_card": "created",
    "project_column": "created",
    "pull_request_review": "submitted",
    "pull_request_review_comment": "created",
    "registry_package": "published",
    "release": "published",
    "watch": "started",
    "workflow_run": "completed",
}


def payload(event: str, checkout: Checkout, actor: str) -> Payload:
    """What `github.event` is, as far as git and the event's name tell."""
    found: Payload = {"repository": _repository(checkout), "sender": _user(actor)}
    if event in _ACTIVITIES:
        found["action"] = _ACTIVITIES[event]
    for make in _MAKERS.get(event, ()):
        found |= make(checkout, actor)
    return found


def with_file(made: Payload, given: Mapping[str, Any]) -> Payload:
    """A made payload with what an event file says: objects are merged, all else is replaced."""
    found = _merged(made, given)
    pull = found.get("pull_request")
    if isinstance(pull, dict) and "number" in made:  # GitHub has it in two places
        number = given.get("number", pull.get("number"))
        found |= {"number": number, "pull_request": {**pull, "number": number}}
    return found


def _merged(made: Payload, given: Mapping[str, Any]) -> Payload:
    found = dict(made)
    for name, value in given.items():
        before = found.get(name)
        inside = isinstance(before, dict) and isinstance(value, dict)
        found[name] = _merged(before, value) if inside and before else value
    return found


def followed(facts: RunFacts, activity: str, conclusion: str = "") -> Payload:
    """The payload of a `workflow_run` that follows a run; `activity` is `requested`,
    `in_progress` or `completed`, and only the last has a conclusion."""
    of_run = contexts.github(facts)
    run = {
        "id": int(facts.run_id) if facts.run_id.isdigit() else facts.run_id,
        "name": facts.workflow,
        "path": facts.workflow_file,
        "run_number": facts.run_number,
        "run_attempt": facts.run_attempt,
        "event": facts.event_name,
        "head_branch": of_run["head_ref"] or of_run["ref_name"],
        "head_sha": of_run["sha"],
        "status": "queued" if activity == "requested" else activity,
        "conclusion": conclusion or None,
    }
    workflow = {"name": facts.workflow, "path": facts.workflow_file}
    given = {"action": activity, "workflow": workflow, "workflow_run": run}
    return _merged(payload("workflow_run", facts.checkout, facts.actor), given)


# --- what payloads are made of --------------------------------------------------------------------


def _repository(checkout: Checkout) -> Payload:
    url = f"{checkout.server_url}/{checkout.repository}"
    return {
        "name": checkout.name,
        "full_name": checkout.repository,
        "owner": {"login": checkout.owner, "name": checkout.owner},
        "default_branch": checkout.default_branch,
        "html_url": url,
        "clone_url": f"{url}.git",
        "private": False,
        "fork": False,
    }


def _user(actor: str) -> Payload:
    return {"login": actor, "type": "User"}


def _head_commit(checkout: Checkout) -> Payload:
    commit = checkout.commit
    author = {"name": commit.author, "email": commit.email}
    return {
        "id": commit.sha,
        "message": commit.message,
        "timestamp": commit.time,
        "author": author,
        "committer": author,
        "url": f"{checkout.server_url}/{checkout.repository}/commit/{commit.sha}",
    }


def _subject(checkout: Checkout) -> str:
    return checkout.commit.message.partition("\n")[0]


def _base(checkout: Checkout) -> str:
    return checkout.base or checkout.commit.parent


# --- one maker for each part of a payload ---------------------------------------------------------


def _push(checkout: Checkout, actor: str) -> Payload:
    head = _head_commit(checkout)
    before = checkout.before or checkout.commit.parent
    return {
        "ref": checkout.ref,
        "before": before,
        "after": checkout.commit.sha,
        "created": before == ZERO_SHA,
        "deleted": False,
        "forced": False,
        "base_ref": None,
        "pusher": {"name": actor, "email": checkout.commit.email},
        "head_commit": head,
        "commits": [head],
    }


def _pull_request(checkout: Checkout, actor: str) -> Payload:
    repository = _repository(checkout)
    return {
        "number": 1,
        "pull_request": {
            "number": 1,
            "title": _subject(checkout),
            "body": None,
            "state": "open",
            "draft": False,
            "merged": False,
            "user": _user(actor),
            "labels": [],
            "base": {"ref": checkout.default_branch, "sha": _base(checkout), "repo": repository},
            "head": {
                "ref": short_ref(checkout.ref),
                "sha": checkout.commit.sha,
                "repo": repository,
            },
        },
    }


def _ref(checkout: Checkout, actor: str) -> Payload:
    kind = "tag" if checkout.ref.startswith("refs/tags/") else "branch"
    return {"ref": short_ref(checkout.ref), "ref_type": kind, "pusher_type": "user"}


def _dispatch(checkout: Checkout, actor: str) -> Payload:
    return {"ref": checkout.ref, "inputs": {}}


def _repository_dispatch(checkout: Checkout, actor: str) -> Payload:
    return {"branch": checkout.default_branch, "client_payload": {}}


def _merge_group(checkout: Checkout, actor: str) -> Payload:
    queue = f"refs/heads/gh-readonly-queue/{checkout.default_branch}/pr-1-{_base(checkout)}"
    return {
        "merge_group": {
            "base_ref": f"refs/heads/{checkout.default_branch}",
            "base_sha": _base(checkout),
            "head_ref": queue,
            "head_sha": checkout.commit.sha,
            "head_commit": _head_commit(checkout),
        }
    }


def _release(checkout: Checkout, actor: str) -> Payload:
    tag = short_ref(checkout.ref) if checkout.ref.startswith("refs/tags/") else checkout.tag
    return {
        "release": {
            "tag_name": tag,
            "name": tag,
            "body": checkout.commit.message,
            "draft": False,
            "prerelease": False,
            "target_commitish": checkout.default_branch,
            "author": _user(actor),
            "assets": [],
        }
    }


def _deployment(checkout: Checkout, actor: str) -> Payload:
    return {
        "deployment": {
            "id": 1,
            "sha": checkout.commit.sha,
            "ref": short_ref(checkout.ref),
            "task": "deploy",
            "environment": "production",
            "payload": {},
            "creator": _user(actor),
        }
    }


def _deployment_status(checkout: Checkout, actor: str) -> Payload:
    return {"deployment_status": {"state": "success", "environment": "production"}}


def _issue(checkout: Checkout, actor: str) -> Payload:
    issue = {"number": 1, "title": _subject(checkout), "body": None, "state": "open"}
    return {"issue": {**issue, "user": _user(actor), "labels": [], "assignees": []}}


def _discussion(checkout: Checkout, actor: str) -> Payload:
    discussion = {"number": 1, "title": _subject(checkout), "body": "", "state": "open"}
    return {"discussion": {**discussion, "user": _user(actor), "category": {"name": "General"}}}


def _comment(checkout: Checkout, actor: str) -> Payload:
    return {"comment": {"id": 1, "body": _subject(checkout), "user": _user(actor)}}


def _review(checkout: Checkout, actor: str) -> Payload:
    return {"review": {"id": 1, "body": "", "state": "commented", "user": _user(actor)}}


def _label(checkout: Checkout, actor: str) -> Payload:
    return {"label": {"name": "label", "color": "ededed", "description": ""}}


def _milestone(checkout: Checkout, actor: str) -> Payload:
    return {"milestone": {"number": 1, "title": _subject(checkout), "state": "open"}}


def _check_run(checkout: Checkout, actor: str) -> Payload:
    return {"check_run": {"name": "check", **_check(checkout)}}


def _check_suite(checkout: Checkout, actor: str) -> Payload:
    return {"check_suite": {"head_branch": short_ref(checkout.ref), **_check(checkout)}}


def _check(checkout: Checkout) -> Payload:
    return {"head_sha": checkout.commit.sha, "status": "completed", "conclusion": "success"}


def _status(checkout: Checkout, actor: str) -> Payload:
    return {"sha": checkout.commit.sha, "state": "success", "context": "default", "branches": []}


def _page_build(checkout: Checkout, actor: str) -> Payload:
    return {"build": {"status": "built", "commit": checkout.commit.sha, "pusher": _user(actor)}}


def _workflow_run(checkout: Checkout, actor: str) -> Payload:
    repository = {"full_name": checkout.repository, "owner": {"login": checkout.owner}}
    return {
        "workflow_run": {
            "id": 1,
            "run_number": 1,
            "run_attempt": 1,
            "event": "push",
            "status": "completed",
            "conclusion": "success",
            "head_branch": short_ref(checkout.ref),
            "head_sha": checkout.commit.sha,
            "head_commit": _head_commit(checkout),
            "display_title": _subject(checkout),
            "actor": _user(actor),
            "triggering_actor": _user(actor),
            "pull_requests": [],
            "repository": repository,
            "head_repository": repository,
        }
    }


_Maker = Callable[[Checkout, str], Payload]
_MAKERS: dict[str, tuple[_Maker, ...]] = {
    **dict.fromkeys(PULL_REQUEST_EVENTS, (_pull_request,)),
    "check_run": (_check_run,),
    "check_suite": (_check_suite,),
    "create": (_ref,),
    "delete": (_ref,),
    "deployment": (_deployment,),
    "deployment_status": (_deployment, _deployment_status),
    "discussion": (_discussion,),
    "discussion_comment": (_discussion, _comment),
    "issue_comment": (_issue, _comment),
    "issues": (_issue,),
    "label": (_label,),
    "merge_group": (_merge_group,),
    "milestone": (_milestone,),
    "page_build": (_page_build,),
    "pull_request_review": (_pull_request, _review),
    "pull_request_review_comment": (_pull_request, _comment),
    "push": (_push,),
    "release": (_release,),
    "repository_dispatch": (_repository_dispatch,),
    "status": (_status,),
    "workflow_dispatch": (_dispatch,),
    "workflow_run": (_workflow_run,),
}
