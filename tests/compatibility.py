"""Writes docs/compatibility.md: every behaviour of GitHub Actions, and the tests that show it.

    python tests/compatibility.py

The behaviours are in tests/behaviours.tsv: an id, what can be observed, and where something is
missing a note that starts with "partly" or "no". The tests are those marked with
`@pytest.mark.covers(ID)`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "compatibility.md"
GROUPS = {
    "WF": "Workflow file and triggers",
    "JOB": "Jobs",
    "MAT": "Matrix",
    "STEP": "Steps and scripts",
    "EXPR": "Expressions",
    "CTX": "Contexts",
    "CMD": "Files, commands, logs, masking",
    "ACT": "Actions",
    "RWF": "Reusable workflows",
    "CTR": "Job containers",
    "SVC": "Service containers",
    "ART": "Artifacts",
    "CACHE": "Cache",
    "LINT": "Static checks",
    "OPS": "Local conveniences",
}
HEAD = """\
# Compatibility with GitHub Actions

Written by `python tests/compatibility.py` from the tests; do not edit it. A behaviour counts as
*yes* when a test shows it, *partly* or *no* where the note says what is missing.

"""


@dataclass(frozen=True)
class Behaviour:
    """One row of behaviours.tsv."""

    id: str
    text: str
    note: str

    @property
    def verdict(self) -> str:
        return self.note.partition(":")[0] or "yes"


def behaviours() -> list[Behaviour]:
    lines = (HERE / "behaviours.tsv").read_text("utf-8").splitlines()
    return [Behaviour(*line.split("\t")) for line in lines]


def covering() -> dict[str, list[str]]:
    """The tests of each id, as `file::name`, in order."""
    found: dict[str, list[str]] = {}
    for path in sorted(HERE.rglob("test_*.py")):
        for name, id_ in _marks(ast.parse(path.read_text("utf-8")), ""):
            where = f"{path.relative_to(HERE)}::{name}" if name else str(path.relative_to(HERE))
            if where not in found.setdefault(id_, []):
                found[id_].append(where)
    return found


def _marks(node: ast.AST, inside: str) -> Iterator[tuple[str, str]]:
    """Pairs of a test's name and an id that it covers; '' stands for the whole module."""
    for child in ast.iter_child_nodes(node):
        name = inside
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            name = f"{inside}::{child.name}" if inside else child.name
        if isinstance(child, ast.Call) and getattr(child.func, "attr", "") == "covers":
            for argument in child.args:
                if isinstance(argument, ast.Constant):
                    yield name, str(argument.value)
        yield from _marks(child, name)


def page() -> str:
    tests, known = covering(), behaviours()
    lines = [HEAD, _totals(known)]
    for group, title in GROUPS.items():
        lines.append(
            f"\n## {title}\n\n| id | behaviour | here | shown by |\n| --- | --- | --- | --- |"
        )
        lines += [
            _row(behaviour, tests.get(behaviour.id, []))
            for behaviour in known
            if behaviour.id.partition("-")[0] == group
        ]
    return "\n".join(lines) + "\n"


def _totals(known: list[Behaviour]) -> str:
    verdicts = [behaviour.verdict for behaviour in known]
    counts = (f"{verdicts.count(verdict)} {verdict}" for verdict in ("yes", "partly", "no"))
    return f"{len(known)} behaviours: {', '.join(counts)}."


def _row(behaviour: Behaviour, tests: list[str]) -> str:
    shown = ", ".join(f"`{test}`" for test in tests[:2])
    more = f" and {len(tests) - 2} more" if len(tests) > 2 else ""
    text = behaviour.text.replace("|", "\\|")
    return f"| {behaviour.id} | {text} | {behaviour.note or 'yes'} | {shown}{more} |"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
