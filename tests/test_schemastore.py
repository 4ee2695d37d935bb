"""What is ready for SchemaStore: a catalog entry, and documents that its tests would run."""

from __future__ import annotations

import json
import subprocess
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from npm import package

from engine.check import check
from engine.schemas import schema_path
from engine.source import load, plain

ROOT = Path(__file__).parent.parent
STORE = ROOT / "schema" / "schemastore"
RIGHT = sorted(STORE.glob("test/*/*.yml"))
WRONG = sorted(STORE.glob("negative_test/*/*.yml"))


def test_the_entry_is_complete() -> None:
    (entry,) = json.loads((STORE / "catalog.json").read_text(encoding="utf-8"))
    assert set(entry) == {"name", "description", "fileMatch", "url"}
    assert entry["url"].endswith(f"/schema/{schema_path('workflow').name}")
    assert {path.parent.name for path in RIGHT + WRONG} == {"runwright-workflow"}


@pytest.mark.parametrize(
    ("path", "matched"),
    [
        ("x/.runwright/ci.yml", True),
        ("ci.runwright.yaml", True),
        (".github/workflows/ci.yml", False),
        ("action.yml", False),
    ],
)
def test_the_entry_is_for_files_that_only_we_read(path: str, matched: bool) -> None:
    (entry,) = json.loads((STORE / "catalog.json").read_text(encoding="utf-8"))
    assert any(fnmatch(path, pattern) for pattern in entry["fileMatch"]) is matched


@pytest.mark.parametrize("path", RIGHT + WRONG, ids=lambda path: path.stem)
def test_the_documents_are_judged_as_they_are_filed(path: Path) -> None:
    node, problems = load(path.read_text(encoding="utf-8"), path.name)
    assert node is not None and problems == []
    assert (check(node) == []) is (path in RIGHT)


def by_ajv(kind: str, documents: list[Any]) -> list[bool]:
    ajv, schema = package("ajv", "8.17.1"), schema_path(kind)
    done = subprocess.run(
        ["node", str(ROOT / "tests" / "ajv.mjs"), str(ajv), str(schema)],
        input=json.dumps(documents),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def test_ajv_judges_alike() -> None:
    problems = sorted((ROOT / "tests" / "problems").glob("*.yml"))
    paths = RIGHT + WRONG + [path for path in problems if path.stem != "good"]
    documents = [plain(load(path.read_text(encoding="utf-8"), path.name)[0]) for path in paths]
    verdicts = dict(zip(paths, by_ajv("workflow", documents), strict=True))
    assert [path.stem for path, right in verdicts.items() if right is not (path in RIGHT)] == []


def test_ajv_takes_the_schema_of_actions() -> None:
    composite = {"using": "composite", "steps": [{"run": "make", "shell": "bash"}]}
    assert by_ajv("action", [{"runs": composite}, {"runs": {}}]) == [True, False]
