"""The ways of saying no."""

from __future__ import annotations

import pytest

from engine.problems import Place, Problem, Refused, besides, did_you_mean, errors, usage

HERE = Place("ci.yml", 3, 5)


@pytest.mark.parametrize(
    ("place", "shown"),
    [(HERE, "ci.yml:3:5"), (Place("ci.yml"), "ci.yml"), (Place("--job"), "--job")],
)
def test_a_place_is_shown_as_editors_link_it(place: Place, shown: str) -> None:
    assert str(place) == shown


def test_places_sort_as_they_stand_in_the_file() -> None:
    places = [Place("b", 1, 1), Place("a", 10, 1), Place("a", 2, 9), Place("a", 2, 1)]
    assert sorted(places) == [places[3], places[2], places[1], places[0]]


def test_a_problem_is_one_line() -> None:
    assert str(Problem(HERE, "no", "id")) == "ci.yml:3:5: no [id]"


def test_only_errors_stop_a_run() -> None:
    error, warning = Problem(HERE, "a", "x"), Problem(HERE, "b", "x", "warning")
    assert errors([warning, error, Problem(HERE, "c", "x", "hint")]) == (error,)


def test_an_error_stands_for_others_at_its_place() -> None:
    there = Place("ci.yml", 4, 5)
    wider = Place("ci.yml", 3, 5, 3, 9)
    more = [Problem(wider, "b", "x"), Problem(there, "c", "x")]
    assert besides([Problem(HERE, "a", "x")], more) == more[1:]
    assert besides([Problem(HERE, "a", "x", "warning")], more) == more


@pytest.mark.parametrize(
    ("name", "known", "hint"),
    [
        ("biuld", ["test", "build"], '; did you mean "build"?'),
        ("BUILD", ["Build"], '; did you mean "Build"?'),
        ("zzz", ["build"], ""),
        ("build", [], ""),
    ],
)
def test_the_nearest_known_name_is_offered(name: str, known: list[str], hint: str) -> None:
    assert did_you_mean(name, known) == hint


def test_wrong_usage_ends_with_code_2() -> None:
    refused = usage("no such thing", where="--job")
    assert refused.exit_code == 2
    assert str(refused) == "--job: no such thing [usage]"


def test_refused_shows_every_problem() -> None:
    refused = Refused((Problem(HERE, m, "x") for m in "ab"), 3)
    assert str(refused) == "ci.yml:3:5: a [x]\nci.yml:3:5: b [x]"
