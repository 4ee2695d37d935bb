"""docs/compatibility.md says what the tests show, of every behaviour."""

from __future__ import annotations

import compatibility
from compatibility import behaviours, covering


def test_the_page_is_up_to_date() -> None:
    assert compatibility.PAGE.read_text("utf-8") == compatibility.page(), (
        "write it anew: python tests/compatibility.py"
    )


def test_every_behaviour_is_there_once() -> None:
    ids = [behaviour.id for behaviour in behaviours()]
    assert len(ids) == len(set(ids)) == 299
    assert {behaviour.verdict for behaviour in behaviours()} <= {"yes", "partly", "no"}


def test_what_is_claimed_is_shown() -> None:
    shown = covering()
    missing = [b.id for b in behaviours() if b.verdict != "no" and b.id not in shown]
    assert not missing, f"no test covers {missing}; or say in tests/behaviours.tsv what is missing"


def test_tests_name_known_ids() -> None:
    known = {behaviour.id for behaviour in behaviours()}
    assert set(covering()) <= known
