"""The conformance corpus of the reader: workflows are taken and refused as GitHub's reader does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import CONFORMANCE
from reader_form import Form

from engine import calls, check, reading, source
from engine.model import Workflow
from engine.permissions import PERMISSIVE, RESTRICTED
from engine.problems import Place, Problem, besides, errors
from engine.source import Limits, Node

Case = dict[str, Any]

POLICIES = {"LimitedRead": RESTRICTED, "Write": PERMISSIVE}
OPTIONS = {
    "max-depth": "depth",
    "max-file-size": "characters",
    "max-result-size": "size",
    "max-job-limit": "jobs",
    "max-nested-reusable-workflows-depth": "calls",
}

# GitHub's readers disagree with each other; we refuse an unknown key, as in the first tier
REFUSED = {"reader/on-workflow_dispatch-unknown-keys-ignored.yml"}


def cases(name: str) -> list[Case]:
    corpus = CONFORMANCE / name
    if not corpus.exists():
        pytest.skip(f"the corpus is not beside this checkout ({corpus})")
    found = [json.loads(line) for line in corpus.read_text("utf-8").splitlines()]
    return [case for case in found if not case.get("peer_conflict")]


class Reader:
    """The reading rooms, over the files of one case."""

    def __init__(self, case: Case) -> None:
        self.case = case
        given = case["options"]
        self.limits = Limits(**{name: given[key] for key, name in OPTIONS.items() if key in given})
        self.policy = POLICIES.get(given.get("permissions-policy", ""))
        self.nodes: dict[str, Node] = {}

    def read(self, name: str) -> tuple[Workflow | None, list[Problem]]:
        node, problems = source.load(self.case["files"][name], name, self.limits)
        if node is None:
            return None, problems
        self.nodes[name] = node
        return reading.workflow(node, name, name, problems + besides(problems, check.check(node)))

    def find(self, uses: str, _: str) -> tuple[Workflow | None, list[Problem]]:
        if self.case["options"].get("skip-reusable-workflows"):
            return None, []
        name = uses.removeprefix("./")
        if name not in self.case["files"]:
            return None, [Problem(Place(name), "it is not there", "file")]
        return self.read(name)

    def whole(self) -> tuple[Workflow | None, tuple[Problem, ...]]:
        """The workflow of a case, if nothing is wrong with it and what it calls."""
        flow, problems = self.read(self.case["entry"])
        if flow is not None:
            problems += calls.check(flow, self.find, granted=self.policy, limits=self.limits)
        return flow, errors(problems)

    def form(self, flow: Workflow) -> Any:
        """GitHub's JSON form of a workflow without problems."""

        def called(uses: str) -> tuple[Node, Workflow] | None:
            found, _ = self.find(uses, "")
            return (self.nodes[found.file], found) if found else None

        options = self.case["options"]
        with_events = {"Go", "C#"} <= set(options.get("skip", ()))
        # where it is not said, only the reader that keeps no places was asked
        form = Form(called, options.get("include-source", not with_events), with_events)
        return form.workflow(self.nodes[flow.file], flow)


def difference(case: Case) -> str | None:
    """How we differ from GitHub in one case."""
    reader = Reader(case)
    flow, problems = reader.whole()
    if not case["accept"]:
        return misplaced(case["errors"], problems)
    if problems or flow is None:
        return "refused: " + "; ".join(map(str, problems))
    said, wanted = reader.form(flow), case["expect"]
    return None if said == wanted else f"said {json.dumps(said)}\n  wanted {json.dumps(wanted)}"


def misplaced(wanted: list[Case], problems: tuple[Problem, ...]) -> str | None:
    """A place of GitHub's where we have no problem; none is given for what is of a whole file."""
    said = {(problem.value or problem.place).start for problem in problems}
    for each in wanted:
        file, line, column = each.get("file"), each.get("line"), each.get("col")
        if not any(
            file in (None, f) and (line, column) in ((None, None), (ln, col)) for f, ln, col in said
        ):
            return f"said {[str(problem) for problem in problems]}\n  wanted {wanted}"
    return None


def differences(chosen: list[Case]) -> Iterator[str]:
    for case in chosen:
        found = difference(case)
        if (found is None) == (case["id"] in REFUSED):
            yield f"{case['id']}: {found or 'no longer differs'}"


@pytest.mark.parametrize(
    ("name", "least"), [("workflows-reader.jsonl", 51), ("workflows-reader-skipped.jsonl", 47)]
)
def test_every_case(name: str, least: int, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = cases(name)
    wrong = list(differences(chosen))
    passed = len(chosen) - len(wrong) - sum(case["id"] in REFUSED for case in chosen)
    with capsys.disabled():
        print(f" {name}: {passed} of {len(chosen)} as GitHub's reader")
    assert not wrong, "\n".join(wrong)
    assert passed >= least


def test_nothing_more_is_said() -> None:
    """Where GitHub names the lines, we have a problem at these and no other."""
    for case in cases("workflows-reader.jsonl") + cases("workflows-reader-skipped.jsonl"):
        wanted = {(e.get("file"), e.get("line"), e.get("col")) for e in case.get("errors", ())}
        if wanted and all(line for _, line, _ in wanted):
            _, problems = Reader(case).whole()
            assert {(problem.value or problem.place).start for problem in problems} == wanted
