"""What a called workflow promises, and whether its callers keep to it.

The rules are GitHub's, of its own parser (actions/runner, ReusableWorkflowsLoader and
WorkflowTemplateConverter).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

from msgspec import Struct, field

from engine import inputs
from engine.inputs import Input
from engine.model import Job, Output, Workflow
from engine.permissions import Permissions
from engine.problems import Place, Problem, did_you_mean, errors
from engine.source import GITHUB, Limits, Node, Scalar, child, entries, plain
from engine.tree import Fields, Text, Tree

# Gives the workflow that a `uses:` stands for, asked with the `uses:` and the file it stands in;
# with its problems where it can't be read, and with none where nobody knows it.
Find: TypeAlias = Callable[[str, str], tuple[Workflow | None, list[Problem]]]


class Secret(Struct, frozen=True):
    """A secret that `on.workflow_call` declares."""

    name: str
    place: Place
    required: bool = False


class Contract(Struct, frozen=True):
    """What `on.workflow_call` declares; `permissions` are what the workflow asks for itself."""

    inputs: tuple[Input, ...] = ()
    secrets: tuple[Secret, ...] = ()
    outputs: tuple[Output, ...] = ()
    permissions: Permissions | None = None


def contract(workflow: Workflow) -> Contract | None:
    """The contract of a workflow; None for one that can't be called."""
    trigger = workflow.trigger("workflow_call")
    if trigger is None:
        return None
    return Contract(
        inputs.declared(trigger.filters),
        _secrets(trigger.filters),
        workflow.outputs,
        workflow.permissions,
    )


def _secrets(filters: Node | None) -> tuple[Secret, ...]:
    found = entries(child(filters, "secrets"))
    return tuple(Secret(key.text, key.place, _required(value)) for key, value in found)


def _required(about: Node) -> bool:
    return plain(child(about, "required")) is True


def check(
    entry: Workflow, find: Find, *, granted: Permissions | None = None, limits: Limits = GITHUB
) -> list[Problem]:
    """What is wrong with the calls of a workflow, and with those of what it calls.

    `granted` is what jobs may do where no workflow says it; None is not known, so that nothing
    asks for too much. The problems of a called file that can't be read are among those that come
    back.
    """
    walk = _Walk(find, limits)
    jobs = walk.through(entry, (entry.file,), granted)
    if 0 < limits.jobs < jobs:
        message = f"this workflow has {jobs} jobs with those it calls; the limit is {limits.jobs}"
        walk.problems.append(Problem(Place(entry.jobs[0].place.file), message, "calls"))
    return list(dict.fromkeys(walk.problems))


class _Walk(Struct):
    """From file to file, as deep as calls go; each file once for each depth and permission."""

    find: Find
    limits: Limits
    problems: list[Problem] = field(default_factory=list)
    files: set[str] = field(default_factory=set)
    sizes: dict[tuple[str, int, Permissions | None], int] = field(default_factory=dict)

    def through(self, flow: Workflow, chain: tuple[str, ...], granted: Permissions | None) -> int:
        """Follow a workflow's calls; how many jobs it has with them.

        `chain` are the files from the first to this one, `granted` is what its jobs may do.
        """
        self.files.add(flow.file)
        jobs = len(flow.jobs)
        for job in flow.jobs:
            if job.uses is not None:
                limit = job.permissions or flow.permissions or granted
                jobs += self.call(job, job.uses, chain, limit)
        return jobs

    def call(
        self, job: Job, uses: Scalar, chain: tuple[str, ...], granted: Permissions | None
    ) -> int:
        called, unreadable = self.find(uses.text, chain[-1])
        if called is None:
            self.problems += _unreadable(uses, unreadable)
            return 0
        self.problems += _honoured(job, uses, called, granted)
        endless = self.endless(uses, (*chain, called.file))
        if endless:
            self.problems.append(endless)
            return 0
        inside = called.permissions or granted
        key = called.file, len(chain), inside
        if key not in self.sizes:
            self.sizes[key] = self.through(called, (*chain, called.file), inside)
        return self.sizes[key]

    def endless(self, uses: Scalar, chain: tuple[str, ...]) -> Problem | None:
        """What forbids to follow the call that ends `chain`."""
        if chain[-1] in chain[:-1]:
            loop = " -> ".join(chain[chain.index(chain[-1]) :])
            message = f'"{uses.text}" calls itself in the end: {loop}'
        elif len(chain) - 1 > self.limits.calls:
            message = f'"{uses.text}" is called {len(chain) - 1} levels deep; GitHub allows '
            message += f"{self.limits.calls}"
        elif len(self.files | {chain[-1]}) > self.limits.files:
            message = f'"{uses.text}" is one file too many: GitHub reads {self.limits.files} of '
            message += "one run, the first included"
        else:
            return None
        return Problem(uses.place, message, "calls")


def _unreadable(uses: Scalar, problems: list[Problem]) -> Iterator[Problem]:
    wrong = errors(problems)
    if wrong and not wrong[0].place.line:  # not of a line but of the file
        message = f'"{uses.text}" can\'t be called: {wrong[0].message}'
        yield Problem(uses.place, message, wrong[0].rule)
    elif wrong:
        count = "an error" if len(wrong) == 1 else f"{len(wrong)} errors, the first"
        message = f'"{uses.text}" can\'t be called: it has {count} at {wrong[0].place}'
        yield Problem(uses.place, message, "calls")
        yield from problems


# --- one call -------------------------------------------------------------------------------------


def _honoured(
    job: Job, uses: Scalar, called: Workflow, granted: Permissions | None
) -> Iterator[Problem]:
    """Whether a job gives what the workflow that it calls asks for."""
    promised = contract(called)
    if promised is None:
        message = f'"{uses.text}" can\'t be called; give it `on: workflow_call`'
        yield Problem(uses.place, message, "calls")
        return
    yield from _check_inputs(job, uses, promised.inputs)
    yield from _check_secrets(job, uses, promised.secrets)
    if granted is not None:
        yield from _check_permissions(job, uses, called, granted)


def _check_inputs(job: Job, uses: Scalar, declared: Iterable[Input]) -> Iterator[Problem]:
    known = {each.name.lower(): each for each in declared}
    given = _given(job.with_)
    for name, (key, value) in given.items():
        if name not in known:
            yield _undeclared("input", key, value, uses, [each.name for each in known.values()])
        else:
            yield from _check_type(known[name], value)
    for name, each in known.items():
        if each.required and name not in given:
            yield _missing("input", each.name, uses, f"with: {{{each.name}: ...}}")


def _check_type(wanted: Input, value: Tree) -> Iterator[Problem]:
    """What is written out has the declared type; anything else is seen when it runs."""
    if not isinstance(value, Text) or value.template is not None:
        return
    found = value.node.value
    fits = {
        "boolean": isinstance(found, bool),
        "number": isinstance(found, (int, float)) and not isinstance(found, bool),
    }
    if fits.get(wanted.kind, True):
        return
    kind = {"boolean": "true or false", "number": "a number"}[wanted.kind]
    message = f'the input "{wanted.name}" takes {kind} without quotes, not "{value.node.text}"'
    yield Problem(value.node.place, message, "calls")


def _check_secrets(job: Job, uses: Scalar, declared: Iterable[Secret]) -> Iterator[Problem]:
    if isinstance(job.secrets, Text):  # inherit
        return
    known = {each.name.lower(): each for each in declared}
    given = _given(job.secrets)
    for name, (key, value) in given.items():
        if name not in known:
            yield _undeclared("secret", key, value, uses, [each.name for each in known.values()])
    for name, each in known.items():
        if each.required and name not in given:
            advice = f"secrets: {{{each.name}: ${{{{ secrets.{each.name} }}}}}} or secrets: inherit"
            yield _missing("secret", each.name, uses, advice)


def _given(tree: Tree | None) -> dict[str, tuple[Scalar, Tree]]:
    """What is given by name, in lower case."""
    entries = tree.entries if isinstance(tree, Fields) else ()
    return {key.node.text.lower(): (key.node, value) for key, value in entries}


def _undeclared(what: str, key: Scalar, value: Tree, uses: Scalar, known: Sequence[str]) -> Problem:
    has = f"; it has {', '.join(known)}" if known else f"; it has no {what}s"
    hint = did_you_mean(key.text, known) or has
    message = f'"{uses.text}" has no {what} "{key.text}"{hint}'
    return Problem(key.place, message, "calls", value=value.node.place)


def _missing(what: str, name: str, uses: Scalar, advice: str) -> Problem:
    message = f'"{uses.text}" requires the {what} "{name}"; add {advice}'
    return Problem(uses.place, message, "calls")


def _check_permissions(
    job: Job, uses: Scalar, called: Workflow, granted: Permissions
) -> Iterator[Problem]:
    """A called workflow, and each of its jobs, asks for no more than the calling job has."""
    if called.permissions is not None:
        yield from _too_much(job, f'"{uses.text}"', called.permissions, granted)
    for inner in called.jobs:
        if inner.permissions is not None:
            what = f'job "{inner.id}" of "{uses.text}"'
            yield from _too_much(job, what, inner.permissions, granted)


def _too_much(job: Job, what: str, wanted: Permissions, granted: Permissions) -> Iterator[Problem]:
    beyond = wanted.beyond(granted)
    if beyond:
        asked = ", ".join(f"{scope}: {wanted[scope]}" for scope in beyond)
        has = ", ".join(f"{scope}: {granted[scope]}" for scope in beyond)
        message = (
            f'{what} asks for {asked}, and the job "{job.id}" that calls it has {has}; '
            "give the calling job as much"
        )
        yield Problem(job.place, message, "calls")
