"""What each rule is about, in a sentence."""

from __future__ import annotations

import sys

# what no run could survive; docs/validation.md has the same table, docs/rules.md the other rules
ABOUT = {
    "action": "An action is described as GitHub's runner reads it.",
    "alias": "An alias stands for an anchor before it, and not inside itself.",
    "calls": "Called workflows are there, take what they are given, and call no caller.",
    "concurrency": "A concurrency group has a name that GitHub takes.",
    "container": "A container has an image, and ports and volumes that can be read.",
    "context": "A key may ask only for the contexts and functions that GitHub has there.",
    "cron": "A cron line has five fields that make times, and its time zone exists.",
    "depth": "A file is nested no deeper than GitHub reads.",
    "duplicate-key": "A mapping has each key once, without regard to case.",
    "expression": "An expression can be parsed and its names and functions exist.",
    "file": "A file can be read.",
    "file-size": "A file is no larger than GitHub reads.",
    "glob": "A pattern of branches, tags or paths is one that GitHub reads.",
    "id": "Ids of jobs and steps are well formed, and unique.",
    "inputs": "Inputs are of a known type, and their defaults fit it.",
    "matrix": "A matrix has combinations that GitHub can make.",
    "needs": "Jobs need jobs that exist, and none waits for itself.",
    "retry": "What a retry looks for is a regular expression.",
    "runs-on": "A job says what it runs on.",
    "schema": "A value has the shape that its key takes.",
    "snapshot": "A snapshot has a name and a version that GitHub takes.",
    "superset": "Runwright's own keys stay out of files that GitHub reads.",
    "unknown-key": "A mapping has only keys that are known there.",
    "uses": "A `uses` has one of the forms that GitHub knows.",
    "yaml": "A file is YAML as GitHub reads it.",
}


def about(name: str) -> str:
    """The sentence of a rule; those of `engine.lint` open their modules with it."""
    from engine.lint import RULES

    if name in ABOUT or name not in RULES:
        return ABOUT.get(name, "What it is about is said with each problem.")
    return (sys.modules[RULES[name].__module__].__doc__ or "").partition("\n")[0]
