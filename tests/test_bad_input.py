"""Bad input has a clear answer and no traceback: the place, what is wrong, and what to do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_cli import (
    DEBIAN,
    GUARD,
    HELLO,
    IMAGE,
    docker,
    environment,
    job,
    repository,
    runwright,
    said,
    write,
)

__all__ = ["repository"]

AT = ".github/workflows/bad.yml"


def tree(depth: int) -> str:
    """A billion laughs: each line repeats the one before nine times."""
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    for level in range(1, depth):
        again = ", ".join([f"*a{level - 1}"] * 9)
        lines.append(f"a{level}: &a{level} [{again}]")
    return "\n".join(lines)


FILES = {
    "empty": (b"", "1:1: the file is empty; a workflow has at least `on:` and `jobs:`"),
    "only a comment": (b"# nothing\n", "the file is empty"),
    "unclosed list": (b"on: push\njobs: [\n", ": did not find expected node content"),
    "unclosed quote": (b'on: "push\njobs: {}\n', "quoted scalar"),
    "tab": (b"on: push\njobs:\n\ta: 1\n", "3:1: YAML does not allow a tab for indentation"),
    "key twice": (b"on: push\non: push\n", '2:1: "on" is already defined at line 1'),
    "not UTF-8": (b"on: push\nname: caf\xe9\n", "2:10: byte 0xe9 is not UTF-8; save the file as"),
    "NUL": (b"on: push\nname: a\0b\n", "2:8: the character U+0000 is not allowed"),
    "binary": (bytes(range(128, 256)), "byte 0x80 is not UTF-8"),
    "million laughs": (tree(9).encode(), "use fewer aliases of large anchors"),
    "recursion": (b"on: push\njobs: &j\n  a: *j\n", '3:6: the alias "*j" stands inside its own'),
    "unknown anchor": (b"on: push\njobs: *nope\n", "nope"),
    "deep": (b"on: push\njobs: " + b"[" * 5000 + b"]" * 5000, "nested deeper than 50 levels"),
    "two documents": (b"on: push\n---\non: push\n", "document"),
    "a list": (b"- a\n- b\n", "1:1: "),
    "a text": (b"just words\n", "1:1: "),
    "no jobs": (b"on: push\njobs: {}\n", '2:7: "jobs" cannot be an empty mapping; jobs is'),
    "null jobs": (b"on: push\njobs:\n", '2:6: "jobs" cannot be empty; jobs is a mapping'),
    "unknown key": (job("run: x").encode() + b"colour: red\n", 'unknown key "colour"'),
    "key misspelt": (job("run: x").replace("runs-on", "run-on").encode(), 'mean "runs-on"?'),
    "wrong type": (job("run: [1]").encode(), "6:14: "),
    "unknown event": (job("run: x", head="on: psh").encode(), '1:5: "on" cannot be "psh"; did'),
    "unknown need": (
        job("run: x").replace("  only:", "  only:\n    needs: onyl").encode(),
        "4:12: ",
    ),
    "needs itself": (
        job("run: x").replace("  only:", "  only:\n    needs: only").encode(),
        "3:3: ",
    ),
    "bad expression": (job("run: echo ${{ 1 + }}").encode(), "6:"),
    "unclosed expression": (job("run: echo ${{ 1 ").encode(), "6:"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_bad_workflow(repository: Path, name: str) -> None:
    content, message = FILES[name]
    write(repository, good=HELLO, bad="")
    (repository / AT).write_bytes(content)
    done = runwright(repository, "--runner", "host")
    assert (done.code, done.out) == (3, ""), "nothing may start"
    assert done.err.startswith(f"{AT}:")
    assert message in done.err


def test_a_huge_workflow_is_not_read(repository: Path) -> None:
    write(repository, bad="")
    with (repository / AT).open("r+b") as file:
        file.truncate(100 << 20)
    done = runwright(repository, "validate")
    assert done.code == 3
    assert done.out.startswith(f"{AT}: the file is larger than 1048576 characters")


# --- files --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), ".: there are no workflows in .github/workflows or .runwright of "),
        (("-W", "no.yml"), '--workflows: there is no file or folder "no.yml" [usage]\n'),
        (("validate", "no.yml"), '--workflows: there is no file or folder "no.yml" [usage]\n'),
        (("-C", "no"), '--directory: there is no directory "no" [usage]\n'),
        (("-C", "file"), '--directory: there is no directory "file" [usage]\n'),
        (("-W", "folder"), "folder: there are no workflows in it; their names end in .yml or "),
        (("-W", "link.yml"), '--workflows: "link.yml" is a link to "gone", which does not exist'),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_nothing_there(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "link.yml").symlink_to("gone")
    done = runwright(tmp_path, *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(message)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: os.mkfifo(path), "it is not a regular file"),
        (lambda path: path.symlink_to("gone"), "No such file or directory"),
        (lambda path: path.symlink_to(path.name), "Too many levels of symbolic links"),
    ],
    ids=["pipe", "broken link", "link to itself"],
)
def test_a_workflow_that_is_no_file(repository: Path, make: object, reason: str) -> None:
    write(repository, good=HELLO)
    assert callable(make)
    make(repository / AT)
    done = runwright(repository, "validate")
    assert (done.code, done.out) == (3, f"{AT}: can't be read: {reason} [file]\n")


def test_a_folder_named_like_a_workflow_is_none(repository: Path) -> None:
    write(repository, good=HELLO)
    (repository / AT).mkdir()
    assert runwright(repository, "validate").err == "1 file, no errors\n"


def as_nobody(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a user without rights, or skip where that can't be."""
    if os.geteuid() or not shutil.which("setpriv"):
        pytest.skip("needs root and setpriv to become another user")
    become = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    python = [*become, sys.executable, "-B"]
    env = environment(directory)
    trial = subprocess.run(
        [*python, "-c", "import engine.cli.run"], cwd="/", env=env, capture_output=True
    )
    if trial.returncode:
        pytest.skip("this Python is not for other users")
    for folder in (directory, *directory.parents[:-2]):
        folder.chmod(folder.stat().st_mode | 0o055)
    done = subprocess.run(
        [*python, "-m", "engine", *arguments],
        cwd=directory,
        env=env,
        capture_output=True,
        text=True,
        timeout=GUARD,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done


def test_an_unreadable_workflow(repository: Path) -> None:
    write(repository, bad=HELLO)
    (repository / AT).chmod(0)
    done = as_nobody(repository, "validate")
    assert (done.returncode, done.stdout) == (3, f"{AT}: can't be read: Permission denied [file]\n")


@docker
def test_a_docker_socket_without_permission(repository: Path) -> None:
    write(repository, hello=HELLO)
    done = as_nobody(repository, "--runner", "docker", *IMAGE)
    if done.returncode == 0:
        pytest.skip("everybody may use Docker here")
    assert done.returncode == 4
    assert "you may not use it. Join its group and log in again: sudo usermod" in done.stdout


def test_a_state_that_cannot_be_kept(repository: Path) -> None:
    write(repository, hello=HELLO)
    env = environment(repository, RUNWRIGHT_STATE="/proc/nope")
    done = runwright(repository, "--runner", "host", env=env)
    assert done.code == 0
    assert done.err.startswith("runwright: this run is not kept: ")


def test_no_repository_is_fine(tmp_path: Path) -> None:
    step = "run: echo ${{ github.repository }} ${{ github.ref }}"
    write(tmp_path, only=job(step))
    env = environment(tmp_path, GIT_CEILING_DIRECTORIES=str(tmp_path.parent))
    done = runwright(tmp_path, "--runner", "host", env=env)
    assert done.code == 0
    assert said(done)[0].startswith("local/")
    assert said(done)[0].endswith(" refs/heads/main")


# --- options ------------------------------------------------------------------------------------

OPTIONS = {
    "unknown option": (("--nope",), 2, "No such option '--nope'"),
    "unknown job": (("-j", "helo"), 2, '--job: there is no job "helo"; did you mean "hello"?'),
    "unknown event": (("run", "psh"), 5, 'no workflow runs on "psh"; did you mean "push"?'),
    "event of none": (("release",), 5, 'no workflow runs on "release"; the events here are: push'),
    "matrix": (("--matrix", "os"), 2, '--matrix: "os" selects nothing; write KEY:VALUE'),
    "matrix, dry": (("-n", "--matrix", "os"), 2, '--matrix: "os" selects nothing'),
    "platform": (("-P", "x"), 2, '--platform: "x" maps nothing; write LABEL=IMAGE'),
    "env": (("--env", "=x"), 2, '--env: "=x" has no name; write NAME=VALUE'),
    "env of nothing": (("--env", "NOPE"), 2, '--env: "NOPE" has no value here and none in the en'),
    "secret of nothing": (("-s", "NOPE"), 2, '--secret: "NOPE" has no value here and none in the'),
    "runner": (("--runner", "dokcer"), 2, 'there is no runner "dokcer"; did you mean "docker"?'),
    "negative jobs": (("--concurrent-jobs", "-1"), 2, "-1 is not in the range x>=0"),
    "jobs in words": (("--concurrent-jobs", "two"), 2, "'two' is not a valid integer"),
    "pull": (("--pull", "often"), 2, "'often' is not one of 'missing', 'always', 'never'"),
    "no such secrets": (("--secret-file", "no"), 2, "no: can't be read: No such file or directory"),
    "secrets folder": (("--secret-file", "."), 2, "can't be read: Is a directory [secret-file]"),
    "secrets not UTF-8": (
        ("--secret-file", "latin"),
        2,
        "latin: can't be read: byte 0xe9 in line 2 is not UTF-8; save the file as UTF-8",
    ),
    "no such event file": (("-e", "no"), 2, "no: can't be read: No such file or directory"),
    "event file not JSON": (("-e", "open.json"), 2, "open.json:2:1: this is not JSON: "),
    "event file a list": (("-e", "list.json"), 2, "list.json: an event file holds one JSON object"),
    "event file deep": (("-e", "deep.json"), 2, "deep.json"),
    "events nowhere": (("--events", "no/such"), 2, "no/such: can't be written: No such file or"),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_bad_option(repository: Path, name: str) -> None:
    arguments, code, message = OPTIONS[name]
    write(repository, hello=HELLO)
    (repository / "latin").write_bytes(b"A=b\nC=caf\xe9\n")
    (repository / "open.json").write_text('{"a":\n')
    (repository / "list.json").write_text("[]")
    (repository / "deep.json").write_text("[" * 100_000)
    runner = () if "--runner" in arguments else ("--runner", "host")
    done = runwright(repository, *arguments, *runner)
    assert (done.code, done.out) == (code, "")
    assert message in done.err


def test_a_bad_default_file(repository: Path) -> None:
    write(repository, hello=HELLO)
    (repository / ".secrets").write_bytes(b"A=\xff\n")
    done = runwright(repository, "-n")
    assert done.code == 2
    assert "/.secrets: can't be read: byte 0xff in line 1 is not UTF-8" in done.err


# --- Docker and images --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("unix:///nonexistent", "Cannot reach Docker at unix:///nonexistent: it does not answer"),
        ("tcp://127.0.0.1:9", "Cannot reach Docker at tcp://127.0.0.1:9: it does not answer"),
        ("foo://bar", "The Docker address 'foo://bar' is not understood: use unix:///"),
    ],
)
def test_docker_does_not_answer(repository: Path, address: str, message: str) -> None:
    write(repository, hello=HELLO)
    env = environment(repository, DOCKER_HOST=address)
    done = runwright(repository, "--runner", "docker", env=env)
    assert done.code == 4
    assert message in done.out
    cleaned = runwright(repository, "clean", env=env)
    assert cleaned.code == 4
    assert message in cleaned.err


@docker
def test_without_docker_jobs_run_in_a_namespace(repository: Path) -> None:
    write(repository, hello=HELLO)
    env = environment(repository, DOCKER_HOST="unix:///nonexistent")
    done = runwright(repository, env=env)
    assert done.code == 0
    assert done.err.startswith("runwright: Cannot reach Docker at unix")
    assert "hello │ runs in namespace" in done.out


@docker
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--no-pull",), "Image 'localhost:9/nope' is not on this computer and pulling is off"),
        (("--pull", "never"), "run docker pull localhost:9/nope, or leave out --pull=never"),
        ((), "Image 'localhost:9/nope' cannot be pulled: "),
    ],
    ids=["no-pull", "pull never", "registry away"],
)
def test_an_image_that_is_not_there(
    repository: Path, options: tuple[str, ...], message: str
) -> None:
    write(repository, hello=HELLO)
    done = runwright(repository, "-P", "ubuntu-latest=localhost:9/nope", *options)
    assert done.code == 4
    assert message in done.out


@docker
def test_an_image_without_a_shell_is_given_one(repository: Path) -> None:
    write(repository, hello=HELLO)
    done = runwright(repository, "-P", "ubuntu-latest=runwright-test/scratch")
    assert (done.code, said(done)) == (0, ["hello from Linux"])


LABELS = """
on: push
jobs:
  there: {runs-on: ubuntu-latest, steps: [run: echo ran]}
  nowhere: {runs-on: windows-latest, steps: [run: echo no]}
  after: {needs: nowhere, runs-on: ubuntu-latest, steps: [run: echo no]}
"""


@pytest.mark.covers("JOB-006")
@docker
def test_a_label_without_an_image(repository: Path) -> None:
    write(repository, labels=LABELS)
    done = runwright(repository, *IMAGE)
    assert done.code == 4
    assert 'no image stands for "runs-on: windows-latest" here; name one with -P wi' in done.out
    assert 'after │ - skipped: it needs "nowhere"' in done.out
    assert said(done) == ["ran"]


FULL = f"""
on: push
jobs:
  full:
    runs-on: ubuntu-latest
    container:
      image: {DEBIAN}
      options: --tmpfs PLACE:size=64k
    steps:
      - run: dd if=/dev/zero of=PLACE/file bs=1k count=200
      - {{if: always(), run: "rm PLACE/file; echo room again"}}
"""


@docker
def test_a_full_disk_fails_its_step_only(repository: Path) -> None:
    write(repository, full=FULL.replace("PLACE", "/small"))
    done = runwright(repository)
    assert done.code == 1
    assert "dd: error writing '/small/file': No space left on device" in said(done)
    assert "room again" in said(done)


@docker
def test_no_room_for_scripts_never_passes_for_success(repository: Path) -> None:
    write(repository, full=FULL.replace("PLACE", "/__w/_temp/_runner_file_commands"))
    done = runwright(repository, "--json")
    results = [event["outcome"] for event in done.events() if event["type"] == "step.finished"]
    assert results == ["failure", "failure"]


# --- odd surroundings ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "code"),
    [("list", 130), ("schema", 130), ("plan", 130), ("graph", 130), ("run", 0)],
)
def test_a_reader_that_goes_away(repository: Path, command: str, code: int) -> None:
    write(repository, hello=HELLO)
    reader, writer = os.pipe()
    os.close(reader)
    runner = ("--runner", "host") if command == "run" else ()
    done = subprocess.run(
        [sys.executable, "-m", "engine", command, *runner],
        cwd=repository,
        env=environment(repository),
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=GUARD,
        check=False,
    )
    os.close(writer)
    assert done.returncode == code, done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("shell", "code", "message"),
    [
        ("run --runner host >&-", 0, ""),
        ("run --runner host 2>&-", 0, ""),
        ("list >&-", 0, ""),
        ("list <&-", 0, ""),
        ("list >/dev/full", 4, "No space left on device"),
        ("run --runner host >/dev/full", 4, "the output stopped: "),
    ],
)
def test_closed_and_full_outputs(repository: Path, shell: str, code: int, message: str) -> None:
    write(repository, hello=HELLO)
    done = subprocess.run(
        ["sh", "-c", f'"$0" -m engine {shell}', sys.executable],
        cwd=repository,
        env=environment(repository),
        capture_output=True,
        text=True,
        timeout=GUARD,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert message in done.stderr


BARE = {
    "nothing": {},
    "C": {"LC_ALL": "C"},
    "ASCII": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "no home": {"HOME": "/nonexistent"},
    "dumb terminal": {"TERM": "dumb"},
}


@pytest.mark.parametrize("name", BARE)
def test_an_odd_environment(repository: Path, name: str) -> None:
    write(repository, hello=job("run: echo grüße", head="name: Überprüfung\non: push"))
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": environment(repository)["PYTHONPATH"]}
    env |= {"RUNWRIGHT_STATE": str(repository / "state"), **BARE[name]}
    for arguments in (("list",), ("plan",), ("validate",), ("eval", "'ö'"), ("run", "-n")):
        assert runwright(repository, *arguments, env=env).code == 0
    done = runwright(repository, "--runner", "host", env=env)
    assert done.code == 0
    assert ("gr??e" if name == "ASCII" else "grüße") in done.out


NAMES = ["with space", "wörk", "new\nline", "quo'te\"", "$HOME `x`", "-dash", "b\udce9d"]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
@pytest.mark.parametrize("env", [{}, BARE["ASCII"]], ids=["UTF-8", "ASCII"])
def test_odd_file_names(repository: Path, name: str, env: dict[str, str]) -> None:
    write(repository, hello=HELLO, bad="on: push\n")
    folder = repository / AT.rpartition("/")[0]
    file, bad = os.fsencode(folder / f"{name}.yml"), os.fsencode(folder / f"{name} bad.yml")
    os.rename(os.fsencode(folder / "hello.yml"), file)  # noqa: PTH104 (a name of bytes)
    surroundings = environment(repository, **env)
    (folder / "bad.yml").unlink()
    for arguments in (("list",), ("list", "--json"), ("plan",), ("graph",), ("validate",)):
        assert runwright(repository, *arguments, env=surroundings).code == 0
    done = runwright(repository, "--runner", "host", "--json", env=surroundings)
    assert done.code == 0
    assert json.loads(done.out.splitlines()[0])["type"] == "run.started"
    os.rename(file, bad)  # noqa: PTH104
    Path(os.fsdecode(bad)).write_text("on: push\n")
    assert runwright(repository, "validate", env=surroundings).code == 3
