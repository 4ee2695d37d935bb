"""Container steps and Docker actions: containers beside the job's, with the job's directories."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from daemon import BUSYBOX, DEBIAN, context, docker, forget, left, repository, run, spec
from msgspec.structs import replace

from engine.machine import (
    STEP_COMMANDS,
    Build,
    ContainerCommand,
    ContainerError,
    Exit,
    Machine,
    MachineSpec,
    Pull,
)
from runners.docker import DockerRunner, builds, steps, workspace

__all__ = ["repository", "spec"]

pytestmark = docker


@pytest.fixture
def spec_of_steps(spec: MachineSpec) -> MachineSpec:
    return replace(spec, contains=True)


async def contained(
    machine: Machine, script: str, image: str = DEBIAN, **more: Any
) -> tuple[Exit, str]:
    """Run a script as a container step; how it ended, and what it said."""
    out = bytearray()
    more.setdefault("entrypoint", "sh")
    more.setdefault("args", ("-ec", script))
    exit_ = await machine.contain(ContainerCommand(image, **more), out.extend)
    return exit_, out.decode()


MODES = [("overlay", tier) for tier in workspace.TIERS] + [("bind", "overlay"), ("copy", "overlay")]


@pytest.mark.covers("ACT-004", "ACT-018", "ACT-020")
@pytest.mark.parametrize(("mode", "tier"), MODES)
async def test_a_step_shares_the_directories_of_its_job(
    spec_of_steps: MachineSpec, mode: Any, tier: Any
) -> None:
    spec = replace(spec_of_steps, workspace_mode=mode)
    runner = DockerRunner((tier,))
    async with runner.open(spec, print) as machine:
        temp = spec.layout.temp
        _, out = await run(machine, f"echo job >from-job; echo job >{temp}/from-job; cat file")
        assert out == "content\n"
        script = (
            "pwd; cat file from-job /github/runner_temp/from-job; echo $HOME; "
            "echo step >from-step; echo step >/github/runner_temp/from-step; echo kept >~/kept; "
            "ls -d /github/workflow /github/file_commands /var/run/docker.sock"
        )
        exit_, out = await contained(machine, script)
        assert exit_ == Exit(0)
        assert out.splitlines() == [
            *("/github/workspace", "content", "job", "job", "/github/home"),
            *("/github/file_commands", "/github/workflow", "/var/run/docker.sock"),
        ]
        assert (await run(machine, f"cat from-step {temp}/from-step"))[1] == "step\nstep\n"
        assert (await contained(machine, "cat ~/kept"))[1] == "kept\n"
    await runner.settle()
    assert not left(spec.run_id)
    assert spec.source
    assert (spec.source / "from-step").exists() == (mode == "bind")


async def test_an_empty_workspace_is_shared_too(spec_of_steps: MachineSpec) -> None:
    async with DockerRunner().open(replace(spec_of_steps, source=None), print) as machine:
        await run(machine, "echo job >from-job")
        assert (await contained(machine, "ls -A"))[1] == "from-job\n"


@pytest.mark.covers("ACT-018", "CMD-001")
async def test_entry_point_arguments_environment_and_files(spec_of_steps: MachineSpec) -> None:
    output, env = f"{STEP_COMMANDS}/set_output_1", f"{STEP_COMMANDS}/set_env_1"
    event = "/github/workflow/event.json"
    script = 'printf "[%s]" "$@"; echo; cat $EVENT; echo; echo "$A"; '
    script += "[ ! -s $OUT ]; echo a=1 >>$OUT; exit 7"
    async with DockerRunner().open(spec_of_steps, print) as machine:
        given: dict[str, Any] = {
            "args": ("-ec", script, "name", "two words", "", "it's"),
            "env": {"A": "x\ny", "OUT": output, "EVENT": event, "INPUT_WHO-TO": "z"},
            "files": (output, env),
            "inputs": {event: '{"it\'s": 1}'},
        }
        for _ in range(2):
            exit_, out = await contained(machine, "", **given)
            assert exit_ == Exit(7, {output: b"a=1\n"})
            assert out == "[two words][][it's]\n{\"it's\": 1}\nx\ny\n"


async def test_the_images_own_entry_point_and_command(spec_of_steps: MachineSpec) -> None:
    dockerfile = b'FROM runwright-test/busybox\nENTRYPOINT ["echo", "entry"]\nCMD ["command"]\n'
    async with DockerRunner().open(spec_of_steps, print) as machine:
        image = await machine.provide(Build("./it", context({"Dockerfile": dockerfile})), print)
        try:
            own: dict[str, Any] = {"entrypoint": "", "args": ()}
            assert (await contained(machine, "", image, **own))[1] == "entry command\n"
            own["args"] = ("given",)
            assert (await contained(machine, "", image, **own))[1] == "entry given\n"
        finally:
            forget(image)


@pytest.mark.parametrize("user", ["", "--user 1000:1000"])
async def test_images_with_a_user_of_their_own(spec_of_steps: MachineSpec, user: str) -> None:
    """In the job's container or in the step's."""
    output = f"{STEP_COMMANDS}/set_output_1"
    spec = replace(spec_of_steps, options=user)
    async with DockerRunner().open(spec, print) as machine:
        script = f"id -u; echo a=1 >>{output}; echo x >/github/runner_temp/x; echo y >~/y; cat ~/y"
        exit_, out = await contained(machine, script, BUSYBOX, files=(output,))
        assert (exit_, out) == (Exit(0, {output: b"a=1\n"}), "1000\ny\n")
        assert (await run(machine, f"cat {spec.layout.temp}/x; id -u"))[1].startswith("x\n")


async def test_in_a_job_container(spec_of_steps: MachineSpec) -> None:
    layout = replace(
        spec_of_steps.layout, workspace="/__w/r/r", temp="/__w/_temp", home="/github/home"
    )
    spec = replace(spec_of_steps, layout=layout, localhost=False)
    async with DockerRunner().open(spec, print) as machine:
        script = "echo home >~/file; echo e >/github/workflow/event.json; echo w >here"
        await run(machine, f"HOME=/github/home; {script}", cwd="/__w/r/r")
        shown = "cat ~/file /github/workflow/event.json here"
        assert (await contained(machine, shown))[1] == "home\ne\nw\n"


@pytest.mark.covers("STEP-020")
async def test_a_cancelled_step(
    spec_of_steps: MachineSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = f"{STEP_COMMANDS}/set_output_1"
    polite = (
        f"trap 'echo a=1 >{output}; echo bye; exit 9' INT; echo ready; while :; do sleep 0.1; done"
    )
    stubborn = "trap '' INT TERM; echo ready; while :; do sleep 0.1; done"
    monkeypatch.setattr(steps, "LADDER", (("INT", 7.5), ("TERM", 0.2), ("KILL", 30.0)))
    async with DockerRunner().open(spec_of_steps, print) as machine:
        exit_, out = await cancelled(machine, polite, files=(output,))
        assert (exit_, out) == (Exit(9, {output: b"a=1\n"}), "ready\nbye\n")
        monkeypatch.setattr(steps, "LADDER", (("INT", 0.2), ("TERM", 0.2), ("KILL", 30.0)))
        assert (await cancelled(machine, stubborn))[0].code == 137
        assert (await contained(machine, "echo alive"))[1] == "alive\n"
        assert (await run(machine, "echo alive"))[1] == "alive\n"


async def cancelled(machine: Machine, script: str, **more: Any) -> tuple[Exit, str]:
    """Run a step until it says "ready", then cancel it."""
    out = bytearray()
    with trio.CancelScope() as scope:

        def listen(data: bytes) -> None:
            out.extend(data)
            if b"ready" in out:
                scope.cancel()

        command = ContainerCommand(DEBIAN, "sh", ("-ec", script), **more)
        return await machine.contain(command, listen), out.decode()
    raise AssertionError("a cancelled step must still return its exit")


@pytest.mark.parametrize("after", [0, 0.003, 0.02, 0.05, 0.1, 0.2, 0.4])
async def test_cancelled_at_any_moment(spec_of_steps: MachineSpec, after: float) -> None:
    """It has not begun, or tells its exit; the machine stays as it is."""
    output = f"{STEP_COMMANDS}/set_output_1"
    runner = DockerRunner()
    async with runner.open(spec_of_steps, print) as machine:
        exit_ = None
        with trio.move_on_after(after) as scope:
            command = ContainerCommand(BUSYBOX, "sh", ("-c", "trap exit INT; sleep 600 & wait"))
            exit_ = await machine.contain(replace(command, files=(output,)), print)
        assert scope.cancelled_caught == (exit_ is None)
        assert (await contained(machine, "echo alive"))[1] == "alive\n"
    await runner.settle()
    assert not left(spec_of_steps.run_id)


async def test_several_at_once_beside_commands(spec_of_steps: MachineSpec) -> None:
    async with DockerRunner().open(spec_of_steps, print) as machine:
        said: dict[str, str] = {}
        waits = "while [ ! -e a ] || [ ! -e b ] || [ ! -e c ]; do sleep 0.05; done; echo"

        async def step(name: str) -> None:
            said[name] = (await contained(machine, f"touch {name}; {waits} {name}"))[1]

        async def command(name: str) -> None:
            said[name] = (await run(machine, f"touch {name}; {waits} {name}"))[1]

        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(step, "a")
                nursery.start_soon(step, "b")
                nursery.start_soon(command, "c")
    assert said == {name: f"{name}\n" for name in "abc"}


async def test_a_step_is_gone_when_it_is_over(spec_of_steps: MachineSpec) -> None:
    runner = DockerRunner()
    async with runner.open(spec_of_steps, print) as machine:
        before = left(spec_of_steps.run_id)
        await contained(machine, "exit 1")
        await runner.settle()
        assert left(spec_of_steps.run_id) == before


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"entrypoint": "no-such-program"}, "no-such-program"),
        ({"image": "runwright-test/no-such"}, "No such image"),
    ],
)
async def test_a_step_that_cannot_start(
    spec_of_steps: MachineSpec, given: dict[str, Any], message: str
) -> None:
    async with DockerRunner().open(spec_of_steps, print) as machine:
        with pytest.raises(ContainerError, match=f"can't be started: .*{message}"):
            await contained(machine, "true", **given)
        assert (await contained(machine, "echo alive"))[1] == "alive\n"


async def test_a_machine_that_was_not_made_for_steps(spec: MachineSpec) -> None:
    async with DockerRunner().open(spec, print) as machine:
        with pytest.raises(ContainerError, match="not made"):
            await contained(machine, "true")


# Images of steps


CLASSIC = b"FROM runwright-test/debian:bookworm\nCOPY . /it\nRUN echo built; cat /it/data\n"
MODERN = CLASSIC + b"RUN --mount=type=cache,target=/cache echo cached >/cache/x\n"


@pytest.mark.covers("ACT-018")
@pytest.mark.parametrize("dockerfile", [CLASSIC, MODERN], ids=["classic", "buildkit"])
async def test_an_image_is_built_once_for_its_content(
    spec_of_steps: MachineSpec, dockerfile: bytes
) -> None:
    files = {"sub/Dockerfile": dockerfile, "data": spec_of_steps.run_id.encode() + b"\n"}
    wanted = Build("./action", context(files), "sub/Dockerfile")
    later = replace(wanted, context=context(files, when=1000))
    changed = replace(wanted, context=context({**files, "data": b"other\n"}))
    async with DockerRunner().open(spec_of_steps, print) as machine:
        lines: list[str] = []
        images: set[str] = set()

        async def provide() -> None:
            images.add(await machine.provide(wanted, lines.append))

        try:
            async with trio.open_nursery() as nursery:  # at once, and yet once
                nursery.start_soon(provide)
                nursery.start_soon(provide)
            assert lines[0] == "Building the image of ./action"
            assert lines[-1] == "Built the image of ./action"
            assert lines.count(lines[0]) == 1
            assert spec_of_steps.run_id in lines
            (image,) = images
            assert image.startswith("runwright-action:")
            lines.clear()
            assert await machine.provide(later, lines.append) == image
            assert lines == []
            images.add(other := await machine.provide(changed, lines.append))
            assert other != image
            out = (await contained(machine, "cat /it/data", image))[1]
            assert out == spec_of_steps.run_id + "\n"
        finally:
            for name in images:
                forget(name)


@pytest.mark.parametrize("dockerfile", [CLASSIC, MODERN], ids=["classic", "buildkit"])
async def test_a_build_that_fails(spec_of_steps: MachineSpec, dockerfile: bytes) -> None:
    files = {"Dockerfile": dockerfile + b"RUN echo about to fail; exit 3\n", "data": b"1\n"}
    async with DockerRunner().open(spec_of_steps, print) as machine:
        with pytest.raises(ContainerError) as raised:
            await machine.provide(Build("./action", context(files)), print)
        said = str(raised.value)
        assert said.startswith("The image of ./action can't be built: ")
        assert "exit 3" in said.partition("Try it alone")[0] or "code: 3" in said
        assert "docker build -f Dockerfile" in said
        assert "\n  about to fail" in said


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"Dockerfile": b"FRM x\n"}, "(?i)unknown instruction: FRM"),
        ({"other": b""}, "(?i)dockerfile"),
        ({"Dockerfile": b"FROM 127.0.0.1:1/nothing\n"}, "127.0.0.1:1"),
    ],
)
async def test_a_build_that_is_wrong(
    spec_of_steps: MachineSpec, files: dict[str, bytes], message: str
) -> None:
    async with DockerRunner().open(spec_of_steps, print) as machine:
        with pytest.raises(ContainerError, match=message):
            await machine.provide(Build("./action", context(files)), print)


async def test_an_image_that_is_there_or_not(spec_of_steps: MachineSpec) -> None:
    async with DockerRunner().open(spec_of_steps, print) as machine:
        assert await machine.provide(Pull(BUSYBOX), print) == BUSYBOX
        with pytest.raises(ContainerError, match=r"127\.0\.0\.1:1/nothing' cannot be"):
            await machine.provide(Pull("127.0.0.1:1/nothing"), print)


def test_what_needs_the_newer_builder() -> None:
    needs = builds._MODERN.search
    for line in (
        b"RUN --mount=type=cache,target=/c true",
        b"# syntax=docker/dockerfile:1",
        b"  copy --link a b",
        b"COPY --from=x --chmod=755 a b",
        b"RUN <<EOF",
        b"ARG TARGETARCH",
    ):
        assert needs(b"FROM a\n" + line + b"\n"), line
    for line in (b"RUN cat <x", b"COPY --from=a b c", b"RUN tar --mount-x", b"RUN echo $((1<<3))"):
        assert not needs(b"FROM a\n" + line + b"\n"), line


def test_which_images_a_dockerfile_begins_from() -> None:
    text = (
        b"ARG X=1\nFROM a/b:1 AS one\n from --platform=linux/amd64 c as Two\nFROM one\n"
        b"FROM two\nFROM scratch\nFROM $X\nFROM d@sha256:0\nFROM a/b:1\nRUN echo from e\n"
    )
    assert builds.bases(text) == ["a/b:1", "c", "d@sha256:0"]
