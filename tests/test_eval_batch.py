"""`runwright eval --batch`: the engine as an oracle for other tools."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from conftest import CONFORMANCE


def ask(*lines: str, options: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """The answers to these lines."""
    done = subprocess.run(
        [sys.executable, "-m", "engine", "eval", "--batch", *options],
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def question(expr: str, **contexts: Any) -> str:
    return json.dumps({"id": expr, "expr": expr, "contexts": contexts})


@pytest.mark.parametrize(
    ("expr", "kind", "value"),
    [
        ("a.b", "String", "x"),
        ("NaN", "Number", "NaN"),
        ("-Infinity", "Number", "-Infinity"),
        ("1e20", "Number", 100000000000000000000),
        ("fromJSON('[1, null]')", "Array", [1, None]),
        ("a.nothing", "Null", None),
        ("a == a", "Boolean", True),
        ("", "Null", None),
    ],
)
def test_a_value_and_its_kind(expr: str, kind: str, value: Any) -> None:
    (answer,) = ask(question(expr, a={"b": "x"}))
    assert answer == {"id": expr, "kind": kind, "value": value}


def test_what_is_no_name_function_or_filter_is_an_error_with_its_place() -> None:
    answers = ask(question("1 && b", a=1), question("always()"), question("a | upper", a="x"))
    assert [answer["error"]["position"] for answer in answers] == [6, 1, 3]


def test_filters_only_where_asked_for() -> None:
    (answer,) = ask(question("a | upper", a="x"), options=("--filters",))
    assert answer["value"] == "X"


def test_a_bad_line_is_answered_and_does_not_end_the_rest() -> None:
    answers = ask("nonsense", "[1]", '{"id": 3, "expr": 4}', question("1"))
    assert ["error" in answer for answer in answers] == [True, True, True, False]
    assert answers[2]["id"] == 3


def test_the_corpus_through_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    path = CONFORMANCE / "expressions.jsonl"
    if not path.exists():
        pytest.skip(f"the corpus is not beside this checkout ({path})")
    cases = [json.loads(line) for line in path.read_text().splitlines()]
    cases = [case for case in cases if not case.get("disputed")]
    lines = [
        json.dumps({"id": case["id"], "expr": case["expr"], "contexts": case["contexts"]})
        for case in cases
    ]
    wrong = [c["id"] for c, a in zip(cases, ask(*lines), strict=True) if not _fits(c, a)]
    with capsys.disabled():
        print(f"\neval --batch: {len(cases) - len(wrong)} of {len(cases)} undisputed cases")
    assert not wrong


def _fits(case: dict[str, Any], answer: dict[str, Any]) -> bool:
    if "error" in case:
        return "error" in answer
    wanted = case["expect"]
    return answer.get("kind") == wanted["kind"] and _same(answer.get("value"), wanted["value"])


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return float(one) == float(other)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)
