"""The conformance corpora of lint: mistakes are found where they are, and right files are right."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from conftest import CONFORMANCE
from linting import everything

from engine import model, project, reading, source
from engine.check import check
from engine.lint import Document, lint
from engine.problems import Problem, besides, errors

Case = dict[str, Any]

pytestmark = pytest.mark.skipif(
    not CONFORMANCE.is_dir(), reason=f"the corpora are not beside this checkout ({CONFORMANCE})"
)


def cases(name: str) -> list[Case]:
    lines = (CONFORMANCE / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@cache
def found(id_: str) -> tuple[Problem, ...]:
    case = next(case for case in cases("lint.jsonl") if case["id"] == id_)
    return tuple(everything(case["yaml"], case.get("files", {})))


def test_mistakes_are_found_where_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    wanted = lines = columns = 0
    for case in cases("lint.jsonl"):
        places = [(p.place.line, p.place.column) for p in found(case["id"])]
        for error in case["errors"]:
            if not error.get("needs"):
                wanted += 1
                lines += error["line"] in {line for line, _ in places}
                columns += (error["line"], error["col"]) in places
    with capsys.disabled():
        print(f" lint.jsonl: of {wanted} errors {lines} on their line, {columns} on their column")
    assert lines / wanted >= 0.95
    assert columns / wanted >= 0.85


def test_no_error_in_a_file_that_is_right() -> None:
    right = [case for case in cases("lint.jsonl") if case["expect_ok"]]
    right = [case for case in right if not case.get("peer_conflict")]
    assert right
    assert {case["id"]: errors(found(case["id"])) for case in right} == dict.fromkeys(
        (case["id"] for case in right), ()
    )


def test_no_error_in_what_githubs_reader_takes() -> None:
    taken = [case for case in cases("workflows-reader.jsonl") if case["accept"]]
    taken = [case for case in taken if not case.get("peer_conflict")]
    assert taken
    for case in taken:
        text = case["files"][case["entry"]]
        assert errors(everything(text, name=case["entry"])) == (), case["id"]


def test_no_error_in_a_real_workflow_that_github_takes(capsys: pytest.CaptureFixture[str]) -> None:
    folder = CONFORMANCE / "real-workflows"
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    entries = [e for e in index["files"] if e["must_accept"] and e["kind"] == "workflow"]
    warnings = 0
    for entry in entries:
        text = (folder / entry["file"]).read_text(encoding="utf-8")
        for placeholder in entry["placeholders"]:
            text = text.replace(placeholder, index["placeholder_values"][placeholder])
        problems = everything(text, {}, name=entry["path"])
        assert errors(problems) == (), entry["file"]
        warnings += len(problems)
    with capsys.disabled():
        print(f" real workflows: {len(entries)} without an error, {warnings} warnings")
    assert entries


# --- repositories -------------------------------------------------------------------------------


def in_repository(case: Case, root: Path) -> list[Problem]:
    """The problems of the workflows of a repository."""
    for name, text in case["files"].items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    files, settings = project.Files(root), project.settings(root)
    problems: list[Problem] = []
    for name, text in sorted(case["files"].items()):
        if name.startswith(f"{case['workflows_dir']}/"):
            node, known = source.load(text, name)
            assert node is not None
            known += besides(known, check(node))

            def rules(read: source.Node, flow: model.Workflow, text: str = text) -> list[Problem]:
                return lint(Document(text, read, flow, files, settings))

            problems += reading.workflow(node, name, name, known, rules)[1]
    return problems


def test_mistakes_across_the_files_of_a_repository(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = there = 0
    for number, case in enumerate(cases("lint-projects.jsonl")):
        problems = in_repository(case, tmp_path / str(number))
        places = {(p.place.file, p.place.line, p.place.column) for p in problems}
        wanted += len(case["errors"])
        there += sum((e["file"], e["line"], e["col"]) in places for e in case["errors"])
    with capsys.disabled():
        print(f" lint-projects.jsonl: {there} of {wanted} errors at their place")
    assert there / wanted >= 0.8
