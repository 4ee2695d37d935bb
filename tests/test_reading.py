"""A workflow file from room to room: what is said of it, and what is left unsaid."""

from __future__ import annotations

import pytest

from engine import reading
from engine.check import check
from engine.problems import Problem, besides
from engine.source import load

JOB = "jobs: {a: {runs-on: x, steps: [{run: x}]}}"


def read(text: str) -> tuple[object, list[Problem]]:
    node, problems = load(text, "f")
    assert node is not None
    return reading.workflow(node, "f", "f", problems + besides(problems, check(node)))


def said(text: str) -> list[str]:
    """Places and rules of the problems."""
    return [f"{problem.place} {problem.rule}".removeprefix("f:") for problem in read(text)[1]]


def test_a_good_file_is_a_workflow() -> None:
    found, problems = read(f"on: push\n{JOB}")
    assert found is not None and problems == []


def test_mistakes_of_every_room_are_told_in_the_order_of_the_file() -> None:
    text = (
        "on: {push: {branches: ['[']}}\n"
        "env: {A: 1, a: 2}\n"
        "jobs:\n"
        "  a: {runs-on: '${{ env.X }}', steps: [{run: x}], needs: b}\n"
        "  c: {steps: [{run: x}]}\n"
    )
    found = ["1:25 glob", "2:13 duplicate-key", "4:21 context", "4:58 needs", "5:3 schema"]
    assert said(text) == found
    assert read(text)[0] is None


def test_a_warning_refuses_nothing() -> None:
    found, problems = read(f"on: {{schedule: [{{cron: '* * * * *'}}]}}\n{JOB}")
    assert found is not None
    assert [problem.level for problem in problems] == ["warning"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"on: {{pusch: {{branches: ['${{{{ x }}}}']}}}}\n{JOB}", id="an event"),
        pytest.param(
            "on: push\njobs: {a: {runs-on: x, steps: [{run: x, wth: '${{ nope'}]}}", id="a key"
        ),
    ],
)
def test_nothing_is_said_of_what_stands_below_an_unknown_key(text: str) -> None:
    assert [line.partition(" ")[2] for line in said(text)] == ["unknown-key"]


def test_one_sentence_a_place_is_enough() -> None:
    assert said("on: push\njobs: {1a: {runs-on: x, steps: [{run: x, id: 2b}]}}") == [
        "2:8 schema",
        "2:46 schema",
    ]
    assert said(f"on: push\nname: !!int x\n{JOB}") == ["2:7 yaml"]
