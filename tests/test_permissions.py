"""What a job's token may do: GitHub's rules of `permissions`."""

from __future__ import annotations

import pytest

from engine.permissions import granted, shown
from engine.source import Mapping, Node, load


def node(text: str | None) -> Node | None:
    """The value of `permissions`; None where there is no such key."""
    if text is None:
        return None
    found, problems = load(f"permissions: {text}", "ci.yml")
    assert isinstance(found, Mapping) and not problems
    return found.entries[0][1]


METADATA = {"metadata": "read"}
TOKEN = METADATA | {"id-token": "write", "models": "read"}


@pytest.mark.covers("WF-012", "WF-013")
@pytest.mark.parametrize(
    ("workflow", "job", "wanted"),
    [
        (None, None, None),
        ("", None, None),
        ("{}", None, METADATA),
        ("{contents: read}", None, METADATA | {"contents": "read"}),
        ("{contents: write, issues: none}", None, METADATA | {"contents": "write"}),
        ("{contents: write}", "{issues: read}", METADATA | {"issues": "read"}),
        ("{contents: write}", "{}", METADATA),
        ("write-all", "{}", METADATA),
        (None, "{id-token: write, models: read}", TOKEN),
        ("{id-token: read, nope: write}", None, METADATA),
    ],
)  # fmt: skip
def test_what_is_granted(
    workflow: str | None, job: str | None, wanted: dict[str, str] | None
) -> None:
    assert granted(node(workflow), node(job)) == wanted


@pytest.mark.covers("WF-012")
@pytest.mark.parametrize(
    ("said", "contents", "token", "models", "count"),
    [("read-all", "read", None, "read", 19), ("write-all", "write", "write", None, 19)],
)
def test_all_at_once(
    said: str, contents: str, token: str | None, models: str | None, count: int
) -> None:
    found = granted(node(said), None) or {}
    assert (found["contents"], found.get("id-token"), found.get("models")) == (
        contents, token, models,
    )  # fmt: skip
    assert len(found) == count


def test_in_words() -> None:
    found = granted(node("{issues: write, contents: read}"), None)
    assert found and shown(found) == "contents: read, issues: write, metadata: read"
