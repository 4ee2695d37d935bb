"""What every machine does, whichever runner made it."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trio
from msgspec.structs import replace

from engine.machine import (
    Command,
    ContainerCommand,
    ContainerError,
    Exit,
    Layout,
    Machine,
    MachineError,
    MachineSpec,
    Pull,
    Runner,
    Service,
)
from runners.docker import DockerRunner
from runners.host import HostRunner
from runners.namespace import NamespaceRunner
from runners.shell import session

LAYOUT = Layout("/home/runner/work/r/r", "/home/runner/work/_temp", "/opt/hostedtoolcache")
IMAGE = "runwright-test/debian:bookworm"
SH = ("sh", "-e", "{0}")
BASH = ("bash", "-e", "{0}")
PYTHON = ("python3", "{0}")
RUNNERS: dict[str, Callable[[], Runner]] = {
    "docker": DockerRunner,
    "namespace": NamespaceRunner,
    "host": HostRunner,
}
KINDS = [pytest.param("docker", marks=pytest.mark.docker), "namespace", "host"]
# `kill -9 -1` would not end at the job on the host.
CLOSED = KINDS[:2]


@dataclass
class Bench:
    """A machine, and what its commands said."""

    machine: Machine
    source: Path
    out: bytearray = field(default_factory=bytearray)

    @property
    def temp(self) -> str:
        return self.machine.facts.layout.temp

    def file(self, name: str) -> str:
        return f"{self.temp}/_runner_file_commands/{name}"

    async def run(self, script: str, shell: tuple[str, ...] = SH, **more: Any) -> Exit:
        self.out.clear()
        more.setdefault("cwd", self.machine.facts.layout.workspace)
        return await self.machine.exec(Command(script, shell, **more), self.out.extend)

    async def cancelled(self, script: str, shell: tuple[str, ...] = SH, **more: Any) -> Exit:
        """Run until it says "ready", then cancel it."""
        self.out.clear()
        more.setdefault("cwd", self.machine.facts.layout.workspace)
        with trio.CancelScope() as scope:

            def listen(data: bytes) -> None:
                self.out.extend(data)
                if b"ready" in self.out:
                    scope.cancel()

            return await self.machine.exec(Command(script, shell, **more), listen)
        raise AssertionError("a cancelled command must still return its exit")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    source = tmp_path / "repo"
    source.mkdir()
    (source / "file").write_text("content\n")
    return source


@pytest.fixture
async def bench(request: pytest.FixtureRequest, repository: Path) -> AsyncIterator[Bench]:
    spec = MachineSpec("test-machine", "job", LAYOUT, repository, image=IMAGE)
    async with RUNNERS[request.param]().open(spec, print) as machine:
        yield Bench(machine, repository)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


every = pytest.mark.parametrize("bench", KINDS, indirect=True)
closed = pytest.mark.parametrize("bench", CLOSED, indirect=True)


@every
async def test_output_is_one_ordered_stream(bench: Bench) -> None:
    script = "for i in 1 2 3 4 5 6 7 8 9; do echo out $i; echo err $i >&2; done"
    assert (await bench.run(script)).code == 0
    assert bench.out.decode() == "".join(f"out {i}\nerr {i}\n" for i in range(1, 10))


@every
@pytest.mark.parametrize("code", [0, 1, 2, 77, 127, 255])
async def test_exit_code(bench: Bench, code: int) -> None:
    assert (await bench.run(f"exit {code}")).code == code


@every
async def test_failing_line_ends_a_strict_shell(bench: Bench) -> None:
    assert (await bench.run("echo a\nfalse\necho b", BASH)).code == 1
    assert bench.out == b"a\n"


@pytest.mark.covers("STEP-001")
@every
async def test_any_program_is_a_shell(bench: Bench) -> None:
    exit = await bench.run("import sys; print(sys.argv[0]); sys.exit(4)", PYTHON, extension=".py")
    assert exit.code == 4
    assert bench.out.decode() == f"{bench.temp}/_runner_file_commands/step-1.py\n"


@every
async def test_missing_shell(bench: Bench) -> None:
    assert (await bench.run("true", ("no-such-shell", "{0}"))).code == 127
    assert b"no-such-shell" in bench.out


@every
async def test_stdin_is_at_its_end(bench: Bench) -> None:
    assert (await bench.run("cat; read x || echo closed")).code == 0
    assert bench.out == b"closed\n"


@every
async def test_partial_last_line(bench: Bench) -> None:
    await bench.run("printf 'no newline'")
    assert bench.out == b"no newline"


@every
async def test_binary_output_is_exact(bench: Bench) -> None:
    await bench.run("head -c 300000 /dev/urandom >blob; cat blob")
    content = bytes(bench.out)
    assert len(content) == 300000
    await bench.run("sha256sum <blob; rm blob")
    assert bench.out.split()[0].decode() == hashlib.sha256(content).hexdigest()


@every
async def test_output_that_resembles_the_marker(bench: Bench) -> None:
    await bench.run("printf '\\001\\001abc\\001'")
    assert bench.out == b"\1\1abc\1"


@every
async def test_background_child_keeps_neither_the_step_nor_dies_with_it(bench: Bench) -> None:
    go, gone = f"{bench.temp}/go", f"{bench.temp}/gone"
    wait = "do sleep 0.05; done"
    script = f"(while [ ! -e {go} ]; {wait}; echo late; touch {gone}; sleep 600) & echo $!"
    assert (await bench.run(script)).code == 0
    child = int(bench.out)
    script = f"touch {go}; while [ ! -e {gone} ]; {wait}; kill -0 {child} && echo alive"
    assert (await bench.run(script)).code == 0
    assert bench.out == b"late\nalive\n"


@pytest.mark.covers("STEP-021")
@every
async def test_orphan_is_reaped(bench: Bench) -> None:
    await bench.run(f"sh -c 'sleep 600 & echo $! >{bench.temp}/pid'")
    gone = "while kill -0 $p 2>/dev/null; do sleep 0.05; done"
    script = f"p=$(cat {bench.temp}/pid); kill $p; {gone}"
    with trio.fail_after(30):
        assert (await bench.run(script)).code == 0


@every
@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("kill -9 $$", 137),
        ("kill -TERM 0; sleep 600", 143),
        ("exec true", 0),
        ("exec 0<&- 1>&- 2>&-; exit 6", 6),
        ("exec >/dev/null; echo a; exit 3", 3),
        ("ulimit -c 0; kill -SEGV $$", 139),
    ],
)
async def test_odd_endings(bench: Bench, script: str, code: int) -> None:
    assert (await bench.run(script)).code == code
    assert (await bench.run("echo next")).code == 0
    assert bench.out == b"next\n"


@every
async def test_killed_session_shell_is_replaced(bench: Bench) -> None:
    path = bench.file("out")
    script = f"echo A=1 >{path}; kill -9 $PPID; sleep 600; echo survived"
    exit = await bench.run(script, files=(path,))
    assert exit == Exit(137, {path: b"A=1\n"})
    assert not bench.out
    assert (await bench.run("echo next; exit 5")).code == 5
    assert bench.out == b"next\n"


@closed
async def test_a_step_that_kills_everything(bench: Bench) -> None:
    for _ in range(3):
        assert (await bench.run("kill -9 -1; sleep 600")).code == 137
        assert (await bench.run("echo next; exit 5")).code == 5
        assert bench.out == b"next\n"
    exit = await bench.cancelled("trap 'exit 9' INT; echo ready; sleep 600 & wait")
    assert exit.code == 9


@every
async def test_only_three_descriptors(bench: Bench) -> None:
    script = "import os; print(sorted(os.listdir('/proc/self/fd'))[:4])"
    await bench.run(script, PYTHON)
    assert bench.out == b"['0', '1', '2', '3']\n"  # the last one is listdir's own


@every
async def test_missing_working_directory(bench: Bench) -> None:
    assert (await bench.run("echo never", cwd="/no/such/place")).code == 1
    assert bench.out == b"working directory '/no/such/place' does not exist\n"


VALUES = {
    "PLAIN": "x",
    "QUOTES": 'it\'s "so" `so` $HOME $(id) \\n',
    "LINES": "a\nb\n\nc\n",
    "UNICODE": "žluťoučký kůň 🐎",
    "EMPTY": "",
    "INPUT_NODE-VERSION": "20",
    "with space": "y",
    "dotted.name": "z",
    "UID": "12",
    "IFS": "q",
    "OPTIND": "abc",
    "BASH_ENV": "",
}


@every
async def test_environment_is_exact(bench: Bench) -> None:
    await bench.run("", ("env", "-0"), env=VALUES)
    seen = dict(entry.partition("=")[::2] for entry in bench.out.decode().split("\0"))
    assert {name: seen.get(name) for name in VALUES} == VALUES
    await bench.run("", ("env", "-0"))
    assert b"PLAIN" not in bench.out
    assert b"dotted.name" not in bench.out


@every
async def test_large_environment_and_script(bench: Bench) -> None:
    env = {f"NAME_{i}": "v" * 100 for i in range(200)}
    script = "# " + "x" * 1_000_000 + "'\necho $NAME_199"
    assert (await bench.run(script, env=env)).code == 0
    assert bench.out == b"v" * 100 + b"\n"


@every
async def test_a_variable_that_no_process_can_take(bench: Bench) -> None:
    assert (await bench.run("true", env={"BIG": "x" * 200_000})).code == 1
    assert b"'BIG' is 195 KiB" in bench.out
    assert (await bench.run("true", env={"NUL": "a\0b"})).code == 1
    assert b"'NUL'" in bench.out


@every
async def test_path_is_put_in_front(bench: Bench) -> None:
    tool = f"mkdir -p '{bench.temp}/it'\"'\"'s'; cd '{bench.temp}/it'\"'\"'s'; "
    await bench.run(tool + "printf '#!/bin/sh\\necho mine' >ls; chmod +x ls")
    await bench.run("ls; echo $PATH", path=(f"{bench.temp}/it's", "/second"))
    first, second = bench.out.decode().splitlines()
    assert first == "mine"
    assert second.startswith(f"{bench.temp}/it's:/second:/")
    await bench.run("echo $PATH", path=("/a",), env={"PATH": "/bin:/usr/bin"})
    assert bench.out == b"/a:/bin:/usr/bin\n"


@every
async def test_files_come_back(bench: Bench) -> None:
    names = ("big", "bare", "empty", "removed", "folder", "stale")
    big, bare, _, removed, folder, stale = files = tuple(map(bench.file, names))
    await bench.run(f"echo old >{stale}")
    script = (
        f"head -c 3000000 /dev/zero | tr '\\0' x >{big}; printf 'no newline' >{bare}; "
        f"rm {removed} {folder}; mkdir {folder}; cat {stale}"
    )
    exit = await bench.run(script, files=files)
    assert exit == Exit(0, {big: b"x" * 3_000_000, bare: b"no newline"})
    assert not bench.out
    assert (await bench.run(f"echo new >{folder}", files=files)).files == {folder: b"new\n"}


@every
async def test_removed_temp_directory_is_made_again(bench: Bench) -> None:
    path = bench.file("out")
    await bench.run(f"rm -rf {bench.temp}/* {bench.temp}")
    exit = await bench.run(f"echo a >{path}", files=(path,))
    assert exit == Exit(0, {path: b"a\n"})


@every
async def test_inputs_are_written_first(bench: Bench) -> None:
    path, kept = f"{bench.temp}/a/b/it's.json", bench.file("out")
    inputs = {path: "{'a':\n 1}", kept: "old"}
    exit = await bench.run(f'cat "{path}"; cat {kept}', inputs=inputs, files=(kept,))
    assert exit == Exit(0)
    assert bench.out.decode() == inputs[path]


@every
async def test_cancel_by_interrupt(bench: Bench) -> None:
    assert (await bench.cancelled("echo ready; exec sleep 600")).code == 130
    path = bench.file("out")
    script = f"trap 'echo caught; echo A=1 >{path}; exit 9' INT; echo ready; sleep 600 & wait"
    exit = await bench.cancelled(script, files=(path,))
    assert exit == Exit(9, {path: b"A=1\n"})
    assert bench.out == b"ready\ncaught\n"
    assert (await bench.run("echo alive")).code == 0
    assert bench.out == b"alive\n"


@every
async def test_cancel_climbs_the_ladder(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "LADDER", (("INT", 0.2), ("TERM", 0.2), ("KILL", 60.0)))
    polite = "trap '' INT; trap 'exit 8' TERM; echo ready; while :; do sleep 0.05; done"
    stubborn = "trap '' INT TERM; echo ready; while :; do sleep 0.05; done"
    assert (await bench.cancelled(polite)).code in (8, 137)
    assert (await bench.cancelled(stubborn)).code == 137
    assert (await bench.run("echo alive")).code == 0


@every
async def test_cancel_ends_the_children_too(bench: Bench) -> None:
    script = f"sleep 601 & echo $! >{bench.temp}/pid; echo ready; wait"
    await bench.cancelled(script)
    gone = f"while kill -0 $(cat {bench.temp}/pid) 2>/dev/null; do sleep 0.05; done"
    with trio.fail_after(30):
        assert (await bench.run(gone)).code == 0


@every
async def test_cancelled_before_it_began(bench: Bench) -> None:
    with trio.CancelScope() as scope:
        scope.cancel()
        await bench.run(f"touch {bench.temp}/ran")
    assert scope.cancelled_caught
    assert (await bench.run(f"test -e {bench.temp}/ran")).code == 1


@every
async def test_an_output_that_raises_is_not_swallowed(bench: Bench) -> None:
    def fail(data: bytes) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await bench.machine.exec(Command("echo a", SH, "/"), fail)


@every
async def test_files_in_and_out(bench: Bench) -> None:
    place = f"{bench.temp}/deep/er"
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        entry = tarfile.TarInfo("bin/tool")
        entry.mode, entry.size = 0o755, 21
        tar.addfile(entry, io.BytesIO(b"#!/bin/sh\necho works\n"))
    await bench.machine.put(place, made.getvalue())
    assert (await bench.run(f"{place}/bin/tool")).code == 0
    assert bench.out == b"works\n"
    with tarfile.open(fileobj=io.BytesIO(await bench.machine.get(f"{place}/bin"))) as tar:
        assert sorted(tar.getnames()) == ["bin", "bin/tool"]
        assert tar.getmember("bin/tool").mode & 0o777 == 0o755
    with pytest.raises(MachineError, match="nowhere"):
        await bench.machine.get("/nowhere")


@every
async def test_facts(bench: Bench) -> None:
    facts = bench.machine.facts
    assert facts.os == "Linux"
    assert facts.bash
    await bench.run("uname -m; cat file; ls -d $0", BASH, cwd=facts.layout.workspace)
    machine, content, script = bench.out.decode().splitlines()
    assert {"x86_64": "X64", "aarch64": "ARM64"}.get(machine, "?") in (facts.arch, "?")
    assert content == "content"
    assert script.startswith(facts.layout.temp)


@every
async def test_output_of_many_steps_stays_apart(bench: Bench) -> None:
    for number in range(40):
        assert (await bench.run(f"echo {number}; exit {number}")).code == number
        assert bench.out.decode() == f"{number}\n"


@pytest.mark.parametrize("kind", KINDS)
async def test_an_empty_workspace(kind: str) -> None:
    spec = MachineSpec("test-machine", "empty", LAYOUT, None, image=IMAGE)
    async with RUNNERS[kind]().open(spec, print) as machine:
        bench = Bench(machine, Path())
        assert (await bench.run("ls -A; pwd; echo >new")).code == 0
        assert bench.out.decode() == machine.facts.layout.workspace + "\n"


@pytest.mark.parametrize("kind", KINDS)
async def test_environment_of_the_spec(kind: str) -> None:
    env = {"FROM_SPEC": "it's\nhere"}
    spec = MachineSpec("test-machine", "env", LAYOUT, None, image=IMAGE, env=env)
    async with RUNNERS[kind]().open(spec, print) as machine:
        bench = Bench(machine, Path())
        await bench.run('printf %s "$FROM_SPEC"')
        assert bench.out == b"it's\nhere"


@pytest.mark.parametrize("kind", CLOSED)
async def test_the_repository_stays_as_it_is(kind: str, repository: Path) -> None:
    spec = MachineSpec("test-machine", "apart", LAYOUT, repository, image=IMAGE)
    for _ in range(2):
        async with RUNNERS[kind]().open(spec, print) as machine:
            bench = Bench(machine, repository)
            assert (await bench.run("echo more >>file; cat file; echo >new; ls")).code == 0
            assert bench.out == b"content\nmore\nfile\nnew\n"
    assert names(repository) == ["file"]
    assert (repository / "file").read_text() == "content\n"


@pytest.mark.parametrize("kind", CLOSED)
async def test_bind_reaches_the_repository(kind: str, repository: Path) -> None:
    spec = MachineSpec("test-machine", "bind", LAYOUT, repository, "bind", image=IMAGE)
    async with RUNNERS[kind]().open(spec, print) as machine:
        await Bench(machine, repository).run("echo more >>file")
    assert (repository / "file").read_text() == "content\nmore\n"


@pytest.mark.parametrize("kind", CLOSED)
async def test_copy_leaves_the_repository(kind: str, repository: Path) -> None:
    spec = MachineSpec("test-machine", "copy", LAYOUT, repository, "copy", image=IMAGE)
    async with RUNNERS[kind]().open(spec, print) as machine:
        bench = Bench(machine, repository)
        assert (await bench.run("echo more >>file; cat file")).code == 0
        assert bench.out == b"content\nmore\n"
    assert (repository / "file").read_text() == "content\n"


@pytest.mark.parametrize("kind", CLOSED)
@pytest.mark.parametrize("name", ["a b", "a:b", "a,b", "a'b", "a\\b", "a=b"])
async def test_any_name_of_a_repository(kind: str, tmp_path: Path, name: str) -> None:
    source = tmp_path / name
    source.mkdir()
    (source / "file").write_text("content\n")
    spec = MachineSpec("test-machine", "named", LAYOUT, source, image=IMAGE)
    async with RUNNERS[kind]().open(spec, print) as machine:
        bench = Bench(machine, source)
        assert (await bench.run("cat file; echo >new")).code == 0
        assert bench.out == b"content\n"
    assert not (source / "new").exists()


@pytest.mark.parametrize("kind", CLOSED)
async def test_git_trusts_the_workspace(kind: str, repository: Path) -> None:
    git = "git init -q . && git add . && git -c user.name=a -c user.email=a@b commit -qm a"
    spec = MachineSpec("test-machine", "git", LAYOUT, repository, image=IMAGE)
    async with RUNNERS[kind]().open(spec, print) as machine:
        bench = Bench(machine, repository)
        assert (await bench.run(git + " && chown -R 1234 . && git status --short")).code == 0
        assert not bench.out


@pytest.mark.parametrize("kind", KINDS)
async def test_actions_and_externals_are_lent(kind: str, repository: Path, tmp_path: Path) -> None:
    for name in ("one/dist", "two", "externals/node24/bin"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "run").write_text(f"#!/bin/sh\necho {name}\n")
        (tmp_path / name / "run").chmod(0o755)
    actions = {"a/one/v1": tmp_path / "one", "a/two/releases/v1": tmp_path / "two"}
    spec = MachineSpec(
        "test-machine",
        "lent",
        LAYOUT,
        repository,
        image=IMAGE,
        actions=actions,
        externals=tmp_path / "externals",
    )
    async with RUNNERS[kind]().open(spec, print) as machine:
        bench, layout = Bench(machine, repository), machine.facts.layout
        one, two = f"{layout.actions}/a/one/v1", f"{layout.actions}/a/two/releases/v1"
        await bench.run(f"{one}/dist/run; {two}/run; {layout.externals}/node24/bin/run; cat file")
        assert bench.out == b"one/dist\ntwo\nexternals/node24/bin\ncontent\n"
        if kind != "host":
            refused = f"echo >{one}/new || echo >{layout.externals}/new || echo refused"
            await bench.run(f"( {refused} ) 2>/dev/null")
            assert bench.out == b"refused\n"


@pytest.mark.parametrize("kind", ["namespace", "host"])
async def test_services_and_container_steps_need_docker(kind: str, repository: Path) -> None:
    spec = MachineSpec("test-machine", "bare", LAYOUT, repository)
    db = Service("db", "postgres")
    with pytest.raises(MachineError, match=r"services \(db\) need Docker"):
        async with RUNNERS[kind]().open(replace(spec, services=(db,)), print):
            pass
    async with RUNNERS[kind]().open(spec, print) as machine:
        with pytest.raises(ContainerError, match="need Docker"):
            await machine.provide(Pull("image"), print)
        with pytest.raises(ContainerError, match="need Docker"):
            await machine.contain(ContainerCommand("image"), print)
