"""What the steps of actions see, in which order their phases run, and what they leave."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest
from scripted import FakeRunner, Ran, job, run

from engine import events
from engine.machine import Build, Pull

WORKSPACE = "/home/runner/work/hello/hello"


def composite(steps: str, more: str = "") -> str:
    steps = textwrap.indent(textwrap.dedent(steps).strip("\n"), "    ")
    return f"name: A\n{textwrap.dedent(more)}\nruns:\n  using: composite\n  steps:\n{steps}\n"


def acting(steps: str, files: dict[str, str], settings: Any = None, **keys: str) -> Ran:
    """A job in whose workspace these files are."""
    there = {f"{WORKSPACE}/{name}": text for name, text in files.items()}
    return run(job(steps, **keys), runner=FakeRunner(files=there), settings=settings or {})


def of(inner: str, more: str = "", after: str = "", use: str = "", **keys: str) -> Ran:
    """A job that uses a composite action of these steps."""
    steps = f"- uses: ./a\n  id: it\n{textwrap.indent(textwrap.dedent(use), '  ')}{after}"
    return acting(steps, {"a/action.yml": composite(inner, more)}, **keys)


INPUTS = "inputs: {who: {default: world}, n: {default: '${{ 1 == 1 }}'}}\n"


# --- composite actions ----------------------------------------------------------------------------


@pytest.mark.covers("ACT-006", "ACT-013")
@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ("", "world true string"),
        ("with: {who: you}\n", "you true string"),
        ("with: {WHO: you, n: 5}\n", "you 5 string"),
        ("with: {who: ''}\n", " true string"),
        ("with: {who: '${{ github.ref_name }}'}\n", "main true string"),
    ],
)
def test_inputs(given: str, seen: str) -> None:
    kind = "${{ inputs.n == true && 'boolean' || 'string' }}"
    ran = of(
        f'- {{run: "echo ${{{{ inputs.who }}}} ${{{{ inputs.n }}}} {kind}", shell: sh}}',
        INPUTS,
        use=given,
    )
    assert ran.outcome == "success", ran.errors()
    assert ran.printed() == f"{seen}\n"


@pytest.mark.covers("ACT-013")
def test_inputs_are_not_in_the_environment_of_scripts() -> None:
    ran = of("- {run: print-env INPUT_WHO, shell: sh}", INPUTS)
    assert ran.printed() == "\n"


@pytest.mark.covers("ACT-013")
def test_outputs_and_a_scope_of_their_own() -> None:
    ran = of(
        """
        - {run: output o=1, id: s, shell: sh}
        - shell: sh
          run: echo ${{ steps.outer.outputs.o || 'private' }} ${{ steps.s.outputs.o }}
        """,
        "outputs: {out: {value: 'v${{ steps.s.outputs.o }}'}}",
        after="- run: echo ${{ steps.it.outputs.out }} ${{ steps.s.outputs.o || 'none' }}\n",
    )
    assert ran.printed() == "private 1\nv1 none\n"


@pytest.mark.covers("ACT-013")
def test_environment_reaches_in_and_out() -> None:
    ran = of(
        """
        - {run: "print-env JOB\\nprint-env STEP\\nenv LATER=yes\\npath /added", shell: sh}
        - {run: "print-env LATER\\necho ${{ env.STEP }}", shell: sh, env: {STEP: own}}
        """,
        use="env: {STEP: outer}\n",
        after='- run: "print-env LATER\\nprint-env STEP"\n',
        env="{JOB: j}",
    )
    assert ran.printed().split("\n") == ["j", "outer", "yes", "own", "yes", "", ""]
    assert ran.commands()[-1].path == ("/added",)


@pytest.mark.covers("ACT-017")
def test_what_github_says_of_the_action() -> None:
    ran = of(
        '- {run: "print-env GITHUB_ACTION_PATH\\necho ${{ github.action }}", shell: sh}',
        after="- run: echo [${{ github.action_path }}] ${{ github.action }}\n",
    )
    assert ran.printed() == f"{WORKSPACE}/a\n__run\n[] __run\n"


@pytest.mark.covers("ACT-014")
@pytest.mark.parametrize(
    ("second", "conclusions", "outcome"),
    [
        ("run: echo", ["failure", "skipped", "failure"], "failure"),
        ("if: always()\n  run: echo", ["failure", "success", "failure"], "failure"),
        ("if: failure()\n  run: echo", ["failure", "success", "failure"], "failure"),
        ("if: github.action_status == 'failure' && always()\n  run: echo",
         ["failure", "success", "failure"], "failure"),
    ],
)  # fmt: skip
def test_a_failing_step_inside(second: str, conclusions: list[str], outcome: str) -> None:
    ran = of(f"- run: exit 2\n  shell: sh\n- {second}\n  shell: sh")
    assert ran.conclusions() == conclusions
    assert ran.outcome == outcome
    assert ran.finished()[-1].exit_code == 2
    assert ran.errors() == ["Process completed with exit code 2."]


@pytest.mark.parametrize(("pattern", "attempts"), [("flaky", 3), ("other", 1)])
def test_a_composite_is_tried_again_for_what_a_step_in_it_prints(
    pattern: str, attempts: int
) -> None:
    inner = "- {run: echo flaky, shell: sh}\n- {run: exit 2, shell: sh}"
    ran = of(inner, use=f"retry: {{attempts: 3, on: {{output: [{pattern}]}}}}\n")
    assert ran.finished()[-1].attempts == attempts
    assert ran.printed() == "flaky\n" * attempts


@pytest.mark.covers("ACT-014")
def test_a_condition_without_an_answer_ends_the_composite() -> None:
    ran = of(
        """
        - {if: "fromJSON('{')", run: echo never, shell: sh}
        - {if: always(), run: echo never, shell: sh}
        """
    )
    assert ran.conclusions() == ["failure", "failure"] and ran.outcome == "failure"
    assert not ran.commands()


@pytest.mark.covers("ACT-014")
def test_a_step_inside_that_may_fail() -> None:
    ran = of("- {run: exit 2, shell: sh, continue-on-error: true}\n- {run: echo, shell: sh}")
    assert ran.conclusions() == ["success", "success", "success"] and ran.outcome == "success"


@pytest.mark.covers("ACT-014")
def test_a_composite_after_a_failure_begins_anew() -> None:
    ran = acting(
        "- run: exit 1\n- uses: ./a\n  if: always()",
        {"a/action.yml": composite("- {run: echo inside, shell: sh}")},
    )
    assert ran.printed() == "inside\n"
    assert ran.outcome == "failure"


def test_events_say_how_deep_they_are() -> None:
    ran = of("- {run: echo, shell: sh, name: Inner}")
    told = [(event.name, event.step, event.depth) for event in ran.of(events.StepStarted)]
    assert told == [("Run ./a", 1, 0), ("Inner", 1, 1)]


def test_defaults_are_not_for_composites() -> None:
    ran = of(
        "- {run: echo, shell: sh}", defaults="{run: {working-directory: elsewhere, shell: bash}}"
    )
    assert ran.commands()[0].cwd == WORKSPACE


def test_a_timeout_ends_the_whole_composite() -> None:
    ran = of("- {run: sleep 500, shell: sh}\n- {run: echo, shell: sh}", use="timeout-minutes: 1\n")
    assert ran.finished()[-1].reason == "The action 'Run ./a' has timed out after 1 minutes."
    assert ran.outcome == "failure" and ran.when(events.StepFinished) == 60


def test_a_cancel_goes_to_the_step_that_runs() -> None:
    there = {
        f"{WORKSPACE}/a/action.yml": composite(
            "- {run: sleep 500, shell: sh}\n- {run: echo cleaned, shell: sh, if: always()}"
        )
    }
    ran = run(job("- uses: ./a"), runner=FakeRunner(files=there), cancel_at=5)
    assert ran.printed() == "cleaned\n"
    assert ran.outcome == "cancelled"
    assert str(ran.finished()[-1].outcome) == "cancelled"


def test_retry_runs_the_whole_action_again() -> None:
    ran = of('- {run: "fail-times 2", shell: sh}', use="retry: 3\n", after="- run: echo done\n")
    assert ran.outcome == "success" and ran.finished()[-2].attempts == 3


@pytest.mark.covers("ACT-015")
def test_nine_levels() -> None:
    steps = [f"- uses: ./a{n + 1}" for n in range(1, 9)] + ["- {run: echo deep, shell: sh}"]
    files = {f"a{n}/action.yml": composite(step) for n, step in enumerate(steps, 1)}
    ran = acting("- uses: ./a1", files)
    assert ran.printed() == "deep\n" and max(e.depth for e in ran.finished()) == 9


# --- JavaScript actions ---------------------------------------------------------------------------

NODE = """
name: N
inputs: {my-in: {default: d}, two words: {default: w}, old: {deprecationMessage: use my-in}}
runs: {using: node20, main: dist/main.js, post: dist/post.js, pre: dist/pre.js}
"""


@pytest.mark.covers("ACT-007", "ACT-010", "ACT-011", "ACT-012")
def test_a_local_javascript_action() -> None:
    ran = acting("- uses: ./n\n- run: echo", {"n/action.yml": NODE})
    main, _, post = ran.commands()
    assert main.shell == ("node", f"{WORKSPACE}/n/dist/main.js")
    assert post.shell == ("node", f"{WORKSPACE}/n/dist/post.js")
    assert (main.env["INPUT_MY-IN"], main.env["INPUT_TWO_WORDS"]) == ("d", "w")
    assert post.env["INPUT_MY-IN"] == "d" and main.cwd == WORKSPACE
    assert [event.message for event in ran.of(events.Annotation)] == [
        "`pre` execution is not supported for local action from 'N'"
    ]
    assert [event.phase for event in ran.finished()] == ["main", "main", "post"]


@pytest.mark.covers("ACT-008", "ACT-009")
def test_inputs_it_does_not_have_and_inputs_of_old() -> None:
    ran = acting("- uses: ./n\n  with: {x: 1, old: 2}", {"n/action.yml": NODE})
    said = [event.message for event in ran.of(events.Annotation)]
    assert said[0] == "Unexpected input(s) 'x', valid inputs are ['my-in', 'two words', 'old']"
    assert said[1] == "Input 'old' has been deprecated with message: use my-in"
    assert ran.commands()[0].env["INPUT_X"] == "1" and ran.outcome == "success"


@pytest.mark.covers("ACT-011")
@pytest.mark.parametrize(
    ("condition", "fails", "posts"),
    [
        ("", False, 1),
        ("", True, 1),
        ("post-if: success(), ", True, 0),
        ("post-if: failure(), ", True, 1),
        ("post-if: failure(), ", False, 0),
    ],
)
def test_post_if(condition: str, fails: bool, posts: int) -> None:
    manifest = NODE.replace("post: dist", f"{condition}post: dist")
    ran = acting(f"- uses: ./n\n- run: exit {int(fails)}", {"n/action.yml": manifest})
    ran_posts = [e for e in ran.finished() if e.phase == "post" and str(e.outcome) == "success"]
    assert len(ran_posts) == posts


# --- container steps ------------------------------------------------------------------------------

DOCKER = """
name: D
inputs: {text: {default: t}}
runs:
  using: docker
  image: Dockerfile
  args: [echo inside, '${{ inputs.text }}', '']
  env: {OWN: '${{ inputs.text }}', CI: no}
  post-entrypoint: /post
"""


@pytest.mark.covers("ACT-018", "ACT-019", "ACT-020", "ACT-021")
def test_a_docker_action() -> None:
    files = {"d/action.yml": DOCKER, "d/Dockerfile": "FROM x"}
    ran = acting("- uses: ./d\n  with: {args: ignored, text: x}", files)
    (_, main), (_, post) = ran.runner.contained
    assert isinstance(ran.runner.provided[0], Build)
    assert ran.runner.provided[0].dockerfile == "Dockerfile"
    assert main.args == ("echo inside", "x", "") and post.entrypoint == "/post"
    env = main.env
    assert (env["OWN"], env["CI"], env["INPUT_TEXT"], env["HOME"]) == (
        "x",
        "true",
        "x",
        "/github/home",
    )
    assert env["GITHUB_WORKSPACE"] == "/github/workspace"
    assert env["RUNNER_TEMP"] == "/github/runner_temp"
    assert env["GITHUB_OUTPUT"].startswith("/github/file_commands/set_output_")
    assert env["GITHUB_OUTPUT"] in main.files
    assert env["GITHUB_EVENT_PATH"] in main.inputs
    assert ran.printed() == "inside\n" * 2  # the arguments are for all phases


@pytest.mark.covers("ACT-004")
def test_an_image_as_a_step() -> None:
    ran = acting(
        "- uses: docker://alpine:3\n  with: {entrypoint: /bin/x, args: \"a 'b c'\", my-in: 1}", {}
    )
    [(_, command)] = ran.runner.contained
    assert ran.runner.provided == [Pull("alpine:3")]
    assert (command.image, command.entrypoint) == ("alpine:3", "/bin/x")
    assert command.args == ("a", "b c") and command.env["INPUT_MY-IN"] == "1"
    assert not ran.of(events.Annotation)


def test_an_image_that_can_not_be_had() -> None:
    runner = FakeRunner(refuse={"gone": "Image 'gone' cannot be pulled: no."})
    ran = run(
        job("- uses: docker://gone\n  continue-on-error: true\n- run: echo on"), runner=runner
    )
    assert ran.outcome == "success" and ran.printed() == "on\n"
    assert ran.errors() == ["Image 'gone' cannot be pulled: no."]


# --- finding --------------------------------------------------------------------------------------


@pytest.mark.covers("ACT-022")
@pytest.mark.parametrize(
    ("files", "runs"),
    [
        (("action.yml", "action.yaml", "Dockerfile"), "action.yml"),
        (("action.yaml", "Dockerfile"), "action.yaml"),
        (("Dockerfile",), "Dockerfile"),
        (("dockerfile",), "dockerfile"),
    ],
)
def test_the_order_of_manifests(files: tuple[str, ...], runs: str) -> None:
    texts = {f"a/{name}": composite(f"- {{run: echo {name}, shell: sh}}") for name in files}
    ran = acting("- uses: ./a", texts)
    said = ran.printed() or getattr(ran.runner.provided[0], "dockerfile", "")
    assert said.strip() == runs


@pytest.mark.covers("ACT-003")
@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "Can't find 'action.yml', 'action.yaml' or 'Dockerfile' under"),
        ({"a/action.yml": "name: x\n"}, "./a/action.yml:1:1: an action needs `runs`"),
        ({"a/action.yml": ": {["}, "./a/action.yml:1:"),
    ],
)
def test_what_a_user_reads_of_a_bad_action(files: dict[str, str], reason: str) -> None:
    ran = acting("- uses: ./a", files)
    assert ran.outcome == "failure" and ran.step(1).reason.startswith(reason)


@pytest.mark.covers("ACT-024")
def test_checkout_has_outputs() -> None:
    ran = acting(
        "- uses: actions/checkout@v4\n  id: c\n- run: echo ${{ steps.c.outputs.ref }} ok", {}
    )
    assert ran.printed() == "refs/heads/main ok\n"


@pytest.mark.covers("ACT-024")
@pytest.mark.parametrize(
    ("ref", "warnings"),
    [
        ("", 0),
        ("${{ github.ref }}", 0),
        ("main", 0),
        ("${{ github.sha }}", 0),
        ("${{ github.head_ref || github.ref_name }}", 0),
        ("${{ github.event.pull_request.head.sha }}", 0),
        ("v1", 1),
        ("${{ 'other' }}", 1),
    ],
)
def test_a_checkout_of_another_commit_is_said(ref: str, warnings: int) -> None:
    ran = acting(f'- uses: actions/checkout@v4\n  with: {{ref: "{ref}"}}', {})
    assert ran.outcome == "success"
    told = [note.message for note in ran.of(events.Annotation) if note.level == "warning"]
    assert len(told) == warnings
    assert all(text.startswith("The job sees the files that are checked out") for text in told)
