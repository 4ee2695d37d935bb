"""Workflows and actions of public repositories can be read, and the workflows planned."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest
from conftest import CONFORMANCE

from engine import contexts, model, source
from engine.check import check
from engine.contexts import Checkout, RunFacts
from engine.plan import expand, is_static, plan
from engine.problems import errors
from engine.tree import Scope

FOLDER = CONFORMANCE / "real-workflows"
INDEX: dict[str, Any] = (
    json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))
    if FOLDER.is_dir()
    else {"files": [], "placeholder_values": {}}
)
FILES = {entry["file"]: entry for entry in INDEX["files"]}
ACCEPTED = [name for name, entry in FILES.items() if entry["must_accept"]]
REFUSED = [name for name in FILES if name not in ACCEPTED]

pytestmark = pytest.mark.skipif(
    not FILES, reason="the conformance files are not here: ../shared/conformance/real-workflows"
)


def text(name: str) -> str:
    """A file with the values put in that a starter workflow leaves open."""
    found = (FOLDER / name).read_text(encoding="utf-8")
    for placeholder in FILES[name]["placeholders"]:
        found = found.replace(placeholder, INDEX["placeholder_values"][placeholder])
    return found


@cache
def faults(name: str) -> list[str]:
    """What keeps a file from being read; a workflow is planned as well."""
    node, problems = source.load(text(name), name)
    if node is None or errors(problems):
        return [str(problem) for problem in problems]
    kind = FILES[name]["kind"]
    problems += check(node, kind)
    if kind == "action":
        return [str(problem) for problem in errors(problems)]
    workflow, more = model.read(node, name, FILES[name]["path"])
    plan_all(workflow)
    return [str(problem) for problem in errors([*problems, *more])]


def plan_all(workflow: model.Workflow) -> None:
    """Plan a workflow and expand each job whose legs are known before anything has run."""
    facts = RunFacts("1", 1, "push", {}, Checkout(), workflow.name, workflow.file)
    empty: dict[str, Any] = {name: {} for name in ("needs", "vars", "inputs", "env", "secrets")}
    scope = Scope({"github": contexts.github(facts), **empty})
    jobs = plan(workflow).jobs
    assert len(jobs) == len(workflow.jobs)
    for job in jobs:
        if is_static(job):
            assert expand(job, scope), job.id


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(name: str) -> None:
    assert faults(name) == []


def test_how_many(capsys: pytest.CaptureFixture[str]) -> None:
    accepted = sum(not faults(name) for name in ACCEPTED)
    refused = sum(bool(faults(name)) for name in REFUSED)
    with capsys.disabled():
        print(
            f" real files: {accepted} of {len(ACCEPTED)} accepted, the workflows planned; "
            f"{refused} of the {len(REFUSED)} that GitHub refuses are refused"
        )
    assert accepted == len(ACCEPTED)
