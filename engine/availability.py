"""Which contexts and functions each key of a workflow or an action may ask for, as on GitHub."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from msgspec import Struct

CONTEXTS = frozenset(
    {
        *("github", "env", "vars", "job", "jobs", "steps", "runner", "secrets"),
        *("strategy", "matrix", "needs", "inputs"),
    }
)
STATUS_FUNCTIONS = frozenset(("always", "cancelled", "failure", "success"))
SPECIAL_FUNCTIONS = STATUS_FUNCTIONS | {"hashfiles"}


class Allowed(Struct, frozen=True):
    """What expressions under one key may name; `key` is spelt as GitHub's documentation does.

    `jobs_by_name` says whether `success('build')` asks for one of the needs.
    """

    key: str
    contexts: frozenset[str]
    functions: frozenset[str] = frozenset()
    jobs_by_name: bool = False


def _allow(key: str, contexts: str, functions: str = "") -> Allowed:
    return Allowed(key, frozenset(contexts.split()), frozenset(functions.split()))


_JOB = "github needs strategy matrix vars inputs"
_STEP = f"{_JOB} job runner env steps secrets"
_RUNTIME_ENV = f"{_JOB} job runner env secrets steps"

_ALL = "always cancelled failure success hashfiles"
_COMPOSITE = "github inputs strategy matrix steps job runner env"
_RUNS_IF = "runner github job strategy matrix env inputs"

NONE = _allow("this key", "")
RUN_NAME = _allow("run-name", "github inputs vars")
CONCURRENCY = _allow("concurrency", "github inputs vars")
ENV = _allow("env", "github secrets inputs vars")
CALL_INPUT_DEFAULT = _allow("on.workflow_call.inputs.<id>.default", "github inputs vars")
CALL_OUTPUT = _allow("on.workflow_call.outputs.<id>.value", "github jobs vars inputs")
JOB_CONCURRENCY = _allow("jobs.<id>.concurrency", _JOB)
JOB_CONTAINER = _allow("jobs.<id>.container", _JOB)
JOB_CONTAINER_CREDENTIALS = _allow("jobs.<id>.container.credentials", f"{_JOB} env secrets")
JOB_CONTAINER_ENV = _allow("jobs.<id>.container.env", _RUNTIME_ENV)
JOB_CONTINUE_ON_ERROR = _allow("jobs.<id>.continue-on-error", _JOB)
JOB_DEFAULTS = _allow("jobs.<id>.defaults.run", f"{_JOB} env")
JOB_ENV = _allow("jobs.<id>.env", f"{_JOB} secrets")
JOB_ENVIRONMENT = _allow("jobs.<id>.environment", _JOB)
JOB_ENVIRONMENT_URL = _allow("jobs.<id>.environment.url", f"{_JOB} job runner env steps")
JOB_IF = Allowed(
    "jobs.<id>.if", frozenset(("github", "needs", "vars", "inputs")), STATUS_FUNCTIONS, True
)
JOB_NAME = _allow("jobs.<id>.name", _JOB)
JOB_OUTPUTS = _allow("jobs.<id>.outputs", _STEP)
JOB_RUNS_ON = _allow("jobs.<id>.runs-on", _JOB)
JOB_SECRETS = _allow("jobs.<id>.secrets", f"{_JOB} secrets")
JOB_SERVICES = _allow("jobs.<id>.services", _JOB)
JOB_SNAPSHOT = _allow("jobs.<id>.snapshot", _JOB)
JOB_STRATEGY = _allow("jobs.<id>.strategy", "github needs vars inputs")
JOB_TIMEOUT = _allow("jobs.<id>.timeout-minutes", _JOB)
JOB_WITH = _allow("jobs.<id>.with", _JOB)
STEP_IF = _allow("jobs.<id>.steps.if", f"{_JOB} job runner env steps", _ALL)


@cache
def step(key: str) -> Allowed:
    """The keys of a step other than `if`."""
    return _allow(f"jobs.<id>.steps.{key}", _STEP, "hashfiles")


# --- the manifest of an action (actions/runner, action_yaml.json) ---------------------------------

INPUT_DEFAULT = _allow("inputs.<id>.default", "github strategy matrix job runner", "hashfiles")
ACTION_OUTPUT = _allow("outputs.<id>.value", _COMPOSITE)
RUNS_ARGS = _allow("runs.args", "inputs")
RUNS_ENV = _allow("runs.env", "inputs")
RUNS_PRE_IF = _allow("runs.pre-if", _RUNS_IF, _ALL)
RUNS_POST_IF = _allow("runs.post-if", _RUNS_IF, _ALL)


def composite_step(key: str) -> Allowed:
    """The keys of a composite action's step other than `if`."""
    return _allow(f"runs.steps.{key}", _COMPOSITE, "hashfiles")


class StepKeys(Struct, frozen=True):
    """What the keys of a step may ask for."""

    condition: Allowed
    shell: Allowed
    other: Callable[[str], Allowed]


JOB_STEP = StepKeys(STEP_IF, NONE, step)
COMPOSITE_STEP = StepKeys(
    _allow("runs.steps.if", _COMPOSITE, _ALL), composite_step("shell"), composite_step
)
