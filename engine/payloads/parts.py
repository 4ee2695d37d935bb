"""The parts of payloads, each made from a checkout and the name of who acts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from engine.contexts import PULL_REQUEST_EVENTS, ZERO_SHA, Checkout, short_ref

Payload: TypeAlias = dict[str, Any]


def repository(checkout: Checkout) -> Payload:
    """What every payload says of the repository."""
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


def user(actor: str) -> Payload:
    """Who acts."""
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


# --- one maker for each part ----------------------------------------------------------------------


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
    repo = repository(checkout)
    return {
        "number": 1,
        "pull_request": {
            "number": 1,
            "title": _subject(checkout),
            "body": None,
            "state": "open",
            "draft": False,
            "merged": False,
            "user": user(actor),
            "labels": [],
            "base": {"ref": checkout.default_branch, "sha": _base(checkout), "repo": repo},
            "head": {
                "ref": short_ref(checkout.ref),
                "sha": checkout.commit.sha,
                "repo": repo,
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
            "author": user(actor),
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
            "creator": user(actor),
        }
    }


def _deployment_status(checkout: Checkout, actor: str) -> Payload:
    return {"deployment_status": {"state": "success", "environment": "production"}}


def _issue(checkout: Checkout, actor: str) -> Payload:
    issue = {"number": 1, "title": _subject(checkout), "body": None, "state": "open"}
    return {"issue": {**issue, "user": user(actor), "labels": [], "assignees": []}}


def _discussion(checkout: Checkout, actor: str) -> Payload:
    discussion = {"number": 1, "title": _subject(checkout), "body": "", "state": "open"}
    return {"discussion": {**discussion, "user": user(actor), "category": {"name": "General"}}}


def _comment(checkout: Checkout, actor: str) -> Payload:
    return {"comment": {"id": 1, "body": _subject(checkout), "user": user(actor)}}


def _review(checkout: Checkout, actor: str) -> Payload:
    return {"review": {"id": 1, "body": "", "state": "commented", "user": user(actor)}}


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
    return {"build": {"status": "built", "commit": checkout.commit.sha, "pusher": user(actor)}}


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
            "actor": user(actor),
            "triggering_actor": user(actor),
            "pull_requests": [],
            "repository": repository,
            "head_repository": repository,
        }
    }


Maker = Callable[[Checkout, str], Payload]
MAKERS: dict[str, tuple[Maker, ...]] = {
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
