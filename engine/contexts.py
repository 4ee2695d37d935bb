"""The contexts and the default variables of GitHub, made from facts about a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias
from zlib import crc32

from msgspec import Struct

from engine.model import Origin, Workflow
from engine.secretive import Secretive

if TYPE_CHECKING:
    from engine.machine import Facts

Context: TypeAlias = dict[str, Any]
ZERO_SHA = "0" * 40


class Commit(Struct, frozen=True):
    """The commit a run is about; `time` is ISO 8601."""

    sha: str = ZERO_SHA
    parent: str = ZERO_SHA
    message: str = ""
    author: str = ""
    email: str = ""
    time: str = ""


class Checkout(Struct, frozen=True):
    """What is known of the repository a run is about; `ref` is a full ref name.

    `base` is the last commit of the default branch where that is another one, `before` the commit
    that a push would move `ref` from (ZERO_SHA for a new ref), `tag` the newest tag; '' where it
    is not known.
    """

    repository: str = "local/repository"
    ref: str = "refs/heads/main"
    default_branch: str = "main"
    server_url: str = "https://github.com"
    commit: Commit = Commit()
    base: str = ""
    before: str = ""
    tag: str = ""

    @property
    def owner(self) -> str:
        return self.repository.partition("/")[0]

    @property
    def name(self) -> str:
        return self.repository.rpartition("/")[2]


class RunFacts(Secretive, Struct, frozen=True):
    """What one run of one workflow is; ids are strings, as GitHub's are."""

    run_id: str
    run_number: int
    event_name: str
    event: Context
    checkout: Checkout
    workflow: str
    workflow_file: str
    actor: str = "nobody"
    token: str = ""
    run_attempt: int = 1


# --- github ---------------------------------------------------------------------------------------

PULL_REQUEST_EVENTS = frozenset(
    ("pull_request", "pull_request_review", "pull_request_review_comment", "pull_request_target")
)


def github(facts: RunFacts) -> Context:
    """The `github` context as far as it is the same for all jobs of a run."""
    checkout, event = facts.checkout, facts.event
    pull = _mapping(event.get("pull_request")) if facts.event_name in PULL_REQUEST_EVENTS else {}
    sha = _sha(facts)
    ref = _ref(facts, sha)
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
        "sha": sha,
        "token": facts.token,
        "triggering_actor": facts.actor,
        "workflow": facts.workflow,
        "workflow_ref": f"{checkout.repository}/{facts.workflow_file}@{ref}",
        "workflow_sha": sha,
    }


def job(github_: Context, workflow: Workflow, key: str) -> Context:
    """What the `job` context says as long as the job runs: a number of its own, by its key, and
    the workflow that it is written in."""
    origin = workflow.origin or Origin(
        github_["repository"], workflow.file, github_["ref"], github_["workflow_sha"]
    )
    run = f"{github_['run_id']}/{github_['run_attempt']}"
    return {
        "check_run_id": crc32(f"{run}/{key}".encode()),
        "workflow_ref": f"{origin.repository}/{origin.path}@{origin.ref}",
        "workflow_sha": origin.sha,
        "workflow_repository": origin.repository,
        "workflow_file_path": origin.path,
    }


def _api(server: str) -> str:
    return "https://api.github.com" if server == "https://github.com" else f"{server}/api/v3"


# Events about the branch or tag that is checked out. A pull request has a ref of its own, and all
# others are about the default branch (GitHub's events that trigger workflows).
_OF_THE_CHECKOUT = frozenset(
    ("push", "create", "workflow_dispatch", "workflow_call", "deployment", "deployment_status")
) | {"registry_package", "release"}
# Where the payload of an event names the ref and the commit of its run.
_REFS = {
    "push": ("ref",),
    "create": ("ref",),
    "workflow_dispatch": ("ref",),
    "deployment": ("deployment", "ref"),
    "deployment_status": ("deployment", "ref"),
    "release": ("release", "tag_name"),
    "merge_group": ("merge_group", "head_ref"),
}
_SHAS = {
    "push": ("after",),
    "deployment": ("deployment", "sha"),
    "deployment_status": ("deployment", "sha"),
    "merge_group": ("merge_group", "head_sha"),
}


def _ref(facts: RunFacts, sha: str) -> str:
    event, checkout, name = facts.event, facts.checkout, facts.event_name
    pull = _mapping(event.get("pull_request"))
    if name == "pull_request_target":
        return f"refs/heads/{_deep(pull, 'base', 'ref') or checkout.default_branch}"
    if name in PULL_REQUEST_EVENTS:
        return f"refs/pull/{pull.get('number', event.get('number', 1))}/merge"
    named = _deep(event, *_REFS[name]) if name in _REFS else ""
    if named and name not in ("push", "workflow_dispatch"):
        return _full_ref(named, checkout, sha, name == "release" or event.get("ref_type") == "tag")
    if named.startswith("refs/"):
        return named
    return checkout.ref if name in _OF_THE_CHECKOUT else f"refs/heads/{checkout.default_branch}"


def _full_ref(named: str, checkout: Checkout, sha: str, is_tag: bool) -> str:
    """A ref that a payload may shorten; '' for a deployment that names a commit instead."""
    if named.startswith("refs/"):
        return named
    if named == short_ref(checkout.ref):
        return checkout.ref
    return "" if named == sha else f"refs/{'tags' if is_tag else 'heads'}/{named}"


def _sha(facts: RunFacts) -> str:
    """The commit that the payload names, else the one that is checked out, which jobs see."""
    named = _SHAS.get(facts.event_name)
    return (_deep(facts.event, *named) if named else "") or facts.checkout.commit.sha


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
