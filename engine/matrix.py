"""A matrix becomes its legs, in GitHub's order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, TypeAlias

from engine.expr.values import equal

MAX_LEGS = 256
Leg: TypeAlias = dict[str, Any]


class MatrixError(Exception):
    """The matrix is one GitHub refuses; the text says why."""


def expand(matrix: Any) -> list[Leg]:
    """The legs of a matrix's value (actions/runner, MatrixBuilder). Raises MatrixError."""
    if not isinstance(matrix, Mapping):
        raise MatrixError("a matrix must be a mapping of names to lists")
    vectors = {
        str(name): _vector(str(name), values)
        for name, values in matrix.items()
        if str(name).lower() not in ("include", "exclude")
    }
    include = _entries("include", matrix.get("include"))
    exclude = _entries("exclude", matrix.get("exclude"))
    if not vectors and not include:
        raise MatrixError("the matrix defines no vector; give at least one name a list of values")
    _check_excludes(exclude, vectors)
    legs = _combinations(vectors, exclude)
    legs += _include(legs, include, vectors)
    if len(legs) > MAX_LEGS:
        raise MatrixError(f"the matrix has {len(legs)} legs, and GitHub allows {MAX_LEGS}")
    return legs


def _vector(name: str, values: Any) -> list[Any]:
    if not _is_list(values):
        raise MatrixError(f'the matrix vector "{name}" must be a list')
    if not values:
        raise MatrixError(f'the matrix vector "{name}" does not contain any values')
    return list(values)


def _entries(key: str, entries: Any) -> list[Leg]:
    if entries is None or entries == "":
        return []
    if not _is_list(entries) or not all(isinstance(entry, Mapping) for entry in entries):
        raise MatrixError(f'"{key}" of a matrix must be a list of mappings')
    return [dict(entry) for entry in entries]


def _check_excludes(exclude: list[Leg], vectors: Mapping[str, Any]) -> None:
    known = {name.lower() for name in vectors}
    for entry in exclude:
        if not entry:
            raise MatrixError('an entry of "exclude" is empty')
        for name in entry:
            if name.lower() not in known:
                raise MatrixError(f'"exclude" names "{name}", which is no vector of the matrix')


def _combinations(vectors: Mapping[str, list[Any]], exclude: list[Leg]) -> list[Leg]:
    if not vectors:
        return []
    size = 1
    for values in vectors.values():
        size *= len(values)
        if size > MAX_LEGS * MAX_LEGS:
            raise MatrixError(f"the matrix has at least {size} combinations before any exclude")
    found = (dict(zip(vectors, values, strict=True)) for values in product(*vectors.values()))
    return [leg for leg in found if not any(matches(entry, leg) for entry in exclude)]


def _include(legs: list[Leg], include: list[Leg], vectors: Mapping[str, Any]) -> list[Leg]:
    """Extend the legs in place; the entries that fitted none come back as legs of their own."""
    known = {name.lower() for name in vectors}
    own: list[Leg] = []
    for entry in include:
        wanted = {name: value for name, value in entry.items() if name.lower() in known}
        extras = {name: value for name, value in entry.items() if name.lower() not in known}
        fitting = [leg for leg in legs if matches(wanted, leg)]
        for leg in fitting:
            leg.update(extras)
        if not fitting:
            own.append(entry)
    return own


def matches(wanted: Any, value: Any) -> bool:
    """Whether every leaf that `wanted` names equals the value's leaf at the same path."""
    if isinstance(wanted, Mapping):
        return isinstance(value, Mapping) and all(
            matches(inner, _get(value, name)) for name, inner in wanted.items()
        )
    if _is_list(wanted):
        return (
            _is_list(value)
            and len(wanted) == len(value)
            and all(matches(inner, other) for inner, other in zip(wanted, value, strict=True))
        )
    return equal(wanted, value)


def _get(mapping: Mapping[str, Any], name: str) -> Any:
    folded = name.lower()
    return next((value for key, value in mapping.items() if key.lower() == folded), None)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def leaves(leg: Any) -> list[Any]:
    """The scalars of a leg in order, objects flattened: what a leg's default name shows."""
    if isinstance(leg, Mapping):
        return [leaf for value in leg.values() for leaf in leaves(value)]
    if _is_list(leg):
        return [leaf for value in leg for leaf in leaves(value)]
    return [leg]
