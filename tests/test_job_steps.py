"""The steps of one job: conditions, outcomes, environment, what they leave for each other."""

from __future__ import annotations

import pytest
from scripted import Ran, job, run

from engine.events import Annotation, StepStarted, Summary
from engine.machine import Command

WORKSPACE = "/home/runner/work/hello/hello"


def of_step(steps: str, **keys: str) -> Ran:
    return run(job(steps, **keys))


def last_command(steps: str, **keys: str) -> Command:
    return of_step(steps, **keys).commands()[-1]


# --- conditions -----------------------------------------------------------------------------------

RAN, LEFT_OUT = "success", "skipped"


@pytest.mark.covers("STEP-013", "STEP-014", "STEP-029")
@pytest.mark.parametrize(
    ("condition", "after_success", "after_failure"),
    [
        (None, RAN, LEFT_OUT),
        ("", RAN, LEFT_OUT),
        ("success()", RAN, LEFT_OUT),
        ("${{ success() }}", RAN, LEFT_OUT),
        ("failure()", LEFT_OUT, RAN),
        ("${{ failure() }}", LEFT_OUT, RAN),
        ("always()", RAN, RAN),
        ("ALWAYS()", RAN, RAN),
        ("cancelled()", LEFT_OUT, LEFT_OUT),
        ("'!cancelled()'", RAN, RAN),
        ("success() || failure()", RAN, RAN),
        ("true", RAN, LEFT_OUT),
        ("false", LEFT_OUT, LEFT_OUT),
        ("github.ref_name == 'main'", RAN, LEFT_OUT),
        ("${{ github.ref_name == 'main' }}", RAN, LEFT_OUT),
        ("github.ref_name == 'dev'", LEFT_OUT, LEFT_OUT),
        ("failure() && github.ref_name == 'main'", LEFT_OUT, RAN),
        ("github.ref_name == 'always()'", LEFT_OUT, LEFT_OUT),
        ("false && always()", LEFT_OUT, LEFT_OUT),
        ("github.ref_name == 'main' || always()", RAN, RAN),
        ("${{ github.ref_name }} == 'dev'", RAN, LEFT_OUT),
        ("steps.first.outcome == 'failure' && always()", LEFT_OUT, RAN),
        ("env.KEY == 'value'", RAN, LEFT_OUT),
        ("env.OWN == 'x'", RAN, LEFT_OUT),
    ],
)
def test_conditions(condition: str | None, after_success: str, after_failure: str) -> None:
    for code, expected in ((0, after_success), (1, after_failure)):
        written = "" if condition is None else f"  if: {condition}\n"
        ran = of_step(
            f"- id: first\n  run: exit {code}\n- run: echo hi\n{written}  env: {{OWN: x}}",
            env="{KEY: value}",
        )
        assert ran.conclusions()[1] == expected, condition
        assert ran.outcome == ("failure" if code else "success")


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        (None, "an earlier step failed"),
        ("github.ref_name == 'dev'", "`github.ref_name == 'dev'` is false: "),
        ("cancelled()", "`cancelled()` is false; an earlier step failed"),
    ],
)
def test_why_a_step_was_skipped(condition: str | None, reason: str) -> None:
    written = f"\n  if: {condition}" if condition else ""
    ran = of_step(f"- run: exit 1\n- run: echo{written}")
    assert ran.step(2).reason.startswith(reason)
    assert len(ran.of(StepStarted)) == 1


@pytest.mark.covers("STEP-013")
def test_the_skipped_say_the_values_that_decided() -> None:
    ran = of_step("- run: echo\n  if: github.ref_name == 'dev'")
    assert "github.ref_name is 'main'" in ran.step(1).reason


@pytest.mark.covers("STEP-015")
@pytest.mark.parametrize(
    ("key", "column"), [("if: fromJSON('{')", 13), ("env: {A: \"${{ fromJSON('{') }}\"}", 23)]
)
@pytest.mark.parametrize("tolerant", ["true", "false"])
def test_an_expression_without_an_answer_fails_the_step(
    key: str, column: int, tolerant: str
) -> None:
    ran = of_step(f"- run: echo hi\n  continue-on-error: {tolerant}\n  {key}\n- run: echo")
    assert ran.conclusions() == ["failure", "skipped"]
    assert ran.step(1).reason.startswith(f"ci.runwright.yml:7:{column}: Error parsing")
    assert ran.errors() == [ran.step(1).reason]
    assert ran.outcome == "failure" and not ran.commands()


@pytest.mark.covers("STEP-016")
@pytest.mark.parametrize(
    "key",
    [
        "run: ${{ fromJSON('{') }}",
        "working-directory: ${{ fromJSON('{') }}",
        "shell: perl",
    ],
)
def test_what_can_not_be_started_may_be_tolerated(key: str) -> None:
    run_ = "" if key.startswith("run") else "  run: echo hi\n"
    ran = of_step(f"- id: it\n{run_}  {key}\n  continue-on-error: true\n- run: echo")
    assert ran.outcomes() == ["failure", "success"]
    assert ran.conclusions() == ["success", "success"]
    assert len(ran.errors()) == 1 and ran.outcome == "success"


@pytest.mark.covers("STEP-018")
@pytest.mark.parametrize("value", ["fromJSON('{')", "github.ref_name"])
def test_a_time_that_can_not_be_told_is_said_and_is_no_limit(value: str) -> None:
    ran = of_step(f"- run: echo hi\n  timeout-minutes: ${{{{ {value} }}}}")
    assert ran.outcome == "success" and len(ran.commands()) == 1
    assert ran.errors()[0].startswith("ci.runwright.yml:6:")


# --- outcome and conclusion -----------------------------------------------------------------------


@pytest.mark.covers("STEP-016")
@pytest.mark.parametrize(
    ("written", "conclusion"),
    [
        ("true", "success"),
        ("false", "failure"),
        ("${{ matrix.x || github.ref_name == 'main' }}", "success"),
        ("${{ env.KEY == 'other' }}", "failure"),
        ("${{ steps.it.outcome == '' }}", "success"),
        ("${{ steps.it.outputs.a == '1' }}", "success"),  # what it set is there at once
        ("${{ env.SET == 'new' }}", "success"),
        ("${{ fromJSON(env.YES) }}", "success"),
        ("${{ env.YES }}", "failure"),  # a string is no boolean
        ("${{ fromJSON('{') }}", "failure"),
    ],
)
def test_continue_on_error(written: str, conclusion: str) -> None:
    ran = of_step(
        f"""
        - id: it
          run: |
            output a=1
            env SET=new
            exit 3
          continue-on-error: {written}
        - run: echo ${{{{ steps.it.outcome }}}} ${{{{ steps.it.conclusion }}}} ${{{{ job.status }}}}
          if: always()
        - run: echo ${{{{ steps.it.outputs.a }}}}
          if: always()
        """,
        env="{KEY: value, 'YES': 'true'}",
    )
    assert (ran.step(1).outcome, ran.step(1).conclusion) == ("failure", conclusion)
    assert ran.printed() == f"failure {conclusion} {conclusion}\n1\n"
    assert ran.step(1).exit_code == 3 and ran.outcome == conclusion


@pytest.mark.covers("STEP-022")
def test_the_exit_code_is_said() -> None:
    ran = of_step("- run: exit 42")
    assert ran.step(1).reason == "Process completed with exit code 42."
    assert ran.errors() == ["Process completed with exit code 42."]


@pytest.mark.covers("STEP-029")
def test_steps_after_a_failure_are_shown_as_skipped_and_have_no_outputs() -> None:
    ran = of_step(
        """
        - run: exit 1
        - id: later
          run: output a=1
        - run: echo [${{ steps.later.outcome }}] [${{ steps.later.outputs.a }}]
          if: always()
        """
    )
    assert ran.conclusions() == ["failure", "skipped", "success"]
    assert ran.printed() == "[skipped] []\n"


def test_a_step_that_has_not_run_has_neither_outputs_nor_outcome() -> None:
    ran = of_step(
        """
        - run: echo [${{ steps.later.outputs.a }}] [${{ steps.later.outcome }}]
        - id: later
          run: output a=1
        - run: echo [${{ steps.LATER.outputs.A }}] ${{ steps.later.attempts }}
        """
    )
    assert ran.printed() == "[] []\n[1] 1\n"


@pytest.mark.covers("STEP-018")
@pytest.mark.parametrize(
    ("written", "seconds", "minutes"),
    [("2", 120, "2"), ("0.5", 30, "0.5"), ("${{ fromJSON(env.LIMIT) }}", 240, "4")],
)
def test_a_step_that_takes_too_long(written: str, seconds: float, minutes: str) -> None:
    ran = of_step(
        f"""
        - name: Wait
          id: it
          run: |
            output a=1
            sleep 1000
          timeout-minutes: {written}
        - run: echo ${{{{ steps.it.outcome }}}} ${{{{ steps.it.outputs.a }}}}
          if: failure()
        """,
        env="{LIMIT: 4}",
    )
    message = f"The action 'Wait' has timed out after {minutes} minutes."
    assert (ran.step(1).outcome, ran.step(1).reason) == ("failure", message)
    assert ran.step(1).seconds == pytest.approx(seconds, abs=0.01)
    assert ran.errors() == [message]
    assert ran.printed() == "failure 1\n" and ran.outcome == "failure"


@pytest.mark.covers("STEP-018")
@pytest.mark.parametrize("written", ["0", "${{ env.NONE }}", "1000"])
def test_no_time_limit(written: str) -> None:
    assert of_step(f"- run: sleep 9000\n  timeout-minutes: {written}").outcome == "success"


@pytest.mark.covers("STEP-016", "STEP-018")
def test_a_timeout_may_be_tolerated() -> None:
    ran = of_step("- run: sleep 90\n  timeout-minutes: 1\n  continue-on-error: true")
    assert (ran.step(1).outcome, ran.step(1).conclusion) == ("failure", "success")


# --- environment ----------------------------------------------------------------------------------


@pytest.mark.covers("STEP-009")
@pytest.mark.parametrize(
    ("levels", "value"),
    [
        ("", ""),
        ("cli", "cli"),
        ("workflow cli", "workflow"),
        ("workflow job", "job"),
        ("workflow job file", "file"),
        ("workflow job file step", "step"),
        ("workflow step", "step"),
    ],
)
def test_the_nearest_env_wins(levels: str, value: str) -> None:
    def has(level: str) -> bool:
        return level in levels.split()

    text = job(
        f"- run: {'env A=file' if has('file') else 'echo'}\n- run: print-env A\n"
        + ("  env: {A: step}\n" if has("step") else "")
        + "- run: print-env A",
        **({"env": "{A: job}"} if has("job") else {}),
    )
    if has("workflow"):
        text = "env: {A: workflow}\n" + text
    ran = run(text, settings={"env": {"A": "cli"} if has("cli") else {}})
    first, second = ran.printed().split("\n")[-3:-1]
    assert first == value
    assert second == ("file" if has("file") else first if not has("step") else second)


@pytest.mark.covers("STEP-010")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GITHUB_REF_NAME", "main"),
        ("GITHUB_JOB", "test"),
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_WORKSPACE", WORKSPACE),
        ("RUNNER_OS", "Linux"),
        ("RUNNER_TEMP", "/home/runner/work/_temp"),
        ("CI", "mine"),
        ("GITHUB_TOKEN", "mine"),
        ("GITHUB_OTHER", "mine"),
    ],
)
@pytest.mark.parametrize("way", ["step", "job", "file"])
def test_what_can_not_be_overridden(name: str, value: str, way: str) -> None:
    entry = f"{{{name}: mine}}"
    ran = of_step(
        f"- run: {f'env {name}=mine' if way == 'file' else 'echo'}\n- run: print-env {name}"
        + (f"\n  env: {entry}" if way == "step" else ""),
        **({"env": entry} if way == "job" else {}),
    )
    assert ran.printed().splitlines()[-1] == value


def test_ci_is_true_where_nobody_says_otherwise() -> None:
    assert of_step("- run: print-env CI").printed() == "true\n"


def test_a_steps_own_env_does_not_see_itself() -> None:
    steps = "- run: print-env B\n  env: {A: own, B: '[${{ env.A }}]'}"
    assert of_step(steps, env="{A: job}").printed() == "[job]\n"


def test_the_env_context_is_the_nearest_too() -> None:
    steps = "- run: echo ${{ env.A }} ${{ env.a }}.\n  env: {A: own}"
    assert of_step(steps, env="{A: job}").printed() == "own .\n"


@pytest.mark.covers("STEP-009")
def test_the_event_shows_what_the_workflow_itself_sets() -> None:
    ran = of_step("- run: echo\n  env: {B: 2}", env="{A: 1}")
    assert ran.of(StepStarted)[0].env == {"A": "1", "B": "2"}


# --- command files --------------------------------------------------------------------------------


@pytest.mark.covers("CMD-001", "CMD-005")
@pytest.mark.parametrize("code", [0, 1])
def test_what_a_step_leaves_counts_even_if_it_failed(code: int) -> None:
    ran = of_step(
        f"""
        - id: it
          run: |
            output a=1
            env B=2
            path /x
            path /y
            print-env B
            summary # Title
            exit {code}
        - if: always()
          run: |
            print-env B
            echo ${{{{ steps.it.outputs.a }}}} ${{{{ env.B }}}}
            path /x
        - run: echo
          if: always()
        """
    )
    assert ran.printed() == "\n2\n1 2\n\n"
    assert [command.path for command in ran.commands()] == [(), ("/y", "/x"), ("/x", "/y")]
    assert [event.text for event in ran.of(Summary)] == ["# Title\n"]


@pytest.mark.covers("CMD-005")
def test_what_a_cancelled_step_left_counts_too() -> None:
    ran = run(
        job(
            """
            - id: it
              run: |
                output a=1
                sleep 100
            - run: echo [${{ steps.it.outputs.a }}]
              if: always()
            """
        ),
        cancel_at=10,
    )
    assert ran.printed() == "[1]\n"


@pytest.mark.covers("CMD-003", "CMD-005")
def test_a_malformed_file_fails_the_step() -> None:
    ran = of_step("- run: output nonsense\n- run: echo")
    message = "Unable to process file command 'output' successfully. Invalid format 'nonsense'"
    assert (ran.conclusions(), ran.errors()) == (["failure", "skipped"], [message])
    assert ran.step(1).reason == message


@pytest.mark.covers("CMD-009")
def test_a_refused_command_is_said_once() -> None:
    ran = of_step("- run: echo ::set-env name=A::1")
    assert ran.conclusions() == ["failure"]
    assert len(ran.errors()) == len(set(ran.errors())) == 2


@pytest.mark.covers("CMD-004")
def test_node_options_is_said_and_not_fatal() -> None:
    ran = of_step("- run: |\n    env NODE_OPTIONS=x\n    env A=1\n- run: echo ${{ toJSON(env) }}")
    assert ran.outcome == "success" and "NODE_OPTIONS" not in ran.printed()
    assert [a.level for a in ran.of(Annotation)] == ["error"]


@pytest.mark.covers("CMD-001")
def test_each_step_has_files_of_its_own() -> None:
    ran = of_step("- run: echo\n- run: echo")
    first, second = (set(command.files) for command in ran.commands())
    assert not first & second and len(first) == len(second) == 7


# --- names, shells, directories -------------------------------------------------------------------


@pytest.mark.covers("STEP-011", "STEP-012")
@pytest.mark.parametrize(
    ("step", "name"),
    [
        ("{run: echo hi}", "Run echo hi"),
        ('{run: "\\n  echo a\\necho b\\n"}', "Run echo a"),
        ("{run: 'echo ${{ github.ref_name }}'}", "Run echo main"),
        ("{name: Plain, run: echo}", "Plain"),
        ("{name: 'On ${{ github.ref_name }}', run: echo}", "On main"),
        ("{name: 'Got ${{ steps.first.outputs.a }}', run: echo}", "Got 1"),
        ("{name: 'Env ${{ env.OWN }}', run: echo, env: {OWN: x}}", "Env x"),
        ("{name: \"Bad ${{ fromJSON('{') }}\", run: echo}", "Bad ${{ fromJSON('{') }}"),
        ("{name: 'Not ${{ github.ref_name }}', run: echo, if: false}", "Not main"),
        ("{uses: actions/checkout@v4}", "Run actions/checkout@v4"),
    ],
)
def test_names(step: str, name: str) -> None:
    ran = of_step(f"- id: first\n  run: output a=1\n- {step}")
    assert ran.step(2).name == name
    assert name in [event.name for event in ran.of(StepStarted)] or "if: false" in step


@pytest.mark.parametrize(
    ("steps", "names"),
    [
        (["", "", ""], ["__run", "__run_2", "__run_3"]),
        (["id: own", "", ""], ["own", "__run", "__run_2"]),
        (["uses: actions/checkout@v4", "", ""], ["__run", "__run_2"]),
        (["if: false", "", ""], ["__run_2", "__run_3"]),
    ],
)
def test_generated_action_ids(steps: list[str], names: list[str]) -> None:
    def written(step: str) -> str:
        return f"- {step}" if "uses" in step else f"- run: echo ${{{{ github.action }}}}\n  {step}"

    ran = of_step("\n".join(written(step) for step in steps))
    assert ran.printed().split() == names
    assert [command.env["GITHUB_ACTION"] for command in ran.commands()] == names


@pytest.mark.covers("STEP-002", "STEP-003", "JOB-017")
@pytest.mark.parametrize(
    ("workflow", "of_job", "step", "shell"),
    [
        ("", "", "", "bash -e {0}"),
        ("sh", "", "", "sh -e {0}"),
        ("sh", "python", "", "python {0}"),
        ("sh", "python", "perl {0}", "perl {0}"),
        ("", "${{ matrix.s || 'bash' }}", "", "bash --noprofile --norc -e -o pipefail {0}"),
        ("${{ env.SH }}", "", "", "sh -e {0}"),
    ],
)
def test_the_nearest_shell_wins(workflow: str, of_job: str, step: str, shell: str) -> None:
    text = job(
        "- run: echo" + (f"\n  shell: {step}" if step else ""),
        env="{SH: sh}",
        **({"defaults": f'{{run: {{shell: "{of_job}"}}}}'} if of_job else {}),
    )
    if workflow and "env." in workflow:
        text = text.replace("    env:", f"    defaults: {{run: {{shell: '{workflow}'}}}}\n    env:")
    elif workflow:
        text = f"defaults: {{run: {{shell: '{workflow}'}}}}\n" + text
    assert run(text).of(StepStarted)[0].shell == shell


@pytest.mark.covers("STEP-004")
def test_a_job_container_has_sh() -> None:
    ran = of_step("- run: echo\n- run: echo\n  shell: bash", container="node:20")
    assert [event.shell.split()[0] for event in ran.of(StepStarted)] == ["sh", "bash"]
    assert ran.commands()[0].cwd == "/__w/hello/hello"


@pytest.mark.covers("STEP-008", "JOB-017")
@pytest.mark.parametrize(
    ("default", "step", "cwd"),
    [
        ("", "", WORKSPACE),
        ("", "src", f"{WORKSPACE}/src"),
        ("", "./src", f"{WORKSPACE}/./src"),
        ("", "/tmp", "/tmp"),
        ("", "${{ env.DIR }}/x", f"{WORKSPACE}/lib/x"),
        ("", "${{ github.workspace }}/a", f"{WORKSPACE}/a"),
        ("docs", "", f"{WORKSPACE}/docs"),
        ("docs", "src", f"{WORKSPACE}/src"),
    ],
)
def test_working_directories(default: str, step: str, cwd: str) -> None:
    found = last_command(
        "- run: echo" + (f"\n  working-directory: {step}" if step else ""),
        env="{DIR: lib}",
        **({"defaults": f"{{run: {{working-directory: {default}}}}}"} if default else {}),
    )
    assert found.cwd == cwd


@pytest.mark.covers("JOB-017")
def test_defaults_merge_key_by_key() -> None:
    text = "defaults: {run: {shell: sh, working-directory: a}}\n" + job(
        "- run: echo", defaults="{run: {working-directory: b}}"
    )
    ran = run(text)
    assert (ran.of(StepStarted)[0].shell, ran.commands()[0].cwd) == ("sh -e {0}", f"{WORKSPACE}/b")


def test_checkout_has_nothing_to_do() -> None:
    ran = of_step("- uses: actions/checkout@v4\n  id: it\n- run: echo ${{ steps.it.outcome }}")
    assert ran.printed() == "success\n" and len(ran.commands()) == 1
