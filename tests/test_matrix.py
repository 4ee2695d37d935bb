"""A matrix and its legs."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.matrix import MAX_LEGS, MatrixError, expand, leaves

FRUITS: dict[str, Any] = {"fruit": ["apple", "pear"], "animal": ["cat", "dog"]}
BOXES = [{"name": "linux", "beta": True}, {"name": "mac", "beta": False}]


def refusal(matrix: Any) -> str:
    with pytest.raises(MatrixError) as caught:
        expand(matrix)
    return str(caught.value)


@pytest.mark.covers("MAT-001", "MAT-017")
def test_the_first_key_varies_slowest() -> None:
    assert expand({"z": [1, 2], "a": ["x", "y"], "m": [True]}) == [
        {"z": 1, "a": "x", "m": True},
        {"z": 1, "a": "y", "m": True},
        {"z": 2, "a": "x", "m": True},
        {"z": 2, "a": "y", "m": True},
    ]
    assert list(expand({"z": [1], "a": [2]})[0]) == ["z", "a"]


@pytest.mark.covers("MAT-002", "MAT-003", "MAT-004")
def test_the_documented_example() -> None:
    include = [
        {"color": "green"},
        {"color": "pink", "animal": "cat"},
        {"fruit": "apple", "shape": "circle"},
        {"fruit": "banana"},
        {"fruit": "banana", "animal": "cat"},
    ]
    assert expand({**FRUITS, "include": include}) == [
        {"fruit": "apple", "animal": "cat", "color": "pink", "shape": "circle"},
        {"fruit": "apple", "animal": "dog", "color": "green", "shape": "circle"},
        {"fruit": "pear", "animal": "cat", "color": "pink"},
        {"fruit": "pear", "animal": "dog", "color": "green"},
        {"fruit": "banana"},
        {"fruit": "banana", "animal": "cat"},
    ]


@pytest.mark.covers("MAT-006")
def test_the_documented_example_of_exclude() -> None:
    legs = expand(
        {
            "os": ["macos-latest", "windows-latest"],
            "version": [12, 14, 16],
            "environment": ["staging", "production"],
            "exclude": [
                {"os": "macos-latest", "version": 12, "environment": "production"},
                {"os": "windows-latest", "version": 16},
            ],
        }
    )
    assert len(legs) == 9
    assert {"os": "macos-latest", "version": 12, "environment": "staging"} in legs
    assert not [leg for leg in legs if leg["os"] == "windows-latest" and leg["version"] == 16]


@pytest.mark.parametrize(
    ("matrix", "legs"),
    [
        pytest.param(
            {"a": [1, 2], "include": [{"a": 1, "b": 3}]}, [{"a": 1, "b": 3}, {"a": 2}],
            id="extends a leg that fits", marks=pytest.mark.covers("MAT-003"),
        ),
        pytest.param(
            {"a": [1], "include": [{"b": 1}, {"b": 2}]}, [{"a": 1, "b": 2}],
            id="later extras win", marks=pytest.mark.covers("MAT-003"),
        ),
        pytest.param(
            {"a": [1], "include": [{"b": 1}, {"a": 1, "b": 2}, {"b": 3, "a": 2}]},
            [{"a": 1, "b": 2}, {"b": 3, "a": 2}],
            id="originals are never overwritten", marks=pytest.mark.covers("MAT-003"),
        ),
        pytest.param(
            {"a": [1], "include": [{"a": 2}, {"b": 1}]}, [{"a": 1, "b": 1}, {"a": 2}],
            id="an added leg is not extended", marks=pytest.mark.covers("MAT-004"),
        ),
        pytest.param(
            {"a": [1], "include": [{"b": 1}, {"b": 2, "a": 9}]}, [{"a": 1, "b": 1},
            {"b": 2, "a": 9}], id="extras are no filter", marks=pytest.mark.covers("MAT-004"),
        ),
        pytest.param(
            {"a": [1, 2], "exclude": [{"a": 2}], "include": [{"a": 2, "b": 3}]},
            [{"a": 1}, {"a": 2, "b": 3}],
            id="what was excluded is added again", marks=pytest.mark.covers("MAT-004"),
        ),
        pytest.param(
            {"include": [{"a": 1}, {"b": 2}, {"a": 1}]}, [{"a": 1}, {"b": 2}, {"a": 1}],
            id="include alone", marks=pytest.mark.covers("MAT-005"),
        ),
        pytest.param({"a": [1], "include": [{}]}, [{"a": 1}], id="an empty include"),
        pytest.param({"a": [1], "include": None, "exclude": ""}, [{"a": 1}], id="empty keys"),
        pytest.param(
            {"os": ["Linux", "mac"], "v": [1, "1.0", None], "include": [{"os": "LINUX", "v": "1",
            "x": True}, {"v": "", "y": True}]},
            [
                {"os": "Linux", "v": 1, "x": True},
                {"os": "Linux", "v": "1.0"},
                {"os": "Linux", "v": None, "y": True},
                {"os": "mac", "v": 1},
                {"os": "mac", "v": "1.0"},
                {"os": "mac", "v": None, "y": True},
            ],
            id="include coerces and ignores case", marks=pytest.mark.covers("MAT-007"),
        ),
        pytest.param(
            {"V": [1, 2], "include": [{"v": 2, "x": 1}]}, [{"V": 1}, {"V": 2, "x": 1}],
            id="names ignore case", marks=pytest.mark.covers("MAT-007"),
        ),
    ],
)  # fmt: skip
def test_include(matrix: dict[str, Any], legs: list[Any]) -> None:
    assert expand(matrix) == legs


@pytest.mark.parametrize(
    ("exclude", "left"),
    [
        pytest.param([], 4, id="nothing"),
        pytest.param([{"v": 1}], 2, id="partial", marks=pytest.mark.covers("MAT-006")),
        pytest.param([{"v": 1, "os": {"name": "mac"}}], 3, id="nested and partial",
                     marks=pytest.mark.covers("MAT-006", "MAT-010")),
        pytest.param([{"os": {"name": "mac", "beta": True}}], 4, id="one leaf differs",
                     marks=pytest.mark.covers("MAT-006")),
        pytest.param([{"os": {"name": "MAC"}}], 2, id="ignores case",
                     marks=pytest.mark.covers("MAT-007")),
        pytest.param([{"v": "1"}], 2, id="coerces", marks=pytest.mark.covers("MAT-007")),
        pytest.param([{"V": 2}], 2, id="names ignore case", marks=pytest.mark.covers("MAT-007")),
        pytest.param([{"os": "mac"}], 4, id="a string is no mapping"),
        pytest.param([{"os": ["mac"]}], 4, id="a list is no mapping"),
        pytest.param([{"v": {"x": 1}}], 4, id="a mapping is no number"),
        pytest.param([{"v": 1}, {"v": 2}], 0, id="everything"),
    ],
)  # fmt: skip
def test_exclude(exclude: list[Any], left: int) -> None:
    legs = expand({"os": BOXES, "v": [1, 2], "exclude": exclude})
    assert len(legs) == left


@pytest.mark.covers("MAT-006")
def test_lists_are_excluded_item_by_item() -> None:
    matrix = {"a": [["x", 1], ["x"], ["y", 1]], "exclude": [{"a": ["X", "1"]}]}
    assert expand(matrix) == [{"a": ["x"]}, {"a": ["y", 1]}]


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        pytest.param({}, "the matrix defines no vector; give at least one name a list of values",
                     id="no vector"),
        pytest.param({"include": []}, "the matrix defines no vector; give at least one name a list "
                     "of values", id="no vector and no include"),
        pytest.param({"a": []}, 'the matrix vector "a" does not contain any values',
                     id="empty vector", marks=pytest.mark.covers("MAT-008")),
        pytest.param({"a": "xyz"}, 'the matrix vector "a" must be a list', id="a string"),
        pytest.param({"a": None}, 'the matrix vector "a" must be a list', id="null"),
        pytest.param({"a": {"b": 1}}, 'the matrix vector "a" must be a list', id="a mapping"),
        pytest.param({"a": [1], "exclude": [{"b": 1}]}, '"exclude" names "b", which is no vector '
                     "of the matrix", id="unknown", marks=pytest.mark.covers("MAT-008")),
        pytest.param({"a": [1], "exclude": [{}]}, 'an entry of "exclude" is empty',
                     id="empty entry", marks=pytest.mark.covers("MAT-008")),
        pytest.param({"include": [{"a": 1}], "exclude": [{"a": 1}]}, '"exclude" names "a", which '
                     "is no vector of the matrix", id="excluding what is only included",
                     marks=pytest.mark.covers("MAT-008")),
        pytest.param({"a": [1], "include": {"a": 1}}, '"include" of a matrix must be a list of '
                     "mappings", id="include is a mapping"),
        pytest.param({"a": [1], "exclude": ["a"]}, '"exclude" of a matrix must be a list of '
                     "mappings", id="exclude lists strings"),
        pytest.param([1], "a matrix must be a mapping of names to lists", id="a list"),
        pytest.param("x", "a matrix must be a mapping of names to lists", id="text"),
        pytest.param({"a": list(range(257))}, "the matrix has 257 legs, and GitHub allows 256",
                     id="too many", marks=pytest.mark.covers("MAT-011")),
        pytest.param({"a": list(range(256)), "include": [{"a": -1}]}, "the matrix has 257 legs, "
                     "and GitHub allows 256", id="too many with include",
                     marks=pytest.mark.covers("MAT-011")),
        pytest.param({c: list(range(256)) for c in "abcdefgh"}, "the matrix has at least 16777216 "
                     "combinations before any exclude", id="far too many",
                     marks=pytest.mark.covers("MAT-011")),
    ],
)  # fmt: skip
def test_what_github_refuses(matrix: Any, message: str) -> None:
    assert refusal(matrix) == message


@pytest.mark.covers("MAT-011")
@pytest.mark.parametrize(
    "matrix",
    [
        {"a": list(range(MAX_LEGS))},
        {"a": list(range(255)), "include": [{"a": -1}]},
        {"a": list(range(257)), "exclude": [{"a": 256}]},
    ],
)
def test_256_legs_are_allowed(matrix: Any) -> None:
    assert len(expand(matrix)) == MAX_LEGS


@pytest.mark.covers("MAT-010")
def test_leaves_are_the_scalars_in_order() -> None:
    leg = {"os": {"name": "mac", "tags": ["a", {"b": 1}]}, "v": None, "x": False}
    assert leaves(leg) == ["mac", "a", 1, None, False]


# --- the law --------------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "c"])
# values that are equal only when they are the same, so that == is the expressions' equality
VALUES = st.sampled_from([1, 2, 3, "x", "y", True])
VECTORS = st.dictionaries(NAMES, st.lists(VALUES, min_size=1, max_size=4), min_size=1)


def brute(vectors: dict[str, list[Any]], exclude: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The definition: every choice of one value a name, without those that an entry fits."""
    legs = [dict(zip(vectors, values, strict=True)) for values in product(*vectors.values())]
    return [leg for leg in legs if not any(entry.items() <= leg.items() for entry in exclude)]


@st.composite
def excluded(draw: st.DrawFn) -> tuple[dict[str, list[Any]], list[dict[str, Any]]]:
    vectors = draw(VECTORS)
    entries = st.dictionaries(st.sampled_from(sorted(vectors)), VALUES, min_size=1)
    return vectors, draw(st.lists(entries, max_size=3))


@pytest.mark.covers("MAT-001")
@given(VECTORS)
def test_without_include_a_matrix_is_the_product(vectors: dict[str, list[Any]]) -> None:
    assert expand(vectors) == brute(vectors, [])


@pytest.mark.covers("MAT-001", "MAT-006")
@given(excluded())
def test_with_excludes_it_is_the_product_without_what_fits(
    given_: tuple[dict[str, list[Any]], list[dict[str, Any]]],
) -> None:
    vectors, exclude = given_
    assert expand({**vectors, "exclude": exclude}) == brute(vectors, exclude)


@pytest.mark.covers("MAT-003", "MAT-004", "MAT-011")
@given(VECTORS, st.lists(st.dictionaries(st.sampled_from("abcxy"), VALUES), max_size=4))
def test_include_keeps_originals_and_order(
    vectors: dict[str, list[Any]], include: list[dict[str, Any]]
) -> None:
    legs, plain = expand({**vectors, "include": include}), brute(vectors, [])
    assert len(plain) <= len(legs) <= MAX_LEGS
    for leg, original in zip(legs, plain, strict=False):
        assert {name: leg[name] for name in original} == original
    added = iter(include)
    assert all(leg in added for leg in legs[len(plain) :])
