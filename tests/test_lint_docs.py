"""docs/rules.md says what there is: every rule, its levels, and an example that it finds."""

from __future__ import annotations

import re
from pathlib import Path

from engine.cli import shellcheck
from engine.lint import HINTS, RULES

TEXT = (Path(__file__).parent.parent / "docs" / "rules.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `([a-z-]+)` \| ([a-z, ]+) \| ", TEXT, re.MULTILINE)


def test_every_rule_is_in_the_table() -> None:
    assert [name for name, _ in ROWS] == sorted({*RULES, shellcheck.PROGRAM})


def test_hints_are_told_as_hints() -> None:
    assert {name for name, levels in ROWS if levels == "hint"} == HINTS


def test_levels_are_the_ones_that_a_rule_uses() -> None:
    """Seen in the code: no rule has a level that its row does not name."""
    folder = Path(__file__).parent.parent / "engine" / "lint"
    levels = dict(ROWS)
    for name, check in RULES.items():
        code = (folder / f"{check.__module__.rpartition('.')[2]}.py").read_text(encoding="utf-8")
        for level in ("warning", "hint"):
            assert (f'"{level}"' in code) <= (level in levels[name]), (name, level)


def test_rules_are_sorted_and_named_in_one_way() -> None:
    assert list(RULES) == sorted(RULES)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", name) for name in RULES)
