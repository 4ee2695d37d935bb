"""The stages of a workflow as JSON: what its author meant, the plan, and the legs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine import model, stages
from engine.model import Workflow
from engine.plan import expand, plan
from engine.source import load
from engine.tree import Scope

SCOPE = Scope({"github": {}, "needs": {}, "vars": {}, "inputs": {}})


def workflow(text: str) -> Workflow:
    node, problems = load(text, "ci.yml")
    assert node and not problems
    found, problems = model.read(node, "ci.yml")
    assert not problems
    return found


def as_json(value: Any) -> Any:
    """What is left of a stage once it has been JSON."""
    return json.loads(json.dumps(value, allow_nan=False))


# --- the workflow ---------------------------------------------------------------------------------


def meant(job: str) -> dict[str, Any]:
    """One job of a workflow, whose keys start in line 2."""
    found = workflow(f"jobs: {{a: {{\n{job}}}}}")
    (only,) = as_json(stages.workflow(found))["jobs"].values()
    return {key: only[key] for key in only if key not in ("id", "at")}


def test_what_was_not_given_is_left_out() -> None:
    found = workflow("name: CI\non: push\njobs: {a: {runs-on: x, steps: [{run: y}]}}")
    assert as_json(stages.workflow(found)) == {
        "file": "ci.yml",
        "name": "CI",
        "on": [{"event": "push", "at": "ci.yml:2:5"}],
        "jobs": {
            "a": {
                "id": "a",
                "at": "ci.yml:3:8",
                "runs-on": "x",
                "steps": [{"kind": "run", "at": "ci.yml:3:32", "run": "y"}],
            }
        },
    }


def test_filters_of_events_are_as_written() -> None:
    found = workflow("on: {push: {branches: [main]}, schedule: [{cron: 0 0 * * *}]}")
    assert as_json(stages.workflow(found))["on"] == [
        {"event": "push", "at": "ci.yml:1:6", "filters": {"branches": ["main"]}},
        {"event": "schedule", "at": "ci.yml:1:32", "filters": [{"cron": "0 0 * * *"}]},
    ]


def test_an_expression_has_its_place_and_its_meaning() -> None:
    assert meant("env: {A: 1, B: 'x ${{ github . REF|lower }}-${{ toJson(matrix) }}'}") == {
        "env": {
            "A": 1,
            "B": {
                "text": "x ${{ github . REF|lower }}-${{ toJson(matrix) }}",
                "at": "ci.yml:2:16",
                "expressions": [
                    {
                        "at": "ci.yml:2:23",
                        "meaning": "github.REF | lower",
                        "contexts": ["github"],
                        "functions": [],
                        "filters": ["lower"],
                    },
                    {
                        "at": "ci.yml:2:49",
                        "meaning": "toJson(matrix)",
                        "contexts": ["matrix"],
                        "functions": ["tojson"],
                        "filters": [],
                    },
                ],
            },
        }
    }


@pytest.mark.covers("JOB-007")
@pytest.mark.parametrize(
    ("written", "meaning"),
    [
        ("github.ref == 'x'", "success() && github.ref == 'x'"),
        ("'${{ failure() }}'", "failure()"),
        ("true", "success() && true"),
    ],
)
def test_a_condition_shows_what_is_added_to_it(written: str, meaning: str) -> None:
    (expression,) = meant(f"if: {written}")["if"]["expressions"]
    assert expression["meaning"] == meaning


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("needs: b", {"needs": [{"id": "b", "at": "ci.yml:2:8"}]}),
        ("continue-on-error: true", {"continue-on-error": True}),
        ("timeout-minutes: 5", {"timeout-minutes": 5}),
        ("container: {image: x, ports: [80]}", {"container": {"image": "x", "ports": [80]}}),
        ("defaults: {run: {shell: sh}}", {"defaults": {"shell": "sh"}}),
        ("strategy: {matrix: {a: [1]}}", {"strategy": {"matrix": {"a": [1]}}}),
        ("permissions: {contents: read}", {"permissions": {"contents": "read"}}),
        ("permissions: {}", {"permissions": {}}),
        ("retry: 2", {"retry": {"attempts": 2, "backoff": "fixed"}}),
        (
            "retry: {delay: 2s, on: {output: ['a.b'], exit-codes: [7]}}",
            {
                "retry": {
                    "attempts": 3,
                    "backoff": "fixed",
                    "delay": 2,
                    "on": {"output": ["a.b"], "exit-codes": [7]},
                }
            },
        ),
    ],
)
def test_keys_are_githubs(written: str, shown: dict[str, Any]) -> None:
    node, _ = load(f"jobs: {{a: {{\n{written}}}}}", "ci.yml")
    assert node
    only = as_json(stages.workflow(model.read(node, "ci.yml")[0]))["jobs"]["a"]
    assert {key: only[key] for key in only if key not in ("id", "at")} == shown


# --- the plan -------------------------------------------------------------------------------------


def test_the_graph() -> None:
    text = "jobs: {a: {}, b: {needs: a}, c: {needs: [b], if: '1'}, d: {}}"
    found = plan(workflow(text))
    shown = as_json(stages.plan(found))
    assert [(job["id"], job["needs"], job["ancestors"]) for job in shown["jobs"]] == [
        ("a", [], []), ("b", ["a"], ["a"]), ("c", ["b"], ["a", "b"]), ("d", [], []),
    ]  # fmt: skip
    assert shown["levels"] == [["a", "d"], ["b"], ["c"]]
    assert shown["longest"] == ["a", "b", "c"]
    assert shown["jobs"][2]["if"] == "1"


def test_jobs_and_legs() -> None:
    text = """
name: CI
on: [push, pull_request]
jobs:
  build:
    runs-on: ubuntu-latest
    container: alpine
    strategy: {matrix: {v: [1, {w: x}]}}
    steps:
      - {id: s, name: 'N ${{ matrix.v }}', run: make, shell: bash, if: always(), retry: 3}
      - uses: actions/checkout@v4
  call:
    needs: build
    if: github.ref
    uses: ./.github/workflows/x.yml
"""
    found = plan(workflow(text))
    shown = stages.expanded(found, {"build": expand(found.by_id["build"], SCOPE)})
    assert as_json(shown) == {
        "workflow": "CI",
        "file": "ci.yml",
        "on": ["push", "pull_request"],
        "jobs": [
            {
                "id": "build", "line": 5, "needs": [], "if": None, "uses": None,
                "steps": [
                    {"kind": "run", "line": 10, "id": "s", "name": "N ${{ matrix.v }}",
                     "if": "always()", "run": "make", "shell": "bash", "retry": 3},
                    {"kind": "uses", "line": 11, "uses": "actions/checkout@v4"},
                ],
                "legs": [
                    {"key": "build.0", "name": "build (1)", "matrix": {"v": 1},
                     "runs-on": ["ubuntu-latest"], "container": "alpine",
                     "continue-on-error": False, "timeout-minutes": 360},
                    {"key": "build.1", "name": "build (x)", "matrix": {"v": {"w": "x"}},
                     "runs-on": ["ubuntu-latest"], "container": "alpine",
                     "continue-on-error": False, "timeout-minutes": 360},
                ],
            },
            {
                "id": "call", "line": 12, "needs": ["build"], "if": "github.ref",
                "uses": "./.github/workflows/x.yml", "steps": [], "legs": None,
            },
        ],
    }  # fmt: skip


@pytest.mark.covers("RWF-001")
def test_a_call_shows_what_it_calls() -> None:
    caller = workflow("jobs: {a: {uses: ./.github/workflows/x.yml}}")
    called = workflow("name: X\njobs: {b: {}, c: {needs: b, steps: [{run: y}]}}")
    found = plan(caller, find=lambda uses, file: (called, []))
    (job,) = as_json(stages.plan(found))["jobs"]
    assert (job["id"], job["calls"]["workflow"]) == ("a", "X")
    assert job["calls"]["levels"] == [["b"], ["c"]]
    (job,) = as_json(stages.expanded(found, {}))["jobs"]
    assert [inner["id"] for inner in job["calls"]["jobs"]] == ["b", "c"]
    assert job["calls"]["jobs"][1]["steps"][0]["run"] == "y"
