"""What happened, as far as the filters of a workflow ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from msgspec import Struct

from engine.contexts import short_ref

Payload: TypeAlias = dict[str, Any]


class Occasion(Struct, frozen=True):
    """What happened, as far as filters ask; '' is what is not known or does not apply.

    `ref` is a full ref, `base_ref` and `head_branch` are branch names. `files` is None where the
    changed files are not known. `message` is that of the head commit.
    """

    event: str
    activity: str = ""
    ref: str = ""
    base_ref: str = ""
    files: tuple[str, ...] | None = None
    message: str = ""
    deleted: bool = False
    workflows: tuple[str, ...] = ()
    head_branch: str = ""
    cron: str = ""
    image_name: str = ""
    image_version: str = ""
    deployment_state: str = ""


def occasion(
    event: str,
    payload: Payload,
    ref: str,
    files: Sequence[str] | None = None,
    *,
    message: str = "",
) -> Occasion:
    """An event as filters see it, from its payload (GitHub's webhook payloads).

    `ref` is that of the run (`github.ref`). `message` is the head commit's where the payload does
    not hold it, which is so for pull requests.
    """
    return Occasion(
        event=event,
        activity=_text(payload, "action"),
        ref=ref,
        base_ref=_base(event, payload),
        files=None if files is None else tuple(files),
        message=_text(payload, "head_commit", "message") or message,
        deleted=event == "push" and payload.get("deleted") is True,
        workflows=_workflows(payload),
        head_branch=_text(payload, "workflow_run", "head_branch"),
        cron=_text(payload, "schedule"),
        image_name=_text(payload, "image_version", "name"),
        image_version=_text(payload, "image_version", "version"),
        deployment_state=_text(payload, "deployment_status", "state"),
    )


def _text(value: Any, *names: str) -> str:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


def _base(event: str, payload: Payload) -> str:
    if event == "merge_group":
        return short_ref(_text(payload, "merge_group", "base_ref"))
    return _text(payload, "pull_request", "base", "ref")


def _workflows(payload: Payload) -> tuple[str, ...]:
    """The name of the workflow that ran; one without a name is called by its path."""
    routes = (("workflow", "name"), ("workflow_run", "name"), ("workflow_run", "path"))
    found = (_text(payload, *route) for route in routes)
    return tuple(dict.fromkeys(name for name in found if name))
