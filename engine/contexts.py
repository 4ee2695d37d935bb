"""The contexts and the default variables of GitHub, made from facts about a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from engine.machine import Facts
from engine.model import Origin, Workflow

Context: TypeAlias = dict[str, Any]
ZERO_SHA = "0" * 40


@dataclass(frozen=True, slots=True)
class Commit:
    """The commit a run is about; `time` is ISO 8601."""

    sha: str = ZERO_SHA
    parent: str = ZERO_SHA
    message: str = ""
    author: str = ""
    email: str = ""
    time: str = ""


@dataclass(frozen=True, slots=True)
class Checkout:
    """What is known of the repository a run is about; `ref` is a full ref name."""

    repository: str = "local/repository"
    ref: str = "refs/heads/main"
    default_branch: str = "main"
    server_url: str = "https://github.com"
    commit: Commit = Commit()

    @property
    def owner(self) -> str:
        return self.repository.partition("/")[0]

    @property
    def name(self) -> str:
        return self.repository.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What one run of one workflow is; ids are strings, as GitHub's are."""

    run_id: str
    run_number: int
    event_name: str
    event: Context
    checkout: Checkout
    workflow: str
    workflow_file: str
    actor: str = "nobody"
    token: str = field(default="", repr=False)
    run_attempt: int = 1


# --- github ---------------------------------------------------------------------------------------

PULL_REQUEST_EVENTS = frozenset(
    ("pull_request", "pull_request_review", "pull_request_review_comment", "pull_request_target")
)


def github(facts: RunFacts) -> Context:
    """The `github` context as far as it is the same for all jobs of a run."""
    checkout, event = facts.checkout, facts.event
    pull = _pull_request(facts)
    ref = _ref(facts, pull)
    server = checkout.server_url
    return {
        "actor": facts.actor,
        "actor_id": _id(event, "sender"),
        "api_url": _api(server),
        "base_ref": _deep(pull, "base", "ref"),
        "event": event,
        "event_name": facts.event_name,
        "graphql_url": f"{_api(server).removesuffix('/v3')}/graphql",
        "head_ref": _deep(pull, "head", "ref"),
        "ref": ref,
        "ref_name": short_ref(ref),
        "ref_protected": False,
        "ref_type": "tag" if ref.startswith("refs/tags/") else "branch",
        "repository": checkout.repository,
        "repository_id": _id(event, "repository"),
        "repository_owner": checkout.owner,
        "repository_owner_id": _id(_mapping(event.get("repository")), "owner"),
        "repositoryUrl": f"git://{server.partition('://')[2]}/{checkout.repository}.git",
        "retention_days": "90",
        "run_attempt": str(facts.run_attempt),
        "run_id": facts.run_id,
        "run_number": str(facts.run_number),
        "secret_source": "Actions",
        "server_url": server,
        "sha": checkout.commit.sha,
        "token": facts.token,
        "triggering_actor": facts.actor,
        "workflow": facts.workflow,
        "workflow_ref": f"{checkout.repository}/{facts.workflow_file}@{ref}",
        "workflow_sha": checkout.commit.sha,
    }


def job_workflow(github_: Context, workflow: Workflow) -> Context:
    """What the `job` context says of the workflow that a job is written in."""
    origin = workflow.origin or Origin(
        github_["repository"], workflow.file, github_["ref"], github_["workflow_sha"]
    )
    return {
        "workflow_ref": f"{origin.repository}/{origin.path}@{origin.ref}",
        "workflow_sha": origin.sha,
        "workflow_repository": origin.repository,
        "workflow_file_path": origin.path,
    }


def _api(server: str) -> str:
    return "https://api.github.com" if server == "https://github.com" else f"{server}/api/v3"


def _pull_request(facts: RunFacts) -> Context:
    if facts.event_name not in PULL_REQUEST_EVENTS:
        return {}
    return _mapping(facts.event.get("pull_request"))


def _ref(facts: RunFacts, pull: Context) -> str:
    if facts.event_name == "pull_request_target":
        return f"refs/heads/{_deep(pull, 'base', 'ref') or facts.checkout.default_branch}"
    if facts.event_name in PULL_REQUEST_EVENTS:
        number = pull.get("number", facts.event.get("number", 1))
        return f"refs/pull/{number}/merge"
    if facts.event_name in ("push", "workflow_dispatch", "create"):
        ref = facts.event.get("ref")
        if isinstance(ref, str) and ref.startswith("refs/"):
            return ref
    return facts.checkout.ref


def short_ref(ref: str) -> str:
    """`main` for refs/heads/main, `v1` for refs/tags/v1, `5/merge` for refs/pull/5/merge."""
    for prefix in ("refs/heads/", "refs/tags/", "refs/pull/"):
        if ref.startswith(prefix):
            return ref.removeprefix(prefix)
    return ref


def _deep(value: Any, *names: str) -> str:
    for name in names:
        value = _mapping(value).get(name)
    return value if isinstance(value, str) else ""


def _mapping(value: Any) -> Context:
    return value if isinstance(value, dict) else {}


def _id(holder: Context, name: str) -> str:
    return str(_mapping(holder.get(name)).get("id", "0"))


# --- the payload where no event file is given -----------------------------------------------------


def payload(
    event_name: str, checkout: Checkout, actor: str, inputs: Mapping[str, str] | None = None
) -> Context:
    """A small but true payload of an event, from what git knows."""
    event: Context = {"repository": _repository(checkout), "sender": _user(actor)}
    if event_name == "push":
        return event | _push(checkout, actor)
    if event_name in PULL_REQUEST_EVENTS:
        return event | _opened(checkout, actor)
    if event_name == "workflow_dispatch":
        return event | {"ref": checkout.ref, "inputs": dict(inputs or {})}
    return event


def _repository(checkout: Checkout) -> Context:
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


def _user(actor: str) -> Context:
    return {"login": actor, "type": "User"}


def _push(checkout: Checkout, actor: str) -> Context:
    commit = checkout.commit
    author = {"name": commit.author, "email": commit.email}
    head = {
        "id": commit.sha,
        "message": commit.message,
        "timestamp": commit.time,
        "author": author,
        "committer": author,
        "url": f"{checkout.server_url}/{checkout.repository}/commit/{commit.sha}",
    }
    return {
        "ref": checkout.ref,
        "before": commit.parent,
        "after": commit.sha,
        "created": False,
        "deleted": False,
        "forced": False,
        "base_ref": None,
        "pusher": {"name": actor, "email": commit.email},
        "head_commit": head,
        "commits": [head],
    }


def _opened(checkout: Checkout, actor: str) -> Context:
    title = checkout.commit.message.partition("\n")[0]
    return {
        "action": "opened",
        "number": 1,
        "pull_request": {
            "number": 1,
            "title": title,
            "state": "open",
            "draft": False,
            "user": _user(actor),
            "labels": [],
            "base": {"ref": checkout.default_branch, "sha": checkout.commit.parent},
            "head": {"ref": short_ref(checkout.ref), "sha": checkout.commit.sha},
        },
    }


# --- runner and default variables -----------------------------------------------------------------


def runner(facts: Facts, *, debug: bool = False) -> Context:
    """The `runner` context of a machine."""
    context: Context = {
        "name": "Runwright",
        "os": facts.os,
        "arch": facts.arch,
        "temp": facts.layout.temp,
        "tool_cache": facts.layout.tool_cache,
        "workspace": facts.layout.workspace.rpartition("/")[0] or "/",
        "environment": "self-hosted" if facts.isolation == "host" else "github-hosted",
    }
    return context | ({"debug": "1"} if debug else {})


# keys of the github context that become variables (actions/runner, GitHubContext)
_EXPORTED = {
    key: f"GITHUB_{key.upper()}"
    for key in """
        action action_path action_ref action_repository actor actor_id api_url base_ref env
        event_name event_path graphql_url head_ref job output path ref ref_name ref_protected
        ref_type repository repository_id repository_owner repository_owner_id retention_days
        run_attempt run_id run_number server_url sha state step_summary triggering_actor workflow
        workflow_ref workflow_sha workspace
    """.split()
}


def default_variables(github_: Context, runner_: Context) -> dict[str, str]:
    """GITHUB_* and RUNNER_*, which no `env` can override; the token is not among them."""
    variables = {name: _text(github_[key]) for key, name in _EXPORTED.items() if key in github_}
    return variables | {f"RUNNER_{key.upper()}": str(value) for key, value in runner_.items()}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
