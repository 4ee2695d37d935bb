"""Inputs: what is declared, what is answered, and what GitHub refuses."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine import inputs
from engine.inputs import Answer, By, Input
from engine.problems import Place, Problem
from engine.source import Node, load

DISPATCH = """
inputs:
  Target: {type: choice, options: [staging, production], default: production}
  stage: {type: choice, options: [one, two]}
  debug: {type: boolean}
  force: {type: boolean, default: true}
  count: {type: number, default: 3}
  ratio: {type: number}
  where: {type: environment}
  note: {description: a note, default: none}
  free:
"""
DEFAULTS = {
    "Target": "production",
    "stage": "one",
    "debug": False,
    "force": True,
    "count": 3,
    "ratio": 0,
    "where": "",
    "note": "none",
    "free": "",
}


def node(text: str) -> Node:
    found, problems = load(text, "ci.yml")
    assert found is not None and not problems
    return found


def one(kind: str = "string", **about: Any) -> tuple[Input, ...]:
    return (replace(Input("x", Place("ci.yml", 1, 1)), kind=kind, **about),)


def said(answer: Answer) -> list[str]:
    return [problem.message for problem in answer.problems]


# --- declared -------------------------------------------------------------------------------------


def test_what_is_declared() -> None:
    found = inputs.declared(node(DISPATCH))
    assert [each.name for each in found] == list(DEFAULTS)
    target, note = found[0], found[7]
    assert (target.kind, target.options) == ("choice", ("staging", "production"))
    assert (target.place.line, target.place.column) == (3, 3)
    assert (note.kind, note.description, note.default) == ("string", "a note", "none")


@pytest.mark.parametrize("text", ["inputs:", "inputs: 3", "{}", "[]", "inputs: {}"])
def test_nothing_is_declared(text: str) -> None:
    assert inputs.declared(node(text)) == ()


def test_no_filters_declare_nothing() -> None:
    assert inputs.declared(None) == ()


def test_what_the_schema_refuses_is_read_as_not_there() -> None:
    (found,) = inputs.declared(node("inputs: {x: {type: date, options: 3, required: 'yes'}}"))
    assert (found.kind, found.options, found.required) == ("string", (), False)


# --- a dispatch -----------------------------------------------------------------------------------


@pytest.mark.covers("WF-025", "WF-026")
def test_defaults() -> None:
    answer = inputs.answer(inputs.declared(node(DISPATCH)), {})
    assert answer.inputs == DEFAULTS and answer.problems == ()
    assert all(isinstance(value, str) for value in answer.event.values())
    assert answer.event["debug"] == "false" and answer.event["force"] == "true"
    assert answer.event["count"] == "3" and answer.event["ratio"] == "0"


@pytest.mark.covers("WF-026")
@pytest.mark.parametrize(
    ("kind", "given_", "typed", "text"),
    [
        ("boolean", "true", True, "true"),
        ("boolean", "FALSE", False, "false"),
        ("boolean", True, True, "true"),
        ("boolean", "", False, "false"),
        ("number", "3", 3, "3"),
        ("number", "-1.50", -1.5, "-1.5"),
        ("number", "1e3", 1000, "1000"),
        ("number", 4, 4, "4"),
        ("number", "", 0, "0"),
        ("string", "true", "true", "true"),
        ("string", "007", "007", "007"),
        ("string", 1.5, "1.5", "1.5"),
        ("string", True, "true", "true"),
        ("string", "", "", ""),
        ("environment", "prod", "prod", "prod"),
    ],
)
def test_text_becomes_the_declared_type(kind: str, given_: Any, typed: Any, text: str) -> None:
    answer = inputs.answer(one(kind, default=None), {"x": given_})
    assert answer == Answer({"x": typed}, {"x": text})
    assert type(answer.inputs["x"]) is type(typed)


@pytest.mark.covers("WF-025")
@pytest.mark.parametrize(
    ("kind", "given_", "message"),
    [
        ("boolean", "yes", 'the input "x" takes true or false, not "yes"'),
        ("boolean", 1, 'the input "x" takes true or false, not 1'),
        ("number", "many", 'the input "x" takes a number, not "many"'),
        ("number", "Infinity", 'the input "x" takes a number, not "Infinity"'),
        ("number", True, 'the input "x" takes a number, not true'),
        ("string", ["a"], 'the input "x" takes text, not ["a"]'),
    ],
)
def test_what_is_not_of_the_type_is_told(kind: str, given_: Any, message: str) -> None:
    assert said(inputs.answer(one(kind), {"x": given_})) == [message]


@pytest.mark.covers("WF-025")
def test_a_choice_takes_an_option() -> None:
    choice = one("choice", options=("staging", "production"))
    assert said(inputs.answer(choice, {"x": "staging"})) == []
    assert said(inputs.answer(choice, {"x": "Staging"})) == [
        'the input "x" takes "staging" or "production", not "Staging"; did you mean "staging"?'
    ]


@pytest.mark.covers("WF-025")
@pytest.mark.parametrize(
    ("given_", "default", "by", "told"),
    [
        ({"x": "a"}, None, "workflow_dispatch", False),
        ({}, None, "workflow_dispatch", True),
        ({"x": ""}, None, "workflow_dispatch", True),
        ({}, "d", "workflow_dispatch", False),
        ({"x": ""}, "d", "workflow_dispatch", False),
        # the default of a call's required input is never used
        ({"x": "a"}, "d", "workflow_call", False),
        ({}, None, "workflow_call", True),
        ({}, "d", "workflow_call", True),
    ],
)
def test_required(given_: dict[str, str], default: str | None, by: By, told: bool) -> None:
    answer = inputs.answer(one(required=True, default=default), given_, by=by)
    assert said(answer) == (['the input "x" is required; give it text'] if told else [])


@pytest.mark.covers("WF-025", "RWF-003")
def test_an_unknown_input_is_told() -> None:
    declared = inputs.declared(node(DISPATCH))
    place = Place("caller.yml", 7, 9)
    given_ = {"targte": "staging", "zzz": "1"}
    answer = inputs.answer(declared, given_, places={"zzz": place})
    assert said(answer)[0] == 'the workflow has no input "targte"; did you mean "Target"?'
    assert 'no input "zzz"; it has "Target", "stage"' in said(answer)[1]
    assert [str(problem.place) for problem in answer.problems] == ["--input", "caller.yml:7:9"]
    assert said(inputs.answer((), {"a": "1"})) == ['the workflow has no input "a"; it has none']


@pytest.mark.covers("WF-025", "RWF-003")
@pytest.mark.parametrize("by", ["workflow_dispatch", "workflow_call"])
def test_names_are_compared_without_regard_to_case(by: By) -> None:
    assert inputs.answer(one(), {"X": "a"}, by=by).inputs == {"x": "a"}


@pytest.mark.covers("WF-025")
@pytest.mark.parametrize(("size", "told"), [(65_535, False), (65_536, True)])
def test_the_payload_has_a_limit(size: int, told: bool) -> None:
    text = "a" * (size - len('{"x":""}'))
    assert bool(inputs.answer(one(), {"x": text}).problems) == told
    assert not inputs.answer(one(), {"x": text}, by="workflow_call").problems


@given(st.dictionaries(st.sampled_from(list(DEFAULTS)), st.text(max_size=5)))
def test_an_answer_is_whole_and_of_the_declared_types(given_: dict[str, str]) -> None:
    answer = inputs.answer(inputs.declared(node(DISPATCH)), given_)
    assert list(answer.inputs) == list(answer.event) == list(DEFAULTS)
    assert all(isinstance(value, str) for value in answer.event.values())
    for name, default in DEFAULTS.items():
        wanted = (int, float) if type(default) is int else type(default)
        assert isinstance(answer.inputs[name], wanted)
        assert (type(answer.inputs[name]) is bool) == (type(default) is bool)


# --- a call ---------------------------------------------------------------------------------------


@pytest.mark.covers("RWF-003")
@pytest.mark.parametrize(
    ("kind", "given_", "told"),
    [
        ("boolean", True, False),
        ("boolean", "true", True),
        ("boolean", 1, True),
        ("number", 1.5, False),
        ("number", "1", True),
        ("number", True, True),
        ("string", "a", False),
        ("string", 1, False),
        ("string", True, False),
        ("string", {"a": 1}, True),
    ],
)
def test_a_call_gives_values_of_the_type(kind: str, given_: Any, told: bool) -> None:
    answer = inputs.answer(one(kind), {"x": given_}, by="workflow_call")
    assert bool(answer.problems) == told
    if kind != "string" and not told:
        assert answer.inputs == {"x": given_}


@pytest.mark.covers("RWF-003")
@pytest.mark.parametrize(
    ("kind", "default", "value"),
    [
        *[("boolean", None, False), ("number", None, 0), ("string", None, "")],
        *[("boolean", True, True), ("number", 2, 2), ("string", 2, "2")],
    ],
)
@pytest.mark.parametrize("given_", [{}, {"x": None}])
def test_defaults_of_a_call(kind: str, default: Any, value: Any, given_: dict[str, Any]) -> None:
    answer = inputs.answer(one(kind, default=default), given_, by="workflow_call")
    assert (answer.inputs, answer.problems) == ({"x": value}, ())


# --- declarations that contradict themselves ------------------------------------------------------


def checked(text: str, by: By = "workflow_dispatch") -> list[Problem]:
    return inputs.check(node(text), by)


@pytest.mark.covers("WF-025")
@pytest.mark.parametrize(("count", "told"), [(25, False), (26, True)])
def test_a_dispatch_declares_at_most_25(count: int, told: bool) -> None:
    text = "inputs:\n" + "".join(f"  i{number}:\n" for number in range(count))
    found = checked(text)
    assert [problem.place.line for problem in found] == ([27] if told else [])
    assert checked(text, "workflow_call") == []


def test_a_default_that_is_no_option_is_a_warning() -> None:
    (found,) = checked("inputs: {x: {type: choice, options: [one, two], default: tow}}")
    assert (
        found.message == 'the default "tow" is not an option: "one" or "two"; did you mean "two"?'
    )
    assert (found.level, found.place.column) == ("warning", 58)
    assert checked("inputs: {x: {type: choice, options: [1, 2], default: 1}}") == []


def test_a_required_input_of_a_call_needs_no_default() -> None:
    text = "inputs: {x: {type: string, required: true, default: a}}"
    assert [problem.level for problem in checked(text, "workflow_call")] == ["warning"]
    assert checked(text) == []
