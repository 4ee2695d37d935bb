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
*yes* when a test shows it, *partly* or *no* where the note says what is missing. *On Docker* says
that one of its tests runs real containers; those stand first.

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


@dataclass(frozen=True)
class Shown:
    """A test as `file::name`, and whether it runs on Docker (too)."""

    name: str
    on_docker: bool


def covering() -> dict[str, list[Shown]]:
    """The tests of each id, those on Docker first."""
    found: dict[str, list[Shown]] = {}
    for path in sorted(HERE.rglob("test_*.py")):
        for id_, shown in _of_module(path):
            if shown not in found.setdefault(id_, []):
                found[id_].append(shown)
    return {id_: sorted(some, key=lambda one: not one.on_docker) for id_, some in found.items()}


def _of_module(path: Path) -> Iterator[tuple[str, Shown]]:
    body = ast.parse(path.read_text("utf-8")).body
    docker = {"docker"}  # the mark, and the names of what holds it
    for node in body:
        if isinstance(node, ast.Assign) and _words(node.value) & docker:
            docker |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            marks = set().union(*map(_words, node.decorator_list))
            shown = Shown(
                f"{path.relative_to(HERE)}::{node.name}", bool({*marks, "pytestmark"} & docker)
            )
            yield from ((id_, shown) for id_ in _covered(node))


def _words(node: ast.AST) -> set[str]:
    """The names that an expression mentions, attributes too."""
    names = (getattr(part, "id", getattr(part, "attr", "")) for part in ast.walk(node))
    return set(filter(None, names))


def _covered(node: ast.AST) -> Iterator[str]:
    for child in ast.walk(node):
        if isinstance(child, ast.Call) and getattr(child.func, "attr", "") == "covers":
            yield from (str(one.value) for one in child.args if isinstance(one, ast.Constant))


def page() -> str:
    tests, known = covering(), behaviours()
    lines = [HEAD, _totals(known)]
    for group, title in GROUPS.items():
        lines.append(
            f"\n## {title}\n\n| id | behaviour | here | on Docker | shown by |\n"
            "| --- | --- | --- | --- | --- |"
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


def _row(behaviour: Behaviour, tests: list[Shown]) -> str:
    shown = ", ".join(f"`{test.name}`" for test in tests[:2])
    docker = "yes" if any(test.on_docker for test in tests) else ""
    more = f" and {len(tests) - 2} more" if len(tests) > 2 else ""
    text = behaviour.text.replace("|", "\\|")
    return f"| {behaviour.id} | {text} | {behaviour.note or 'yes'} | {docker} | {shown}{more} |"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
