"""Workflow commands in a running job: files of matchers, later steps, what fails a step."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType

import pytest
import trio
from scripted import FakeRunner, Ran, Reply, job, run

from engine.events import Annotation, Debug, Output, StepStarted
from engine.machine import Command, Log, MachineSpec
from runners.fake import FakeMachine

WORKSPACE = "/home/runner/work/hello/hello"
MATCHER = json.dumps({"problemMatcher": [{
    "owner": "tool",
    "pattern": [{"regexp": r"^(\S+):(\d+) (.*)$", "file": 1, "line": 2, "message": 3}],
}]})  # fmt: skip


def of_step(*lines: str, **more: object) -> Ran:
    return of_steps(list(lines), **more)


def of_steps(*steps: list[str], **more: object) -> Ran:
    """Steps of which each is some lines of the fake machine's language."""
    written = "\n".join(
        "- run: |\n" + "\n".join(f"    {line}" for line in lines) for lines in steps
    )
    return run(job(written), **more)


def told(ran: Ran) -> list[str]:
    """What was printed, and the annotations among it."""
    found = []
    for event in ran.events:
        if isinstance(event, Output):
            found += event.text.splitlines()
        elif isinstance(event, Annotation):
            found.append(f"{event.level} {event.file}:{event.line}: {event.message}")
    return found


# --- problem matchers -----------------------------------------------------------------------------


class Files(FakeRunner):
    """Its machines have these files and links; each takes its time to arrive."""

    def __init__(
        self,
        files: Mapping[str, str],
        links: Mapping[str, str] = MappingProxyType({}),
        seconds: float = 0,
    ) -> None:
        super().__init__(files=files)
        self.links = links
        self.seconds = seconds

    @asynccontextmanager
    async def open(self, spec: MachineSpec, log: Log) -> AsyncIterator[FakeMachine]:
        async with super().open(spec, log) as machine:
            get = machine.get

            async def slowly(path: str) -> bytes:
                await trio.sleep(self.seconds)
                return link(self.links[path]) if path in self.links else await get(path)

            machine.get = slowly  # type: ignore[method-assign]
            yield machine


def link(target: str) -> bytes:
    """The archive of a link, or of a folder where there is no target."""
    member = tarfile.TarInfo("x")
    member.type, member.linkname = tarfile.SYMTYPE if target else tarfile.DIRTYPE, target
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.addfile(member)
    return packed.getvalue()


@pytest.mark.covers("CMD-020")
@pytest.mark.parametrize(
    ("path", "named"),
    [
        (f"{WORKSPACE}/.github/m.json", ".github/m.json"),
        ("/opt/m.json", "/opt/m.json"),
    ],
)
def test_a_matcher_comes_from_a_file_of_the_machine(path: str, named: str) -> None:
    ran = of_step(
        "echo a:1 x", f"echo ::add-matcher::{named}", "echo a:1 x", runner=Files({path: MATCHER})
    )
    assert told(ran) == ["a:1 x", "error a:1: x"]
    assert ran.outcome == "success"


@pytest.mark.covers("CMD-020")
def test_it_stays_for_later_steps_until_it_is_removed() -> None:
    ran = of_steps(
        ["echo ::add-matcher::/m"],
        ["echo a:1 x"],
        ["echo ::remove-matcher owner=TOOL::", "echo a:1 x"],
        ["echo a:1 x"],
        runner=Files({"/m": MATCHER}),
    )
    assert told(ran) == ["error a:1: x", "a:1 x", "a:1 x"]


@pytest.mark.covers("CMD-020")
def test_it_is_read_while_the_step_goes_on() -> None:
    ran = of_step("echo ::add-matcher::/m", "echo a:1 x", "sleep 9", runner=Files({"/m": MATCHER}))
    assert ran.when(Annotation) == 0


@pytest.mark.covers("CMD-020")
@pytest.mark.parametrize(
    ("files", "links", "why"),
    [
        ({}, {}, "Could not find file '/m': There is no '/m' in the machine."),
        ({"/m": "{"}, {}, "It is not JSON: "),
        ({"/m": '{"problemMatcher": [{}]}'}, {}, "Owner must not be empty"),
        ({}, {"/m": "m"}, "'/m' is a link to a link, and so on."),
        ({}, {"/m": "n"}, "Could not find file '/n': "),
        ({}, {"/m": ""}, "'/m' is not a file."),
    ],
)
def test_a_file_that_is_no_use_fails_the_step(
    files: dict[str, str], links: dict[str, str], why: str
) -> None:
    ran = of_step("echo ::add-matcher::/m", "output a=1", runner=Files(files, links))
    assert ran.errors()[0] == "Unable to process command '::add-matcher::/m' successfully."
    assert ran.errors()[1].startswith(why) and len(ran.errors()) == 2
    assert ran.step(1).reason == ran.errors()[1] and ran.outcome == "failure"


def test_a_file_may_be_a_link() -> None:
    runner = Files({"/m": MATCHER}, {"/a": "b/c", "/b/c": "../m", "/b/../m": "/m"})
    ran = of_step("echo ::add-matcher::/a", "echo a:1 x", runner=runner)
    assert told(ran) == ["error a:1: x"]


def test_what_comes_meanwhile_is_held_back() -> None:
    lines = ["echo ::add-matcher::/m", "echo a:1 x", "sleep 2", "echo b"]
    ran = of_step(*lines, runner=Files({"/m": MATCHER}, seconds=5))
    assert told(ran) == ["error a:1: x", "b"]
    assert ran.when(Annotation) == ran.when(Output) == 5
    assert ran.step(1).seconds == 5


def test_a_file_that_does_not_come_is_given_up() -> None:
    ran = of_step("echo ::add-matcher::/m", "echo b", runner=Files({}, seconds=1000))
    assert ran.errors()[1] == "'/m' could not be read within 10 seconds."
    assert told(ran)[-1] == "b" and ran.step(1).seconds == 10


def test_a_cancelled_step_waits_for_no_file() -> None:
    lines = ["echo ::add-matcher::/m", "echo ::add-matcher::/n", "echo b", "sleep 100"]
    ran = of_step(*lines, runner=Files({}, seconds=5), cancel_at=1.0)
    assert ran.outcomes() == ["cancelled"]
    assert "The operation was canceled." in ran.errors() and told(ran)[-1] == "b"
    assert ran.step(1).seconds <= 5


@pytest.mark.covers("CMD-005")
def test_what_a_lost_machine_said_is_told() -> None:
    ran = of_step("echo a", "echo ::add-matcher::/m", "echo b", "lost")
    assert [line for line in told(ran) if len(line) == 1] == ["a", "b"]
    assert ran.outcome == "failure"


def test_a_line_with_a_problem_is_output_for_retry() -> None:
    text = job(
        "- run: |\n    echo ::add-matcher::/m\n    echo a:1 ECONNRESET\n    fail-times 1\n"
        "  retry: {attempts: 2, on: {output: [ECONNRESET]}}"
    )
    assert run(text, runner=Files({"/m": MATCHER})).step(1).attempts == 2


@pytest.mark.covers("CMD-020", "ACT-020")
def test_a_container_step_names_files_as_it_sees_them() -> None:
    wanted = {f"{WORKSPACE}/m.json": MATCHER}
    lines = ["echo ::add-matcher::/github/workspace/m.json", "echo /github/workspace/a:1 x"]
    text = job("- uses: docker://tool:1\n  with:\n    args: >-\n      "
               + " ".join(f'"{line}"' for line in lines))  # fmt: skip
    assert told(run(text, runner=Files(wanted))) == ["error a:1: x"]


# --- other commands -------------------------------------------------------------------------------


@pytest.mark.covers("CMD-008")
def test_deprecated_commands_still_work_and_are_told_of() -> None:
    ran = run(job(
        "- run: |\n    echo ::set-output name=a::1\n    echo ::set-output name=b::2\n  id: x\n"
        "- run: echo ${{ steps.x.outputs.a }}${{ steps.x.outputs.b }}"
    ))  # fmt: skip
    assert ran.printed() == "12\n"
    (warning,) = ran.of(Annotation)
    assert warning.level == "warning" and warning.step == 1
    assert warning.message.startswith("The `set-output` command is deprecated")


@pytest.mark.covers("CMD-009")
@pytest.mark.parametrize("where", ["step", "job"])
def test_insecure_commands_can_be_allowed_for_a_step_or_a_job(where: str) -> None:
    allowed = "{ACTIONS_ALLOW_UNSECURE_COMMANDS: 'TRUE'}"
    step = "- run: |\n    echo ::set-env name=A::b\n    echo ::add-path::/x\n"
    step += f"  env: {allowed}\n" if where == "step" else ""
    ran = run(job(f"{step}- run: print-env A", **({"env": allowed} if where == "job" else {})))
    assert ran.printed() == "b\n" and ran.commands()[1].path == ("/x",)
    assert ran.outcome == "success"


@pytest.mark.covers("CMD-016")
def test_a_stop_ends_with_its_step() -> None:
    ran = of_steps(["echo ::stop-commands::token1", "echo ::error::x"], ["echo ::error::y"])
    assert told(ran) == ["::stop-commands::token1", "::error::x", "error :0: y"]


@pytest.mark.covers("CMD-016")
def test_any_token_can_be_allowed() -> None:
    allowed = "{ACTIONS_ALLOW_UNSECURE_STOPCOMMAND_TOKENS: 'true'}"
    ran = run(job(f"- run: echo ::stop-commands::group\n  env: {allowed}"))
    assert ran.outcome == "success" and ran.printed() == "::stop-commands::group\n"


@pytest.mark.covers("CMD-012", "CMD-026")
@pytest.mark.parametrize("debug", [False, True])
def test_debug_messages_and_what_tells_a_step_of_them(debug: bool) -> None:
    text = job("- run: |\n    echo ::debug::why\n    print-env RUNNER_DEBUG\n"
               "- run: echo <${{ runner.debug }}>")  # fmt: skip
    ran = run(text, settings={"debug": debug})
    assert [event.message for event in ran.of(Debug)] == ["why"] * debug
    assert ran.printed() == ("1\n<1>\n" if debug else "\n<>\n")


@pytest.mark.covers("CMD-014")
def test_each_step_has_a_limit_of_its_own() -> None:
    ran = of_steps(["echo ::notice::x"] * 11, ["echo ::notice::y"])
    over = [event.over_limit for event in ran.of(Annotation)]
    assert over == [False] * 10 + [True, False]


@pytest.mark.covers("CMD-014")
def test_the_engines_own_errors_count_too() -> None:
    ran = of_step(*["echo ::error::x"] * 10, "exit 1")
    assert [event.over_limit for event in ran.of(Annotation)] == [False] * 10 + [True]


@pytest.mark.covers("CMD-014")
def test_the_steps_of_a_composite_share_the_limit_of_their_step() -> None:
    notices = "".join("\n      echo ::notice::x" for _ in range(6))
    inner = f"\n  - shell: sh\n    run: |{notices}"
    action = f"name: A\nruns:\n  using: composite\n  steps:{inner}{inner}\n"
    ran = run(job("- uses: ./a"), runner=Files({f"{WORKSPACE}/a/action.yml": action}))
    assert [event.over_limit for event in ran.of(Annotation)] == [False] * 10 + [True] * 2


@pytest.mark.covers("CMD-024")
def test_secrets_in_names_of_variables_are_hidden() -> None:
    ran = run(job("- run: echo\n  env: {hunter2: x}"), settings={"secrets": {"PW": "hunter2"}})
    assert ran.of(StepStarted)[0].env == {"***": "x"}


@pytest.mark.covers("CMD-023", "JOB-015")
def test_an_output_that_holds_an_encoded_secret_is_dropped() -> None:
    ran = run(
        job("- run: echo", outputs="{a: aHVudGVyMg==, b: 'x'}"),
        settings={"secrets": {"PW": "hunter2"}},
    )
    assert ran.outputs["test"] == {"b": "x"}


# --- declared artifacts ---------------------------------------------------------------------------

DIGITS = "0123456789abcdef" * 4


def answering(*answers: str) -> FakeRunner:
    """A machine whose files have these digests, or are not there."""

    def script(_: MachineSpec, command: Command) -> Reply | None:
        if "sha256sum" not in command.script:
            return None
        return Reply(output=("".join(f"{answer}\n" for answer in answers).encode(),))

    return FakeRunner(script)


@pytest.mark.covers("CMD-007")
def test_steps_see_what_earlier_ones_declared() -> None:
    image = f"r@sha256:{DIGITS}"
    ran = of_steps(
        [f"artifact {image}", "artifact dist/a.tgz", "artifact # nothing"],
        ["exit 0"],
        runner=answering(f"{DIGITS}  -"),
    )
    assert ran.printed() == "Captured 2 artifact subject(s) from this step (job total: 2).\n"
    first, _, second = ran.commands()
    place = first.env["GITHUB_ARTIFACTS_LIST"]
    assert place in first.files and place not in first.inputs
    place = second.env["GITHUB_ARTIFACTS_LIST"]
    assert place not in second.files
    assert json.loads(second.inputs[place])["subjects"] == [
        {"name": "a.tgz", "digest": f"sha256:{DIGITS}", "kind": "file"},
        {"name": "r", "digest": f"sha256:{DIGITS}", "kind": "oci"},
    ]


@pytest.mark.covers("CMD-007")
@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("missing", "does not exist; paths are relative to the workspace"),
        ("folder", "is a folder"),
        ("sh: sha256sum: not found", "can't be read, or not within 30 s"),
        ("", "can't be read, or not within 30 s"),
    ],
)
def test_a_file_that_is_not_there_fails_the_step(answer: str, why: str) -> None:
    ran = of_step("artifact a.tgz", runner=answering(answer))
    wanted = f"Unable to process file command 'artifacts' successfully. Line 1: 'a.tgz' {why}"
    assert ran.errors() == [wanted] and ran.step(1).reason == wanted


@pytest.mark.covers("CMD-007", "ACT-020")
def test_a_container_step_declares_files_as_it_sees_them() -> None:
    text = job("- uses: docker://tool:1\n  with: {args: '\"artifact /github/workspace/a.tgz\"'}\n")
    ran = run(text, runner=answering(f"{DIGITS}  -"))
    (asked,) = ran.commands()
    assert f"for f in {WORKSPACE}/a.tgz; do" in asked.script
    assert ran.outcome == "success"


@pytest.mark.covers("CMD-005", "CMD-007")
@pytest.mark.parametrize(("last", "cancel_at"), [("exit 1", None), ("sleep 100", 1.0)])
def test_what_a_failed_or_cancelled_step_declares_counts(
    last: str, cancel_at: float | None
) -> None:
    ran = run(
        job(f"- run: |\n    artifact a.tgz\n    {last}\n- run: exit 0\n  if: always()"),
        runner=answering(f"{DIGITS}  -"),
        cancel_at=cancel_at,
    )
    last_command = ran.commands()[-1]
    listing = last_command.inputs[last_command.env["GITHUB_ARTIFACTS_LIST"]]
    assert [subject["name"] for subject in json.loads(listing)["subjects"]] == ["a.tgz"]
