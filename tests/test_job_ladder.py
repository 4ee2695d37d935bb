"""The five rungs a step goes down, each by itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
import trio

from engine.events import Event, Outcome
from engine.job.conditional import conditional
from engine.job.executed import Work, executed
from engine.job.files import CommandFiles, effects, fresh
from engine.job.result import Effects, StepResult, ended
from engine.job.retried import retried
from engine.job.shells import ShellError, choose
from engine.job.timed import timed
from engine.job.tolerated import tolerated
from engine.machine import Command, Layout, MachineSpec
from engine.masks import Masks
from engine.retry import Retry, RetryOn
from engine.transcript import Transcript
from runners.fake import FakeMachine, FakeRunner

SUCCESS, FAILURE, CANCELLED, SKIPPED = (
    Outcome.SUCCESS,
    Outcome.FAILURE,
    Outcome.CANCELLED,
    Outcome.SKIPPED,
)
Step = Callable[[], Awaitable[StepResult]]


def gives(*results: StepResult) -> Step:
    """A rung below that answers with one result after the other."""
    left = list(results)

    async def inner() -> StepResult:
        await trio.lowlevel.checkpoint()
        return left.pop(0)

    return inner


def answers(value: Any) -> Callable[[], Awaitable[Any]]:
    async def ask() -> Any:
        await trio.lowlevel.checkpoint()
        return value

    return ask


# --- conditional ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("holds", "outcome", "reason"), [(True, SUCCESS, ""), (False, SKIPPED, "because")]
)
async def test_conditional(holds: bool, outcome: Outcome, reason: str) -> None:
    result = await conditional(answers(holds), lambda: "because", gives(ended(SUCCESS)))
    assert (result.outcome, result.conclusion, result.reason) == (outcome, outcome, reason)


# --- tolerated ------------------------------------------------------------------------------------


@pytest.mark.covers("STEP-016", "STEP-017")
@pytest.mark.parametrize(
    ("outcome", "allowed", "conclusion"),
    [
        (SUCCESS, True, SUCCESS),
        (SUCCESS, False, SUCCESS),
        (FAILURE, True, SUCCESS),
        (FAILURE, False, FAILURE),
        (CANCELLED, True, CANCELLED),
        (CANCELLED, False, CANCELLED),
        (SKIPPED, True, SKIPPED),
    ],
)
async def test_tolerated(outcome: Outcome, allowed: bool, conclusion: Outcome) -> None:
    asked: list[StepResult] = []

    async def may_fail(result: StepResult) -> bool:
        asked.append(result)
        return allowed

    inner = ended(outcome)
    result = await tolerated(may_fail, gives(inner))
    assert (result.outcome, result.conclusion) == (outcome, conclusion)
    assert asked == ([inner] if outcome is FAILURE else [])


# --- timed ----------------------------------------------------------------------------------------


async def sleeper(seconds: float, result: StepResult) -> StepResult:
    """As a machine does: a cancelled command answers, and says that it was cancelled."""
    try:
        await trio.sleep(seconds)
    except trio.Cancelled:
        return StepResult(CANCELLED, CANCELLED, exit_code=130, effects=Effects({"kept": "yes"}))
    return result


@pytest.mark.covers("STEP-018")
@pytest.mark.parametrize(
    ("limit", "takes", "outcome"),
    [
        (None, 10**6, SUCCESS),
        (0, 10**6, SUCCESS),
        (60, 59, SUCCESS),
        (60, 61, FAILURE),
        (0.5, 1, FAILURE),
    ],
)
async def test_timed(
    autojump_clock: Any, limit: float | None, takes: float, outcome: Outcome
) -> None:
    result = await timed(limit, "too long", lambda: sleeper(takes, ended(SUCCESS)))
    late = outcome is FAILURE
    assert (result.outcome, result.conclusion) == (outcome, outcome)
    assert (result.timed_out, result.reason) == (late, "too long" if late else "")
    assert trio.current_time() == pytest.approx(limit if late else takes, abs=0.01)


async def test_what_a_step_wrote_before_its_time_was_over_counts(autojump_clock: Any) -> None:
    result = await timed(5, "too long", lambda: sleeper(9, ended(SUCCESS)))
    assert result.effects.outputs == {"kept": "yes"} and result.exit_code == 130


async def test_timed_is_not_to_blame_for_a_cancel_from_outside(autojump_clock: Any) -> None:
    with trio.move_on_after(1):
        result = await timed(5, "too long", lambda: sleeper(9, ended(SUCCESS)))
    assert (result.outcome, result.timed_out) == (CANCELLED, False)


# --- retried --------------------------------------------------------------------------------------

FAILED = ended(FAILURE, "no")


@pytest.mark.parametrize(
    ("attempts", "results", "outcome", "tried"),
    [
        (None, [FAILED], FAILURE, 1),
        (1, [FAILED], FAILURE, 1),
        (3, [ended(SUCCESS)], SUCCESS, 1),
        (3, [FAILED, ended(SUCCESS)], SUCCESS, 2),
        (3, [FAILED, FAILED, FAILED], FAILURE, 3),
        (3, [FAILED, ended(CANCELLED)], CANCELLED, 2),
        (3, [ended(CANCELLED)], CANCELLED, 1),
    ],
)
async def test_retried(
    attempts: int | None, results: list[StepResult], outcome: Outcome, tried: int
) -> None:
    told: list[int] = []
    result = await retried(
        Retry(attempts) if attempts else None,
        lambda attempt, *_: told.append(attempt),
        gives(*results),
    )
    assert (result.outcome, result.attempts) == (outcome, tried)
    assert told == list(range(1, tried))


@pytest.mark.parametrize(
    ("on", "code", "printed", "again"),
    [
        (None, 1, "", True),
        (RetryOn(), 1, "", False),
        (RetryOn(exit_codes=(75, 137)), 75, "", True),
        (RetryOn(exit_codes=(75, 137)), 1, "", False),
        (RetryOn(timeout=True), 1, "", False),
    ],
)
async def test_retried_only_on(on: RetryOn | None, code: int, printed: str, again: bool) -> None:
    failed = StepResult(FAILURE, FAILURE, exit_code=code, printed=printed)
    result = await retried(Retry(2, on=on), lambda *_: None, gives(failed, ended(SUCCESS)))
    assert result.outcome is (SUCCESS if again else FAILURE)


async def test_a_cancelled_wait_keeps_what_the_last_attempt_left(autojump_clock: Any) -> None:
    failed = StepResult(FAILURE, FAILURE, exit_code=4, effects=Effects({"a": "1"}))
    with trio.move_on_after(10):
        result = await retried(Retry(3, delay=60), lambda *_: None, gives(failed))
    assert (result.outcome, result.exit_code, result.attempts) == (CANCELLED, 4, 1)
    assert result.effects.outputs == {"a": "1"} and trio.current_time() == 10


# --- executed -------------------------------------------------------------------------------------

LAYOUT = Layout("/w/r/r", "/w/_temp", "/tools")


def command(text: str, files: CommandFiles) -> Command:
    shell = choose("", in_container=False, has_bash=True)
    paths = tuple(files.paths.values())
    return Command(text, shell.argv, "/w/r/r", env=files.variables, files=paths)


async def execute(text: str, *, keep: bool = False) -> tuple[StepResult, list[Event], FakeRunner]:
    runner = FakeRunner()
    machine = FakeMachine(MachineSpec("7", "j", LAYOUT), runner)
    told: list[Event] = []
    files, transcript = fresh(LAYOUT.commands), Transcript("j", 1, Masks(["hunter2"]))
    work = Work(partial(machine.exec, command(text, files)), files, "/w/r/r")
    result = await executed(work, transcript, machine, told.append, keep=keep)
    return result, told, runner


@pytest.mark.covers("STEP-022")
@pytest.mark.parametrize("code", [1, 2, 127, 255])
async def test_executed_says_the_exit_code(code: int) -> None:
    result, _, _ = await execute(f"exit {code}")
    assert (result.outcome, result.exit_code) == (FAILURE, code)
    assert result.reason == f"Process completed with exit code {code}."


@pytest.mark.covers("CMD-001", "CMD-005")
@pytest.mark.parametrize("code", [0, 1])
async def test_executed_reads_what_was_left(code: int) -> None:
    text = f"output a=1\nenv B=2\npath /x\nsummary # S hunter2\nexit {code}"
    effects = (await execute(text))[0].effects
    assert (effects.outputs, effects.env, effects.path) == ({"a": "1"}, {"B": "2"}, ("/x",))
    assert effects.summary == "# S ***\n"


@pytest.mark.covers("CMD-001")
async def test_executed_prefers_files_to_commands() -> None:
    text = "echo ::set-output name=a::printed\necho ::set-output name=b::2\noutput a=written"
    assert (await execute(text))[0].effects.outputs == {"a": "written", "b": "2"}


@pytest.mark.parametrize(("kept", "printed"), [(True, "a\nb\n"), (False, "")])
async def test_executed_keeps_the_output_only_if_asked(kept: bool, printed: str) -> None:
    result, events, _ = await execute("echo a\necho b", keep=kept)
    assert result.printed == printed and len(events) == 2


# --- command files --------------------------------------------------------------------------------

FILES = CommandFiles({name: f"/{name}" for name in ("env", "output", "path", "step_summary")})


def left(**contents: str) -> Effects:
    written = {f"/{name}": text.encode() for name, text in contents.items()}
    return effects(FILES, written, Masks(["hunter2"]))


@pytest.mark.covers("CMD-004")
@pytest.mark.parametrize("name", ["NODE_OPTIONS", "node_options"])
def test_node_options_is_refused_and_the_rest_counts(name: str) -> None:
    found = left(env=f"A=1\n{name}=--inspect\nB=2\n")
    assert found.env == {"A": "1", "B": "2"} and not found.errors
    assert found.complaints == (
        "Can't store NODE_OPTIONS output parameter using '$GITHUB_ENV' command.",
    )


@pytest.mark.covers("CMD-003")
@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("env", "nonsense\n", "Invalid format 'nonsense'"),
        ("output", "a<<E\nx\n", "Invalid value. Matching delimiter not found 'E'"),
        ("output", "=x\n", "A name must not be empty."),
    ],
)
def test_a_malformed_file_counts_up_to_its_mistake(file: str, text: str, message: str) -> None:
    found = left(**{file: f"ok=1\n{text}late=2\n"})
    assert len(found.errors) == 1 and {**found.env, **found.outputs} == {"ok": "1"}
    assert found.errors[0].startswith(f"Unable to process file command '{file}' successfully.")
    assert found.errors[0].endswith(message)


@pytest.mark.covers("CMD-001")
def test_names_of_outputs_ignore_case() -> None:
    assert left(output="a=1\nB=2\nA=3\nb=4\n").outputs == {"a": "3", "B": "4"}


@pytest.mark.covers("CMD-006")
@pytest.mark.parametrize(("size", "kept"), [(1024 * 1024, True), (1024 * 1024 + 1, False)])
def test_a_summary_has_at_most_a_mebibyte(size: int, kept: bool) -> None:
    found = left(step_summary="x" * size)
    assert bool(found.summary) is kept and not found.errors
    assert len(found.complaints) == (not kept)
    if not kept:
        assert found.complaints[0].startswith(
            "$GITHUB_STEP_SUMMARY upload aborted, supports content up to a size of 1024k, got 1024k"
        )


# --- shells ---------------------------------------------------------------------------------------


@pytest.mark.covers("CTR-004")
@pytest.mark.covers("STEP-002", "STEP-003", "STEP-004", "STEP-005", "STEP-006")
@pytest.mark.parametrize(
    ("named", "in_container", "has_bash", "shown", "extension"),
    [
        ("", False, True, "bash -e {0}", ".sh"),
        ("", False, False, "sh -e {0}", ".sh"),
        ("", True, True, "sh -e {0}", ".sh"),
        ("bash", False, True, "bash --noprofile --norc -e -o pipefail {0}", ".sh"),
        ("bash", True, True, "bash --noprofile --norc -e -o pipefail {0}", ".sh"),
        ("sh", False, True, "sh -e {0}", ".sh"),
        ("python", False, True, "python {0}", ".py"),
        ("pwsh", False, True, "pwsh -command . '{0}'", ".ps1"),
        ("perl {0}", False, True, "perl {0}", ""),
        ("bash -l -x {0}", True, False, "bash -l -x {0}", ""),
    ],
)
def test_shells(named: str, in_container: bool, has_bash: bool, shown: str, extension: str) -> None:
    shell = choose(named, in_container=in_container, has_bash=has_bash)
    assert (shell.shown, shell.extension) == (shown, extension)


@pytest.mark.covers("STEP-007")
def test_pwsh_scripts_stop_at_errors_and_keep_the_exit_code() -> None:
    text = choose("pwsh", in_container=False, has_bash=True).script("Get-Date")
    assert text.startswith("$ErrorActionPreference = 'stop'\nGet-Date")
    assert text.rstrip().endswith("{ exit $LASTEXITCODE }")


@pytest.mark.covers("STEP-005", "STEP-006")
@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("perl", "Invalid shell option. Shell must be a valid built-in"),
        ("cmd", "Windows only"),
        ("powershell", "Windows only"),
        ("perl '{0}", "can't be split"),
    ],
)
def test_shells_that_are_refused(named: str, message: str) -> None:
    with pytest.raises(ShellError, match=message):
        choose(named, in_container=False, has_bash=True)
