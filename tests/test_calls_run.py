"""Called workflows run: what they are handed, what comes back, and how their jobs end together."""

from __future__ import annotations

import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from scripted import Ran, SlowRunner, finder, run, workflow

from engine import calls
from engine.events import JobCalled, JobExpanded, JobFinished, JobStarted, Log
from engine.job import Cancellation
from engine.plan import plan
from engine.run import Environment, Group

X = "./.github/workflows/x.yml"


def called(*steps: str, on: str = "", job: str = "", more: str = "") -> str:
    """A workflow to call with one job `inner`: what stands below workflow_call, and its steps."""
    lines = ["on:", "  workflow_call:", *(f"    {line}" for line in _lines(on)), *_lines(more)]
    lines += ["jobs:", "  inner:", "    runs-on: x", *(f"    {line}" for line in _lines(job))]
    return "\n".join([*lines, "    steps:", *(f"      - run: {step}" for step in steps)]) + "\n"


def _lines(text: str) -> list[str]:
    return textwrap.dedent(text).strip("\n").splitlines()


def calling(more: str = "", uses: str = X, above: str = "") -> str:
    """A workflow whose job `call` calls another; `more` are further keys of it and further jobs."""
    lines = [*_lines(above), "jobs:", "  call:", f"    uses: {uses}"]
    return "\n".join([*lines, *(f"    {line}" for line in _lines(more))]) + "\n"


def printed(more: str, callee: str, **options: Any) -> str:
    ran = run(calling(more), files={"x": callee}, **options)
    assert ran.outcome == "success", ran.reasons
    return ran.printed("call/inner")


AFTER = """
after:
  needs: call
  if: always()
  runs-on: x
  steps:
    - run: echo ${{ needs.call.result }} ${{ join(needs.call.outputs.*, ' ') }}
"""


def after(text: str) -> str:
    """The workflow with a job that tells what it sees of `call`."""
    return text + textwrap.indent(AFTER, "  ")


def seen(ran: Ran) -> str:
    """The result and the outputs of `call`, as the job that needs it sees them."""
    return ran.printed("after").strip()


# --- which jobs there are -------------------------------------------------------------------------

TWO = """
on: workflow_call
jobs:
  one:
    name: First
    runs-on: x
    steps: [{run: echo 1}]
  two:
    needs: one
    runs-on: x
    strategy: {matrix: {a: [p, q]}}
    steps: [{run: 'echo ${{ matrix.a }} ${{ github.job }} ${{ needs.one.result }}'}]
"""


@pytest.mark.covers("RWF-001", "RWF-011")
def test_the_jobs_of_a_called_workflow_run() -> None:
    ran = run(calling("name: Deploy"), files={"x": TWO})
    assert ran.jobs == {
        "call/one": "success",
        "call/two.0": "success",
        "call/two.1": "success",
        "call": "success",
    }
    names = {event.job: event.name for event in ran.of(JobFinished)}
    assert names == {
        "call/one": "Deploy / First",
        "call/two.0": "Deploy / two (p)",
        "call/two.1": "Deploy / two (q)",
        "call": "Deploy",
    }
    assert ran.printed("call/two.1") == "q two success\n"
    (event,) = ran.of(JobCalled)
    assert (event.job, event.name, event.jobs) == ("call", "Deploy", ("call/one", "call/two"))
    assert event.file == ".github/workflows/x.yml"
    assert ran.result is not None and ran.result.ran == 3


@pytest.mark.covers("RWF-002")
def test_a_workflow_of_another_repository_runs() -> None:
    uses = "octo/tools/.github/workflows/x.yml@v1"
    ran = run(calling(uses=uses), files={uses: called("echo hi")})
    assert ran.printed("call/inner") == "hi\n"


@pytest.mark.covers("RWF-008", "RWF-011")
def test_each_leg_of_a_call_calls_once() -> None:
    more = "strategy: {matrix: {a: [p, q]}}\nwith: {text: '${{ matrix.a }}'}"
    callee = called("echo ${{ inputs.text }}[${{ matrix.a }}]", on="inputs: {text: {type: string}}")
    ran = run(calling(more), files={"x": callee})
    assert ran.jobs == {
        f"call.{leg}{inner}": "success" for leg in (0, 1) for inner in ("", "/inner")
    }
    assert [e.legs for e in ran.of(JobExpanded)] == [("call.0", "call.1")]
    assert ran.printed("call.1/inner") == "q[]\n"
    names = {e.job: e.name for e in ran.of(JobFinished)}
    assert (names["call.0/inner"], names["call.1"]) == ("call (p) / inner", "call (q)")


@pytest.mark.covers("RWF-007", "RWF-011")
def test_calls_in_called_workflows() -> None:
    middle = "on: workflow_call\n" + calling("name: Middle", "./.github/workflows/y.yml")
    ran = run(calling(), files={"x": middle, "y": called("echo deep")})
    assert set(ran.jobs) == {"call", "call/call", "call/call/inner"}
    names = {e.job: e.name for e in ran.of(JobFinished)}
    assert names["call/call/inner"] == "call / Middle / inner"
    assert ran.printed("call/call/inner") == "deep\n"


def test_each_machine_has_a_name_of_its_own() -> None:
    text = calling() + "  call-inner: {runs-on: x, steps: [{run: echo}]}\n"
    ran = run(text, files={"x": called("echo")})
    assert sorted(spec.name for spec in ran.runner.opened) == ["call-inner", "call.inner"]


@pytest.mark.covers("JOB-027")
@pytest.mark.parametrize(
    ("selected", "jobs"),
    [
        (("call",), {"call", "call/one", "call/two.0", "call/two.1"}),
        (("call/one",), {"call", "call/one"}),
        (("CALL/One",), {"call", "call/one"}),
        (("call/two",), {"call", "call/one", "call/two.0", "call/two.1"}),
        (("call/one", "call"), {"call", "call/one", "call/two.0", "call/two.1"}),
        (("other",), {"other"}),
    ],
)
def test_a_selection_of_called_jobs(selected: tuple[str, ...], jobs: set[str]) -> None:
    text = calling() + "  other: {runs-on: x, steps: [{run: echo}]}\n"
    assert set(run(text, files={"x": TWO}, selected=selected).jobs) == jobs


def test_the_names_of_all_jobs() -> None:
    found = plan(workflow(calling()), find=finder({"x": TWO}))
    assert list(found.names()) == ["call", "call/one", "call/two"]
    assert [each.workflow.file for each in found.whole()] == [
        ".github/workflows/ci.runwright.yml",
        ".github/workflows/x.yml",
    ]


# --- inputs ---------------------------------------------------------------------------------------


@pytest.mark.covers("RWF-003", "CTX-015")
@pytest.mark.parametrize(
    ("declared", "given", "value"),
    [
        ("type: string", "a", '"a"'),
        ("type: string", "1.50", '"1.5"'),
        ("type: string", "'1.50'", '"1.50"'),
        ("type: string", "${{ true }}", '"true"'),
        ("type: string", "${{ github.nothing }}", '""'),
        ("type: string, default: d", "${{ github.nothing }}", '""'),
        ("type: string, default: d", None, '"d"'),
        ("type: string, default: '${{ github.ref_name }}'", None, '"main"'),
        ("type: string, required: true", "${{ '' }}", '""'),
        ("type: string", None, '""'),
        ("type: boolean", "true", "true"),
        ("type: boolean", "${{ 1 == 1 }}", "true"),
        ("type: boolean, default: true", None, "true"),
        ("type: boolean", None, "false"),
        ("type: number", "4", "4"),
        ("type: number", "${{ fromJSON('2.5') }}", "2.5"),
        ("type: number", None, "0"),
    ],
)
def test_inputs_are_typed(declared: str, given: str | None, value: str) -> None:
    more = "" if given is None else f"with:\n  in: {given}"
    callee = called("echo ${{ toJSON(inputs.in) }}", on=f"inputs: {{in: {{{declared}}}}}")
    assert printed(more, callee) == f"{value}\n"


@pytest.mark.covers("RWF-003")
@pytest.mark.parametrize(
    ("declared", "given", "reason"),
    [
        ("type: boolean", "${{ 'true' }}", 'the input "in" takes true or false, not "true"'),
        ("type: boolean", "${{ github.nope }}", 'the input "in" takes true or false, not ""'),
        ("type: number", "${{ 'x' }}", 'the input "in" takes a number, not "x"'),
        ("type: string", "${{ github.event }}", 'the input "in" takes text, not {'),
        ("type: string", "${{ fromJSON('') }}", "empty input"),
    ],
)
def test_a_value_of_the_wrong_type_fails_the_call(declared: str, given: str, reason: str) -> None:
    callee = called("echo", on=f"inputs: {{in: {{{declared}}}}}")
    ran = run(after(calling(f"with:\n  in: {given}")), files={"x": callee})
    assert ran.jobs == {"call": "failure", "after": "success"}
    assert ran.reasons["call"].startswith("ci.runwright.yml:5:")
    assert reason in ran.reasons["call"]
    assert ran.outcome == "failure" and seen(ran) == "failure"


@pytest.mark.covers("RWF-003", "CTX-017")
def test_inputs_come_from_jobs_before() -> None:
    text = """
    jobs:
      first:
        runs-on: x
        outputs: {v: '${{ steps.s.outputs.v }}'}
        steps: [{id: s, run: output v=1}]
      call:
        needs: first
        uses: ./.github/workflows/x.yml
        with: {in: 'v${{ needs.first.outputs.v }} ${{ vars.V }} ${{ inputs.mine }}'}
    """
    callee = called(
        "echo ${{ inputs.in }} [${{ needs.first.result }}]", on="inputs: {in: {type: string}}"
    )
    ran = run(
        text, files={"x": callee}, settings={"variables": {"V": "w"}, "inputs": {"mine": "m"}}
    )
    assert ran.printed("call/inner") == "v1 w m []\n"


@pytest.mark.covers("CTX-015", "RWF-003")
def test_the_callers_inputs_are_not_those_of_the_called() -> None:
    callee = called("echo ${{ toJSON(inputs) }}")
    assert printed("", callee, settings={"inputs": {"mine": "m"}}) == "{}\n"


# --- secrets, variables, env ----------------------------------------------------------------------

SECRETS = {"settings": {"secrets": {"A": "aaaa", "B": "bbbb"}}, "facts": {"token": "tttt"}}
SHOWN = "echo ${{ toJSON(secrets.*) == toJSON(fromJSON('WANTED')) }}"


@pytest.mark.covers("RWF-004")
@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("", '["tttt"]'),
        ("secrets: inherit", '["tttt","aaaa","bbbb"]'),
        ("secrets: {mine: '${{ secrets.A }}'}", '["tttt","aaaa"]'),
        ("secrets: {mine: '${{ secrets.A }}-${{ github.ref_name }}'}", '["tttt","aaaa-main"]'),
        ("secrets: {mine: '${{ secrets.NOPE }}'}", '["tttt"]'),
        ("secrets: {mine: '${{ secrets.NOPE }}', yours: '${{ secrets.B }}'}", '["tttt","bbbb"]'),
    ],
)
def test_secrets_are_passed_or_inherited(given: str, wanted: str) -> None:
    declared = "" if "inherit" in given else "secrets: {mine: {required: true}, yours: {}}"
    given = given or "secrets: {mine: ''}"
    callee = called(SHOWN.replace("WANTED", wanted), on=declared)
    assert printed(given, callee, **SECRETS) == "true\n"


@pytest.mark.covers("RWF-004")
def test_a_nested_call_passes_secrets_again() -> None:
    middle = """
    on: {workflow_call: {secrets: {a: {}}}}
    jobs:
      inherits: {uses: ./.github/workflows/y.yml, secrets: inherit}
      nothing: {uses: ./.github/workflows/y.yml}
    """
    callee = called("echo ${{ secrets.a != '' }} ${{ secrets.B != '' }}")
    text = calling("secrets: {a: '${{ secrets.A }}'}")
    ran = run(text, files={"x": middle, "y": callee}, **SECRETS)
    assert ran.printed("call/inherits/inner") == "true false\n"
    assert ran.printed("call/nothing/inner") == "false false\n"


@pytest.mark.covers("RWF-004", "CMD-022")
def test_passed_secrets_are_masked() -> None:
    callee = called(
        "echo x${{ secrets.mine }}x", on="secrets: {mine: {}}", job="name: a ${{ vars.SAME }}"
    )
    text = calling("secrets: {mine: 'made-${{ github.ref_name }}'}")
    ran = run(text, files={"x": callee}, settings={"variables": {"SAME": "made-main"}})
    assert ran.printed() == "x***x\n"
    assert "made-main" not in ran.text()


@pytest.mark.covers("RWF-004", "JOB-022")
def test_a_called_job_has_the_secrets_of_its_environment() -> None:
    environments = {"prod": Environment({"A": "pppp"}, {"V": "v"})}
    callee = called("echo ${{ secrets.A == 'pppp' }} ${{ vars.V }}", job="environment: prod")
    assert printed("", callee, settings={"environments": environments}) == "true v\n"


@pytest.mark.covers("RWF-006")
def test_env_of_the_caller_is_not_passed() -> None:
    callee = called(
        "|\n          print-env OUTER\n          print-env INNER\n          echo ${{ env.OUTER }}",
        more="env: {INNER: inner}",
    )
    ran = run(after(calling(above="env: {OUTER: outer}")), files={"x": callee})
    assert ran.printed("call/inner") == "\ninner\n\n"
    (command,) = ran.commands("after")
    assert command.env["OUTER"] == "outer" and "INNER" not in command.env


@pytest.mark.covers("RWF-006")
def test_variables_are_the_callers() -> None:
    assert printed("", called("echo ${{ vars.V }}"), settings={"variables": {"V": "v"}}) == "v\n"


# --- github and job -------------------------------------------------------------------------------


@pytest.mark.covers("RWF-010")
@pytest.mark.parametrize("key", ["workflow", "workflow_ref", "event_name", "sha", "ref", "actor"])
def test_github_is_the_callers(key: str) -> None:
    text = after(calling()).replace("${{ needs.call.result }} ", f"${{{{ github.{key} }}}} #")
    ran = run(text, files={"x": called(f"echo ${{{{ github.{key} }}}} #", more="name: Callee")})
    assert ran.printed("call/inner").split("#")[0] == ran.printed("after").split("#")[0] != " "


@pytest.mark.covers("RWF-010")
def test_the_variables_too() -> None:
    assert printed("", called("print-env GITHUB_WORKFLOW", more="name: Callee")) == "CI\n"


REMOTE = "octo/tools/.github/workflows/x.yml@v1"


@pytest.mark.covers("CTX-010")
@pytest.mark.parametrize(
    ("uses", "said"),
    [
        (X, ("octo/hello", ".github/workflows/x.yml", "refs/heads/main", "1" * 40)),
        (REMOTE, ("octo/tools", ".github/workflows/x.yml", "v1", "2" * 40)),
    ],
)
def test_job_says_which_file_it_is_written_in(uses: str, said: tuple[str, str, str, str]) -> None:
    keys = "workflow_repository workflow_file_path workflow_ref workflow_sha status".split()
    step = "echo " + " ".join(f"${{{{ job.{key} }}}}" for key in keys)
    ran = run(calling(uses=uses), files={"x": called(step), uses: called(step)})
    repository, path, ref, sha = said
    shown = f"{repository} {path} {repository}/{path}@{ref} {sha} success\n"
    assert ran.printed("call/inner") == shown


@pytest.mark.covers("CTX-010")
def test_job_of_a_workflow_that_nobody_calls() -> None:
    ran = run("jobs: {a: {runs-on: x, steps: [{run: 'echo ${{ job.workflow_ref }}'}]}}")
    assert ran.printed() == "octo/hello/.github/workflows/ci.runwright.yml@refs/heads/main\n"


@pytest.mark.covers("CTX-010")
def test_each_called_job_has_a_number_of_its_own() -> None:
    more = "strategy: {matrix: {n: [1, 2]}}"
    ran = run(calling(more), files={"x": called("echo ${{ job.check_run_id }}")})
    assert ran.printed("call.0/inner") != ran.printed("call.1/inner") != "\n"


# --- outputs --------------------------------------------------------------------------------------

OUT = """
on:
  workflow_call:
    inputs: {v: {type: string}}
    outputs:
      one: {value: '${{ jobs.a.outputs.v }}'}
      both: {value: '${{ jobs.a.outputs.v }}-${{ jobs.b.result }}-${{ inputs.v }}'}
      none: {value: '${{ jobs.b.outputs.nope }}'}
jobs:
  a:
    runs-on: x
    outputs: {v: '${{ steps.s.outputs.v }}'}
    steps: [{id: s, run: output v=1}]
  b:
    needs: a
    if: failure()
    runs-on: x
    steps: [{run: echo}]
"""


@pytest.mark.covers("RWF-005", "CTX-016")
def test_outputs_come_from_jobs() -> None:
    ran = run(after(calling("with: {v: w}")), files={"x": OUT})
    assert ran.outputs["call"] == {"one": "1", "both": "1-skipped-w"}
    assert seen(ran) == "success 1 1-skipped-w"


@pytest.mark.covers("RWF-005")
def test_outputs_of_a_failed_call_count() -> None:
    callee = OUT.replace("run: output v=1}", "run: output v=1}, {run: exit 1}")
    ran = run(after(calling()), files={"x": callee})
    assert seen(ran) == "failure 1 1-success-"


@pytest.mark.covers("RWF-005", "RWF-008", "JOB-014")
def test_the_last_leg_to_end_that_sets_an_output_wins() -> None:
    callee = called(
        "|\n          sleep ${{ inputs.n }}\n          output v=${{ inputs.v }}",
        on="""
        inputs: {n: {type: number}, v: {type: string}}
        outputs: {v: {value: '${{ jobs.inner.outputs.v }}'}}
        """,
        job="outputs: {v: '${{ steps.s.outputs.v }}'}",
    ).replace("- run:", "- id: s\n        run:")
    more = """
    strategy: {matrix: {include: [{n: 9, v: late}, {n: 1, v: soon}, {n: 20, v: ''}]}}
    with: {n: '${{ matrix.n }}', v: '${{ matrix.v }}'}
    """
    ran = run(after(calling(more)), files={"x": callee})
    assert seen(ran) == "success late"


@pytest.mark.covers("RWF-005")
def test_an_output_that_has_no_answer_fails_the_call() -> None:
    callee = called("echo", on="outputs: {v: {value: '${{ fromJSON(jobs.inner.outputs.v) }}'}}")
    ran = run(after(calling()), files={"x": callee})
    assert ran.jobs == {"call/inner": "success", "call": "failure", "after": "success"}
    assert ran.reasons["call"].startswith("x.yml:3:")


# --- results --------------------------------------------------------------------------------------


@pytest.mark.covers("RWF-005", "JOB-011", "JOB-026")
@pytest.mark.parametrize(
    ("scripts", "result"),
    [
        (("echo", "echo"), "success"),
        (("echo", "exit 1"), "failure"),
        (("exit 1", "long"), "failure"),
        (("echo", "long"), "cancelled"),
        (("echo", "skipped"), "success"),
        (("skipped", "skipped"), "skipped"),
        (("skipped", "exit 1"), "failure"),
        (("skipped", "long"), "cancelled"),
        (("tolerated", "echo"), "success"),
    ],
)
def test_the_result_of_a_call(scripts: tuple[str, ...], result: str) -> None:
    lines = ["on: workflow_call", "jobs:"]
    for number, script in enumerate(scripts):
        lines += [f"  j{number}:", "    runs-on: x", "    timeout-minutes: 1"]
        if script == "skipped":
            lines.append("    if: false")
        if script == "tolerated":
            lines.append("    continue-on-error: true")
        command = {"long": "sleep 600", "skipped": "echo", "tolerated": "exit 1"}
        lines.append(f"    steps: [{{run: {command.get(script, script)}}}]")
    ran = run(after(calling()), files={"x": "\n".join(lines) + "\n"})
    assert seen(ran) == result
    assert ran.jobs["call"] == result
    assert ran.outcome == ("success" if result == "skipped" else result)


@pytest.mark.covers("RWF-001", "JOB-007")
@pytest.mark.parametrize("condition", ["false", "failure()", "github.event_name == 'x'"])
def test_a_false_condition_skips_the_whole_call(condition: str) -> None:
    ran = run(after(calling(f"if: {condition}")), files={"x": TWO})
    assert ran.jobs == {"call": "skipped", "after": "success"}
    assert seen(ran) == "skipped"


@pytest.mark.covers("RWF-001", "JOB-007")
@pytest.mark.parametrize(
    ("condition", "jobs"),
    [
        ("success()", {"call": "skipped"}),
        ("failure()", {"call": "success", "call/inner": "success"}),
        ("always()", {"call": "success", "call/inner": "success"}),
    ],
)
def test_a_call_after_a_failure(condition: str, jobs: dict[str, str]) -> None:
    text = calling(f"needs: bad\nif: {condition}") + (
        "  bad: {runs-on: x, steps: [{run: exit 1}]}\n"
    )
    ran = run(text, files={"x": called("echo")})
    assert ran.jobs == {"bad": "failure", **jobs}


@pytest.mark.covers("RWF-001")
def test_jobs_of_a_call_see_their_own_failures_only() -> None:
    callee = """
    on: workflow_call
    jobs:
      bad: {runs-on: x, steps: [{run: exit 1}]}
      next: {needs: bad, runs-on: x, steps: [{run: echo}]}
      clean: {needs: bad, if: always(), runs-on: x, steps: [{run: 'echo ${{ needs.bad.result }}'}]}
      told: {needs: bad, if: failure(), runs-on: x, steps: [{run: echo}]}
    """
    ran = run(calling(), files={"x": callee})
    assert ran.jobs == {
        "call/bad": "failure",
        "call/next": "skipped",
        "call/clean": "success",
        "call/told": "success",
        "call": "failure",
    }
    assert ran.reasons["call/next"] == 'it needs "bad", which ended as failure'
    assert ran.outcome == "failure"


@pytest.mark.covers("RWF-008", "MAT-012")
@pytest.mark.parametrize(("fail_fast", "second"), [("true", "cancelled"), ("false", "success")])
def test_fail_fast_over_calls(fail_fast: str, second: str) -> None:
    more = f"""
    strategy: {{fail-fast: {fail_fast}, matrix: {{do: [exit 1, sleep 50]}}}}
    with: {{do: '${{{{ matrix.do }}}}'}}
    """
    callee = """
    on: {workflow_call: {inputs: {do: {type: string}}}}
    jobs:
      inner: {runs-on: x, steps: [{run: sleep 1}, {run: '${{ inputs.do }}'}]}
      last: {needs: inner, if: always(), runs-on: x, steps: [{run: 'echo ${{ job.status }}'}]}
    """
    ran = run(after(calling(more)), files={"x": callee})
    assert ran.jobs == {
        "call.0": "failure",
        "call.0/inner": "failure",
        "call.0/last": "success",
        "call.1": second,
        "call.1/inner": second,
        "call.1/last": "success",
        "after": "success",
    }
    assert seen(ran) == "failure"


@pytest.mark.covers("RWF-008", "MAT-014")
def test_max_parallel_over_calls() -> None:
    more = "strategy: {max-parallel: 1, matrix: {n: [1, 2, 3]}}"
    ran = run(calling(more), files={"x": called("sleep 10")})
    assert [ran.when(JobStarted, f"call.{n}/inner") for n in range(3)] == pytest.approx(
        [0, 10, 20], abs=0.1
    )


@pytest.mark.covers("RWF-008")
def test_a_queued_call_of_a_failed_matrix_never_begins() -> None:
    more = "strategy: {max-parallel: 1, matrix: {n: [1, 2]}}"
    ran = run(calling(more), files={"x": called("exit 1")})
    assert ran.jobs == {"call.0": "failure", "call.0/inner": "failure", "call.1": "cancelled"}
    assert ran.reasons["call.1"] == '"call (1)" failed and fail-fast is on'


@pytest.mark.covers("RWF-008", "JOB-011")
def test_a_leg_whose_jobs_were_all_skipped_skips_nothing() -> None:
    more = "strategy: {matrix: {go: [true, false]}}\nwith: {go: '${{ matrix.go }}'}"
    callee = called("echo", on="inputs: {go: {type: boolean}}", job="if: inputs.go")
    ran = run(after(calling(more)), files={"x": callee})
    assert (ran.jobs["call.0"], ran.jobs["call.1"]) == ("success", "skipped")
    assert seen(ran) == "success"


# --- cancelling -----------------------------------------------------------------------------------

LONG = """
on: workflow_call
jobs:
  long: {runs-on: x, steps: [{run: sleep 100}]}
  next: {needs: long, runs-on: x, steps: [{run: echo}]}
  clean: {needs: long, if: always(), runs-on: x, steps: [{run: 'echo ${{ needs.long.result }}'}]}
"""


@pytest.mark.covers("RWF-007", "JOB-024")
@pytest.mark.parametrize("condition", ["success()", "always()"])
def test_a_cancel_reaches_the_jobs_of_calls(condition: str) -> None:
    middle = "on: workflow_call\n" + calling(f"if: {condition}", "./.github/workflows/y.yml")
    ran = run(after(calling()), files={"x": middle, "y": LONG}, cancel_at=10)
    assert ran.jobs == {
        "call/call/long": "cancelled",
        "call/call/next": "skipped",
        "call/call/clean": "success",
        "call/call": "cancelled",
        "call": "cancelled",
        "after": "success",
    }
    assert ran.reasons["call/call/next"] == "The run was cancelled."
    assert ran.printed("call/call/clean") == "cancelled\n"
    assert seen(ran) == "cancelled"
    assert ran.outcome == "cancelled"
    assert max(ran.times) == pytest.approx(10, abs=0.1)


@pytest.mark.covers("JOB-024")
@pytest.mark.parametrize(
    ("condition", "jobs"),
    [
        ("", {"call": "skipped"}),
        ("if: always()", {"call": "cancelled", "call/a": "skipped", "call/b": "success"}),
    ],
)
def test_a_call_that_has_not_begun_when_the_run_is_cancelled(
    condition: str, jobs: dict[str, str]
) -> None:
    text = calling(f"needs: first\n{condition}") + (
        "  first: {runs-on: x, steps: [{run: sleep 100}]}\n"
    )
    callee = """
    on: workflow_call
    jobs:
      a: {runs-on: x, steps: [{run: echo}]}
      b: {if: always(), runs-on: x, steps: [{run: echo}]}
    """
    ran = run(text, files={"x": callee}, cancel_at=10)
    assert ran.jobs == {"first": "cancelled", **jobs}


def test_a_machine_that_is_lost_in_a_call_is_told() -> None:
    ran = run(calling(), files={"x": called("lost The daemon went away.")})
    assert ran.result is not None and ran.result.broke
    assert ran.jobs == {"call/inner": "failure", "call": "failure"}


# --- permissions ----------------------------------------------------------------------------------


@pytest.mark.covers("RWF-009")
@pytest.mark.parametrize(
    ("outer", "call", "inner", "job", "given"),
    [
        ("", "", "", "", {}),
        ("contents: write", "", "", "", {"contents": "write"}),
        ("contents: write", "", "contents: read", "", {"contents": "read"}),
        ("contents: write", "", "", "contents: read", {"contents": "read"}),
        ("contents: write", "contents: read", "", "", {"contents": "read"}),
        ("", "contents: read, issues: read", "", "contents: read", {"contents": "read"}),
        ("", "", "issues: write", "", {"issues": "write"}),
        ("", "", "issues: write", "issues: read", {"issues": "read"}),
    ],
)
def test_permissions_are_only_lowered(
    outer: str, call: str, inner: str, job: str, given: dict[str, str]
) -> None:
    def said(levels: str) -> str:
        return f"permissions: {{{levels}}}" if levels else ""

    ran = run(
        calling(said(call), above=said(outer)),
        files={"x": called("echo", more=said(inner), job=said(job))},
    )
    (started,) = ran.of(JobStarted)
    metadata = {"metadata": "read"} if given else {}
    assert started.permissions == {**given, **metadata}


@pytest.mark.covers("RWF-009")
def test_asking_for_more_is_refused_before_the_run() -> None:
    entry = workflow(calling("permissions: {contents: read}"))
    files = {"x": called("echo", job="permissions: {contents: write}")}
    (problem,) = calls.check(entry, finder(files))
    assert "contents: write" in problem.message and problem.place.line == 2


# --- concurrency ----------------------------------------------------------------------------------


class Groups:
    """Notes who enters which group, in order."""

    def __init__(self) -> None:
        self.entered: list[tuple[str, str]] = []

    @asynccontextmanager
    async def __call__(
        self, group: Group, ticket: str, cancellation: Cancellation
    ) -> AsyncIterator[bool]:
        self.entered.append((group.name, ticket))
        yield True


@pytest.mark.covers("RWF-009")
def test_the_groups_of_a_call_and_of_what_it_calls() -> None:
    groups = Groups()
    callee = called(
        "echo",
        on="inputs: {v: {type: string}}",
        more="concurrency: inner-${{ inputs.v }}",
        job="concurrency: job-${{ inputs.v }}",
    )
    text = calling(
        "concurrency: call-${{ github.ref_name }}\nwith: {v: w}", above="concurrency: whole"
    )
    ran = run(text, files={"x": callee}, enter_group=groups)
    assert ran.outcome == "success"
    assert groups.entered == [
        ("whole", "7/run"),
        ("call-main", "7/call"),
        ("inner-w", "7/call/"),
        ("job-w", "7/call/inner"),
    ]


@pytest.mark.covers("RWF-009")
@pytest.mark.parametrize(
    ("whole", "call", "inner", "job", "cancelled"),
    [
        ("g", "", "G", "", {"call"}),
        ("", "g", "g", "", {"call"}),
        ("g", "", "", "g", {"call", "call/inner"}),
        ("", "g", "", "g", {"call", "call/inner"}),
        ("", "", "g", "g", {"call", "call/inner"}),
        ("a", "b", "c", "d", set()),
    ],
)
def test_a_call_that_waits_for_its_own_caller_is_cancelled(
    whole: str, call: str, inner: str, job: str, cancelled: set[str]
) -> None:
    def said(name: str) -> str:
        return f"concurrency: {name}" if name else ""

    callee = called("echo", more=said(inner), job=said(job))
    text = calling(said(call), above=said(whole))
    ran = run(text, files={"x": callee}, enter_group=Groups())
    assert {job for job, outcome in ran.jobs.items() if outcome == "cancelled"} == cancelled
    reasons = [reason for reason in ran.reasons.values() if reason]
    assert len(reasons) == bool(cancelled)
    assert all("deadlock was detected for concurrency group: 'g'" in r.lower() for r in reasons)


@pytest.mark.covers("RWF-009")
def test_a_called_workflow_whose_turn_never_comes() -> None:
    @asynccontextmanager
    async def replaced(
        group: Group, ticket: str, cancellation: Cancellation
    ) -> AsyncIterator[bool]:
        cancellation.request("replaced")
        yield False

    callee = called("echo", more="concurrency: inner")
    ran = run(after(calling()), files={"x": callee}, enter_group=replaced)
    assert ran.jobs == {"call/inner": "skipped", "call": "cancelled", "after": "success"}
    assert ran.reasons["call/inner"] == "replaced"
    assert ran.outcome == "cancelled"


@pytest.mark.covers("RWF-009")
def test_a_group_without_an_answer_fails_the_call() -> None:
    callee = called("echo", more="concurrency: '${{ fromJSON(github.nope) }}'")
    ran = run(calling(), files={"x": callee})
    assert ran.jobs == {"call": "failure"}
    assert ran.reasons["call"].startswith("x.yml:3:")


# --- refused before the run -----------------------------------------------------------------------


@pytest.mark.covers("RWF-007")
def test_loops_are_found() -> None:
    back = "on: workflow_call\n" + calling(uses="./.github/workflows/x.yml")
    there = "on: workflow_call\n" + calling(uses="./.github/workflows/y.yml")
    (problem,) = calls.check(workflow(calling()), finder({"x": there, "y": back}))
    assert ".github/workflows/x.yml -> .github/workflows/y.yml" in problem.message


@pytest.mark.covers("RWF-007")
@pytest.mark.parametrize(("levels", "told"), [(9, 0), (10, 1)])
def test_ten_levels_are_allowed(levels: int, told: int) -> None:
    """The first workflow and nine that are called, one by the other."""
    files = {
        f"w{n}": "on: workflow_call\n" + calling(uses=f"./.github/workflows/w{n + 1}.yml")
        for n in range(1, levels)
    }
    files[f"w{levels}"] = called("echo")
    entry = calling(uses="./.github/workflows/w1.yml")
    assert len(calls.check(workflow(entry), finder(files))) == told
    if not told:
        deepest = "/".join(["call"] * levels)
        assert run(entry, files=files).jobs[f"{deepest}/inner"] == "success"


@pytest.mark.covers("RWF-005", "JOB-015")
def test_an_output_that_holds_a_secret_is_dropped() -> None:
    callee = called("echo", on="outputs: {t: {value: 'my ${{ github.token }}'}, v: {value: fine}}")
    ran = run(after(calling()), files={"x": callee}, facts={"token": "s3cr3t"})
    assert seen(ran) == "success fine"
    (warning,) = (event for event in ran.of(Log) if event.level == "warning")
    assert (warning.job, warning.message) == (
        "call",
        "Skip output 't' since it may contain secret.",
    )
    assert "s3cr3t" not in ran.text()


# --- machines ahead of time -----------------------------------------------------------------------


def test_machines_kept_for_others_do_not_hold_a_call_up() -> None:
    """All places are taken by jobs that wait for the call, whose own jobs could use one."""
    callee = """
    on: workflow_call
    jobs:
      a: {runs-on: x, steps: [{run: sleep 5}]}
      b: {needs: a, runs-on: x, steps: [{run: echo}]}
    """
    text = calling("needs: first") + "".join(
        f"  late{n}: {{needs: call, runs-on: x, steps: [{{run: echo}}]}}\n" for n in range(6)
    )
    text += "  first: {runs-on: x, steps: [{run: echo}]}\n"
    assert run(text, files={"x": callee}).outcome == "success"


@pytest.mark.parametrize(
    ("given", "condition", "begins"),
    [
        ("with: {v: a}", "", 10),
        ("strategy: {matrix: {v: [a, b]}}\nwith: {v: '${{ matrix.v }}'}", "", 10),
        ("secrets: {s: '${{ secrets.A }}'}", "", 10),
        ("if: always()", "", 10),
        ("with: {v: a}", "if: inputs.v == 'a'", 10),
        # what is known only when the job before it has ended
        ("with: {v: '${{ needs.first.result }}'}", "", 15),
        ("secrets: {s: '${{ needs.first.result }}'}", "", 15),
        ("if: needs.first.result == 'success'", "", 15),
    ],
)
def test_machines_of_a_call_that_waits_are_opened_ahead(
    given: str, condition: str, begins: float
) -> None:
    runner = SlowRunner(5)
    declared = "inputs: {v: {type: string}}\nsecrets: {s: {}}"
    callee = called("echo", on=declared, job=condition)
    text = calling(f"needs: first\n{given}") + ("  first: {runs-on: x, steps: [{run: sleep 5}]}\n")
    ran = run(text, files={"x": callee}, runner=runner)
    assert ran.outcome == "success"
    (key, *_) = (job for job in ran.jobs if job.endswith("/inner"))
    assert ran.when(JobStarted, key) == pytest.approx(begins, abs=0.1)


def test_machines_of_a_call_that_is_skipped_are_let_go() -> None:
    text = calling("needs: first") + "  first: {runs-on: x, steps: [{run: exit 1}]}\n"
    ran = run(text, files={"x": called("echo")}, runner=SlowRunner(5))
    assert ran.jobs == {"first": "failure", "call": "skipped"}
    assert len(ran.runner.closed) == len(ran.runner.opened)
