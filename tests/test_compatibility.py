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


# refused before anything runs
NOT_TO_BE_OBSERVED = {"STEP-019"}
SHOWN_ON_DOCKER = {"ACT", "CMD", "CTR", "RWF", "STEP", "SVC"}


def test_what_a_job_can_observe_is_shown_on_docker() -> None:
    shown = {id_ for id_, tests in covering().items() if any(test.on_docker for test in tests)}
    claimed = [b.id for b in behaviours() if b.verdict != "no"]
    groups = [id_ for id_ in claimed if id_.partition("-")[0] in SHOWN_ON_DOCKER]
    assert set(groups) - shown - NOT_TO_BE_OBSERVED == set()


def test_tests_name_known_ids() -> None:
    known = {behaviour.id for behaviour in behaviours()}
    assert set(covering()) <= known
