"""Matrices whose entries say nothing: excluded values that are not there, values twice."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from types import NoneType
from typing import Any

from engine.lint.document import Document
from engine.matrix import MAX_LEGS, MatrixError, expand, matches
from engine.problems import Place, Problem, did_you_mean
from engine.source import Mapping as MappingNode
from engine.source import Node, Scalar, plain
from engine.source import Sequence as SequenceNode
from engine.tree import Fields

_SPECIAL = ("include", "exclude")
MOST_SHOWN = 4
_MOST_WORK = 100_000  # comparisons: no matrix that GitHub takes needs as many


def check(document: Document) -> Iterator[Problem]:
    """`matrix:` as far as it is written out."""
    for job in document.workflow.jobs:
        matrix = job.strategy.matrix if job.strategy else None
        if isinstance(matrix, Fields):
            yield from _matrix(matrix.node)


def _matrix(matrix: MappingNode) -> Iterator[Problem]:
    rows = {key.text: value for key, value in matrix.entries if key.text not in _SPECIAL}
    for name, row in rows.items():
        yield from _duplicates(name, row)
    values = _values(matrix, rows)
    excluded = list(_entries(matrix, "exclude"))
    if len(excluded) * sum(len(there or ()) for there in values.values()) < _MOST_WORK:
        for entry in excluded:
            for key, value in entry.entries:
                yield from _excluded(key, value, values)
    yield from _size(matrix, rows)


def _duplicates(name: str, row: Node) -> Iterator[Problem]:
    seen: dict[str, Place] = {}
    for item in row.items if isinstance(row, SequenceNode) else ():
        # `1` and `0x1` are the same leg too, but look as if somebody meant it
        written = item.raw if isinstance(item, Scalar) else _shown(plain(item))
        first = seen.setdefault(written, item.place)
        if first is not item.place and not _is_dynamic(item):
            message = (
                f'{_shown(plain(item))} stands twice in "{name}" (first at line {first.line}, '
                f"column {first.column}), so the same job would run twice; remove one"
            )
            yield Problem(item.place, message, "matrix")


# --- excluded values ----------------------------------------------------------------------------


def _values(matrix: MappingNode, rows: Mapping[str, Node]) -> dict[str, list[Any] | None]:
    """The values that each name may have, by its name in lower case; None where nobody knows."""
    found: dict[str, list[Any] | None] = {}
    for name, row in rows.items():
        known = isinstance(row, SequenceNode) and not _is_dynamic(row)
        found[name.lower()] = plain(row) if known else None
    for entry in _entries(matrix, "include"):
        for key, value in entry.entries:
            here = found.setdefault(key.text.lower(), [])
            if _is_dynamic(value):
                found[key.text.lower()] = None
            elif here is not None:
                here.append(plain(value))
    return found


def _excluded(
    key: Scalar, value: Node, values: Mapping[str, list[Any] | None]
) -> Iterator[Problem]:
    name = key.text.lower()
    if name not in values:
        near = did_you_mean(key.text, values) or f"; it has {', '.join(values)}"
        message = f'"exclude" names "{key.text}", which is no key of the matrix{near}'
        yield Problem(key.place, message, "matrix")
        return
    there = values[name]
    if there is None or _is_dynamic(value) or any(matches(plain(value), one) for one in there):
        return
    some = ", ".join(map(_shown, there[:MOST_SHOWN])) + (", …" if len(there) > MOST_SHOWN else "")
    message = (
        f'{_shown(plain(value))} excludes nothing, since "{key.text}" never has that value; '
        f"it has {some}"
    )
    # a value by itself may be left over from a list that has changed, but a shape is a mistake
    simple = all(isinstance(one, (str, bool, int, float, NoneType)) for one in there)
    yield Problem(value.place, message, "matrix", "warning" if simple else "error")


# --- its size -----------------------------------------------------------------------------------


def _size(matrix: MappingNode, rows: Mapping[str, Node]) -> Iterator[Problem]:
    if _is_dynamic(matrix) or not all(isinstance(row, SequenceNode) for row in rows.values()):
        return
    changes = sum(1 for key in _SPECIAL for _ in _entries(matrix, key))
    if MAX_LEGS * MAX_LEGS >= _combinations(rows) > _MOST_WORK // (changes or 1):
        return
    try:
        legs = expand(plain(matrix))
    except MatrixError as error:
        if str(MAX_LEGS) in str(error) or "combinations" in str(error):
            yield Problem(matrix.place, f"{error}; split it over several jobs", "matrix")
        return
    if not legs and matrix.get("exclude") is not None:
        message = '"exclude" leaves nothing of this matrix, so the job never runs; exclude less'
        yield Problem(matrix.place, message, "matrix")


def _combinations(rows: Mapping[str, Node]) -> int:
    return prod(len(row.items) for row in rows.values() if isinstance(row, SequenceNode))


# --- reading ------------------------------------------------------------------------------------


def _entries(matrix: MappingNode, key: str) -> Iterator[MappingNode]:
    node = matrix.get(key)
    for item in node.items if isinstance(node, SequenceNode) else ():
        if isinstance(item, MappingNode):
            yield item


def _is_dynamic(node: Node | None) -> bool:
    """Whether a value, or one inside of it, is known only when the workflow runs."""
    match node:
        case Scalar():
            return isinstance(node.value, str) and "${{" in node.text
        case SequenceNode():
            return any(map(_is_dynamic, node.items))
        case MappingNode():
            return any(_is_dynamic(key) or _is_dynamic(value) for key, value in node.entries)
    return False


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if _is_json(value) else f'"{value}"'


def _is_json(value: Any) -> bool:
    return isinstance(value, (str, bool, int, float, Mapping, Sequence)) or value is None
