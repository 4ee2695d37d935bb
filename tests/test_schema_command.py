"""`runwright schema`: what editors are told is what the real language server obeys."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from language_server import Editor
from test_cli import repository, runwright

from engine.schemas import schema_text

__all__ = ["repository"]  # a fixture

SETTINGS = Path(".vscode", "settings.json")
JOB = "jobs:\n  a:\n    runs-on: x\n    steps: [{run: make}]\n"
NO_ON = 'a workflow needs "on", the events that start it, such as on: push'
NO_RUNS = 'an action needs "runs", which says what it does'


def settings(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
    return found


def schemas(folder: Path) -> dict[str, list[str]]:
    found = settings(folder)["yaml.schemas"]
    assert isinstance(found, dict)
    return found


# --- printing -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["workflow", "action", "event"])
def test_a_schema_is_printed(tmp_path: Path, name: str) -> None:
    assert runwright(tmp_path, "schema", name).out == schema_text(name)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("wrkflow",), 'there is no schema "wrkflow"; did you mean "workflow"?'),
        (("xyz",), 'there is no schema "xyz"; there are workflow, action, event'),
        (("action", "event"), 'there is no schema "action event"'),
    ],
)
def test_there_is_no_such_schema(tmp_path: Path, names: tuple[str, ...], said: str) -> None:
    done = runwright(tmp_path, "schema", *names)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


# --- the settings of VS Code ----------------------------------------------------------------------


def test_the_language_server_obeys_the_settings(repository: Path) -> None:
    assert runwright(repository, "schema", "--install").code == 0
    editor = Editor(repository, schemas(repository))
    expected = {
        ".github/workflows/ci.yml": [NO_ON],
        ".github/workflows/action.yaml": [NO_ON],
        ".runwright/ci.yaml": [NO_ON],
        "ci.runwright.yml": [NO_ON],
        "deep/down/action.yml": [NO_RUNS],
        "compose.yml": [],
    }
    uris = {
        name: editor.open_as(name, JOB if "action.yml" not in name else "x: 1\n")
        for name in expected
    }
    found = {name: [words for *_, words in editor.complaints_of(uris[name])] for name in expected}
    assert editor.close() == 0
    assert found == expected


def test_other_settings_stay(repository: Path) -> None:
    (repository / ".vscode").mkdir()
    before = '{\n    "editor.rulers": [100],\n    "yaml.schemas": {"x.json": "*.x"},\n    "ö": 1\n}'
    (repository / SETTINGS).write_text(before, encoding="utf-8")
    assert runwright(repository, "schema", "--install").err == ".vscode/settings.json: written\n"
    after = settings(repository)
    assert list(after) == ["editor.rulers", "yaml.schemas", "ö"]
    assert after | {"yaml.schemas": None} == json.loads(before) | {"yaml.schemas": None}
    assert schemas(repository)["x.json"] == "*.x"
    assert len(schemas(repository)) == 3
    assert '\n    "ö": 1' in (repository / SETTINGS).read_text(encoding="utf-8")


def test_once_is_enough(repository: Path) -> None:
    runwright(repository, "schema", "--install")
    before = (repository / SETTINGS).read_text(encoding="utf-8")
    done = runwright(repository, "schema", "--install")
    assert done.err == ".vscode/settings.json: nothing to change\n"
    assert (repository / SETTINGS).read_text(encoding="utf-8") == before


def test_another_address_takes_the_place_of_the_first(repository: Path) -> None:
    runwright(repository, "schema", "--install")
    runwright(repository, "schema", "--install", "--url", "https://example.org/v1/")
    assert list(schemas(repository)) == [
        "https://example.org/v1/workflow.schema.json",
        "https://example.org/v1/action.schema.json",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{\n  // mine\n  "a": 1\n}\n', "it has comments or trailing commas"),
        ('{"a": 1,}', "it has comments or trailing commas"),
        ("[]", "it holds no settings"),
        ('{"yaml.schemas": []}', '"yaml.schemas" has to be a mapping'),
    ],
)
def test_what_would_be_lost_is_left_and_said(repository: Path, text: str, said: str) -> None:
    (repository / ".vscode").mkdir()
    (repository / SETTINGS).write_text(text)
    done = runwright(repository, "schema", "--install")
    assert done.code == 2
    assert done.err.startswith(f".vscode/settings.json: {said}")
    assert "action.yaml" in str(json.loads(done.out)["yaml.schemas"])
    assert (repository / SETTINGS).read_text() == text


def test_settings_that_cannot_be_written(repository: Path) -> None:
    (repository / ".vscode").write_text("a file")
    done = runwright(repository, "schema", "--install")
    assert done.code == 4
    assert done.err.startswith(".vscode/settings.json: can't be changed: ")


# --- the comment in a file ------------------------------------------------------------------------


def test_the_comment_is_printed(tmp_path: Path) -> None:
    line = runwright(tmp_path, "schema", "--modeline", "--url", "https://example.org").out
    assert line == ("# yaml-language-server: $schema=https://example.org/workflow.schema.json\n")
    action = runwright(tmp_path, "schema", "--modeline", "action").out
    assert action.endswith("/schema/action.schema.json\n")


def test_the_language_server_obeys_the_comment(repository: Path) -> None:
    (repository / "any.yml").write_text(JOB)
    (repository / "action.yml").write_text("name: x\n")
    done = runwright(repository, "schema", "--modeline", "any.yml", "action.yml")
    assert (done.code, done.err) == (0, "any.yml: changed\naction.yml: changed\n")
    editor = Editor(repository, {})
    names = ("any.yml", "action.yml")
    uris = [editor.open_as(name, (repository / name).read_text()) for name in names]
    found = [[words for *_, words in editor.complaints_of(uri)] for uri in uris]
    assert editor.close() == 0
    assert found == [[NO_ON], [NO_RUNS]]


LINE = b"# yaml-language-server: $schema=u/workflow.schema.json"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"on: push\n", LINE + b"\non: push\n"),
        (b"# hi\non: push\n", LINE + b"\n# hi\non: push\n"),
        (b"on: push\r\njobs: {}\r\n", LINE + b"\r\non: push\r\njobs: {}\r\n"),
        (b"\xef\xbb\xbfon: push\n", b"\xef\xbb\xbf" + LINE + b"\non: push\n"),
        (b"# hi\r\n#yaml-language-server:  $schema=x\r\non: a", b"# hi\r\n" + LINE + b"\r\non: a"),
        (LINE + b"\non: push\n", LINE + b"\non: push\n"),
        (b"a: [\n", LINE + b"\na: [\n"),
        (b"", LINE + b"\n"),
    ],
)
def test_the_comment_is_put_on_top_or_replaced(tmp_path: Path, before: bytes, after: bytes) -> None:
    (tmp_path / "x.yml").write_bytes(before)
    done = runwright(tmp_path, "schema", "--modeline", "x.yml", "--url", "u")
    assert (tmp_path / "x.yml").read_bytes() == after
    assert done.err == f"x.yml: {'nothing to change' if before == after else 'changed'}\n"


def test_a_file_that_cannot_have_it(tmp_path: Path) -> None:
    (tmp_path / "latin.yml").write_bytes(b"\xe9")
    assert (
        "latin.yml: this is not UTF-8"
        in runwright(tmp_path, "schema", "--modeline", "latin.yml").err
    )
    done = runwright(tmp_path, "schema", "--modeline", "gone.yml")
    assert (done.code, done.err[:24]) == (4, "gone.yml: can't be chang")
