"""The forms that ids, references and names must have; what a schema can't say well.

The rules are GitHub's, of its own parser (actions/runner, WorkflowTemplateConverter).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TypeGuard

from engine.problems import Problem, did_you_mean
from engine.source import Mapping, Node, Scalar, Sequence, everything
from engine.tree import has_expression

MAX_GROUP = 400  # characters of a concurrency group's name

_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_ACTION = re.compile(
    r"(?:docker://|\.[/\\]|\$/).*|[/\\]*[^/\\@]+[/\\]+[^/\\@]+[^@]*@[^@]+", re.DOTALL
)
_UNVERSIONED = re.compile(r"[\w.-]+(/[\w.-]+)+")
_WORKFLOW = re.compile(r"(?:\./|\$/)[^@]+|[^/@]+/[^/@]+/[^@]+@[^@]+")
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
    if not _is_written(uses) or _ACTION.fullmatch(uses.text):
        return
    advice = "write owner/repository@ref, owner/repository/path@ref, ./path or docker://image"
    if _UNVERSIONED.fullmatch(uses.text):
        advice = f"add the version, such as {uses.text}@v1 (a tag, a branch or a commit)"
    yield Problem(uses.place, f'"{uses.text}" names no action; {advice}', "uses")


def workflow(uses: Scalar | None) -> Iterator[Problem]:
    """`uses:` of a job."""
    if not _is_written(uses) or _WORKFLOW.fullmatch(uses.text):
        return
    advice = (
        "write ./.github/workflows/name.yml, or owner/repository/.github/workflows/name.yml@ref "
        "for one of another repository"
    )
    if uses.text.startswith("./"):
        advice = 'one of the same repository takes no version, so leave out "@" and what follows'
    yield Problem(uses.place, f'"{uses.text}" names no workflow; {advice}', "uses")


def _is_written(uses: Scalar | None) -> TypeGuard[Scalar]:
    """Whether there is a text to judge; the rest is the schema's affair."""
    return bool(uses and isinstance(uses.value, str) and uses.text and not has_expression(uses))


def runner(runs_on: Node | None) -> Iterator[Problem]:
    """The group of `runs-on:`, which may say whose it is."""
    group = runs_on.get("group") if isinstance(runs_on, Mapping) else None
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
    version = node.get("version") if isinstance(node, Mapping) else None
    if not isinstance(version, Scalar) or has_expression(version) or node is None:
        return
    if not _IMAGE_VERSION.fullmatch(version.text):
        message = f'"{version.text}" is no version of an image; write a number and .*, such as 1.*'
        yield Problem(version.place, message, "snapshot", value=node.place)


def strategy(node: Node | None) -> Iterator[Problem]:
    """What can be told of a `matrix:` before it is known."""
    matrix = node.get("matrix") if isinstance(node, Mapping) else None
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
