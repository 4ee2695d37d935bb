"""The conformance corpus of expressions: every case is answered as GitHub answers it."""

from __future__ import annotations

import json
import math
import random
import time
import tracemalloc
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


# --- bounds ---------------------------------------------------------------------------------------

MUTATIONS = 10_000
# Of one evaluation with all that is before it. A second is the goal, and what is printed; machines
# differ, and so only what is far from it fails.
SECONDS, BYTES = 10, 100_000_000


def mutated(dice: random.Random, texts: list[str]) -> str:
    """A text with some characters removed, repeated, swapped, or replaced by a part of another."""
    text = dice.choice(texts)[:5000]
    for _ in range(dice.randint(1, 4)):
        start = dice.randint(0, len(text))
        end = min(len(text), start + dice.randint(0, 8))
        other = dice.choice(texts)
        at = dice.randint(0, len(other))
        inserted = dice.choice(["", text[start:end] * dice.randint(2, 200), other[at : at + 9]])
        text = text[:start] + inserted + text[end:]
    return text


def bounded(text: str, contexts: dict[str, Any], memory: int = 1) -> tuple[bool, float, int]:
    """Whether a text has a value, the processor's seconds that took, and the bytes allocated."""
    tracemalloc.start()
    try:
        valued, _ = timed(text, contexts, memory)
        largest = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return valued, timed(text, contexts, memory)[1], largest


def timed(text: str, contexts: dict[str, Any], memory: int) -> tuple[bool, float]:
    started = time.process_time()
    try:
        compile(text, names=contexts)(contexts, memory=memory * 1024 * 1024)
    except ExprError as error:
        assert error.message
        return False, time.process_time() - started
    return True, time.process_time() - started


@pytest.mark.covers("EXPR-028")
def test_law_mutated_cases_give_a_value_or_an_expr_error() -> None:
    dice = random.Random(20240607)
    found = cases()
    texts = [case["expr"] for case in found]
    valued, seconds, sizes = zip(
        *(bounded(mutated(dice, texts), dice.choice(found)["contexts"]) for _ in range(MUTATIONS)),
        strict=True,
    )
    print(
        f"expressions: {MUTATIONS} mutations, {sum(valued)} with a value; the slowest took "
        f"{max(seconds) * 1000:.0f} ms, the largest {max(sizes) / 1e6:.1f} MB"
    )
    assert sum(valued) > MUTATIONS / 20
    assert max(seconds) < SECONDS
    assert max(sizes) < BYTES


HOSTILE = [
    "format('{0}{0}{0}{0}', x)",
    "toJSON(toJSON(toJSON(many)))",
    "fromJSON(toJSON(many))",
    "join(many, x)",
    "contains(many, x) || contains(x, many)",
    " || ".join(["contains(format('{0}', x), 'b')"] * 500),
    " && ".join(["toJSON(many)"] * 500),
    "many.*.*.*.a",
    "fromJSON('" + "[" * 20_000 + "')",
    "fromJSON('" + "[" * 60 + "]" * 60 + "')",
    "'" + "a" * 20_900 + "'" + " == x",
    "x | urlencode | urlencode | urlencode",
    "many | sort | unique | join(x)",
    "x | split('') | batch(1) | slice(9000) | length",
    "x | wordcount",
    "x | replace('', x)",
    "x | indent(10000)",
    "x | truncate(10) | title | capitalize | trim('a')",
    "many | batch(1, x) | sum",
    "(" * 10_000 + "1" + ")" * 10_000,
    "!" * 20_000 + "1",
    "x" + "[0]" * 6_000,
]


@pytest.mark.covers("EXPR-028")
@pytest.mark.parametrize("memory", [1, 10], ids=lambda size: f"{size} MiB")
@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:40])
def test_hostile_expressions_stay_small_and_quick(text: str, memory: int) -> None:
    contexts = {"x": "a b\n" * 100_000, "many": [1, "a", None, {"a": "b"}] * 20_000}
    _, seconds, size = bounded(text, contexts, memory)
    print(f"{seconds * 1000:.0f} ms, {size / 1e6:.1f} MB")
    assert seconds < SECONDS
    assert size < BYTES
