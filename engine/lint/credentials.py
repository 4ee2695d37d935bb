"""Credentials of registries: incomplete ones, and passwords for everybody to read."""

from __future__ import annotations

from collections.abc import Iterator

from engine.lint.document import Document
from engine.problems import Problem
from engine.tree import Fields, Text, Tree


def check(document: Document) -> Iterator[Problem]:
    """`credentials:` of containers and services: both parts, and the password as an expression."""
    for job in document.workflow.jobs:
        yield from _container(job.container)
        for _, service in job.services.entries if isinstance(job.services, Fields) else ():
            yield from _container(service)


def _container(container: Tree | None) -> Iterator[Problem]:
    if not isinstance(container, Fields):
        return
    key, credentials = container.node.key("credentials"), container.get("credentials")
    if key is None or (isinstance(credentials, Text) and credentials.template is not None):
        return
    given = credentials if isinstance(credentials, Fields) else None
    if lacking := [name for name in _BOTH if given is None or given.get(name) is None]:
        message = f"credentials need a {' and a '.join(_BOTH)}; add {' and '.join(lacking)}"
        yield Problem(key.place, message, "credentials")
    password = given.get("password") if given else None
    if isinstance(password, Text) and password.template is None and password.node.text:
        message = (
            "this password can be read by everybody who can read the file; keep it as a secret "
            "and write ${{ secrets.NAME }}"
        )
        yield Problem(password.node.place, message, "credentials")


_BOTH = ("username", "password")
