"""The legs of one job: how they start, stop each other, and what they hand on."""

from __future__ import annotations

import pytest
from scripted import Ran, run

from engine.events import JobExpanded, JobStarted


def matrix(strategy: str, script: str, *keys: str, after: str = "", **more: object) -> Ran:
    """A job `m` with a matrix; with `after`, a job `z` that prints it."""
    lines = [
        "jobs:",
        "  m:",
        "    runs-on: x",
        *(f"    {key}" for key in keys),
        f"    strategy: {strategy}",
        "    steps:",
        "      - id: it",
        "        run: |",
        *(f"          {line}" for line in script.splitlines()),
    ]
    if after:
        lines += ["  z:", "    needs: m", "    if: always()", "    runs-on: x"]
        lines += ["    steps:", f"      - run: {after}"]
    return run("\n".join(lines) + "\n", **more)


SLEEP = "sleep ${{ matrix.s }}\nexit ${{ matrix.c || 0 }}"
RESULT = "echo ${{ needs.m.result }}"


def test_legs_have_keys_and_names() -> None:
    ran = matrix("{matrix: {a: [1, x], b: [true]}}", "echo ${{ matrix.a }} ${{ matrix.b }}")
    assert [event.legs for event in ran.of(JobExpanded)] == [("m.0", "m.1")]
    assert [event.name for event in ran.of(JobStarted)] == ["m (1, true)", "m (x, true)"]
    assert (ran.printed("m.0"), ran.printed("m.1")) == ("1 true\n", "x true\n")


@pytest.mark.covers("MAT-012", "MAT-013")
@pytest.mark.parametrize(
    ("fail_fast", "tolerant", "jobs", "result"),
    [
        ("true", "false", "cancelled failure success", "failure"),
        ("false", "false", "success failure success", "failure"),
        ("true", "true", "success failure success", "success"),
        ("false", "true", "success failure success", "success"),
        ("true", "${{ matrix.c == 1 }}", "success failure success", "success"),
        ("true", "${{ matrix.c == 0 }}", "cancelled failure success", "failure"),
        ("'${{ !github.ref_name }}'", "false", "success failure success", "failure"),
    ],
)
def test_fail_fast(fail_fast: str, tolerant: str, jobs: str, result: str) -> None:
    legs = "[{s: 50, c: 0}, {s: 10, c: 1}, {s: 5, c: 0}]"
    strategy = f"{{fail-fast: {fail_fast}, matrix: {{include: {legs}}}}}"
    ran = matrix(strategy, SLEEP, f"continue-on-error: {tolerant}", after=RESULT)
    assert " ".join(ran.jobs[f"m.{n}"] for n in range(3)) == jobs
    assert ran.printed("z") == f"{result}\n" and ran.outcome == result


@pytest.mark.covers("MAT-012")
def test_fail_fast_is_the_default_and_says_so() -> None:
    ran = matrix("{matrix: {include: [{s: 50}, {s: 10, c: 1}]}}", SLEEP)
    assert ran.jobs == {"m.0": "cancelled", "m.1": "failure"}
    assert ran.reasons["m.0"] == '"m (10, 1)" failed and fail-fast is on'
    assert max(ran.times) == pytest.approx(10, abs=0.01)


@pytest.mark.covers("MAT-012", "MAT-014")
def test_fail_fast_cancels_legs_that_wait() -> None:
    ran = matrix("{max-parallel: 1, matrix: {include: [{s: 5, c: 1}, {s: 1}, {s: 1}]}}", SLEEP)
    assert list(ran.jobs.values()) == ["failure", "cancelled", "cancelled"]
    assert [event.job for event in ran.of(JobStarted)] == ["m.0"]


@pytest.mark.covers("MAT-012")
def test_fail_fast_is_about_one_matrix_only() -> None:
    ran = run(
        """
        jobs:
          a:
            runs-on: x
            strategy: {matrix: {c: [1]}}
            steps: [{run: 'exit ${{ matrix.c }}'}]
          b:
            runs-on: x
            strategy: {matrix: {c: [1, 2]}}
            steps: [{run: sleep 9}]
        """
    )
    assert ran.jobs == {"a.0": "failure", "b.0": "success", "b.1": "success"}


@pytest.mark.covers("MAT-014")
@pytest.mark.parametrize(
    ("most", "begun"),
    [("1", [0, 4, 7, 9]), ("2", [0, 0, 3, 4]), ("4", [0] * 4), ("9", [0] * 4), ("0", [0] * 4)],
)
def test_max_parallel_in_the_order_of_the_matrix(most: str, begun: list[float]) -> None:
    ran = matrix(f"{{max-parallel: {most}, matrix: {{s: [4, 3, 2, 1]}}}}", SLEEP)
    started = [ran.when(JobStarted, f"m.{n}") for n in range(4)]
    assert started == pytest.approx(begun, abs=0.01)


@pytest.mark.covers("MAT-015")
def test_the_strategy_context() -> None:
    text = "echo ${{ strategy.job-index }} ${{ strategy.job-total }} ${{ strategy.fail-fast }}"
    text += " ${{ strategy.max-parallel }}"
    ran = matrix("{max-parallel: 2, fail-fast: false, matrix: {s: [a, b, c]}}", text)
    assert [ran.printed(f"m.{n}") for n in range(3)] == [f"{n} 3 false 2\n" for n in range(3)]
    ran = matrix("{matrix: {s: [a, b]}}", text)
    assert ran.printed("m.1") == "1 2 true 2\n"


@pytest.mark.covers("MAT-016")
@pytest.mark.parametrize(
    ("chosen", "legs"),
    [
        ([], "m.0 m.1 m.2 m.3"),
        ([("a", "1")], "m.0 m.1"),
        ([("a", "1"), ("b", "y")], "m.1"),
        ([("a", "1"), ("a", "2"), ("b", "x")], "m.0 m.2"),
        ([("other", "1")], "m.0 m.1 m.2 m.3"),
        ([("a", "9")], "m"),
    ],
)
def test_some_legs_are_selected(chosen: list[tuple[str, str]], legs: str) -> None:
    ran = matrix("{matrix: {a: [1, 2], b: [x, y]}}", "echo hi", settings={"matrix": tuple(chosen)})
    assert " ".join(sorted(ran.jobs)) == legs
    assert set(ran.jobs.values()) == {"skipped" if legs == "m" else "success"}


@pytest.mark.covers("JOB-014")
@pytest.mark.parametrize(
    ("legs", "value"),
    [
        ("[{s: 1, v: a}, {s: 2, v: b}]", "b"),
        ("[{s: 2, v: a}, {s: 1, v: b}]", "a"),
        ("[{s: 1, v: a}, {s: 2, v: ''}]", "a"),
        ("[{s: 1, v: a}, {s: 2, v: b, c: 1}]", "b"),
        ("[{s: 1, v: ''}]", ""),
    ],
)
def test_the_last_leg_to_finish_gives_the_outputs(legs: str, value: str) -> None:
    ran = matrix(
        f"{{fail-fast: false, matrix: {{include: {legs}}}}}",
        "output v=${{ matrix.v }}\n" + SLEEP,
        "outputs: {v: '${{ steps.it.outputs.v }}'}",
        after="echo [${{ needs.m.outputs.v }}]",
    )
    assert ran.printed("z") == f"[{value}]\n"


@pytest.mark.covers("JOB-011")
@pytest.mark.parametrize(
    ("legs", "result"),
    [
        ("[{s: 1}, {s: 2}]", "success"),
        ("[{s: 1}, {s: 2, c: 1}]", "failure"),
        ("[{s: 1}, {s: 200}]", "cancelled"),
        ("[{s: 1, c: 1}, {s: 200}]", "failure"),
    ],
)
def test_the_result_of_all_legs(legs: str, result: str) -> None:
    strategy = f"{{fail-fast: false, matrix: {{include: {legs}}}}}"
    ran = matrix(strategy, SLEEP, "timeout-minutes: 1", after=RESULT)
    assert ran.printed("z") == f"{result}\n"


@pytest.mark.covers("JOB-008")
def test_a_condition_is_answered_before_the_matrix() -> None:
    ran = matrix("{matrix: {a: [1, 2]}}", "echo hi", "if: false")
    assert ran.jobs == {"m": "skipped"} and not ran.of(JobExpanded)


@pytest.mark.covers("MAT-009")
@pytest.mark.parametrize(
    ("written", "value", "legs"),
    [
        ("{v: '${{ fromJSON(needs.p.outputs.x) }}'}", '["a", "b"]', ["m (a)", "m (b)"]),
        ("'${{ fromJSON(needs.p.outputs.x) }}'", '{"v": ["a"], "w": [1]}', ["m (a, 1)"]),
        ("{include: '${{ fromJSON(needs.p.outputs.x) }}'}", '[{"v": "a"}]', ["m (a)"]),
    ],
)
def test_a_matrix_from_another_job(written: str, value: str, legs: list[str]) -> None:
    ran = dynamic(written, value)
    assert [event.name for event in ran.of(JobStarted) if event.job != "p"] == legs


@pytest.mark.covers("MAT-008", "MAT-009")
@pytest.mark.parametrize(
    ("written", "value", "message"),
    [
        ("{v: '${{ fromJSON(needs.p.outputs.x) }}'}", "[]", 'vector "v" does not contain any'),
        ("{v: '${{ fromJSON(needs.p.outputs.x) }}'}", "", "Error parsing fromJson"),
        ("{v: '${{ needs.p.outputs.x }}'}", "[1]", 'the matrix vector "v" must be a list'),
        ("'${{ needs.p.outputs.x }}'", "text", "a matrix must be a mapping"),
        ("{include: '${{ fromJSON(needs.p.outputs.x) }}'}", "[]", "the matrix defines no vector"),
    ],
)
def test_a_matrix_that_is_none_fails_the_job(written: str, value: str, message: str) -> None:
    ran = dynamic(written, value)
    assert ran.jobs == {"p": "success", "m": "failure"}
    assert message in ran.reasons["m"] and ran.reasons["m"].startswith("ci.runwright.yml:12:")


def dynamic(written: str, value: str) -> Ran:
    return run(
        f"""
        jobs:
          p:
            runs-on: x
            outputs: {{x: '${{{{ steps.it.outputs.x }}}}'}}
            steps:
              - {{id: it, run: 'output x={value}'}}
          m:
            needs: p
            runs-on: x
            strategy:
              matrix: {written}
            steps: [{{run: echo}}]
        """
    )
