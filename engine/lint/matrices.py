"""What is known of a `matrix` before it is expanded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from engine.expr.infer import infer
from engine.expr.types import ANY, STRING, Array, Object, Type, either, of, union
from engine.matrix import MAX_LEGS
from engine.model import Job
from engine.tree import Fields, Items, Text, Tree, is_insert

Contexts = Mapping[str, Type]


def of_job(job: Job, contexts: Contexts) -> Type:
    """The type of `matrix` in a job: every name that a leg may have, and what it may be."""
    matrix = job.strategy.matrix if job.strategy else None
    if matrix is None:
        return Object(advice=f'job "{job.id}" has no matrix')
    if not isinstance(matrix, Fields):
        return ANY
    fields: dict[str, Type] = {}
    rest: Type | None = ANY if inserts(matrix) else None
    for key, row in matrix.entries:
        name = key.node.text
        if name not in ("include", "exclude"):
            fields[name] = _row(row, contexts)
    spelt = {name.lower(): name for name in fields}
    for entry in _included(matrix):
        if not isinstance(entry, Fields) or inserts(entry):
            rest = ANY
            continue
        for key, value in entry.entries:
            found = type_of(value, contexts)
            name = spelt.setdefault(key.node.text.lower(), key.node.text)
            fields[name] = either(fields.get(name, found), found)
    return Object(fields, rest)


def _included(matrix: Fields) -> Iterable[Tree]:
    include = matrix.get("include")
    if isinstance(include, Items):
        return include.items
    return () if include is None else (include,)


def _row(row: Tree, contexts: Contexts) -> Type:
    if isinstance(row, Items):
        return _common(row.items, contexts)
    found = type_of(row, contexts)
    return found.items if isinstance(found, Array) else ANY


def _common(items: Sequence[Tree], contexts: Contexts) -> Type:
    """What all values of a list have in common; of more than a matrix may have, nobody asks."""
    return union(type_of(item, contexts) for item in items) if len(items) <= MAX_LEGS else ANY


def type_of(tree: Tree, contexts: Contexts) -> Type:
    """The type of a value that may have expressions in it."""
    match tree:
        case Items(_, items):
            return Array(_common(items, contexts))
        case Fields():
            fields = {key.node.text: type_of(value, contexts) for key, value in tree.entries}
            return Object(fields, ANY if inserts(tree) else None)
        case Text(node, None):
            return of(node.value)
        case Text(_, template) if template and len(template.parts) == 1:
            part = template.parts[0]
            return STRING if isinstance(part, str) else infer(part.tree, contexts)[0]
    return STRING


def inserts(fields: Fields) -> bool:
    """Whether names come from elsewhere: `${{ insert }}`, or a key that is an expression."""
    return any(key.template is not None or is_insert(key) for key, _ in fields.entries)
