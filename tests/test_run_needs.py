"""Jobs and what they need: when they start, whether, and what they hand on."""

from __future__ import annotations

import pytest
from scripted import Ran, job, run

from engine.events import JobFinished, JobStarted, Log, Output, RunFinished

# --- when -----------------------------------------------------------------------------------------


def jobs(**written: str) -> str:
    """`a="exit 1"`, `b="sleep 5 | needs: a | if: always()"`: one job each, of one step."""
    lines = ["jobs:"]
    for name, text in written.items():
        script, *keys = (part.strip() for part in text.split(" | "))
        lines += [f"  {name}:", "    runs-on: ubuntu-latest"]
        lines += [f"    {key}" for key in keys]
        lines += ["    steps:", f"      - run: {script}"]
    return "\n".join(lines) + "\n"


@pytest.mark.covers("JOB-003")
def test_a_job_starts_the_moment_its_own_needs_are_met() -> None:
    ran = run(
        jobs(
            quick="sleep 1",
            slow="sleep 100",
            after_quick="sleep 1 | needs: quick",
            third="sleep 1 | needs: after_quick",
            both="sleep 1 | needs: [third, slow]",
        )
    )
    begun = {event.job: ran.when(JobStarted, event.job) for event in ran.of(JobStarted)}
    assert begun == pytest.approx(
        {"quick": 0, "slow": 0, "after_quick": 1, "third": 2, "both": 100}, abs=0.01
    )
    assert ran.outcome == "success" and ran.result and ran.result.ran == 5
    took = {event.job: event.seconds for event in ran.of(JobFinished)}
    assert took["slow"] == pytest.approx(100, abs=0.01)
    assert ran.of(RunFinished)[0].seconds == pytest.approx(101, abs=0.01)


@pytest.mark.covers("JOB-003")
@pytest.mark.parametrize(("slots", "seconds"), [(1, 30), (2, 20), (3, 10)])
def test_no_more_jobs_at_once_than_there_are_slots(slots: int, seconds: float) -> None:
    ran = run(jobs(a="sleep 10", b="sleep 10", c="sleep 10"), slots=slots)
    assert max(ran.times) == pytest.approx(seconds, abs=0.01)


@pytest.mark.covers("JOB-027")
def test_only_the_selected_and_what_they_need() -> None:
    text = jobs(a="echo", b="echo | needs: a", c="echo")
    assert run(text, selected=("B",)).jobs == {"a": "success", "b": "success"}


# --- whether --------------------------------------------------------------------------------------


@pytest.mark.covers("JOB-007", "JOB-010", "JOB-011")
@pytest.mark.parametrize(
    ("condition", "after_success", "after_failure", "after_skip"),
    [
        ("", True, False, False),
        ("success()", True, False, False),
        ("failure()", False, True, False),
        ("always()", True, True, True),
        ("cancelled()", False, False, False),
        ("'!cancelled()'", True, True, True),
        ("'!failure()'", True, False, True),
        ("${{ !failure() && !cancelled() }}", True, False, True),
        ("'!success()'", False, True, True),
        ("true", True, False, False),
        ("false", False, False, False),
        ("needs.first.result == 'success'", True, False, False),
        ("needs.first.result == 'failure'", False, False, False),
        ("always() && needs.first.result == 'failure'", False, True, False),
        ("always() && needs.first.result == 'skipped'", False, False, True),
        ("success('first')", True, False, False),
        ("failure('FIRST')", False, True, False),
        ("github.ref_name == 'main'", True, False, False),
        ("github.ref_name == 'dev'", False, False, False),
        ("vars.GO == 'yes'", True, False, False),
    ],
)
def test_conditions(
    condition: str, after_success: bool, after_failure: bool, after_skip: bool
) -> None:
    firsts = {"echo": after_success, "exit 1": after_failure, "echo | if: false": after_skip}
    for first, expected in firsts.items():
        written = f" | if: {condition}" if condition else ""
        text = jobs(first=first, second=f"echo | needs: first{written}")
        ran = run(text, settings={"variables": {"GO": "yes"}})
        assert ran.jobs["second"] == ("success" if expected else "skipped"), first


@pytest.mark.covers("JOB-007", "JOB-010")
@pytest.mark.parametrize(
    ("b", "c", "results"),
    [
        ("", "", "skipped skipped skipped"),
        ("always()", "", "skipped success skipped"),
        ("always()", "always()", "skipped success success"),
        ("always()", "'!failure() && !cancelled()'", "skipped success success"),
        ("always()", "success('b')", "skipped success success"),
        ("always()", "success('a')", "skipped success skipped"),
        ("always()", "needs.b.result == 'success'", "skipped success skipped"),
        ("", "failure()", "skipped skipped skipped"),
    ],
)
def test_a_skip_goes_down_the_whole_chain(b: str, c: str, results: str) -> None:
    def written(condition: str) -> str:
        return f" | if: {condition}" if condition else ""

    text = jobs(
        a="echo | if: false",
        b=f"echo | needs: a{written(b)}",
        c=f"echo | needs: b{written(c)}",
    )
    ran = run(text)
    assert " ".join(ran.jobs[name] for name in "abc") == results


@pytest.mark.covers("JOB-007")
def test_a_failure_far_up_is_a_failure() -> None:
    ran = run(
        jobs(
            a="exit 1",
            b="echo | needs: a | if: always()",
            c="echo | needs: b",
            d="echo | needs: b | if: failure()",
        )
    )
    assert ran.jobs == {"a": "failure", "b": "success", "c": "skipped", "d": "success"}
    assert ran.outcome == "failure"


@pytest.mark.covers("JOB-009")
@pytest.mark.parametrize(
    ("condition", "runs"),
    [
        ("success('good')", True),
        ("success('bad')", False),
        ("success('good', 'bad')", False),
        ("failure('bad')", True),
        ("failure('good')", False),
        ("failure('good', 'BAD')", True),
        ("success('GOOD') && failure('bad')", True),
    ],
)
def test_status_functions_with_ids(condition: str, runs: bool) -> None:
    ran = run(jobs(good="echo", bad="exit 1", x=f"echo | needs: [good, bad] | if: {condition}"))
    assert ran.jobs["x"] == ("success" if runs else "skipped")


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ("exit 1", "", 'it needs "first", which ended as failure'),
        ("echo | if: false", "", 'it needs "first", which ended as skipped'),
        ("exit 1", "true", '`true` is false: success() is false (it needs "first", which ended'),
        ("echo", "github.ref_name == 'dev'", "`github.ref_name == 'dev'` is false: "),
    ],
)
def test_why_a_job_was_skipped(first: str, second: str, reason: str) -> None:
    written = f" | if: {second}" if second else ""
    ran = run(jobs(first=first, second=f"echo | needs: first{written}"))
    assert ran.reasons["second"].startswith(reason)


@pytest.mark.covers("JOB-026")
@pytest.mark.parametrize(
    ("a", "b", "outcome"),
    [
        ("echo", "echo", "success"),
        ("echo", "exit 1", "failure"),
        ("echo", "echo | if: false", "success"),
        ("echo | if: false", "echo | if: false", "skipped"),
        ("exit 1", "sleep 600 | timeout-minutes: 1", "failure"),
        ("echo", "sleep 600 | timeout-minutes: 1", "cancelled"),
        ("exit 1 | continue-on-error: true", "echo", "success"),
    ],
)
def test_the_run_has_the_worst_result(a: str, b: str, outcome: str) -> None:
    assert run(jobs(a=a, b=b)).outcome == outcome


@pytest.mark.covers("JOB-020")
def test_a_job_may_fail() -> None:
    ran = run(
        jobs(
            a="exit 1 | continue-on-error: ${{ github.ref_name == 'main' }}",
            b="echo ${{ needs.a.result }} | needs: a",
        )
    )
    assert ran.jobs == {"a": "failure", "b": "success"}
    assert ran.printed("b") == "success\n" and ran.outcome == "success"
    assert [event.allowed_to_fail for event in ran.of(JobFinished)] == [True, False]


# --- what is handed on ----------------------------------------------------------------------------


@pytest.mark.covers("JOB-011", "JOB-012", "JOB-013")
@pytest.mark.parametrize(("code", "result"), [(0, "success"), (1, "failure")])
def test_outputs_are_those_of_direct_needs_also_of_a_failed_one(code: int, result: str) -> None:
    ran = run(
        f"""
        jobs:
          a:
            runs-on: x
            outputs: {{one: '${{{{ steps.it.outputs.n }}}}', env: '${{{{ env.E }}}}', none: ''}}
            steps:
              - id: it
                run: output n=1
              - run: env E=2
              - run: exit {code}
          b:
            needs: a
            if: always()
            runs-on: x
            steps:
              - run: echo ${{{{ needs.a.result }}}} ${{{{ join(needs.a.outputs.*) }}}}
          c:
            needs: b
            if: always()
            runs-on: x
            steps:
              - run: echo [${{{{ needs.a.outputs.one }}}}]
        """
    )
    assert ran.outputs["a"] == {"one": "1", "env": "2"}
    assert ran.printed("b") == f"{result} 1,2\n"
    assert ran.printed("c") == "[]\n"


@pytest.mark.covers("JOB-015")
@pytest.mark.parametrize("way", ["secrets", "add-mask", "token"])
def test_an_output_with_a_secret_is_dropped(way: str) -> None:
    ran = run(
        job(
            "- run: echo ::add-mask::masked",
            outputs="{x: 'a ${{ secrets.PW }}', m: masked!, t: '${{ github.token }}', y: fine}",
        ),
        settings={"secrets": {"PW": "hunter2"}},
        facts={"token": "ghs_token"},
    )
    assert ran.outputs["test"] == {"y": "fine"}
    warnings = [event.message for event in ran.of(Log) if event.level == "warning"]
    assert warnings == [f"Skip output '{n}' since it may contain secret." for n in "xmt"]


@pytest.mark.covers("JOB-016")
def test_a_jobs_env_knows_needs_matrix_and_secrets() -> None:
    ran = run(
        """
        env: {ALL: '${{ github.ref_name }}', OVER: workflow}
        jobs:
          a:
            runs-on: x
            outputs: {n: '1'}
            steps: [{run: echo}]
          b:
            needs: a
            runs-on: x
            strategy: {matrix: {v: [7]}}
            env:
              N: ${{ needs.a.outputs.n }}
              V: ${{ matrix.v }}
              S: ${{ secrets.PW }}
              I: ${{ strategy.job-total }}
              OVER: job
            steps:
              - run: echo ${{ env.ALL }} ${{ env.N }} ${{ env.V }} ${{ env.I }} ${{ env.OVER }}
              - run: print-env S
        """,
        settings={"secrets": {"PW": "hunter2"}},
    )
    assert ran.printed("b.0") == "main 1 7 1 job\n***\n"
    assert ran.commands("b.0")[0].env["S"] == "hunter2"


@pytest.mark.parametrize(
    ("key", "column"),
    [
        ("if: fromJSON('{')", 9),
        ("name: x ${{ fromJSON('{') }}", 17),
        ("runs-on: ${{ fromJSON('{') }}", 18),
        ("strategy: {matrix: \"${{ fromJSON('{') }}\"}", 29),
        ("strategy: {matrix: {a: \"${{ fromJSON('[]') }}\"}}", 24),
        ("continue-on-error: ${{ github.ref_name }}", 24),
        ("timeout-minutes: ${{ github.ref_name }}", 22),
        ("env: {A: \"${{ fromJSON('{') }}\"}", 19),
        ("outputs: {a: \"${{ fromJSON('{') }}\"}", 23),
    ],
)
def test_an_expression_without_an_answer_fails_the_job(key: str, column: int) -> None:
    runs_on = "" if key.startswith("runs-on") else "    runs-on: x\n"
    text = f"jobs:\n  a:\n    {key}\n{runs_on}    steps: [{{run: echo}}]\n  b:\n    needs: a\n"
    ran = run(f"{text}    runs-on: x\n    steps: [{{run: echo}}]\n")
    assert ran.jobs == {"a": "failure", "b": "skipped"}
    assert ran.reasons["a"].startswith(f"ci.runwright.yml:3:{column}: ")
    assert ran.outcome == "failure" and ran.result and ran.result.ran == 1


def test_jobs_do_not_share_what_their_steps_set() -> None:
    ran = run(jobs(a="env A=1", b="echo [${{ env.A }}] | needs: a"))
    assert ran.printed("b") == "[]\n"


def test_the_github_context_names_the_job() -> None:
    ran: Ran = run(jobs(a="echo ${{ github.job }}", b="print-env GITHUB_JOB"))
    assert {event.job: event.text for event in ran.of(Output)} == {"a": "a\n", "b": "b\n"}
