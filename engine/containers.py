"""The container of a job and its services, their expressions answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from engine.expr import to_string
from engine.secretive import Secretive
from engine.tree import Scope, Text, Tree, Unresolved, resolve, roots, strings

_NAMES = ("image", "options", "entrypoint", "command")
_LISTS = ("ports", "volumes")
_PAIRS = ("env", "credentials")


class Container(Secretive, Struct, frozen=True):
    """What a `container:` or one of `services:` asks for; `image` '' means that there is none."""

    image: str
    env: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    options: str = ""
    entrypoint: str = ""
    command: str = ""
    username: str = ""
    password: str = ""


def container(tree: Tree | None, scope: Scope) -> Container | None:
    """A job's own container; None where it has none. Raises Unresolved."""
    found = _container(tree, scope) if tree is not None else None
    return found if found and found.image else None


def services(tree: Tree | None, scope: Scope) -> dict[str, Container]:
    """The services of a job by their names, those without an image too. Raises Unresolved."""
    if tree is None:
        return {}
    if isinstance(tree, Text):
        value = resolve(tree, scope)
        about = {} if value in (None, "") else _mapping(tree, value)
        return {name: _of_value(tree, service) for name, service in about.items()}
    return {
        key.node.text: _container(service, scope) for key, service in getattr(tree, "entries", ())
    }


def with_env(tree: Tree | None, scope: Scope, *env: Tree | None) -> Scope:
    """A scope in which a container's `env` and credentials see that of the workflow and the job.

    Raises Unresolved.
    """
    if "env" not in roots(tree):
        return scope
    found: dict[str, str] = {}
    for each in env:
        found |= strings(each, scope)
    return Scope({**scope.contexts, "env": found}, scope.functions)


def _container(tree: Tree, scope: Scope) -> Container:
    return _of_value(tree, resolve(tree, scope))


def _of_value(tree: Tree, value: Any) -> Container:
    """A container from its JSON value: the image's name, or a mapping."""
    about = {"image": value} if not isinstance(value, (Mapping, list)) else _mapping(tree, value)
    texts = {name: _text(tree, name, about.get(name)) for name in _NAMES}
    lists = {name: _texts(tree, name, about.get(name)) for name in _LISTS}
    env, credentials = (_pairs(tree, name, about.get(name)) for name in _PAIRS)
    return Container(
        image=texts["image"].removeprefix("docker://"),
        options=texts["options"],
        entrypoint=texts["entrypoint"],
        command=texts["command"],
        ports=lists["ports"],
        volumes=lists["volumes"],
        env=env,
        username=credentials.get("username", ""),
        password=credentials.get("password", ""),
    )


def _mapping(tree: Tree, value: Any) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    raise Unresolved(tree.node.place, f"expected a mapping here, but found {_shown(value)}")


def _text(tree: Tree, name: str, value: Any) -> str:
    if isinstance(value, (Mapping, list)):
        message = f'"{name}" must be a string, not {_shown(value)}'
        raise Unresolved(tree.node.place, message)
    return to_string(value)


def _texts(tree: Tree, name: str, value: Any) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [] if value in (None, "") else [value]
    return tuple(_text(tree, name, item) for item in items)


def _pairs(tree: Tree, name: str, value: Any) -> dict[str, str]:
    if value in (None, ""):
        return {}
    return {key: _text(tree, key, item) for key, item in _mapping(tree, value).items()}


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a mapping"
    return "a list" if isinstance(value, list) else f'"{to_string(value)}"'
