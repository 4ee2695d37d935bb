"""Problems as people, programs, code scanning and GitHub's log read them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from npm import package

from engine.lint import RULES
from engine.printing import printed
from engine.printing.commands import command
from engine.printing.rules import ABOUT, about
from engine.printing.text import LONGEST, lines
from engine.problems import Level, Place, Problem


def problem(
    file: str = "ci.yml",
    at: tuple[int, ...] = (3, 5, 3, 9),
    message: str = 'unknown key "rnu"',
    rule: str = "unknown-key",
    level: Level = "error",
) -> Problem:
    return Problem(Place(file, *at), message, rule, level)


def text(found: Problem, *written: str, colour: bool = False) -> str:
    return lines([found], (lambda _: list(written)) if written else None, colour)


# --- people ---------------------------------------------------------------------------------------


def test_a_problem_is_a_line_and_its_caret() -> None:
    assert text(problem(), "on: push", "jobs:", "    rnu: make") == (
        'ci.yml:3:5: unknown key "rnu" [unknown-key]\n    3 |     rnu: make\n      |     ^^^^\n'
    )


@pytest.mark.parametrize(
    ("at", "written", "shown"),
    [
        ((1, 1), "a", "    1 | a\n      | ^\n"),
        ((1, 2, 1, 4), "abcd", "    1 | abcd\n      |  ^^\n"),
        ((1, 2, 9, 1), "several lines", "    1 | several lines\n      |  ^\n"),
        ((1, 3, 1, 4), "\t\tx", "    1 | \t\tx\n      | \t\t^\n"),
        ((1, 1), "\x1b[2Jx\r", "    1 | \ufffd[2Jx\n      | ^\n"),
        ((1, 1), "x" * (LONGEST + 1), ""),
        ((2, 1), "there is no such line", ""),
        ((), "the whole file is meant", ""),
    ],
)
def test_the_line_is_shown_with_a_caret_below(
    at: tuple[int, ...], written: str, shown: str
) -> None:
    assert text(problem(at=at), written).split("\n", 1)[1] == shown


def test_without_sources_there_is_only_the_sentence() -> None:
    assert text(problem()) == 'ci.yml:3:5: unknown key "rnu" [unknown-key]\n'
    assert text(problem(at=(), rule="file")) == 'ci.yml: unknown key "rnu" [file]\n'


def test_a_lower_level_is_named() -> None:
    assert text(problem(level="warning")).startswith("ci.yml:3:5: warning: unknown key")
    assert text(problem(level="hint")).startswith("ci.yml:3:5: hint: unknown key")


def test_a_problem_stays_one_line_and_moves_no_cursor() -> None:
    hostile = problem(file="a\nb.yml", message='"\x1b[31m"\nis not known')
    assert text(hostile) == 'a\ufffdb.yml:3:5: "\ufffd[31m"\ufffdis not known [unknown-key]\n'


@pytest.mark.parametrize(("level", "code"), [("error", 31), ("warning", 33), ("hint", 36)])
def test_colours(level: Level, code: int) -> None:
    assert f"\033[{code}m" in text(problem(level=level), colour=True)


# --- programs -------------------------------------------------------------------------------------


@pytest.mark.covers("LINT-023")
def test_json_is_one_array_of_flat_records() -> None:
    found = json.loads(printed([problem(), problem(at=(4, 1), level="hint", message="ö")], "json"))
    assert found == [
        {
            "file": "ci.yml", "line": 3, "column": 5, "end_line": 3, "end_column": 9,
            "level": "error", "rule": "unknown-key", "message": 'unknown key "rnu"',
        },
        {
            "file": "ci.yml", "line": 4, "column": 1, "end_line": 4, "end_column": 1,
            "level": "hint", "rule": "unknown-key", "message": "ö",
        },
    ]  # fmt: skip


def test_no_problem_is_an_empty_array() -> None:
    assert json.loads(printed([], "json")) == []


# --- GitHub's log ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "written"),
    [
        (
            problem(),
            "::error file=ci.yml,line=3,col=5,endLine=3,endColumn=9::"
            'unknown key "rnu" [unknown-key]',
        ),
        (problem(level="warning", at=(3, 5)), "::warning file=ci.yml,line=3,col=5::"),
        (problem(level="hint", at=(3, 5, 7, 1)), "::notice file=ci.yml,line=3,col=5::"),
        (problem(at=()), "::error file=ci.yml::"),
        (problem(file="a,b:c.yml", at=()), "::error file=a%2Cb%3Ac.yml::"),
        (problem(message="100%\nsure", at=()), "::error file=ci.yml::100%25%0Asure [unknown-key]"),
    ],
)
@pytest.mark.covers("LINT-023")
def test_a_workflow_command(found: Problem, written: str) -> None:
    (line,) = printed([found], "github").splitlines()
    assert line.startswith(written)


def test_a_command_without_properties() -> None:
    assert command("group", {}, "a: b") == "::group::a: b\n"


# --- code scanning --------------------------------------------------------------------------------

SARIF_PACKAGE = ("@microsoft/jest-sarif", "1.0.0-beta.0")  # has the standard's own schema in it


def log(*problems: Problem) -> Any:
    return json.loads(printed(problems, "sarif"))


@pytest.fixture(scope="module")
def standard() -> Draft7Validator:
    schema = package(*SARIF_PACKAGE) / "lib" / "schemas" / "sarif-2.1.0-rtm.5.json"
    return Draft7Validator(json.loads(schema.read_text(encoding="utf-8-sig")))


@pytest.mark.parametrize(
    "problems",
    [
        (),
        (problem(), problem(rule="schema", level="warning"), problem(rule="never-seen")),
        (problem(at=()), problem(at=(3, 5)), problem(at=(3, 5, 9, 0)), problem(level="hint")),
        (problem(file="/tmp/a b.yml"), problem(file="ö.yml"), problem(file="a:b.yml")),
    ],
    ids=["none", "rules", "places", "names"],
)
@pytest.mark.covers("LINT-023")
def test_sarif_is_valid(standard: Draft7Validator, problems: tuple[Problem, ...]) -> None:
    assert [error.message for error in standard.iter_errors(log(*problems))] == []


def test_sarif_that_is_not_valid_is_noticed(standard: Draft7Validator) -> None:
    broken = log(problem())
    broken["runs"][0]["results"][0]["level"] = "hint"
    assert not standard.is_valid(broken)


def test_sarif_results_point_to_their_rules() -> None:
    (run,) = log(problem(), problem(rule="schema"), problem())["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["schema", "unknown-key"]
    assert [result["ruleIndex"] for result in run["results"]] == [1, 0, 1]
    assert all(rule["shortDescription"]["text"].endswith(".") for rule in rules)


def test_sarif_places() -> None:
    (run,) = log(problem(), problem(at=(), file="/x/ö.yml"))["runs"]
    first, second = (r["locations"][0]["physicalLocation"] for r in run["results"])
    assert first == {
        "artifactLocation": {"uri": "ci.yml"},
        "region": {"startLine": 3, "startColumn": 5, "endLine": 3, "endColumn": 9},
    }
    assert second == {"artifactLocation": {"uri": "file:///x/%C3%B6.yml"}}
    assert run["columnKind"] == "unicodeCodePoints"


@pytest.mark.parametrize("rule", sorted({*ABOUT, *RULES, "never-seen"}))
def test_what_a_rule_is_about_is_a_sentence(rule: str) -> None:
    assert re.fullmatch(r"[A-Z`].{10,150}\.", about(rule))


def test_the_documentation_has_the_same_table_of_rules() -> None:
    page = (Path(__file__).parent.parent / "docs" / "validation.md").read_text(encoding="utf-8")
    assert (
        dict(re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", page.partition("## Rules")[2], re.M))
        == ABOUT
    )
