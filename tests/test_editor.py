"""Editors speak as `validate` does: the real yaml-language-server is driven with our schema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import CONFORMANCE
from language_server import Editor
from test_check import ACTIONS
from test_real_workflows import ACCEPTED, FILES
from test_real_workflows import text as real_text

from engine.check import Kind, check
from engine.problems import Problem
from engine.source import load

ROOT = Path(__file__).parent.parent
PROBLEMS = ROOT / "tests" / "problems"

EXAMPLES = sorted((ROOT / "examples").rglob("*.yml")) if (ROOT / "examples").exists() else []
JOB = "on: push\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - run: make\n"


def complaints(text: str, kind: Kind = "workflow") -> list[Problem]:
    """What `validate` says."""
    node, problems = load(text, "x.yml")
    assert node is not None and problems == []
    return check(node, kind)


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    schemas = {
        (ROOT / "schema" / "workflow.schema.json").as_uri(): ["*.workflow.yml"],
        (ROOT / "schema" / "action.schema.json").as_uri(): ["*.action.yml"],
    }
    started = Editor(tmp_path_factory.mktemp("editor"), schemas)
    yield started
    assert started.close() == 0


# --- good documents -------------------------------------------------------------------------------

SCHEMA = (ROOT / "schema" / "workflow.schema.json").as_uri()
CALL = "uses: ./.github/workflows/b.yml\n    secrets: inherit\n    retry: 2\n"
GOOD = {
    "small": JOB,
    "retry": JOB + "        retry:\n          attempts: 3\n          delay: 2s\n    retry: 2\n",
    "expressions": JOB + "    timeout-minutes: ${{ vars.M }}\n    env: ${{ fromJSON(vars.E) }}\n",
    "matrix": JOB + "    strategy:\n      matrix: {os: [a, b], include: [{os: c}]}\n",
    "schema key": f"$schema: {SCHEMA}\n{JOB}",
    "runner group": JOB.replace("ubuntu-latest", "{group: large, labels: [linux, x64]}"),
    "own label": JOB.replace("ubuntu-latest", "[self-hosted, gpu]"),
    "parallel": JOB + "      - parallel: [{run: a}, {uses: ./b}]\n      - wait-all:\n",
    "shells": JOB + "        shell: perl {0}\n      - {run: x, shell: pwsh}\n",
    "call": f"on: workflow_dispatch\njobs:\n  call:\n    {CALL}",
    "events": JOB.replace("push", "{push: {branches: [main]}, release: {types: [published]}}"),
    "anchors": JOB + "    env: &env {A: b}\n  more:\n    runs-on: x\n    env: *env\n",
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_document_is_not_complained_about(editor: Editor, name: str) -> None:
    assert complaints(GOOD[name]) == []
    assert editor.diagnostics(GOOD[name]) == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_examples_are_not_complained_about(editor: Editor, path: Path) -> None:
    kind = "action" if path.stem == "action" else "workflow"
    assert editor.diagnostics(path.read_text(encoding="utf-8"), kind) == []


def test_a_good_action_is_not_complained_about(editor: Editor) -> None:
    text = "name: a\ndescription: b\nruns:\n  using: composite\n  steps: [{run: x, shell: bash}]\n"
    assert editor.diagnostics(text, "action") == []


needs_corpus = pytest.mark.skipif(
    not CONFORMANCE.is_dir(),
    reason="the conformance files are not here: ../shared/conformance, beside the repository",
)


@needs_corpus
def test_workflows_and_actions_of_others_are_not_complained_about(editor: Editor) -> None:
    names = [name for name in ACCEPTED if "yaml-language-server" not in real_text(name)]
    found = editor.all_diagnostics([(real_text(name), FILES[name]["kind"]) for name in names])
    assert {name: said for name, said in zip(names, found, strict=True) if said} == {}


@needs_corpus
def test_verdicts_are_those_of_schema_jsonl(editor: Editor) -> None:
    lines = (CONFORMANCE / "schema.jsonl").read_text(encoding="utf-8").splitlines()
    cases = [case for case in map(json.loads, lines) if "peer_conflict" not in case]
    texts = [case["yaml"].replace("yaml-language-server:", "") for case in cases]  # its own schema
    kinds = [case["kind"] for case in cases]
    found = editor.all_diagnostics(list(zip(texts, kinds, strict=True)))
    wrong = {c["id"]: f for c, f in zip(cases, found, strict=True) if bool(f) is c["valid"]}
    assert wrong == {}


# --- mistakes -------------------------------------------------------------------------------------

# The sentences of these can't be given to an editor; it has words of its own.
OWN_WORDS = {
    "empty-jobs": "Object has fewer properties than the required number of 1",
    "matrix-empty-list": "Array has too few items. Expected 1 or more.",
    "retry-zero": "Value is below the minimum of 1.",
}
UNKNOWN_TO_EDITORS = {"merge-key"}  # GitHub alone has none
MISTAKES = sorted(path.stem for path in PROBLEMS.glob("*.yml"))


def agree(problem: Problem, words: str) -> bool:
    """Whether a diagnostic is the problem's sentence. The command first quotes what is written,
    and offers the nearest name, where the editor lists all that are known."""
    if "; did you mean " in problem.message:
        return " takes " in words or " is " in words
    return problem.message.endswith(words)


def at(problem: Problem, line: int, column: int) -> bool:
    """Whether a diagnostic is where the problem is. Editors point at the key above where a key is
    missing, and one further on where a value is."""
    place = problem.place
    if " needs " in problem.message:
        return line in (place.line - 1, place.line)
    return (line, column) in ((place.line, place.column), (place.line, place.end_column + 1))


@pytest.mark.parametrize("name", sorted({*MISTAKES} - {*OWN_WORDS, *UNKNOWN_TO_EDITORS}))
def test_the_editor_says_what_validate_says(editor: Editor, name: str) -> None:
    text = (PROBLEMS / f"{name}.yml").read_text(encoding="utf-8")
    problems, found = complaints(text), editor.diagnostics(text)
    for problem in problems:
        assert any(agree(problem, words) and at(problem, *where) for *where, words in found), (
            f"{problem}\n{found}"
        )
    for *_, words in found:  # the command leaves out that a misspelt key is missing too
        assert " needs " in words or any(agree(problem, words) for problem in problems), found


@pytest.mark.parametrize("name", OWN_WORDS)
def test_where_the_editor_has_words_of_its_own(editor: Editor, name: str) -> None:
    text = (PROBLEMS / f"{name}.yml").read_text(encoding="utf-8")
    (problem,) = complaints(text)
    place = problem.place
    assert editor.diagnostics(text) == [(place.line, place.column, OWN_WORDS[name])]


@pytest.mark.parametrize("name", [name for name, (_, said) in ACTIONS.items() if said])
def test_the_editor_says_what_validate_says_about_actions(editor: Editor, name: str) -> None:
    text = ACTIONS[name][0]
    found = editor.diagnostics(text, "action")
    for problem in complaints(text, "action"):
        assert any(agree(problem, words) for _, _, words in found), f"{problem}\n{found}"


# --- help while writing ---------------------------------------------------------------------------

STEP = JOB + "        "  # goes on with a key of the step
KEY = JOB + "    "  # goes on with a key of the job
ON = JOB.replace("on: push", "on:\n  ")  # `push` has to be put back
# The last place of a name in a text, and what the editor says there.
HOVERS = {
    "the workflow's keys": [
        (JOB, "on", "What starts the workflow"),
        (JOB.replace("push", "[push]"), "on", "What starts the workflow"),
        (JOB.replace("push", "\n  push: {}"), "push", "commits or tags are pushed"),
        (JOB + "permissions: read-all\n", "permissions", "What the run's token may do"),
        (JOB + "permissions:\n  contents: read\n", "contents", "commits, branches and releases"),
        (JOB + "concurrency: {group: a, queue: max}\n", "queue", "queue: max"),
    ],
    "a job's keys": [
        (JOB, "jobs", "run side by side unless one needs another"),
        (JOB, "runs-on", "```yaml\nruns-on: ubuntu-latest\n```"),
        (JOB, "steps", "steps:\n"),
        (KEY + "strategy: {fail-fast: false}\n", "fail-fast", "fail-fast: false"),
        (KEY + "services: {db: {image: x, command: y}}\n", "command", "command:"),
        (KEY + "environment: {name: x, deployment: false}\n", "deployment", "deployment: false"),
        (KEY + "snapshot: {image-name: x}\n", "image-name", "image-name:"),
    ],
    "a step's keys": [
        (JOB, "run", "docs.github.com"),
        (STEP + "background: true\n", "background", "background: true"),
        (JOB + "      - wait-all:\n", "wait-all", "wait-all:"),
        (STEP + "retry: 3\n", "retry", "github.com rejects it"),
        (STEP + "retry: {backoff: linear}\n", "backoff", "backoff: "),
    ],
}


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [row for rows in HOVERS.values() for row in rows],
    ids=lambda value: value if isinstance(value, str) and "\n" not in value else "",
)
def test_hover_explains_a_key(editor: Editor, text: str, name: str, expected: str) -> None:
    *_, last = re.finditer(rf"(?<![\w-]){name}:", text)
    line, before = text.count("\n", 0, last.start()) + 1, text[: last.start()]
    assert expected in editor.hover(text, line, len(before.rpartition("\n")[2]) + 2)


LABELS = {"ubuntu-latest", "ubuntu-24.04", "windows-latest", "macos-latest", "self-hosted"}
EVENTS = {"push", "pull_request", "workflow_dispatch", "merge_group", "image_version"}
# Where a text has a `|`, at least these are offered.
OFFERED = {
    "keys of a workflow": ("|\n" + JOB, {"name", "permissions", "concurrency", "defaults", "env"}),
    "events": (JOB.replace("push", "|"), EVENTS),
    "events in a list": (JOB.replace("push", "[push, |]"), EVENTS),
    "events as keys": (ON.replace("  \n", "  |\n"), EVENTS),
    "filters": (ON.replace("  \n", "  push:\n    |\n"), {"branches", "tags-ignore", "paths"}),
    "activities": (ON.replace("  \n", "  issues:\n    types: [|]\n"), {"opened", "typed"}),
    "keys of an input": (
        ON.replace("  \n", "  workflow_dispatch:\n    inputs:\n      a:\n        |\n"),
        {"description", "required", "default", "type", "options"},
    ),
    "types of an input": (
        ON.replace("  \n", "  workflow_dispatch:\n    inputs:\n      a:\n        type: |\n"),
        {"string", "boolean", "number", "choice", "environment"},
    ),
    "scopes": (JOB + "permissions:\n  |\n", {"contents", "id-token", "attestations", "models"}),
    "levels": (JOB + "permissions:\n  contents: |\n", {"read", "write", "none"}),
    "a job": ("on: push\njobs:\n  |\n", {"job", "call job"}),
    "keys of a job": (KEY + "|\n", {"needs", "strategy", "services", "timeout-minutes", "retry"}),
    "labels": (JOB.replace("ubuntu-latest", "|"), LABELS),
    "labels in a list": (JOB.replace("ubuntu-latest", "[self-hosted, |]"), LABELS),
    "labels line by line": (JOB.replace("ubuntu-latest", "\n      - |"), LABELS),
    "keys of a service": (
        KEY + "services:\n      db:\n        |\n",
        {"image", "ports", "options", "entrypoint", "command"},
    ),
    "a step": (JOB + "      - |\n", {"run", "uses", "parallel", "wait", "run step", "uses step"}),
    "keys of a step": (
        STEP + "|\n",
        {"name", "env", "shell", "working-directory", "timeout-minutes", "if", "retry"},
    ),
    "shells": (STEP + "shell: |\n", {"bash", "sh", "pwsh", "python"}),
    "a retry": (STEP + "retry:\n          |\n", {"retry block", "attempts", "backoff", "on"}),
    "backoffs": (STEP + "retry:\n          backoff: |\n", {"fixed", "linear", "exponential"}),
    "grounds": (STEP + "retry:\n          on:\n            |\n", {"exit-codes", "output"}),
}


@pytest.mark.parametrize("name", OFFERED)
def test_what_is_offered(editor: Editor, name: str) -> None:
    text, expected = OFFERED[name]
    assert expected <= set(editor.completions(text))


def test_what_is_there_already_is_not_offered(editor: Editor) -> None:
    assert "run" not in editor.completions(STEP + "|\n")


def test_labels_are_offered_with_what_they_are(editor: Editor) -> None:
    offered = editor.completions(JOB.replace("ubuntu-latest", "|"))
    assert "Ubuntu" in str(offered["ubuntu-latest"]["documentation"])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("job", "on: push\njobs:\n  |\n"),
        ("call job", "on: push\njobs:\n  |\n"),
        ("job body", "on: push\njobs:\n  build:\n    |\n"),
        ("run step", JOB + "      - |\n"),
        ("uses step", JOB + "      - |\n"),
        ("matrix", KEY + "strategy:\n      matrix:\n        |\n"),
        ("retry block", STEP + "retry:\n          |\n"),
    ],
)
def test_what_a_snippet_inserts_is_right(editor: Editor, name: str, text: str) -> None:
    inserted = editor.completions(text)[name]["textEdit"]["newText"]
    assert "$" in inserted, "places to fill in"
    filled = re.sub(r"\$\{\d:([^}]*)\}|\$\d", r"\1", inserted)
    before, _, after = text.partition("|")
    line = before.rpartition("\n")[2]  # an editor indents further lines like the first
    indent = line[: len(line) - len(line.lstrip())]
    assert complaints(before + filled.replace("\n", f"\n{indent}") + after) == []
