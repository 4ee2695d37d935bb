"""Whether an event starts a workflow, and which filter of `on:` decided that."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Any, TypeAlias, cast

from engine import cron, globs, inputs
from engine.contexts import short_ref
from engine.model import Trigger, Workflow
from engine.problems import Problem
from engine.source import Mapping, Scalar
from engine.source import Sequence as SequenceNode

Payload: TypeAlias = dict[str, Any]

MAX_FILES = 300  # of a diff, that path filters look at (GitHub's workflow syntax, on.push.paths)
_SHOWN = 5

# Where `types` are not given, all count but for these (GitHub's events that trigger workflows).
_DEFAULT_TYPES = dict.fromkeys(
    ("pull_request", "pull_request_target"), ("opened", "synchronize", "reopened")
)
# The filters whose values are patterns, by event.
_PATTERNS = {
    "push": ("branches", "branches-ignore", "tags", "tags-ignore", "paths", "paths-ignore"),
    "pull_request": ("branches", "branches-ignore", "paths", "paths-ignore"),
    "pull_request_target": ("branches", "branches-ignore", "paths", "paths-ignore"),
    "merge_group": ("branches", "branches-ignore"),
    "workflow_run": ("branches", "branches-ignore"),
    "image_version": ("names", "versions"),
}


@dataclass(frozen=True, slots=True)
class Occasion:
    """What happened, as far as filters ask; '' is what is not known or does not apply.

    `ref` is a full ref, `base_ref` and `head_branch` are branch names. `files` is None where the
    changed files are not known. `message` is that of the head commit.
    """

    event: str
    activity: str = ""
    ref: str = ""
    base_ref: str = ""
    files: tuple[str, ...] | None = None
    message: str = ""
    deleted: bool = False
    workflows: tuple[str, ...] = ()
    head_branch: str = ""
    cron: str = ""
    image_name: str = ""
    image_version: str = ""
    deployment_state: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a workflow runs; the reason names the filter, the value and the line."""

    runs: bool
    reason: str


def decide(trigger: Trigger, occasion: Occasion) -> Verdict:
    """Whether a trigger answers an event: every filter must agree, and the first that does not
    gives the reason.

    What is not known (no changed files, no activity in the payload) counts as matched, and the
    reason says so. The rules are GitHub's: events that trigger workflows, and the workflow syntax
    of `on`.
    """
    line = trigger.place.line
    if trigger.event != occasion.event:
        return Verdict(False, f"on: {trigger.event} (line {line}) is not {occasion.event}")
    filters = _Filters(trigger)
    verdicts: list[Verdict] = []
    for gate in _GATES:
        verdict = gate(filters, occasion)
        if verdict and not verdict.runs:
            return verdict
        verdicts += [verdict] if verdict else []
    reasons = [verdict.reason for verdict in verdicts]
    return Verdict(True, "; ".join(reasons) or f"on: {trigger.event} (line {line})")


# --- the event ------------------------------------------------------------------------------------


def occasion(
    event: str,
    payload: Payload,
    ref: str,
    files: Sequence[str] | None = None,
    *,
    message: str = "",
) -> Occasion:
    """An event as filters see it, from its payload (GitHub's webhook payloads).

    `ref` is that of the run (`github.ref`). `message` is the head commit's where the payload does
    not hold it, which is so for pull requests.
    """
    return Occasion(
        event=event,
        activity=_text(payload, "action"),
        ref=ref,
        base_ref=_base(event, payload),
        files=None if files is None else tuple(files),
        message=_text(payload, "head_commit", "message") or message,
        deleted=event == "push" and payload.get("deleted") is True,
        workflows=_workflows(payload),
        head_branch=_text(payload, "workflow_run", "head_branch"),
        cron=_text(payload, "schedule"),
        image_name=_text(payload, "image_version", "name"),
        image_version=_text(payload, "image_version", "version"),
        deployment_state=_text(payload, "deployment_status", "state"),
    )


def _text(value: Any, *names: str) -> str:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) else ""


def _base(event: str, payload: Payload) -> str:
    if event == "merge_group":
        return short_ref(_text(payload, "merge_group", "base_ref"))
    return _text(payload, "pull_request", "base", "ref")


def _workflows(payload: Payload) -> tuple[str, ...]:
    """The name of the workflow that ran; one without a name is called by its path."""
    routes = (("workflow", "name"), ("workflow_run", "name"), ("workflow_run", "path"))
    found = (_text(payload, *route) for route in routes)
    return tuple(dict.fromkeys(name for name in found if name))


# --- filters --------------------------------------------------------------------------------------


class _Filters:
    """The filters of one trigger; a filter without a value is none."""

    def __init__(self, trigger: Trigger) -> None:
        self.trigger = trigger
        node = trigger.filters
        entries = node.entries if isinstance(node, Mapping) else ()
        self.found = {
            key.text: _Filter(key, tuple(globs.scalars(value)))
            for key, value in entries
            if not (isinstance(value, Scalar) and value.value is None)
        }

    def get(self, *keys: str) -> _Filter | None:
        """The first of these filters that is given."""
        return next((self.found[key] for key in keys if key in self.found), None)


@dataclass(frozen=True, slots=True)
class _Filter:
    key: Scalar
    items: tuple[Scalar, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(item.text for item in self.items)

    @property
    def ignores(self) -> bool:
        return self.key.text.endswith("-ignore")

    def deciding(self, value: str) -> Scalar | None:
        """The pattern that decides about a value; None where none matches."""
        index = globs.deciding(self.texts, value)
        return None if index is None else self.items[index]

    def says(self, what: str, *, line: int = 0) -> str:
        return f"{self.key.text}: {what} (line {line or self.key.place.line})"

    def matched(self, value: str, pattern: Scalar) -> str:
        excluded = globs.compile(pattern.text).negative
        verb = "is excluded by" if excluded else "matches"
        return self.says(f'"{value}" {verb} "{pattern.text}"', line=pattern.place.line)

    def not_known(self, what: str) -> Verdict:
        return Verdict(True, self.says(f"{what} not known, so taken as matched"))

    def verdict(self, value: str) -> Verdict:
        """Whether one name passes the filter's patterns."""
        pattern = self.deciding(value)
        if pattern is None:
            return Verdict(self.ignores, self.says(f'"{value}" matches {_none_of(self.texts)}'))
        included = not globs.compile(pattern.text).negative
        return Verdict(included != self.ignores, self.matched(value, pattern))

    def equal(self, values: Sequence[str]) -> Verdict:
        """Whether one of some names is listed, letter by letter."""
        item = next((item for item in self.items if item.text in values), None)
        if item is None:
            shown = " or ".join(f'"{value}"' for value in values)
            return Verdict(False, self.says(f"{shown} is {_none_of(self.texts)}"))
        return Verdict(True, self.says(f'"{item.text}" is listed', line=item.place.line))


def _none_of(texts: Sequence[str]) -> str:
    return f"none of {_list(texts)}"


def _list(texts: Sequence[str]) -> str:
    shown = [f'"{text}"' for text in texts[:_SHOWN]]
    more = [f"{len(texts) - _SHOWN} more"] if len(texts) > _SHOWN else []
    return f"[{', '.join([*shown, *more])}]"


# --- gates: each asks one thing and has no verdict where it does not apply ------------------------


def _deleted(filters: _Filters, seen: Occasion) -> Verdict | None:
    if not seen.deleted:
        return None
    return Verdict(False, f'"{short_ref(seen.ref)}" was deleted, which starts nothing on push')


# https://docs.github.com/actions/managing-workflow-runs/skipping-workflow-runs
_SKIP = re.compile(r"\[(?:skip ci|ci skip|no ci|skip actions|actions skip)\]")
_SKIP_CHECKS = re.compile(r"\n\n\n(?:[^\n]+\n)*(skip-checks: ?true)\s*\Z")


def _skipped(filters: _Filters, seen: Occasion) -> Verdict | None:
    if seen.event not in ("push", "pull_request"):
        return None
    message = seen.message.replace("\r\n", "\n")
    found = _SKIP.search(message)
    said = found[0] if found else ""
    if not said and (trailer := _SKIP_CHECKS.search(message)):
        said = trailer[1]
    return Verdict(False, f'the head commit\'s message says "{said}"') if said else None


def _types(filters: _Filters, seen: Occasion) -> Verdict | None:
    given = filters.get("types")
    if given and given.items:
        return given.equal([seen.activity]) if seen.activity else given.not_known("the activity is")
    usual = _DEFAULT_TYPES.get(seen.event)
    if not usual or not seen.activity or seen.activity in usual:
        return None
    reason = (
        f'types: "{seen.activity}" is {_none_of(usual)}, '
        f"the default of {seen.event} (line {filters.trigger.place.line})"
    )
    return Verdict(False, reason)


def _refs(filters: _Filters, seen: Occasion) -> Verdict | None:
    """Given only for tags, the filters of a push leave out branches, and the other way round."""
    if seen.event != "push":
        return None
    by_branch = filters.get("branches", "branches-ignore")
    by_tag = filters.get("tags", "tags-ignore")
    is_tag = seen.ref.startswith("refs/tags/")
    own, other = (by_tag, by_branch) if is_tag else (by_branch, by_tag)
    if own:
        return own.verdict(short_ref(seen.ref))
    if not other:
        return None
    kind, only = ("tag", "branches") if is_tag else ("branch", "tags")
    what = f'only {only} are filtered, so the {kind} "{short_ref(seen.ref)}" does not count'
    return Verdict(False, other.says(what))


def _branches(filters: _Filters, seen: Occasion) -> Verdict | None:
    """Elsewhere a branch is the base of a pull request or a queue, or where a workflow ran."""
    given = filters.get("branches", "branches-ignore")
    if given is None or seen.event == "push":
        return None
    branch = seen.head_branch if seen.event == "workflow_run" else seen.base_ref
    return given.verdict(branch) if branch else given.not_known("the branch is")


def _paths(filters: _Filters, seen: Occasion) -> Verdict | None:
    given = filters.get("paths", "paths-ignore")
    if given is None or seen.ref.startswith("refs/tags/"):
        return None
    if seen.files is None:
        return given.not_known("the changed files are")
    files = seen.files[:MAX_FILES]
    return _ignored(given, files) if given.ignores else _included(given, files)


def _included(given: _Filter, files: Sequence[str]) -> Verdict:
    """One file that matches is enough."""
    for file in files:
        pattern = given.deciding(file)
        if pattern and not globs.compile(pattern.text).negative:
            return Verdict(True, given.matched(file, pattern))
    what = f"{_changed(files)}, and none matches {_list(given.texts)}"
    return Verdict(False, given.says(what))


def _ignored(given: _Filter, files: Sequence[str]) -> Verdict:
    """One file that does not match is enough; where nothing changed there is none to ignore."""
    for file in files:
        if not globs.matches(given.texts, file):
            return Verdict(True, given.says(f'"{file}" matches {_none_of(given.texts)}'))
    if not files:
        return Verdict(True, given.says("no file changed, so none is ignored"))
    what = f"{_changed(files)}, and all match {_list(given.texts)}"
    return Verdict(False, given.says(what))


def _changed(files: Sequence[str]) -> str:
    match len(files):
        case 0:
            return "no file changed"
        case 1:
            return f'"{files[0]}" changed'
        case n if n == MAX_FILES:
            return f"at least {n} files changed (no more are looked at)"
    return f'"{files[0]}" and {len(files) - 1} more changed'


def _followed(filters: _Filters, seen: Occasion) -> Verdict | None:
    given = filters.get("workflows")
    if given is None or seen.event != "workflow_run":
        return None
    return given.equal(seen.workflows) if seen.workflows else given.not_known("the workflow is")


def _due(filters: _Filters, seen: Occasion) -> Verdict | None:
    if seen.event != "schedule" or not (lines := _cron_lines(filters.trigger)):
        return None
    if not seen.cron:
        return Verdict(True, "schedule: the cron line is not known, so taken as matched")
    for node in lines:
        if node.text.split() == seen.cron.split():
            return Verdict(True, f'cron: "{node.text}" is due (line {node.place.line})')
    texts = [node.text for node in lines]
    at = filters.trigger.place.line
    return Verdict(False, f'schedule: "{seen.cron}" is {_none_of(texts)} (line {at})')


def _images(filters: _Filters, seen: Occasion) -> Verdict | None:
    if seen.event != "image_version":
        return None
    known = (("names", seen.image_name), ("versions", seen.image_version))
    asked = [(given, value) for key, value in known if (given := filters.get(key))]
    verdicts = [
        given.verdict(value) if value else given.not_known("the image is") for given, value in asked
    ]
    refused = next((verdict for verdict in verdicts if not verdict.runs), None)
    reason = "; ".join(verdict.reason for verdict in verdicts)
    return refused or (Verdict(True, reason) if reason else None)


def _deployed(filters: _Filters, seen: Occasion) -> Verdict | None:
    if seen.event != "deployment_status" or seen.deployment_state != "inactive":
        return None
    return Verdict(False, 'deployment_status: the state "inactive" starts nothing')


_GATES: tuple[Callable[[_Filters, Occasion], Verdict | None], ...] = (
    *(_deleted, _skipped, _deployed, _types, _due, _followed, _refs, _branches, _paths, _images),
)


# --- mistakes -------------------------------------------------------------------------------------


def check(trigger: Trigger) -> list[Problem]:
    """Mistakes in patterns, cron lines and inputs; the schema has reported wrong keys and types."""
    filters = trigger.filters
    if trigger.event == "schedule":
        return [problem for each in _schedules(trigger) for problem in _check_schedule(each)]
    if trigger.event == "workflow_dispatch" or trigger.event == "workflow_call":
        return inputs.check(filters, cast(inputs.By, trigger.event))
    if not isinstance(filters, Mapping):
        return []
    keys = _PATTERNS.get(trigger.event, ())
    return [
        problem
        for key, node in filters.entries
        if key.text in keys
        for problem in globs.check(node, key.text)
    ]


def _check_schedule(schedule: Mapping) -> list[Problem]:
    line, timezone = _scalar(schedule, "cron"), _scalar(schedule, "timezone")
    problems = cron.check(line) if line else []
    return problems + (cron.check_timezone(timezone) if timezone else [])


# --- schedules ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Schedule:
    """One line of `on.schedule`; `cron` is what `github.event.schedule` holds."""

    cron: str
    timezone: str = ""
    line: int = 0


def schedules(workflow: Workflow) -> tuple[Schedule, ...]:
    """The schedules of a workflow, in the order of the file."""
    trigger = workflow.trigger("schedule")
    found = []
    for node in _schedules(trigger) if trigger else ():
        if line := _scalar(node, "cron"):
            zone = _scalar(node, "timezone")
            found.append(Schedule(line.text, zone.text if zone else "", line.place.line))
    return tuple(found)


def next_times(workflow: Workflow, after: datetime, count: int) -> list[tuple[datetime, Schedule]]:
    """The next times of all of a workflow's schedules together, earliest first."""
    each = (
        [(moment, schedule) for moment in cron.next_times(schedule.cron, zone, after, count)]
        for schedule in schedules(workflow)
        for zone in (schedule.timezone,)
    )
    return list(islice(merge(*each, key=lambda due: due[0].timestamp()), count))


def _schedules(trigger: Trigger) -> Iterator[Mapping]:
    node = trigger.filters
    for item in node.items if isinstance(node, SequenceNode) else ():
        if isinstance(item, Mapping):
            yield item


def _cron_lines(trigger: Trigger) -> list[Scalar]:
    found = (_scalar(node, "cron") for node in _schedules(trigger))
    return [node for node in found if node]


def _scalar(node: Mapping, key: str) -> Scalar | None:
    found = node.get(key)
    return found if isinstance(found, Scalar) and found.value is not None else None
