"""No secret is ever in an event."""

from __future__ import annotations

import pytest
from scripted import Ran, job, run

from engine.events import (
    Annotation,
    GroupStarted,
    JobFinished,
    JobStarted,
    RunStarted,
    StepFinished,
    StepStarted,
    Summary,
)

SECRET = "hunter2"
SETTINGS = {
    "secrets": {"PW": SECRET, "LINES": "first-line\nsecond-line"},
    "variables": {"SAME": SECRET},
}


def hidden(text: str, **more: object) -> Ran:
    ran = run(text, settings=SETTINGS, **more)
    assert SECRET not in ran.text() and "***" in ran.text()
    return ran


@pytest.mark.covers("CMD-022", "CMD-024")
@pytest.mark.parametrize(
    "steps",
    [
        "- run: echo ${{ secrets.PW }}",
        "- run: print-env P\n  env: {P: '${{ secrets.PW }}'}",
        "- run: echo\n  env: {P: '${{ secrets.PW }}'}",
        "- {name: 'with ${{ secrets.PW }}', run: echo}",
        "- {name: 'with hunter2', run: echo}",
        "- {name: 'with hunter2', run: echo, if: false}",
        "- {name: 'with ${{ vars.SAME }}', run: echo, if: false}",
        "- run: echo\n  if: vars.SAME == 'x'",
        "- run: echo\n  continue-on-error: ${{ vars.SAME }}\n- run: exit 1\n"
        "  continue-on-error: ${{ vars.SAME }}",
        "- run: echo\n  timeout-minutes: ${{ vars.SAME }}",
        "- run: env P=hunter2\n- run: echo",
        "- run: output hunter2",
        "- run: output a=hunter2\n  id: x\n- run: echo ${{ steps.x.outputs.a }}",
        "- run: 'echo ::error title=hunter2,file=hunter2::hunter2'",
        "- run: 'echo ::warning::hunter2'",
        "- run: 'echo ::notice::hunter2'",
        "- run: 'echo ::group::hunter2'",
        "- run: 'echo ::set-output::hunter2'",
        "- run: summary about hunter2",
        "- run: lost about hunter2",
        "- run: echo\n  shell: hunter2 {0}",
        "- run: exit 1\n  name: hunter2\n  retry: 2",
        "- run: sleep 100\n  name: hunter2\n  timeout-minutes: 1",
    ],
)
def test_in_the_events_of_steps(steps: str) -> None:
    hidden(job(steps))


@pytest.mark.covers("CMD-024")
@pytest.mark.parametrize(
    "keys",
    [
        {"name": "job ${{ vars.SAME }}"},
        {"name": "job hunter2", "if": "false"},
        {"if": "vars.SAME == 'x'"},
        {"continue-on-error": "${{ vars.SAME }}"},
        {"strategy": "{matrix: {a: [hunter2]}}"},
        {"strategy": "{matrix: {a: [{b: [hunter2], hunter2: 1}]}}"},
        {"strategy": "{max-parallel: '${{ vars.SAME }}'}"},
        {"env": "{A: '${{ secrets.PW }}'}"},
        {"outputs": "{a: 'x ${{ secrets.PW }}', b: '***'}"},
    ],
)
def test_in_the_events_of_jobs(keys: dict[str, str]) -> None:
    hidden(job("- run: echo", **keys))


@pytest.mark.covers("CMD-024")
def test_in_the_title_of_the_run() -> None:
    ran = hidden("run-name: about ${{ vars.SAME }}\n" + job("- run: echo"))
    assert ran.of(RunStarted)[0].title == "about ***"


def test_what_is_masked_while_a_job_runs() -> None:
    lost = run(job("- run: 'echo ::add-mask::late-secret'\n- run: lost late-secret"))
    assert lost.reasons == {"test": "***"}
    text = job(
        "- run: 'echo ::add-mask::late-secret'\n- {name: late-secret, run: echo late-secret}\n"
        "- run: echo late-secret\n  if: false",
        outputs="{a: 'late-secret'}",
    )
    ran = run(text)
    shown = [*ran.of(StepStarted)[1:], *ran.of(StepFinished)[1:], *ran.of(JobFinished)]
    assert "late-secret" not in repr(shown) and ran.printed() == "***\n"


def test_each_line_of_a_secret_is_one() -> None:
    ran = run(job("- run: echo a first-line\n- run: echo b second-line"), settings=SETTINGS)
    assert ran.printed() == "a ***\nb ***\n"


def test_the_token() -> None:
    ran = run(
        job(
            "- run: echo ${{ github.token }} ${{ secrets.GITHUB_TOKEN }}\n"
            "- run: print-env GITHUB_TOKEN\n"
            "- run: print-env GITHUB_TOKEN\n  env: {GITHUB_TOKEN: '${{ secrets.GITHUB_TOKEN }}'}"
        ),
        facts={"token": "ghs_abc"},
    )
    assert ran.printed() == "*** ***\n\n***\n"
    assert "ghs_abc" not in ran.text()
    assert ran.commands()[2].env["GITHUB_TOKEN"] == "ghs_abc"


def test_masks_change_what_is_shown_and_nothing_else() -> None:
    ran = hidden(
        job("- run: env P=hunter2\n- run: echo ${{ env.P }}\n  name: hunter2", name="hunter2")
    )
    assert ran.commands()[1].env["P"] == SECRET
    assert ran.of(JobStarted)[0].name == "***" and ran.step(2).name == "***"


@pytest.mark.parametrize("kind", [Annotation, GroupStarted, Summary])
def test_the_text_around_a_secret_stays(kind: type) -> None:
    ran = hidden(
        job(
            "- run: |\n    echo ::error::a hunter2 b\n    echo ::group::a hunter2 b\n"
            "    summary a hunter2 b"
        )
    )
    assert "a *** b" in repr(ran.of(kind))
