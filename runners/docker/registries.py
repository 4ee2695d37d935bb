"""Registries: the name in an image's reference, and who one is there."""

from __future__ import annotations

import base64
import json
import warnings
from collections.abc import Callable
from typing import Any

import trio

from engine.machine import Credentials, MachineError

_THREADS = trio.CapacityLimiter(8)


def split(image: str) -> tuple[str, str]:
    """A reference's name and its tag or digest: "a:5000/b" → ("a:5000/b", "latest")."""
    name, at, digest = image.partition("@")
    if at:
        return name, digest
    before, colon, tag = image.rpartition(":")
    return (before, tag) if colon and "/" not in tag else (image, "latest")


def registry(name: str) -> str:
    """The registry that an image's name leads to; Docker Hub if it says none."""
    first, slash, _ = name.partition("/")
    named = slash and ("." in first or ":" in first or first == "localhost")
    return first if named else "docker.io"


async def pulling(image: str, credentials: Credentials | None) -> dict[str, str]:
    """The headers for pulling an image, with credentials given or configured.

    Raises MachineError.
    """
    where = registry(split(image)[0])
    auth: dict[str, Any] | None
    if credentials:
        auth = {
            "username": credentials.username,
            "password": credentials.password,
            "serveraddress": where,
        }
    else:
        auth = await trio.to_thread.run_sync(
            _configured, where, limiter=_THREADS, abandon_on_cancel=True
        )
    return {"X-Registry-Auth": _packed(auth)} if auth else {}


async def building() -> dict[str, str]:
    """The headers for building an image: all credentials that are configured, by registry.

    Raises MachineError.
    """
    auths = await trio.to_thread.run_sync(_all_configured, limiter=_THREADS, abandon_on_cancel=True)
    return {"X-Registry-Config": _packed(auths)} if auths else {}


def _configured(where: str) -> dict[str, Any] | None:
    """Credentials from Docker's own configuration and credential helpers."""
    found = _read(lambda config: config.resolve_authconfig(where), f" for {where}", where)
    return _lowered(found) if found else None


def _all_configured() -> dict[str, Any]:
    found = _read(lambda config: config.get_all_credentials(), "", "")
    return {where: _lowered(entry) for where, entry in found.items() if entry}


def _read(ask: Callable[[Any], Any], which: str, where: str) -> Any:
    from docker import auth
    from docker.errors import DockerException

    try:
        with warnings.catch_warnings(action="ignore"):  # the error says it too
            return ask(auth.load_config())
    except (DockerException, OSError) as error:
        raise MachineError(
            f"The credentials{which} in Docker's configuration cannot be read: {error}. "
            f"Try: {f'docker login {where}'.strip()}."
        ) from error


def _lowered(found: dict[str, Any]) -> dict[str, Any]:
    return {key.lower(): value for key, value in found.items()}


def _packed(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()
