"""Passwords that stand in the file for everybody to read."""

from __future__ import annotations

from collections.abc import Iterator

from engine.lint.document import Document
from engine.problems import Problem
from engine.tree import Fields, Text, Tree


def check(document: Document) -> Iterator[Problem]:
    """`credentials.password` of containers and services that is no expression."""
    for job in document.workflow.jobs:
        yield from _container(job.container)
        for _, service in job.services.entries if isinstance(job.services, Fields) else ():
            yield from _container(service)


def _container(container: Tree | None) -> Iterator[Problem]:
    credentials = container.get("credentials") if isinstance(container, Fields) else None
    password = credentials.get("password") if isinstance(credentials, Fields) else None
    if isinstance(password, Text) and password.template is None and password.node.text:
        message = (
            "this password can be read by everybody who can read the file; keep it as a secret "
            "and write ${{ secrets.NAME }}"
        )
        yield Problem(password.node.place, message, "credentials")
