"""Jobs as a graph of needs, and a job as its legs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.containers import Container
from engine.model import Workflow, read
from engine.plan import Leg, expand, is_static, plan, unknown_jobs
from engine.source import load
from engine.tree import Scope, Unresolved

CONTEXTS: dict[str, Any] = {
    "github": {"ref_name": "main"},
    "needs": {"setup": {"outputs": {"list": '["x","y"]', "image": "alpine", "none": "[]"}}},
    "vars": {"RUNNER": '["self-hosted","x64"]', "EMPTY": "", "LABEL": "big"},
    "secrets": {"USER": "me", "PASSWORD": "pw"},
    "inputs": {"minutes": 5.0, "flag": True},
    "env": {},
}
SCOPE = Scope(CONTEXTS)
DIAMOND = """
jobs:
  left: {needs: top}
  top: {}
  right: {needs: [top, TOP]}
  bottom: {needs: [left, right]}
  alone: {}
"""


def workflow(text: str) -> Workflow:
    node, problems = load(text, "ci.yml")
    assert node is not None and problems == []
    found, problems = read(node, "ci.yml")
    assert problems == []
    return found


def legs(text: str, scope: Scope = SCOPE) -> tuple[Leg, ...]:
    """The legs of one job, `a`, whose keys are given as the inside of a flow mapping."""
    return expand(workflow(f"jobs: {{setup: {{}}, a: {{needs: setup, {text}}}}}").jobs[1], scope)


def leg(text: str) -> Leg:
    (found,) = legs(text)
    return found


def unresolved(text: str) -> str:
    with pytest.raises(Unresolved) as caught:
        legs(text)
    assert caught.value.problem.place.line == 1
    return caught.value.problem.message


# --- the graph ------------------------------------------------------------------------------------


@pytest.mark.covers("JOB-002")
def test_all_jobs_in_file_order_with_what_they_need() -> None:
    found = plan(workflow(DIAMOND))
    assert [job.id for job in found.jobs] == ["left", "top", "right", "bottom", "alone"]
    assert found.needs == {
        "left": ("top",), "top": (), "right": ("top",), "bottom": ("left", "right"), "alone": (),
    }  # fmt: skip
    assert found.ancestors == {
        "left": {"top"}, "top": set(), "right": {"top"}, "bottom": {"left", "right", "top"},
        "alone": set(),
    }  # fmt: skip
    assert found.levels() == [["alone", "top"], ["left", "right"], ["bottom"]]
    assert found.longest() in (["top", "left", "bottom"], ["top", "right", "bottom"])
    assert list(found.by_id) == [job.id for job in found.jobs]


@pytest.mark.covers("JOB-027")
@pytest.mark.parametrize(
    ("selected", "wanted"),
    [
        ([], ["left", "top", "right", "bottom", "alone"]),
        (["alone"], ["alone"]),
        (["left"], ["left", "top"]),
        (["RIGHT", "alone"], ["top", "right", "alone"]),
        (["bottom"], ["left", "top", "right", "bottom"]),
    ],
)
def test_a_selection_takes_what_it_needs(selected: list[str], wanted: list[str]) -> None:
    found = plan(workflow(DIAMOND), selected)
    assert [job.id for job in found.jobs] == wanted
    assert set(found.needs) == set(found.ancestors) == set(wanted)


@pytest.mark.covers("JOB-027")
def test_a_selection_of_unknown_jobs_is_refused() -> None:
    found = [
        str(problem)
        for problem in unknown_jobs(plan(workflow(DIAMOND)).names(), ["Top", "botom", "x"])
    ]
    jobs = "the jobs are: left, top, right, bottom, alone [usage]"
    assert found == [
        f'--job: there is no job "botom"; did you mean "bottom"?; {jobs}',
        f'--job: there is no job "x"; {jobs}',
    ]
    (none,) = unknown_jobs([], ["x"])
    assert none.message == 'there is no job "x"; the jobs are: none'


@given(st.lists(st.sets(st.integers(0, 14)), max_size=15), st.sets(st.integers(0, 14)))
def test_a_plan_respects_every_edge(edges: list[set[int]], chosen: set[int]) -> None:
    needs = [[f"j{n}" for n in sorted(before) if n < id_] for id_, before in enumerate(edges)]
    text = "\n".join(f"  j{id_}: {{needs: {json.dumps(n)}}}" for id_, n in enumerate(needs))
    selected = [f"j{n}" for n in sorted(chosen) if n < len(edges)]
    found = plan(workflow(f"jobs:\n{text or '  {}'}"), selected)
    levels = found.levels()
    level = {id_: number for number, ids in enumerate(levels) for id_ in ids}
    assert sorted(level) == sorted(found.needs) == sorted(job.id for job in found.jobs)
    for id_, before in found.needs.items():
        assert level[id_] == 1 + max((level[need] for need in before), default=-1)
        reached = set(before).union(*(found.ancestors[need] for need in before))
        assert found.ancestors[id_] == reached
    assert set(selected) <= set(found.needs)


# --- legs -----------------------------------------------------------------------------------------


def test_a_job_without_a_matrix_is_one_leg() -> None:
    found = leg("runs-on: ubuntu-latest")
    assert (found.key, found.name, found.index, found.total) == ("a", "a", 0, 1)
    assert (found.matrix, found.runs_on, found.container) == ({}, ("ubuntu-latest",), None)
    assert (found.fail_fast, found.max_parallel, found.continue_on_error) == (True, 1, False)
    assert (found.timeout, found.cancel_timeout) == (360 * 60, 5 * 60)


@pytest.mark.covers("MAT-001", "MAT-015", "MAT-017")
def test_a_matrix_becomes_legs_with_keys_and_numbers() -> None:
    found = legs("strategy: {matrix: {os: [x, y], v: [1, 2]}, fail-fast: false, max-parallel: 3}")
    assert [one.key for one in found] == ["a.0", "a.1", "a.2", "a.3"]
    assert [one.name for one in found] == ["a (x, 1)", "a (x, 2)", "a (y, 1)", "a (y, 2)"]
    assert [one.index for one in found] == [0, 1, 2, 3]
    assert {(one.total, one.max_parallel, one.fail_fast) for one in found} == {(4, 3, False)}


@pytest.mark.covers("MAT-014")
@pytest.mark.parametrize(
    ("written", "wanted"),
    [("2", 2), ("'${{ inputs.minutes }}'", 5), ("0", 3), ("", 3), ("'${{ vars.EMPTY }}'", 3)],
)
def test_max_parallel_is_unlimited_by_default(written: str, wanted: int) -> None:
    strategy = f"strategy: {{matrix: {{v: [1, 2, 3]}}, max-parallel: {written or '~'}}}"
    assert {one.max_parallel for one in legs(strategy)} == {wanted}


@pytest.mark.covers("MAT-015")
def test_expressions_of_a_leg_see_its_matrix_and_strategy() -> None:
    one, two = legs(
        "strategy: {matrix: {v: [1, 2]}}, runs-on: 'r-${{ matrix.v }}', "
        "name: '${{ strategy.job-index }}/${{ strategy.job-total }} ${{ strategy.fail-fast }} "
        "${{ strategy.max-parallel }}', continue-on-error: '${{ matrix.v == 2 }}'"
    )
    assert (one.name, one.runs_on, one.continue_on_error) == ("0/2 true 2", ("r-1",), False)
    assert (two.name, two.runs_on, two.continue_on_error) == ("1/2 true 2", ("r-2",), True)


@pytest.mark.covers("MAT-009", "EXPR-027")
@pytest.mark.parametrize(
    ("matrix", "names"),
    [
        ("{v: '${{ fromJSON(needs.setup.outputs.list) }}'}", ["a (x)", "a (y)"]),
        ("'${{ fromJSON(''{\"v\": [1, 2]}'') }}'", ["a (1)", "a (2)"]),
        ("{include: '${{ fromJSON(''[{\"v\": 1}]'') }}'}", ["a (1)"]),
        ("{v: [1, 2], exclude: '${{ fromJSON(''[{\"v\": 1}]'') }}'}", ["a (2)"]),
        ("{v: ['${{ github.ref_name }}']}", ["a (main)"]),
        ("'${{ vars.NONE }}'", ["a"]),
    ],
)
def test_a_matrix_may_be_computed(matrix: str, names: list[str]) -> None:
    assert [one.name for one in legs(f"strategy: {{matrix: {matrix}}}")] == names


@pytest.mark.covers("MAT-008", "MAT-009")
@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ("{v: '${{ fromJSON(needs.setup.outputs.none) }}'}", 'the matrix vector "v" does not '
         "contain any values"),
        ("{v: []}", 'the matrix vector "v" does not contain any values'),
        ("'${{ vars.LABEL }}'", "a matrix must be a mapping of names to lists"),
        ("{v: '${{ needs.nope.outputs.x }}'}", 'the matrix vector "v" must be a list'),
    ],
)  # fmt: skip
def test_a_wrong_matrix_is_unresolved(matrix: str, message: str) -> None:
    assert unresolved(f"strategy: {{matrix: {matrix}}}") == message


@pytest.mark.parametrize(
    "text",
    [
        "strategy: {matrix: {v: [1]}, max-parallel: '${{ NaN }}'}",
        "strategy: {matrix: {v: [1]}, max-parallel: .inf}",
        "timeout-minutes: '${{ vars.LABEL }}'",
        "continue-on-error: '${{ vars.LABEL }}'",
        "runs-on: [[x]]",
    ],
)
def test_what_is_of_the_wrong_kind_is_unresolved(text: str) -> None:
    assert unresolved(text).startswith("expected ")


@pytest.mark.parametrize(
    ("text", "timeout", "cancel_timeout"),
    [
        ("timeout-minutes: 0.5", 30, 300),
        ("timeout-minutes: '${{ inputs.minutes }}', cancel-timeout-minutes: 1", 300, 60),
        ("timeout-minutes: '${{ vars.EMPTY }}'", 21600, 300),
    ],
)
def test_times_are_in_seconds(text: str, timeout: float, cancel_timeout: float) -> None:
    found = leg(text)
    assert (found.timeout, found.cancel_timeout) == (timeout, cancel_timeout)


@pytest.mark.covers("JOB-004")
@pytest.mark.parametrize(
    ("text", "names"),
    [
        pytest.param("runs-on: x", ["a"], id="the id"),
        pytest.param("name: Build it", ["Build it"], id="the name"),
        pytest.param("name: ''", ["a"], id="an empty name"),
        pytest.param("name: 'on ${{ github.ref_name }}'", ["on main"], id="an expression"),
        pytest.param("name: '${{ vars.EMPTY }}'", ["a"], id="an empty expression"),
        pytest.param("name: N, strategy: {matrix: {v: [1, x]}}", ["N (1)", "N (x)"],
                     id="name and values"),
        pytest.param("name: 'v${{ matrix.v }}', strategy: {matrix: {v: [1, x]}}", ["v1", "vx"],
                     id="an expression is all there is"),
        pytest.param("name: 'same', strategy: {matrix: {v: [1.50, true, ~]}}",
                     ["same (1.5)", "same (true)", "same"], id="values as text"),
        pytest.param("strategy: {matrix: {os: [{name: m, tags: [a, b]}], include: [{x: 1}]}}",
                     ["a (m, a, b, 1)"], id="nested values"),
        pytest.param(f"name: {'n' * 100}", ["n" * 100], id="100 characters"),
        pytest.param(f"name: {'n' * 101}", ["n" * 97 + "..."], id="101 characters"),
        pytest.param(f"strategy: {{matrix: {{v: [{'v' * 96}, {'v' * 97}]}}}}",
                     [f"a ({'v' * 96})", f"a ({'v' * 94}..."], id="long values"),
    ],
)  # fmt: skip
def test_names(text: str, names: list[str]) -> None:
    assert [one.name for one in legs(text)] == names


@pytest.mark.covers("JOB-005")
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("ubuntu-latest", ("ubuntu-latest",)),
        ("[self-hosted, '${{ vars.LABEL }}']", ("self-hosted", "big")),
        ("'${{ fromJSON(vars.RUNNER) }}'", ("self-hosted", "x64")),
        ("'${{ vars.LABEL }}'", ("big",)),
        ("{group: g, labels: [a, b]}", ("a", "b")),
        ("{labels: a}", ("a",)),
        ("{group: g}", ("g",)),
        ('\'${{ fromJSON(\'\'{"group": "g", "labels": ["a"]}\'\') }}\'', ("a",)),
        ("'${{ fromJSON(''{\"group\": \"g\"}'') }}'", ("g",)),
        ("'${{ fromJSON(''{\"labels\": \"a\"}'') }}'", ("a",)),
    ],
)
def test_runs_on(text: str, wanted: tuple[str, ...]) -> None:
    assert leg(f"runs-on: {text}").runs_on == wanted


FULL = Container(
    image="ghcr.io/o/i:1", env={"A": "1"}, ports=("80", "8080:80"), volumes=("/a:/b",),
    options="--cpus 1", username="me", password="pw",
)  # fmt: skip


@pytest.mark.covers("CTR-001", "CTR-002", "CTR-003", "CTR-007")
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("alpine", Container("alpine")),
        ("'docker://alpine:3'", Container("alpine:3")),
        ("'${{ needs.setup.outputs.image }}'", Container("alpine")),
        ("{image: 'docker://alpine'}", Container("alpine")),
        ("{image: 'ghcr.io/o/i:1', env: {A: 1}, ports: [80, '8080:80'], volumes: ['/a:/b'], "
         "options: --cpus 1, credentials: {username: '${{ secrets.USER }}', "
         "password: '${{ secrets.PASSWORD }}'}}", FULL),
        ("''", None),
        ("", None),
        ("{image: ''}", None),
        ("{image: '${{ vars.EMPTY }}', env: {A: 1}}", None),
        ("'${{ vars.EMPTY }}'", None),
    ],
)  # fmt: skip
def test_containers(text: str, wanted: Container | None) -> None:
    assert leg(f"container: {text}").container == wanted


def test_a_password_is_not_in_the_text_of_a_container() -> None:
    assert "pw" not in repr(FULL)


def test_a_container_may_be_computed_whole() -> None:
    assert leg("container: '${{ fromJSON(''{\"image\": \"x\"}'') }}'").container == Container("x")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("runs-on: x, strategy: {matrix: {v: [1]}}", True),
        ("if: needs.setup.result == 'success', env: {A: '${{ needs.setup.outputs.list }}'}", True),
        ("runs-on: '${{ matrix.v }}', name: '${{ github.ref_name }}'", True),
        ("strategy: {matrix: {v: '${{ fromJSON(needs.setup.outputs.list) }}'}}", False),
        ("strategy: {matrix: {v: [1]}, max-parallel: '${{ needs.setup.outputs.n }}'}", False),
        ("container: {image: x, env: {A: '${{ NEEDS.setup.outputs.image }}'}}", False),
        ("runs-on: ['${{ needs.setup.outputs.image }}']", False),
        ("name: 'a ${{ needs.setup.result }}'", False),
        ("continue-on-error: '${{ needs.setup.result == 1 }}'", False),
        ("timeout-minutes: '${{ needs.setup.outputs.n }}'", False),
        ("cancel-timeout-minutes: '${{ needs.setup.outputs.n }}'", False),
        ("strategy: {matrix: {v: [1]}, fail-fast: '${{ needs.setup.result == 1 }}'}", False),
    ],
)
def test_what_is_known_before_anything_ran(text: str, wanted: bool) -> None:
    found = workflow(f"jobs: {{setup: {{}}, a: {{needs: setup, {text}}}}}").jobs[1]
    assert is_static(found) is wanted
