"""What tokens may do: what a file says, and what one may hand to another."""

from __future__ import annotations

import pytest

from engine.permissions import (
    LEVELS,
    PERMISSIVE,
    RESTRICTED,
    SCOPES,
    Permissions,
    all_at,
    of,
    read,
)
from engine.source import Mapping, load


def written(text: str) -> Permissions | None:
    node, problems = load(f"permissions: {text}", "f")
    assert isinstance(node, Mapping) and problems == []
    return read(node.get("permissions"))


@pytest.mark.covers("WF-012", "WF-013")
@pytest.mark.parametrize(
    ("text", "given"),
    [
        ("{}", {}),
        ("{contents: read}", {"contents": "read"}),
        ("{contents: write, issues: none}", {"contents": "write"}),
        ("{contents: most, nothing: read, issues: read}", {"issues": "read"}),
    ],
)
def test_a_scope_that_is_not_named_is_none(text: str, given: dict[str, str]) -> None:
    found = written(text)
    assert found is not None
    assert found.given == given
    assert {scope: found[scope] for scope in SCOPES} == dict.fromkeys(SCOPES, "none") | given


@pytest.mark.covers("WF-012")
def test_words_stand_for_every_scope_as_far_as_it_goes() -> None:
    read_all, write_all = written("read-all"), written("write-all")
    assert read_all == all_at("read") and read_all.given == dict.fromkeys(SCOPES, "read")
    assert write_all == all_at("write") == PERMISSIVE and write_all.given == SCOPES
    assert write_all["models"] == "read"


@pytest.mark.parametrize("text", ["", "all", "[contents]"])
def test_what_is_no_permission_says_nothing(text: str) -> None:
    assert written(text) is None
    assert read(None) is None


@pytest.mark.covers("WF-013", "RWF-009")
@pytest.mark.parametrize("wanted", LEVELS)
@pytest.mark.parametrize("allowed", LEVELS)
def test_a_level_is_beyond_only_what_is_lower(wanted: str, allowed: str) -> None:
    asked, has = of({"checks": wanted}), of({"checks": allowed})  # type: ignore[dict-item]
    higher = LEVELS.index(wanted) > LEVELS.index(allowed)  # type: ignore[arg-type]
    assert asked.beyond(has) == (("checks",) if higher else ())
    assert asked.within(has) == (has if higher else asked)
    assert asked.within(has).beyond(has) == ()


def test_several_scopes_beyond_come_in_one_order() -> None:
    asked = of({"pages": "write", "actions": "read", "contents": "read"})
    assert asked.beyond(RESTRICTED) == ("actions", "pages")
    assert asked.within(RESTRICTED).given == {"contents": "read"}
    assert asked.beyond(PERMISSIVE) == ()
