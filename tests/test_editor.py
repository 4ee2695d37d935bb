"""Editors speak as `validate` does: the real yaml-language-server is driven with our schema."""

from __future__ import annotations

import json
import re
import select
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import CONFORMANCE
from npm import package
from test_check import ACTIONS
from test_real_workflows import ACCEPTED, FILES
from test_real_workflows import text as real_text

from engine.check import Kind, check
from engine.problems import Problem
from engine.source import load

ROOT = Path(__file__).parent.parent
PROBLEMS = ROOT / "tests" / "problems"
VERSION = "1.25.0"
PATIENCE = 60.0  # seconds until a silent server counts as broken

EXAMPLES = sorted((ROOT / "examples").rglob("*.yml")) if (ROOT / "examples").exists() else []
JOB = "on: push\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - run: make\n"


def server_command() -> list[str]:
    script = package("yaml-language-server", VERSION) / "bin" / "yaml-language-server"
    return ["node", str(script), "--stdio"]


def complaints(text: str, kind: Kind = "workflow") -> list[Problem]:
    """What `validate` says."""
    node, problems = load(text, "x.yml")
    assert node is not None and problems == []
    return check(node, kind)


class Editor:
    """One conversation with a language server over its standard streams."""

    def __init__(self, command: list[str], folder: Path) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, bufsize=0)
        self.folder = folder
        self.buffer = b""
        self.sent = 0
        self.opened = 0
        self.complaints: dict[str, list[dict[str, Any]]] = {}
        capabilities = {
            "workspace": {"configuration": True},
            "textDocument": {
                "hover": {"contentFormat": ["markdown"]},
                "completion": {
                    "completionItem": {"snippetSupport": True, "documentationFormat": ["markdown"]}
                },
            },
        }
        self.ask("initialize", {"rootUri": folder.as_uri(), "capabilities": capabilities})
        self.tell("initialized", {})
        self.tell("workspace/didChangeConfiguration", {"settings": {"yaml": self.settings()}})

    @staticmethod
    def settings() -> dict[str, Any]:
        """Ours and no other schema; the stores stay off, so nothing goes over the network."""
        schemas = {
            (ROOT / "schema" / "workflow.schema.json").as_uri(): ["*.workflow.yml"],
            (ROOT / "schema" / "action.schema.json").as_uri(): ["*.action.yml"],
        }
        off = {"enable": False}
        return {
            "validate": True,
            "hover": True,
            "completion": True,
            "schemaStore": off,
            "kubernetesCRDStore": off,
            "schemas": schemas,
        }

    # --- the protocol

    def write(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    def tell(self, method: str, params: dict[str, Any] | None) -> None:
        self.write({"method": method, "params": params})

    def ask(self, method: str, params: dict[str, Any] | None) -> Any:
        self.sent += 1
        number = self.sent
        self.write({"id": number, "method": method, "params": params})
        while (message := self.next()).get("id") != number or "method" in message:
            pass
        assert "error" not in message, message
        return message["result"]

    def next(self) -> dict[str, Any]:
        """The next message; the server's own requests are answered on the way."""
        head, body = self.read_until(b"\r\n\r\n"), b""
        length = int(head.split(b"Content-Length:")[1].split()[0])
        while len(self.buffer) < length:
            self.receive()
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        message: dict[str, Any] = json.loads(body)
        if message.get("method") == "textDocument/publishDiagnostics":
            params = message["params"]
            self.complaints[params["uri"]] = params["diagnostics"]
        elif "method" in message and "id" in message:
            self.write({"id": message["id"], "result": self.answer(message)})
        return message

    def answer(self, message: dict[str, Any]) -> Any:
        if message["method"] != "workspace/configuration":
            return None
        items = message["params"]["items"]  # one entry for each, or the server waits for ever
        return [self.settings() if item.get("section") == "yaml" else {} for item in items]

    def read_until(self, mark: bytes) -> bytes:
        while mark not in self.buffer:
            self.receive()
        head, _, self.buffer = self.buffer.partition(mark)
        return head

    def receive(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        assert select.select([stream], [], [], PATIENCE)[0], "the language server is silent"
        piece = stream.read(65536)
        assert piece, "the language server has ended"
        self.buffer += piece

    def close(self) -> int:
        self.ask("shutdown", None)
        self.tell("exit", None)
        return self.process.wait(PATIENCE)

    # --- what a person does

    def open(self, text: str, kind: str = "workflow") -> str:
        self.opened += 1
        uri = (self.folder / f"{self.opened}.{kind}.yml").as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": document})
        return uri

    def diagnostics(self, text: str, kind: str = "workflow") -> list[tuple[int, int, str]]:
        """What the editor underlines: line and column from 1, and its words."""
        return self.all_diagnostics([(text, kind)])[0]

    def all_diagnostics(self, texts: list[tuple[str, str]]) -> list[list[tuple[int, int, str]]]:
        """The same for many documents that are open at once."""
        uris = [self.open(text, kind) for text, kind in texts]
        while not self.complaints.keys() >= set(uris):
            self.next()
        return [
            sorted(
                (item["range"]["start"]["line"] + 1, item["range"]["start"]["character"] + 1, words)
                for item in self.complaints[uri]
                for words in [item["message"]]
            )
            for uri in uris
        ]

    def hover(self, text: str, line: int, character: int) -> str:
        where = {"line": line - 1, "character": character - 1}
        asked = {"textDocument": {"uri": self.open(text)}, "position": where}
        said = self.ask("textDocument/hover", asked)
        return str(said["contents"]["value"]) if said else ""

    def completions(self, text: str) -> dict[str, dict[str, Any]]:
        """What is offered where the text has a `|`, by label."""
        before, _, after = text.partition("|")
        where = {"line": before.count("\n"), "character": len(before.rpartition("\n")[2])}
        asked = {"textDocument": {"uri": self.open(before + after)}, "position": where}
        return {item["label"]: item for item in self.ask("textDocument/completion", asked)["items"]}


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    started = Editor(server_command(), tmp_path_factory.mktemp("editor"))
    while not started.diagnostics("no: schema\n"):
        pass  # it has not read its settings yet
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
