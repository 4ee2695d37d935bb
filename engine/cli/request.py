"""The command line of a run, as given and as it is typed again."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from engine.expr import to_string
from engine.secretive import Secretive


class Request(Secretive, Struct, frozen=True):
    """The command line, as given."""

    event: str = ""
    workflows: tuple[str, ...] = ()
    directory: str = ""
    jobs: tuple[str, ...] = ()
    matrix: tuple[str, ...] = ()
    eventpath: str = ""
    activity: str = ""
    cron: str = ""
    changed: tuple[str, ...] = ()
    ignore_filters: bool = False
    chain: bool = True
    secret: tuple[str, ...] = ()
    secret_file: str = ""
    var: tuple[str, ...] = ()
    var_file: str = ""
    env: tuple[str, ...] = ()
    env_file: str = ""
    input: tuple[str, ...] = ()
    input_file: str = ""
    actor: str = ""
    defaultbranch: str = ""
    local_repository: tuple[str, ...] = ()
    action_offline_mode: bool = False
    runner: str = "auto"
    platform: tuple[str, ...] = ()
    pull: str = "missing"
    container_architecture: str = ""
    container_options: str = ""
    network: str = ""
    container_daemon_socket: str = ""
    bind: bool = False
    copy: bool = False
    use_gitignore: bool = True
    concurrent_jobs: int = 0
    quiet: bool = False
    verbose: bool = False
    events: str = ""
    as_json: bool = False


FOLLOWS = "workflow_run"
_OPTIONS = {
    "workflows": "-W",
    "directory": "-C",
    "activity": "--type",
    "platform": "-P",
    "pull": "--pull",
}
_NOT_AGAIN = frozenset(("event", "jobs", "matrix", "quiet", "verbose", "events", "as_json"))
_NOTHING_ASKED = Request()


def again(request: Request, event: str, job: str, matrix: Mapping[str, Any]) -> str:
    """The command that runs one job, or one leg of it, once more, with the same options; `event`
    is that of its run, which may have followed the one that was asked for."""
    words = ["runwright", event if event == FOLLOWS else request.event or "run"]
    for field in request.__struct_fields__:
        value = getattr(request, field)
        if field not in _NOT_AGAIN and value != getattr(_NOTHING_ASKED, field):
            name = _OPTIONS.get(field, f"--{field.replace('_', '-')}")
            words += _given(name, value)
    legs = [
        f"--matrix={name}:{to_string(value)}"
        for name, value in matrix.items()
        if not isinstance(value, (list, dict))
    ]
    return shlex.join([*words, "--job", job, *legs, "--verbose"])


def _given(name: str, value: Any) -> list[str]:
    if isinstance(value, bool):
        return [name if value else name.replace("--", "--no-", 1)]
    values = value if isinstance(value, tuple) else (value,)
    if name == "--secret":  # the name alone: its value is asked for, or in the environment
        values = tuple(item.partition("=")[0] for item in values)
    return [word for item in values for word in (name, str(item))]
