"""Shells that do not exist, or not on the machine that a job runs on."""

from __future__ import annotations

from collections.abc import Iterator

from engine.lint.document import Document
from engine.lint.runners import System, systems
from engine.problems import Problem, did_you_mean
from engine.tree import Text, Tree

# https://docs.github.com/actions/reference/workflow-syntax-for-github-actions#jobsjob_idstepsshell
_EVERYWHERE = ("bash", "pwsh", "python")
_UNIX, _WINDOWS = ("sh",), ("cmd", "powershell")
_ALL = (*_EVERYWHERE, *_UNIX, *_WINDOWS)


def check(document: Document) -> Iterator[Problem]:
    """`shell:` of steps and defaults."""
    flow = document.workflow
    yield from _shell(flow.defaults.shell, frozenset())
    machines = {job.id: systems(job) for job in flow.jobs}
    for job in flow.jobs:
        yield from _shell(job.defaults.shell, machines[job.id])
    for owner, step in document.steps:
        yield from _shell(step.shell, machines[owner.id] if owner else frozenset())


def _shell(tree: Tree | None, machines: frozenset[System]) -> Iterator[Problem]:
    if not isinstance(tree, Text) or tree.template is not None:
        return
    shell = tree.node
    if not shell.text or "{0}" in shell.text:
        return
    here = _names(machines)
    if shell.text.lower() in here:
        return
    if shell.text.lower() in _ALL:
        where = " and ".join(sorted(_SHOWN[machine] for machine in machines))
        message = f'there is no "{shell.text}" on {where}; it has {", ".join(here)}'
    else:
        near = did_you_mean(shell.text, here)
        advice = near or f"; known are {', '.join(here)}, and commands with {{0}} for the script"
        message = f'"{shell.text}" is no shell{advice}'
    yield Problem(shell.place, message, "shell")


_SHOWN: dict[System, str] = {"linux": "Linux", "windows": "Windows", "macos": "macOS"}


def _names(machines: frozenset[System]) -> tuple[str, ...]:
    """The shells of machines of which a job meets any; all where that is not known."""
    unix = _UNIX if not machines or machines & {"linux", "macos"} else ()
    windows = _WINDOWS if not machines or "windows" in machines else ()
    return (*_EVERYWHERE, *unix, *windows)
