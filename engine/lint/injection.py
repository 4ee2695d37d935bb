"""Text that anybody can write must not become part of a program.

What counts as such is GitHub's list, of its guide to secure use ("good practices for mitigating
script injection attacks") and of what its payloads hold.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.expr.tree import (
    Called,
    Filter,
    Index,
    Literal,
    Logic,
    Named,
    Node,
    show,
    start,
)
from engine.lint.document import Document
from engine.lint.expressions import Found
from engine.problems import Problem

_PATHS = tuple(
    tuple(path.split("."))
    for path in (
        "github.head_ref",
        "github.event.issue.title",
        "github.event.issue.body",
        "github.event.pull_request.title",
        "github.event.pull_request.body",
        "github.event.pull_request.head.ref",
        "github.event.pull_request.head.label",
        "github.event.pull_request.head.repo.default_branch",
        "github.event.discussion.title",
        "github.event.discussion.body",
        "github.event.comment.body",
        "github.event.review.body",
        "github.event.review_comment.body",
        "github.event.pages.*.page_name",
        "github.event.commits.*.message",
        "github.event.commits.*.author.email",
        "github.event.commits.*.author.name",
        "github.event.head_commit.message",
        "github.event.head_commit.author.email",
        "github.event.head_commit.author.name",
        "github.event.workflow_run.head_branch",
        "github.event.workflow_run.head_commit.message",
        "github.event.workflow_run.head_commit.author.email",
        "github.event.workflow_run.head_commit.author.name",
        "github.event.workflow_run.pull_requests.*.head.ref",
        "github.event.workflow_run.display_title",
    )
)
_HARMLESS = frozenset(
    ("contains", "startswith", "endswith", "hashfiles", "always", "success", "failure", "cancelled")
)


def check(document: Document) -> Iterator[Problem]:
    """Untrusted text in `run:` and in the script of actions/github-script."""
    for found in document.expressions:
        if found.use.script:
            for node in _results(found.expr.tree):
                if _is_untrusted(node):
                    yield _problem(found, node)


def _problem(found: Found, node: Node) -> Problem:
    written = show(node)
    message = (
        f'"{written}" is text that a stranger may have written, and it becomes part of this '
        f"script; put it into env: (NAME: ${{{{ {written} }}}}) and use the variable here"
    )
    return Problem(found.place(start(node)), message, "injection")


def _results(node: Node) -> Iterator[Node]:
    """The names whose text may come out of an expression."""
    match node:
        case Logic("&&", parts):
            yield from _results(parts[-1])
        case Logic(_, parts):
            for part in parts:
                yield from _results(part)
        case Called(name, arguments) if name not in _HARMLESS:
            for argument in arguments:
                yield from _results(argument)
        case Filter(value):
            yield from _results(value)
        case Index() | Named():
            yield node


def _is_untrusted(node: Node) -> bool:
    path = _path(node)
    return path is not None and any(_meets(path, known) for known in _PATHS)


def _path(node: Node) -> tuple[str, ...] | None:
    """The names from the context on, `*` where any may be meant."""
    keys: list[str] = []
    while isinstance(node, Index):
        key = node.key
        named = isinstance(key, Literal) and isinstance(key.value, str)
        keys.append(str(key.value).lower() if named else "*")  # type: ignore[union-attr]
        node = node.base
    return (node.name.lower(), *reversed(keys)) if isinstance(node, Named) else None


def _meets(path: tuple[str, ...], known: tuple[str, ...]) -> bool:
    return len(path) == len(known) and all(
        one == other or "*" in (one, other) for one, other in zip(path, known, strict=True)
    )
