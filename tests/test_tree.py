"""YAML values with expressions inside."""

from __future__ import annotations

from typing import Any

import pytest

from engine import availability as may
from engine.availability import Allowed
from engine.problems import Problem
from engine.source import Mapping, Scalar, load
from engine.tree import (
    Condition,
    Scope,
    Tree,
    Unresolved,
    boolean,
    build,
    condition,
    holds,
    list_of_strings,
    number,
    resolve,
    roots,
    string,
    strings,
    why_false,
)

CONTEXTS: dict[str, Any] = {
    "github": {"ref": "refs/heads/main", "event": {"labels": ["a", "b"]}, "number": 4.0},
    "vars": {"YES": "true", "TEN": "10", "EMPTY": "", "DEPLOY": "no"},
    "matrix": None,
    "needs": {"build": {"result": "failure"}},
}
FUNCTIONS = {"success": lambda *_: True, "failure": lambda *_: False}
SCOPE = Scope(CONTEXTS, FUNCTIONS)


def built(text: str, allowed: Allowed = may.JOB_NAME) -> tuple[Tree, list[Problem]]:
    """The tree of the key `a`."""
    node, problems = load(f"a: {text}", "f")
    assert problems == []
    assert isinstance(node, Mapping)
    found: list[Problem] = []
    return build(node.entries[0][1], allowed, found), found


def tree(text: str) -> Tree:
    found, problems = built(text)
    assert problems == []
    return found


def compiled(text: str, allowed: Allowed = may.JOB_IF) -> tuple[Condition | None, list[Problem]]:
    node, problems = load(f"if: {text}", "f")
    assert problems == []
    assert isinstance(node, Mapping)
    found: list[Problem] = []
    scalar = node.get("if")
    assert isinstance(scalar, Scalar)
    return condition(scalar, allowed, found), found


def a_condition(text: str) -> Condition:
    found, problems = compiled(text)
    assert problems == []
    assert found is not None
    return found


def unresolved(function: Any, *arguments: Any) -> tuple[str, str]:
    with pytest.raises(Unresolved) as caught:
        function(*arguments)
    problem = caught.value.problem
    assert problem.rule == "expression"
    assert str(caught.value) == problem.message
    return str(problem.place), problem.message


# --- resolving ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("x", "x", id="text"),
        pytest.param("1.50", 1.5, id="number"),
        pytest.param("", None, id="nothing"),
        pytest.param("${{ github.number }}", 4.0, id="a lone expression keeps its kind"),
        pytest.param("${{ github.event.labels }}", ["a", "b"], id="also a list"),
        pytest.param("n-${{ github.number }}", "n-4", id="with text it is a string"),
        pytest.param("[1, '${{ vars.TEN }}', {b: null}]", [1, "10", {"b": None}], id="nested"),
        pytest.param("{'x-${{ vars.TEN }}': 1}", {"x-10": 1}, id="a key"),
        pytest.param("'${{ ''literal'' }}'", "literal", id="a literal expression"),
    ],
)
def test_a_tree_becomes_a_value(text: str, wanted: Any) -> None:
    assert resolve(tree(text), SCOPE) == wanted


def test_no_tree_is_null() -> None:
    assert resolve(None, SCOPE) is None


@pytest.mark.covers("WF-007")
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("{'${{ insert }}': {b: 1}, c: 2}", {"b": 1, "c": 2}),
        ("{c: 2, '${{ INSERT }}': {b: 1}}", {"c": 2, "b": 1}),
        ("{'${{insert}}': '${{ needs.build }}'}", {"result": "failure"}),
        ("{'${{ insert }}': {}}", {}),
        ("{b: 0, '${{ insert }}': {b: 1}}", {"b": 0}),
        ("{'${{ insert }}': {b: 1}, b: 0}", {"b": 0}),
    ],
)
def test_insert_merges_a_mapping(text: str, wanted: Any) -> None:
    assert resolve(tree(text), SCOPE) == wanted


@pytest.mark.covers("WF-007")
@pytest.mark.parametrize(
    ("value", "what"), [("[1]", "a sequence"), ("x", 'the string "x"'), ("", "null"), ("3", "3")]
)
def test_insert_needs_a_mapping(value: str, what: str) -> None:
    found = tree(f"\n  '${{{{ insert }}}}': {value}")
    message = f"${{{{ insert }}}} needs a mapping as its value, not {what}"
    assert unresolved(resolve, found, SCOPE) == ("f:2:3", message)


def test_a_failing_expression_names_its_place() -> None:
    found = tree("|\n  one\n  ${{ fromJSON('{') }}")
    message = "Error parsing fromJson: unexpected end at position 2"
    assert unresolved(resolve, found, SCOPE) == ("f:3:7", message)


# --- fields of one kind ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("x", "x"), ("'1.50'", "1.50"), ("1.50", "1.5"), ("true", "true"), ("", ""), ("012", "12"),
        ("${{ github.number }}", "4"), ("${{ true }}", "true"), ("${{ null }}", ""),
        ("${{ vars.nope }}", ""), ("a ${{ 1 == 1 }}", "a true"),
    ],
)  # fmt: skip
def test_a_string(text: str, wanted: str) -> None:
    assert string(tree(text), SCOPE) == wanted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a]", "expected a string here, but found a sequence"),
        ("{b: c}", "expected a string here, but found a mapping"),
        ("${{ github }}", "expected a string here, but found a mapping"),
        ("${{ github.event.labels }}", "expected a string here, but found a sequence"),
    ],
)
def test_what_is_no_string(text: str, message: str) -> None:
    assert unresolved(string, tree(text), SCOPE) == ("f:1:4", message)


@pytest.mark.covers("EXPR-027")
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("true", True), ("false", False), ("${{ true }}", True), ("${{ 1 == 2 }}", False),
        ("${{ fromJSON(vars.YES) }}", True), ("", True), ("${{ vars.nope }}", True), ("''", True),
    ],
)  # fmt: skip
def test_a_boolean_with_true_as_its_default(text: str, wanted: bool) -> None:
    assert boolean(tree(text), SCOPE, default=True) is wanted


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("${{ vars.YES }}", 'the string "true"; turn the string into a boolean with fromJSON()'),
        ("x", 'the string "x"'),
        ("1", "1"),
        ("[]", "a sequence"),
        ("{}", "a mapping"),
    ],
)
def test_what_is_no_boolean(text: str, found: str) -> None:
    message = f"expected true or false here, but found {found}"
    assert unresolved(boolean, tree(text), SCOPE) == ("f:1:4", message)


@pytest.mark.covers("EXPR-027")
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("5", 5.0), ("0.5", 0.5), ("${{ github.number }}", 4.0), ("", 360.0), ("''", 360.0),
        ("${{ fromJSON(vars.TEN) }}", 10.0), ("${{ vars.nope }}", 360.0), ("0", 0.0),
    ],
)  # fmt: skip
def test_a_number_with_its_default(text: str, wanted: float) -> None:
    assert number(tree(text), SCOPE, 360) == wanted


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("'10'", 'the string "10"; turn a string into a number with fromJSON()'),
        ("true", "true"),
        ("[1]", "a sequence"),
        ("{}", "a mapping"),
        (".nan", "NaN"),
        (".inf", "Infinity"),
        ("${{ NaN }}", "NaN"),
        ("9" * 400, "Infinity"),
    ],
)
def test_what_is_no_number(text: str, found: str) -> None:
    message = f"expected a number here, but found {found}"
    assert unresolved(number, tree(text), SCOPE, 360) == ("f:1:4", message)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("{A: 1.50, B: true, C: , D: x}", {"A": "1.5", "B": "true", "C": "", "D": "x"}),
        ("", {}),
        ("${{ vars.EMPTY }}", {}),
        ("${{ needs.build }}", {"result": "failure"}),
    ],
)
def test_strings_by_name(text: str, wanted: dict[str, str]) -> None:
    assert strings(tree(text), SCOPE) == wanted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a]", "expected a mapping here, but found a sequence"),
        ("x", 'expected a mapping here, but found the string "x"'),
        ("{b: [c]}", '"b" must be a string, but its value is a sequence'),
        ("{b: '${{ github }}'}", '"b" must be a string, but its value is a mapping'),
    ],
)
def test_what_are_no_strings_by_name(text: str, message: str) -> None:
    assert unresolved(strings, tree(text), SCOPE) == ("f:1:4", message)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("x", ("x",)), ("[x, 1, null, true]", ("x", "1", "true")), ("", ()), ("[]", ()),
        ("${{ github.event.labels }}", ("a", "b")), ("[x, '${{ vars.TEN }}']", ("x", "10")),
    ],
)  # fmt: skip
def test_one_string_or_a_list(text: str, wanted: tuple[str, ...]) -> None:
    assert list_of_strings(tree(text), SCOPE) == wanted


@pytest.mark.parametrize(("text", "what"), [("[[x]]", "a sequence"), ("{a: b}", "a mapping")])
def test_what_is_no_list_of_strings(text: str, what: str) -> None:
    message = f"expected a string here, but found {what}"
    assert unresolved(list_of_strings, tree(text), SCOPE) == ("f:1:4", message)


def test_a_field_that_is_not_there_has_its_default() -> None:
    assert string(None, SCOPE, "x") == "x"
    assert boolean(None, SCOPE) is False
    assert number(None, SCOPE, 5) == 5
    assert strings(None, SCOPE) == {}
    assert list_of_strings(None, SCOPE) == ()


# --- what may be asked ----------------------------------------------------------------------------


@pytest.mark.covers("EXPR-026")
@pytest.mark.parametrize(
    ("text", "allowed", "place", "message"),
    [
        (
            "x ${{ Secrets.A }}", may.JOB_NAME, "f:1:10",
            'the context "Secrets" is not available in jobs.<id>.name; '
            "available here: github, inputs, matrix, needs, strategy, vars",
        ),
        (
            "[1, '${{ env.A }}']", may.ENV, "f:1:13",
            'the context "env" is not available in env; '
            "available here: github, inputs, secrets, vars",
        ),
        (
            "x ${{ github.ref }} y", may.NONE, "f:1:6",
            '"${{ github.ref }}" cannot stand here: no expression is possible in this value; '
            "write the value itself",
        ),
        (
            "${{ hashFiles('x') }}", may.JOB_ENV, "f:1:8",
            'the function "hashFiles" is only available in the keys of a step, not in '
            "jobs.<id>.env",
        ),
        (
            "${{ 1 && always() }}", may.step("run"), "f:1:13",
            'the function "always" is only available in an `if:`, not in jobs.<id>.steps.run',
        ),
        (
            "${{ 1 && success('a') }}", may.STEP_IF, "f:1:13",
            "success() takes no arguments in a step; only a job's `if:` names jobs",
        ),
    ],
)  # fmt: skip
def test_what_is_not_available_is_said(
    text: str, allowed: Allowed, place: str, message: str
) -> None:
    (problem,) = built(text, allowed)[1]
    assert (str(problem.place), problem.rule, problem.message) == (place, "context", message)


@pytest.mark.parametrize("text", ["${{ insert }}", "{a: '${{insert}}'}", "['${{ insert }}']"])
def test_insert_is_for_keys(text: str) -> None:
    (problem,) = built(text, may.ENV)[1]
    assert problem.message.startswith("insert stands for a key, as in ${{ insert }}: ")
    assert built("{'${{ insert }}': {a: b}}", may.ENV)[1] == []
    assert len(built("{'${{ insert }}': {a: b}}", may.NONE)[1]) == 1


def test_problems_inside_a_value_say_where_the_value_starts() -> None:
    for text, column in (("x ${{ nope }}", 4), ("'x ${{ env.A }} ${{ always() }}'", 4)):
        for problem in built(text)[1]:
            assert problem.value is not None
            assert problem.value.column == column < problem.place.column
    (problem,) = compiled("a.b(")[1]
    assert problem.value is not None and problem.value.column == 5


@pytest.mark.covers("EXPR-026")
@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("matrix.os == 'x'", may.JOB_IF),
        ("env.A", may.JOB_IF),
        ("secrets.A", may.STEP_IF),
        ("hashFiles('x')", may.JOB_IF),
    ],
)
def test_conditions_too_have_limits(text: str, allowed: Allowed) -> None:
    (problem,) = compiled(text, allowed)[1]
    assert (problem.rule, problem.place.line, problem.place.column) == ("context", 1, 5)


@pytest.mark.covers("EXPR-026")
@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("${{ secrets.A }} ${{ steps.a }} ${{ hashFiles('x') }}", may.step("run")),
        ("${{ needs.a }} ${{ matrix.b }}", may.JOB_NAME),
        ("${{ GITHUB.ref }}", may.RUN_NAME),
    ],
)
def test_what_is_available_is_fine(text: str, allowed: Allowed) -> None:
    assert built(text, allowed)[1] == []


@pytest.mark.covers("EXPR-025")
@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("a ${{ gihtub.ref }}", "f:1:10", "Unrecognized named-value: 'gihtub'; did you mean "
         '"github"?'),
        ("${{ x( }}", "f:1:8", None),
        ("|\n  a\n  b ${{ nope() }}", "f:3:9", "Unrecognized function: 'nope'"),
        ("${{ }}", "f:1:8", "An expression was expected"),
    ],
)  # fmt: skip
def test_what_is_no_expression(text: str, place: str, message: str | None) -> None:
    (problem,) = built(text)[1]
    assert problem.rule == "expression"
    if message is not None:
        assert (str(problem.place), problem.message) == (place, message)


def test_the_roots_of_a_tree_are_what_it_asks_for() -> None:
    found = tree("{'${{ vars.A }}': ['${{ Needs.x }}', a], '${{ insert }}': {b: ''}}")
    assert roots(found) == {"vars", "needs"}
    assert roots(None) == frozenset()


# --- conditions -----------------------------------------------------------------------------------


@pytest.mark.covers("STEP-013", "JOB-007")
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", True), ("''", True), ("~", True), ("null", True),
        ("true", True), ("True", True), ("false", False), ("FALSE", False), ("0", False),
        ("1", True), (".nan", False),
        ("github.ref == 'refs/heads/MAIN'", True), ("${{ vars.nope }}", False),
        ("failure()", False), ("'!failure()'", True), ("success() || failure()", True),
        ("a ${{ false }}", True),
    ],
)  # fmt: skip
def test_a_condition_holds_or_not(text: str, wanted: bool) -> None:
    assert holds(a_condition(text), SCOPE) is wanted


@pytest.mark.covers("JOB-007")
@pytest.mark.parametrize("text", ["", "~", "true", "github.ref", "\"'always()'\""])
def test_without_a_status_function_success_is_meant(text: str) -> None:
    failed = Scope(CONTEXTS, {"success": lambda *_: False})
    assert holds(a_condition(text), failed) is False


@pytest.mark.covers("STEP-015")
def test_a_condition_that_fails_names_its_place() -> None:
    place, _ = unresolved(holds, a_condition("fromJSON('{')"), SCOPE)
    assert place == "f:1:5"


def test_a_condition_that_is_no_expression_is_a_problem() -> None:
    found, problems = compiled("github.ref ==")
    assert found is None
    assert [p.rule for p in problems] == ["expression"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("vars.DEPLOY == 'yes'", "`vars.DEPLOY == 'yes'` is false: vars.DEPLOY is 'no'",
                     id="the value that decided"),
        pytest.param("${{ vars.DEPLOY == 'yes' }}",
                     "`vars.DEPLOY == 'yes'` is false: vars.DEPLOY is 'no'", id="wrapped"),
        pytest.param("failure()", "`failure()` is false", id="a status function"),
        pytest.param("failure() && vars.YES",
                     "`failure() && vars.YES` is false: failure() is false", id="with a value"),
        pytest.param("vars.nope", "`vars.nope` is false", id="missing"),
        pytest.param("false", "`false` is false", id="literal"),
        pytest.param("vars.YES && needs.build.result == 'success'",
                     "`vars.YES && needs.build.result == 'success'` is false: "
                     "needs.build.result == 'success' is false, needs.build.result is 'failure'",
                     id="several"),
        pytest.param("failure() && fromJSON('{')",
                     "`failure() && fromJSON('{')` is false: failure() is false",
                     id="nothing that was not asked"),
    ],
)  # fmt: skip
def test_why_a_condition_is_false(text: str, wanted: str) -> None:
    found = a_condition(text)
    assert not holds(found, SCOPE)
    assert why_false(found, SCOPE) == wanted


@pytest.mark.covers("JOB-010")
def test_an_implied_success_is_a_reason() -> None:
    failed = Scope(CONTEXTS, {"success": lambda *_: False})
    assert "success() is false" in why_false(a_condition("vars.YES == 'true'"), failed)


def test_a_condition_with_text_around_its_expression_is_shown_as_written() -> None:
    failed = Scope(CONTEXTS, {"success": lambda *_: False})
    text = "${{ vars.YES }} || true"
    assert why_false(a_condition(text), failed).startswith(f"`{text}` is false: success()")


def test_a_condition_over_many_values_shows_a_few() -> None:
    text = " || ".join(f"vars.a{n} == 'x'" for n in range(20))
    shown = why_false(a_condition(text), SCOPE)
    assert shown.count(" is null") + shown.count(" is false") < 9


# --- memory ---------------------------------------------------------------------------------------

MIB = 1024 * 1024
LARGE = Scope({"github": {"x": "a" * MIB, "y": "b" * (2 * MIB), "z": "c" * 6 * MIB}})


@pytest.mark.covers("EXPR-028", "WF-033")
@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("${{ format('{0}{0}', github.x) }}", 2 * MIB),
        ("${{ github.x }}${{ github.y }}", 3 * MIB),
        ("${{ github.x | replace('a', 'bbb') }}", 3 * MIB),
        ("['${{ github.y }}', '${{ github.y }}']", 4 * MIB),
    ],
)
def test_a_workflow_may_use_ten_mebibytes(text: str, size: int) -> None:
    value = resolve(tree(text), LARGE)
    assert len("".join(value)) == size


@pytest.mark.covers("EXPR-028", "WF-033")
@pytest.mark.parametrize(
    "text",
    [
        "${{ format('{0}{0}{0}', github.y) }}",
        "${{ format('{0}', github.z) }}",
        "${{ github.y }}${{ github.y }}${{ github.y }}",
        "${{ github.y | replace('b', 'bbb') }}",
        "['${{ github.y }}', '${{ github.y }}', '${{ github.y }}']",
        "{a: ' ${{ github.y }}', b: ' ${{ github.y }}', c: {d: ' ${{ github.y }}'}}",
        "${{ github.z }}",
    ],
)
def test_and_not_more(text: str) -> None:
    _, message = unresolved(resolve, tree(text), LARGE)
    assert "memory size was exceeded" in message or "takes more than 10485760 bytes" in message


@pytest.mark.covers("EXPR-028")
def test_a_condition_may_use_ten_mebibytes() -> None:
    assert holds(a_condition("format('{0}{0}', github.x) == 'b' || !cancelled()"), LARGE_RUN)
    _, message = unresolved(holds, a_condition("always() && format('{0}', github.z)"), LARGE_RUN)
    assert "memory size was exceeded" in message


LARGE_RUN = Scope(LARGE.contexts, {"always": lambda: True, "cancelled": lambda: False})
