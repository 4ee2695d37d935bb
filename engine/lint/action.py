"""Inputs of actions in the same repository, and what is wrong with such actions themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from engine.lint import manifest
from engine.lint.document import Document, Manifest, Project
from engine.model import Step
from engine.problems import Problem, did_you_mean, errors
from engine.source import Mapping as MappingNode
from engine.source import Node, Scalar, child, entries, plain
from engine.tree import Fields

_OF_DOCKER = ("args", "entrypoint")  # every Docker action takes them


class _Input(Struct, frozen=True):
    name: str
    required: bool
    deprecated: str | None


def check(document: Document) -> Iterator[Problem]:
    """Unknown, missing and deprecated inputs; a broken action.yml."""
    project = document.project
    seen: set[str] = set()
    for _, step in document.steps if project else ():
        uses = step.uses
        if uses is None or not uses.text.startswith("./") or project is None:
            continue
        found = project.action(uses.text)
        if found is not None:
            if uses.text not in seen:
                yield from _broken(uses, found, project)
            seen.add(uses.text)
            yield from _inputs(step, uses, found)


def _broken(uses: Scalar, found: Manifest, project: Project) -> Iterator[Problem]:
    problems = manifest.problems(found, project, uses.text)
    if not problems:
        return
    wrong = errors(problems)
    first = (wrong or problems)[0]
    others = len(wrong or problems) - 1
    more = f" ({others} more there)" if others else ""
    message = f'the action "{uses.text}" is wrong at {first.place}: {first.message}{more}'
    yield Problem(uses.place, message, "action", "error" if wrong else "warning")


def _inputs(step: Step, uses: Scalar, found: Manifest) -> Iterator[Problem]:
    known = _declared(found.node)
    if known is None or (step.with_ is not None and not isinstance(step.with_, Fields)):
        return
    given = [key.node for key, _ in step.with_.entries] if step.with_ else []
    docker = plain(child(child(found.node, "runs"), "using")) == "docker"
    for key in given:
        name = key.text.lower()
        if name in known:
            yield from _deprecated(key, known[name], uses)
        elif not (docker and name in _OF_DOCKER) and "${{" not in name:
            yield _unknown(key, uses, [each.name for each in known.values()])
    names = {key.text.lower() for key in given}
    for name, each in known.items():
        if each.required and name not in names:
            message = (
                f'"{uses.text}" requires the input "{each.name}"; add with: {{{each.name}: …}}'
            )
            yield Problem(uses.place, message, "action")


def _declared(node: Node) -> Mapping[str, _Input] | None:
    """The inputs of a manifest by their names in lower case; None where that can't be told."""
    inputs = child(node, "inputs")
    if inputs is not None and plain(inputs) is not None and not isinstance(inputs, MappingNode):
        return None
    return {key.text.lower(): _input(key, about) for key, about in entries(inputs)}


def _input(key: Scalar, about: Node) -> _Input:
    required = plain(child(about, "required")) is True and child(about, "default") is None
    deprecated = child(about, "deprecationMessage")
    text = None
    if deprecated is not None:
        text = " ".join(deprecated.text.split()) if isinstance(deprecated, Scalar) else ""
    return _Input(key.text, required, text)


def _deprecated(key: Scalar, each: _Input, uses: Scalar) -> Iterator[Problem]:
    # who must give it has no choice
    if each.deprecated is not None and not each.required:
        reason = f": {each.deprecated.rstrip('.')}" if each.deprecated else ""
        message = f'the input "{each.name}" of "{uses.text}" is deprecated{reason}; leave it out'
        yield Problem(key.place, message, "action", "warning")


def _unknown(key: Scalar, uses: Scalar, names: list[str]) -> Problem:
    """GitHub's runner only warns, and hands it on: a name like no other may be meant."""
    near = did_you_mean(key.text, names)
    has = f"; it has {', '.join(names)}" if names else "; it has no inputs"
    message = f'"{uses.text}" has no input "{key.text}"{near or has}'
    return Problem(key.place, message, "action", "error" if near else "warning")
