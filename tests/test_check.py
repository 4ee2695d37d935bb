"""What `engine.check` says about documents: the right sentence, once, at the right place."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from engine.check import check, superset_warnings
from engine.check.fit import fits
from engine.check.rules import rules
from engine.schemas import schema_text
from engine.source import Node, load, plain

PROBLEMS = Path(__file__).parent / "problems"
DOCUMENTS = sorted(PROBLEMS.glob("*.yml"))
STEPS = "    steps:\n      - run: make\n"
JOB = f"on: push\njobs:\n  test:\n    runs-on: ubuntu-latest\n{STEPS}"


def node_of(text: str, file: str = "ci.yml") -> Node:
    node, problems = load(text, file)
    assert node is not None and not problems, problems
    return node


def complaints(text: str, kind: Any = "workflow") -> list[str]:
    return [str(problem) for problem in check(node_of(text), kind)]


@pytest.mark.covers("LINT-001", "LINT-016", "WF-004", "WF-012")
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_what_is_said_about_a_mistake(document: Path) -> None:
    """The complaints stand beside each document in a .txt of the same name."""
    node = node_of(document.read_text(encoding="utf-8"), document.name)
    said = "".join(f"{problem}\n" for problem in check(node))
    assert said == document.with_suffix(".txt").read_text(encoding="utf-8")


def test_each_document_has_its_complaints_and_there_are_many() -> None:
    assert {path.stem for path in PROBLEMS.glob("*.txt")} == {path.stem for path in DOCUMENTS}
    assert len(DOCUMENTS) >= 80


@pytest.mark.parametrize(
    ("step", "place", "last"),
    [
        ("run: x, uses: a/b@v1", 17, 17),
        ("uses: a/b@v1, run: x", 9, 23),
        ("with: {a: b}, run: x", 9, 23),
        ("run: x, with: {a: b}", 17, 17),
        ("name: x, parallel: [{run: x}]", 9, 18),
    ],
)
def test_of_keys_that_do_not_go_together_github_points_at_the_last(
    step: str, place: int, last: int
) -> None:
    text = f"on: push\njobs: {{a: {{runs-on: x, steps: [\n      {{ {step} }}]}}}}"
    (problem,) = check(node_of(text))
    assert problem.value is not None
    assert (problem.place.column, problem.value.column) == (place, last)


def test_the_value_of_a_key_that_can_not_stand_there_is_not_judged() -> None:
    (said,) = complaints(f"{JOB}    secrets: [a]\n    with: 5\n")
    assert said.startswith("ci.yml:7:5: with and secrets go to a called workflow")


# --- what GitHub takes ----------------------------------------------------------------------------

TAKEN = {
    "expressions where values are expected": """
        timeout-minutes: ${{ inputs.minutes }}
        continue-on-error: ${{ matrix.experimental }}
        env: ${{ fromJSON(needs.plan.outputs.env) }}
        container: ${{ matrix.image }}
        services: ${{ fromJSON('{}') }}
        environment: ${{ inputs.target }}
        strategy: ${{ fromJSON(needs.plan.outputs.strategy) }}
        concurrency: {group: x, queue: '${{ inputs.queue }}', cancel-in-progress: '${{ true }}'}
    """,
    "other scalars where text is expected": """
        name: 12
        env: {DEBUG: 1, FAST: true, EMPTY: , PI: 3.14}
        outputs: {version: 1.2, nothing: }
        container: {image: node, ports: [80, '8080:80'], options: }
    """,
    "an inserted mapping": """
        env: {'${{ insert }}': '${{ fromJSON(vars.ENV) }}', A: b}
        strategy: {matrix: {'${{insert}}': '${{ fromJSON(vars.MATRIX) }}', os: [a]}}
    """,
    "a matrix of expressions": """
        strategy:
          matrix:
            os: ${{ fromJSON(vars.OS) }}
            include: ['${{ fromJSON(vars.ONE) }}', {os: x, deep: {list: [1, 2]}}]
            exclude: ${{ fromJSON(vars.NOT) }}
    """,
    "newest keys": """
        snapshot: {image-name: mine, version: 2.*, if: true}
        environment: {name: production, url: x, deployment: false}
        services: {db: {image: postgres, entrypoint: /start, command: --fast}, redis: redis}
        cancel-timeout-minutes: 1
        permissions: {code-quality: write, vulnerability-alerts: read, drives: none}
    """,
    "retry as a number": "        retry: 3\n",
    "retry as a block": """
        retry:
          attempts: 3
          backoff: linear
          delay: 500ms
          max-delay: 1.5m
          jitter: true
          timeout: 1h
          on: {exit-codes: [75], output: [timed out], timeout: true}
    """,
}


@pytest.mark.parametrize("name", TAKEN)
def test_a_job_may_have(name: str) -> None:
    body = "\n".join(line[4:] for line in TAKEN[name].splitlines())
    assert complaints(f"{JOB}{body}\n") == []


def test_all_kinds_of_steps() -> None:
    steps = """
      - {id: a, run: make, background: true, retry: 2}
      - {uses: actions/checkout@v4, with: {depth: 0, none: }, timeout-minutes: 1.5}
      - {uses: x/y@v1, with: '${{ fromJSON(vars.WITH) }}', background: true}
      - {name: Wait, wait: a, continue-on-error: true}
      - {wait: [a, b]}
      - wait-all:
      - {wait-all: true}
      - {cancel: a}
      - parallel:
          - {run: make lint, if: always()}
          - {uses: ./tools/test, env: {A: 1}}
    """
    assert complaints(JOB.replace(STEPS, f"    steps:{steps}")) == []


@pytest.mark.parametrize(
    "on",
    [
        "push",
        "[push, pull_request, workflow_dispatch]",
        "{push: , schedule: [{cron: '0 4 * * *', timezone: Europe/Paris}]}",
        "{push: {branches: main, tags-ignore: [v0.*]}, image_version: {names: [x], versions: 1}}",
        "{workflow_call: {inputs: {a: {type: boolean, default: '${{ vars.A }}'}}, secrets: {t: }}}",
        "{workflow_dispatch: {inputs: {a: {type: choice, options: [x]}, b: {default: 3.11}, c: }}}",
        "{pull_request: {types: [stacked, opened]}, merge_group: {branches: [main]}, create: }",
        "{repository_dispatch: {types: [mine]}, workflow_run: {workflows: [CI], types: completed}}",
    ],
)
def test_events(on: str) -> None:
    assert complaints(JOB.replace("on: push", f"on: {on}")) == []


def test_a_call_of_another_workflow() -> None:
    call = "uses: ./.github/workflows/x.yml\n    with: {a: 1}\n    secrets: {t: '${{ secrets.T }}'}"
    assert complaints(f"on: push\njobs:\n  call:\n    {call}\n    retry: 2\n") == []


def test_anchors_need_nothing() -> None:
    text = JOB + "    env: &env {A: b}\n  more:\n    runs-on: x\n    env: *env\n" + STEPS
    assert complaints(text) == []


# --- actions --------------------------------------------------------------------------------------

ACTIONS = {
    "composite": ("runs: {using: composite, steps: [{run: make, shell: bash}]}", []),
    "node": ("runs: {using: node24, main: dist/index.js, post: dist/post.js, post-if: x}", []),
    "docker": ("runs: {using: docker, image: Dockerfile, args: [a, '${{ inputs.b }}']}", []),
    "loose root": ("anything: else\nruns: {using: node20, main: x, pre: y}", []),
    "no shell": (
        "runs: {using: composite, steps: [{run: make}]}",
        ["1:34: a run step of an action needs its shell, such as shell: bash [schema]"],
    ),
    "old node": (
        "runs: {using: node10, main: x}",
        ['1:15: "using" cannot be "node10"; did you mean "node20"? [schema]'],
    ),
    "no main": (
        "runs: {using: node24}",
        ["1:1: a JavaScript action needs main, such as main: dist/index.js [schema]"],
    ),
    "timeout in a step": (
        "runs: {using: composite, steps: [{run: make, shell: sh, timeout-minutes: 1}]}",
        [
            '1:57: unknown key "timeout-minutes" in a step; a step takes run and shell, or uses, '
            "and id, if, name, working-directory, with, env and continue-on-error [unknown-key]"
        ],
    ),
    "steps of node": (
        "runs: {using: node24, main: x, steps: []}",
        [
            "1:32: a JavaScript action takes main, pre, pre-if, post and post-if; "
            "this key belongs to another kind [schema]"
        ],
    ),
}


@pytest.mark.parametrize("name", ACTIONS)
def test_action(name: str) -> None:
    text, expected = ACTIONS[name]
    assert complaints(text, "action") == [f"ci.yml:{line}" for line in expected]


# --- the superset ---------------------------------------------------------------------------------


def test_retry_is_warned_about_where_github_reads_the_file() -> None:
    text = JOB + "        retry: 3\n      - parallel:\n        - run: x\n          retry: 2\n"
    text += "    retry: 2\n"
    found = superset_warnings(node_of(text), ".github/workflows/ci.yml")
    assert [(p.place.line, p.place.column) for p in found] == [(7, 9), (10, 11), (11, 5)]
    assert {(p.level, p.rule) for p in found} == {("warning", "superset")}
    assert found[0].message == (
        '"retry" is Runwright\'s own and github.com rejects it; '
        "keep this workflow in .runwright/ or name it *.runwright.yml"
    )


@pytest.mark.parametrize("file", [".runwright/ci.yml", "ci.runwright.yml", "/x/.github/other.yml"])
def test_elsewhere_nothing_is_said(file: str) -> None:
    assert superset_warnings(node_of(JOB + "    retry: 2\n"), file) == []


# --- in general -----------------------------------------------------------------------------------

JUNK: tuple[Any, ...] = (
    None, True, 0, -1.5, "", "x", "${{ x }}", [], ["x", None], [[]], {}, {"a": 1}, {"<<": {}},
    {"run": "x", "uses": [], "if": {}}, {"wait": 1, "cancel": "x", "parallel": [{"parallel": 1}]},
    {"attempts": 0, "delay": "x", "on": {}}, {"push": {"branches": {}, "tags": [[]]}},
)  # fmt: skip


def spots(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a document, as a container and a key."""
    for key in value if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from spots(value[key])


def spoilt(path: Path, number: int, junk: Any) -> Any:
    """A document with junk at one place."""
    document = plain(node_of(path.read_text(encoding="utf-8")))
    places = list(spots(document))
    container, key = places[number % len(places)]
    container[key] = junk
    return document


@given(st.sampled_from(DOCUMENTS), st.integers(0, 99), st.sampled_from(JUNK), st.booleans())
def test_whatever_is_wrong_gets_a_sentence_at_a_place(
    path: Path, number: int, junk: Any, action: bool
) -> None:
    document = json.dumps(spoilt(path, number, junk), indent=1)
    found = check(node_of(document), "action" if action else "workflow")
    assert [p.place for p in found] == sorted(p.place for p in found)
    assert all(p.place.line and p.message and p.rule in ("schema", "unknown-key") for p in found)
    assert len({(p.place, p.message) for p in found}) == len(found)


# --- the quick decision ---------------------------------------------------------------------------

ODD: tuple[Any, ...] = (1.0, 2.5, float("nan"), float("inf"), 10**30, -0.0, "x" * 100, {"": ""})


@given(
    st.sampled_from(DOCUMENTS),
    st.integers(0, 99),
    st.sampled_from((*JUNK, *ODD)),
    st.sampled_from(("workflow", "action")),
)
def test_what_fits_is_what_jsonschema_takes(path: Path, number: int, junk: Any, kind: str) -> None:
    document = spoilt(path, number, junk)
    assert fits(rules(kind), document) is Draft7Validator(rules(kind)).is_valid(document)


@pytest.mark.parametrize("value", (*JUNK, *ODD), ids=repr)
@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer"},
        {"type": ["number", "null"]},
        {"const": 1},
        {"const": True},
        {"enum": [0, "x", None]},
        {"not": {"type": "string"}},
        {"minimum": 0},
        {"maxLength": 3, "minLength": 1},
        {"minItems": 1, "items": {"type": "string"}},
        {"minProperties": 1, "required": ["a"]},
        {"propertyNames": {"pattern": "^[a-z]+$"}},
        {"patternProperties": {"^a": False}, "additionalProperties": {"type": "string"}},
        {"dependencies": {"run": {"properties": {"uses": False}}}},
        {"if": {"type": "object"}, "then": {"minProperties": 2}, "else": {"type": "array"}},
        {"anyOf": [{"type": "string"}, {"type": "null"}], "allOf": [True, {"minLength": 1}]},
        True,
        False,
    ],
    ids=str,
)
def test_keywords_mean_what_draft_07_says(schema: Any, value: Any) -> None:
    assert fits(schema, value) is Draft7Validator(schema).is_valid(value)


def test_the_text_of_a_schema_is_found() -> None:
    assert '"title": "Workflow"' in schema_text("workflow")


@pytest.mark.parametrize(("text", "loaded"), [(JOB, False), (JOB + "x: 1\n", True)])
def test_jsonschema_is_imported_only_to_explain(text: str, loaded: bool) -> None:
    code = (
        "import sys; from engine.check import check; from engine.source import load\n"
        f"check(load({text!r}, 'ci.yml')[0]); sys.exit('jsonschema' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == int(loaded)
