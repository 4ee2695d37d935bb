"""The conformance corpus of expressions: every case is answered as GitHub answers it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.expr import ExprError, compile, kind, to_string

CORPUS = Path(__file__).parents[1].parent / "shared" / "conformance" / "expressions.jsonl"
Case = dict[str, Any]

# GitHub's C# engine ran on Mono for these, whose letter case is not .NET's.
MONO = {"'µ' == 'μ'", "'µ' < 'μ'"}


def cases() -> list[Case]:
    if not CORPUS.exists():
        pytest.skip(f"the corpus is not beside this checkout ({CORPUS})")
    return [json.loads(line) for line in CORPUS.read_text("utf-8").splitlines()]


def answer(case: Case) -> dict[str, Any]:
    """What we say, in the corpus' own form."""
    try:
        expr = compile(case["expr"], names=case["contexts"], filters=False)
    except ExprError as error:
        return {"rejected": True, "message": error.message, "position": error.position}
    try:
        value = expr(case["contexts"])
    except ExprError as error:
        return {"failed": True, "message": error.message}
    return {"kind": kind(value), "value": value}


def agrees(said: dict[str, Any], wanted: Case) -> bool:
    if "error" in wanted:
        return "failed" in said if wanted["error"]["kind"] == "evaluation" else "rejected" in said
    return "kind" in said and said["kind"] == wanted["expect"]["kind"] and same(said, wanted)


def same(said: dict[str, Any], wanted: Case) -> bool:
    return bool(plain(said["value"]) == plain(wanted["expect"]["value"]))


def plain(value: Any) -> Any:
    """Comparable: numbers as doubles, the special ones as their names, key order aside."""
    if isinstance(value, bool) or value is None:
        return ("constant", value)
    if isinstance(value, (int, float)):
        return float(value) if math.isfinite(value) else to_string(value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    return {key: plain(item) for key, item in value.items()} if isinstance(value, dict) else value


def wrong(chosen: list[Case]) -> Iterator[str]:
    for case in chosen:
        runner = case.get("runner") if case["expr"] not in MONO else None
        wanted = runner or case
        said = answer(case)
        if not agrees(said, wanted):
            yield f"{case['id']}: {case['expr'][:200]}\n  said {said}\n  wanted {wanted}"


@pytest.mark.covers(*(f"EXPR-{number:03}" for number in (*range(1, 23), 25, 28)))
def test_every_undisputed_case() -> None:
    chosen = [case for case in cases() if not case.get("disputed")]
    failures = list(wrong(chosen))
    print(f"expressions: {len(chosen)} undisputed cases, {len(chosen) - len(failures)} passed")
    assert not failures, "\n".join(failures)


def test_disputed_cases_follow_the_runner() -> None:
    chosen = [case for case in cases() if case.get("disputed")]
    failures = list(wrong(chosen))
    print(f"expressions: {len(chosen)} disputed cases, {len(chosen) - len(failures)} as the runner")
    assert not failures, "\n".join(failures)


def test_places_of_rejections() -> None:
    """Our positions are GitHub's, of either of its engines; depth is noticed on the way back."""
    off = []
    for case in cases():
        wanted = case.get("error", {})
        if wanted.get("pos") and "depth" not in wanted["github_message"]:
            said = answer(case)
            if said["position"] not in (wanted["pos"], wanted.get("pos_runner")):
                off.append((case["expr"], said, wanted))
    assert not off, off
