"""The forms that ids, references and names must have; what a schema can't say well.

The rules are GitHub's, of its own parser (actions/runner, WorkflowTemplateConverter).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeGuard

from engine import reference
from engine.problems import Problem, did_you_mean
from engine.source import Mapping, Node, Scalar, Sequence, child, everything
from engine.tree import has_expression

MAX_GROUP = 400  # characters of a concurrency group's name

_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_OWNERS = ("org", "organization", "ent", "enterprise")
_IMAGE_VERSION = re.compile(r"[0-9]{1,9}\.\*")


def id_(key: Scalar, what: str) -> Iterator[Problem]:
    """A job's or a step's id."""
    if not _ID.fullmatch(key.text):
        rule = "it starts with a letter or _ and goes on with letters, digits, - or _"
    elif key.text.startswith("__"):
        rule = 'names that start with "__" are reserved'
    elif len(key.text) >= 100:
        rule = "it must have fewer than 100 characters"
    else:
        return
    yield Problem(key.place, f'"{key.text}" can\'t be a {what} id: {rule}', "id")


def action(uses: Scalar | None) -> Iterator[Problem]:
    """`uses:` of a step."""
    if uses is None or uses.text != "docker://":  # which GitHub's parser lets through
        yield from _named(uses, reference.parse)


def workflow(uses: Scalar | None) -> Iterator[Problem]:
    """`uses:` of a job."""
    yield from _named(uses, reference.parse_call)


def _named(uses: Scalar | None, parse: Callable[[str], object]) -> Iterator[Problem]:
    if not _is_written(uses):
        return
    try:
        parse(uses.text)
    except reference.ReferenceError_ as error:
        yield Problem(uses.place, str(error), "uses")


def _is_written(uses: Scalar | None) -> TypeGuard[Scalar]:
    """Whether there is a text to judge; the rest is the schema's affair."""
    return bool(uses and isinstance(uses.value, str) and uses.text and not has_expression(uses))


def runner(runs_on: Node | None) -> Iterator[Problem]:
    """The group of `runs-on:`, which may say whose it is."""
    group = child(runs_on, "group")
    if not isinstance(group, Scalar) or has_expression(group) or "/" not in group.text:
        return
    owner, _, name = group.text.partition("/")
    if owner not in _OWNERS or not name or "/" in name:
        message = (
            f'"{group.text}" names no group of runners; '
            "write its name, or org/NAME or ent/NAME to say whose it is"
        )
        yield Problem(group.place, message, "runs-on")


def concurrency(node: Node | None) -> Iterator[Problem]:
    """The name of a `concurrency:` group."""
    group = node.get("group") if isinstance(node, Mapping) else node
    if not isinstance(group, Scalar) or has_expression(group) or len(group.text) <= MAX_GROUP:
        return
    message = f"the group's name has {len(group.text)} characters; GitHub takes {MAX_GROUP}"
    yield Problem(group.place, message, "concurrency", value=node.place if node else None)


def container(node: Node | None) -> Iterator[Problem]:
    """The image of a container or a service, which may be empty but not `docker://` alone."""
    image = node.get("image") if isinstance(node, Mapping) else node
    if isinstance(image, Scalar) and image.text == "docker://" and node is not None:
        message = '"docker://" names no image; write one after it, such as docker://node:22'
        yield Problem(image.place, message, "container", value=node.place)


def snapshot(node: Node | None) -> Iterator[Problem]:
    """The version of a `snapshot:`."""
    version = child(node, "version")
    if not isinstance(version, Scalar) or has_expression(version) or node is None:
        return
    if not _IMAGE_VERSION.fullmatch(version.text):
        message = f'"{version.text}" is no version of an image; write a number and .*, such as 1.*'
        yield Problem(version.place, message, "snapshot", value=node.place)


def strategy(node: Node | None) -> Iterator[Problem]:
    """What can be told of a `matrix:` before it is known."""
    matrix = child(node, "matrix")
    if not isinstance(matrix, Mapping):
        return
    vectors = {key.text.lower() for key, _ in matrix.entries} - {"include", "exclude"}
    include = matrix.get("include")
    if not vectors and (include is None or (isinstance(include, Sequence) and not include.items)):
        message = "this matrix has no values; add a variable, such as os: [ubuntu-latest]"
        yield Problem(matrix.place, message, "matrix")
    if not any(map(has_expression, everything(node))):
        yield from _entries(include, "include", set())
        yield from _entries(matrix.get("exclude"), "exclude", vectors)


def _entries(node: Node | None, name: str, vectors: set[str]) -> Iterator[Problem]:
    for item in node.items if isinstance(node, Sequence) else ():
        if isinstance(item, Mapping) and not item.entries:
            yield Problem(item.place, f'this entry of "{name}" is empty; remove it', "matrix")
        for key, _ in item.entries if isinstance(item, Mapping) and name == "exclude" else ():
            if key.text.lower() not in vectors:
                hint = did_you_mean(key.text, vectors) or "; it takes only keys of the matrix"
                message = f'"exclude" names "{key.text}", which is no key of the matrix{hint}'
                yield Problem(key.place, message, "matrix")
