"""The concurrency group of a run or a job, and its turn in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager

from engine.expr import to_string
from engine.job import Cancellation
from engine.run.berth import Group
from engine.run.shared import Shared
from engine.tree import Scope, Tree, Unresolved, resolve

MAX_NAME = 400  # characters (GitHub's workflow parser)


def group_of(tree: Tree | None, scope: Scope) -> Group | None:
    """The group that a `concurrency` names. Raises Unresolved."""
    if tree is None:
        return None
    value = resolve(tree, scope)
    about = value if isinstance(value, Mapping) else {"group": value}
    name = to_string(about.get("group")).strip()
    if not name or len(name) > MAX_NAME:
        rule = f"of 1 to {MAX_NAME} characters"
        raise Unresolved(tree.node.place, f'a concurrency group is a name {rule}, not "{name}"')
    return Group(
        name,
        cancel_in_progress=about.get("cancel-in-progress") is True,
        queue="max" if about.get("queue") == "max" else "single",
    )


@asynccontextmanager
async def turn_in(
    shared: Shared, group: Group | None, who: str, cancellation: Cancellation
) -> AsyncIterator[None]:
    """Wait for one's turn and hold it; where it never comes, the cancellation is requested."""
    if group is None or shared.enter_group is None:
        yield
        return
    ticket = f"{shared.facts.run_id}/{who}"
    async with shared.enter_group(group, ticket, cancellation):
        yield


def deadlock(held: Iterable[Group], group: Group | None, job: str) -> str:
    """Why a job would wait for its own run for ever, in GitHub's words; '' where it would not."""
    if group is None or group.name.lower() not in (above.name.lower() for above in held):
        return ""
    return (
        f"Canceling since a deadlock was detected for concurrency group: '{group.name}' "
        f"between a top level workflow and '{job}'"
    )
