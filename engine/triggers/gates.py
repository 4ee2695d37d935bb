"""The gates of a trigger: each asks one thing, and has no verdict where it does not apply."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from engine import globs
from engine.contexts import short_ref
from engine.model import Trigger
from engine.triggers.filters import Filter, Filters, Verdict, listed, none_of
from engine.triggers.occasion import Occasion
from engine.triggers.schedules import cron_lines

MAX_FILES = 300  # of a diff, that path filters look at (GitHub's workflow syntax, on.push.paths)

# Where `types` are not given, all count but for these (GitHub's events that trigger workflows).
_DEFAULT_TYPES = dict.fromkeys(
    ("pull_request", "pull_request_target"), ("opened", "synchronize", "reopened")
)


def _deleted(filters: Filters, seen: Occasion) -> Verdict | None:
    if not seen.deleted:
        return None
    return Verdict(False, f'"{short_ref(seen.ref)}" was deleted, which starts nothing on push')


# https://docs.github.com/actions/managing-workflow-runs/skipping-workflow-runs
_SKIP = re.compile(r"\[(?:skip ci|ci skip|no ci|skip actions|actions skip)\]")
_SKIP_CHECKS = re.compile(r"\n\n\n(?:[^\n]+\n)*(skip-checks: ?true)\s*\Z")


def _skipped(filters: Filters, seen: Occasion) -> Verdict | None:
    if seen.event not in ("push", "pull_request"):
        return None
    message = seen.message.replace("\r\n", "\n")
    found = _SKIP.search(message)
    said = found[0] if found else ""
    if not said and (trailer := _SKIP_CHECKS.search(message)):
        said = trailer[1]
    return Verdict(False, f'the head commit\'s message says "{said}"') if said else None


def _types(filters: Filters, seen: Occasion) -> Verdict | None:
    given = filters.get("types")
    if given and given.items:
        return given.equal([seen.activity]) if seen.activity else given.not_known("the activity is")
    usual = _DEFAULT_TYPES.get(seen.event)
    if not usual or not seen.activity or seen.activity in usual:
        return None
    reason = (
        f'types: "{seen.activity}" is {none_of(usual)}, '
        f"the default of {seen.event} (line {filters.trigger.place.line})"
    )
    return Verdict(False, reason)


def _refs(filters: Filters, seen: Occasion) -> Verdict | None:
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


def _branches(filters: Filters, seen: Occasion) -> Verdict | None:
    """Elsewhere a branch is the base of a pull request or a queue, or where a workflow ran."""
    given = filters.get("branches", "branches-ignore")
    if given is None or seen.event == "push":
        return None
    branch = seen.head_branch if seen.event == "workflow_run" else seen.base_ref
    return given.verdict(branch) if branch else given.not_known("the branch is")


def looks_at_files(trigger: Trigger) -> bool:
    """Whether a trigger asks which files changed."""
    return Filters(trigger).get("paths", "paths-ignore") is not None


def _paths(filters: Filters, seen: Occasion) -> Verdict | None:
    given = filters.get("paths", "paths-ignore")
    if given is None or seen.ref.startswith("refs/tags/"):
        return None
    if seen.files is None:
        return given.not_known("the changed files are")
    files = seen.files[:MAX_FILES]
    return _ignored(given, files) if given.ignores else _included(given, files)


def _included(given: Filter, files: Sequence[str]) -> Verdict:
    """One file that matches is enough."""
    for file in files:
        pattern = given.deciding(file)
        if pattern and not globs.compile(pattern.text).negative:
            return Verdict(True, given.matched(file, pattern))
    what = f"{_changed(files)}, and none matches {listed(given.texts)}"
    return Verdict(False, given.says(what))


def _ignored(given: Filter, files: Sequence[str]) -> Verdict:
    """One file that does not match is enough; where nothing changed there is none to ignore."""
    for file in files:
        if not globs.matches(given.texts, file):
            return Verdict(True, given.says(f'"{file}" matches {none_of(given.texts)}'))
    if not files:
        return Verdict(True, given.says("no file changed, so none is ignored"))
    what = f"{_changed(files)}, and all match {listed(given.texts)}"
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


def _followed(filters: Filters, seen: Occasion) -> Verdict | None:
    given = filters.get("workflows")
    if given is None or seen.event != "workflow_run":
        return None
    return given.equal(seen.workflows) if seen.workflows else given.not_known("the workflow is")


def _due(filters: Filters, seen: Occasion) -> Verdict | None:
    if seen.event != "schedule" or not (lines := cron_lines(filters.trigger)):
        return None
    if not seen.cron:
        return Verdict(True, "schedule: the cron line is not known, so taken as matched")
    for node in lines:
        if node.text.split() == seen.cron.split():
            return Verdict(True, f'cron: "{node.text}" is due (line {node.place.line})')
    texts = [node.text for node in lines]
    at = filters.trigger.place.line
    return Verdict(False, f'schedule: "{seen.cron}" is {none_of(texts)} (line {at})')


def _images(filters: Filters, seen: Occasion) -> Verdict | None:
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


def _deployed(filters: Filters, seen: Occasion) -> Verdict | None:
    if seen.event != "deployment_status" or seen.deployment_state != "inactive":
        return None
    return Verdict(False, 'deployment_status: the state "inactive" starts nothing')


GATES: tuple[Callable[[Filters, Occasion], Verdict | None], ...] = (
    *(_deleted, _skipped, _deployed, _types, _due, _followed, _refs, _branches, _paths, _images),
)
