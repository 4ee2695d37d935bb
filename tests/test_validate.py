"""`runwright validate`: which files it checks, as what, and how it says what it found."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import CONFORMANCE
from test_cli import Done, environment, repository, runwright

from engine.cli import checking, documents, meaning
from engine.source import load
from engine.store import verdicts

__all__ = ["repository"]  # a fixture

ROOT = Path(__file__).parent.parent
GOOD = "on: push\njobs:\n  a: {runs-on: ubuntu-latest, steps: [{run: make}]}\n"
BAD = GOOD.replace("run:", "rnu:")
ACTION = "name: a\ndescription: b\nruns: {using: node24, main: index.js}\n"
BAD_ACTION = ACTION.replace("main", "mian")


def put(folder: Path, **files: str) -> None:
    """Write files; `__` in a name stands for `/`, and a name without a suffix gets `.yml`."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.yml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def files(done: Done) -> list[str]:
    """The files that had errors, in the order in which they were said."""
    assert done.code in (0, 3), done.text
    wrong = [record for record in json.loads(done.out) if record["level"] == "error"]
    return list(dict.fromkeys(record["file"] for record in wrong))


def checked(directory: Path, *arguments: str) -> list[str]:
    return files(runwright(directory, "validate", "--format", "json", *arguments))


def piped(directory: Path, text: bytes, *arguments: str) -> Done:
    done = subprocess.run(
        [sys.executable, "-m", "engine", "validate", *arguments],
        cwd=directory,
        env=environment(directory),
        input=text,
        capture_output=True,
        check=False,
    )
    assert b"Traceback" not in done.stderr
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


# --- which files ----------------------------------------------------------------------------------

EVERYWHERE = {
    "action": BAD_ACTION,
    "ci.runwright": BAD,
    ".github__workflows__ci": BAD,
    ".github__workflows__deep__ci": BAD,
    ".github__dependabot": BAD,
    ".github__actions__setup__action": BAD_ACTION,
    ".runwright__local": BAD,
    "tools__lint__action": BAD_ACTION,
    "node_modules__x__action": BAD_ACTION,
    "build__action": BAD_ACTION,
    "compose": BAD,
}
OWN = [
    *(".github/actions/setup/action.yml", ".github/workflows/ci.yml", ".runwright/local.yml"),
    *("action.yml", "ci.runwright.yml", "tools/lint/action.yml"),
]


def test_a_repository_is_its_workflows_and_actions(repository: Path) -> None:
    put(repository, **EVERYWHERE)
    (repository / ".gitignore").write_text("build/\n")
    assert checked(repository) == OWN
    assert checked(repository, ".") == OWN


def test_a_folder_without_git_is_searched_alike(tmp_path: Path) -> None:
    put(tmp_path, **EVERYWHERE)
    shutil.rmtree(tmp_path / "build")
    assert checked(tmp_path) == OWN


def test_a_repository_elsewhere(repository: Path) -> None:
    put(repository, **{f"inner__{name}": text for name, text in EVERYWHERE.items()})
    (repository / ".gitignore").write_text("build/\n")
    assert checked(repository, "inner") == [f"inner/{name}" for name in OWN]
    assert checked(repository, "-C", "inner") == [f"inner/{name}" for name in OWN]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((".github/workflows",), [".github/workflows/ci.yml"]),
        ((".github",), [".github/actions/setup/action.yml", ".github/workflows/ci.yml"]),
        (("tools",), ["tools/lint/action.yml"]),
        (("-W", ".runwright"), [".runwright/local.yml"]),
        (("compose.yml", "action.yml"), ["action.yml", "compose.yml"]),
        (("action.yml", "./action.yml", "."), OWN),
        (("node_modules/x/action.yml",), ["node_modules/x/action.yml"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_named(repository: Path, given: tuple[str, ...], expected: list[str]) -> None:
    put(repository, **EVERYWHERE)
    (repository / ".gitignore").write_text("build/\n")
    assert checked(repository, *given) == expected


def test_only_an_action(repository: Path) -> None:
    put(repository, action=ACTION)
    done = runwright(repository, "validate")
    assert (done.code, done.err) == (0, "1 file, no errors\n")


def test_nothing_to_check(repository: Path) -> None:
    put(repository, compose=BAD)
    done = runwright(repository, "validate")
    assert (done.code, done.out) == (2, "")
    assert "there are no workflows in .github/workflows or .runwright here" in done.err


# --- as what --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "text", "kind"),
    [
        ("action.yml", ACTION, "action"),
        ("x/action.yaml", "on: push\njobs: {}\n", "action"),
        (".github/workflows/action.yml", GOOD, "workflow"),
        (".runwright/action.yml", GOOD, "workflow"),
        ("setup.yml", ACTION, "action"),
        ("setup.yml", GOOD, "workflow"),
        ("setup.yml", "jobs: {}\nruns: {}\n", "workflow"),
        ("setup.yml", "[]", "workflow"),
    ],
)
@pytest.mark.covers("LINT-021")
def test_the_kind_of_a_file(path: str, text: str, kind: str) -> None:
    node, _ = load(text, path)
    assert node is not None
    assert meaning.kind_of(Path("/repository", path), node) == kind


def test_the_kind_can_be_said(repository: Path) -> None:
    put(repository, thing="name: x\n")
    as_action = runwright(repository, "validate", "--kind", "action", "thing.yml")
    assert 'an action needs "runs"' in as_action.out
    as_workflow = runwright(repository, "validate", "--kind", "workflow", "thing.yml")
    assert 'a workflow needs "on"' in as_workflow.out


def test_a_workflow_is_known_also_from_inside_its_folder(repository: Path) -> None:
    put(repository, **{".github__workflows__action": GOOD.replace("make", "make, retry: 2")})
    done = runwright(repository / ".github" / "workflows", "validate", "action.yml")
    assert 'action.yml:3:51: warning: "retry" is Runwright\'s own' in done.out


# --- standard input -------------------------------------------------------------------------------


def test_standard_input(repository: Path) -> None:
    assert piped(repository, GOOD.encode(), "-").err == "1 file, no errors\n"
    done = piped(repository, BAD.encode(), "-")
    assert done.code == 3
    assert done.out.startswith('<stdin>:3:40: unknown key "rnu" in a step')
    assert "    3 |   a: {runs-on: ubuntu-latest, steps: [{rnu: make}]}\n" in done.out


def test_standard_input_has_a_name(repository: Path) -> None:
    done = piped(repository, BAD_ACTION.encode(), "-", "--stdin-filename", "x/action.yml")
    assert done.out.startswith("x/action.yml:3:")
    assert 'did you mean "main"?' in done.out


def test_standard_input_beside_files(repository: Path) -> None:
    put(repository, other=BAD)
    done = piped(repository, BAD.encode(), "-", "other.yml", "--format", "json")
    assert files(done) == ["<stdin>", "other.yml"]


@pytest.mark.parametrize("text", [b"", b"\xff\xfe", b"\0" * 100, b"a" * (5 << 20)])
def test_whatever_comes_in_is_a_problem(repository: Path, text: bytes) -> None:
    done = piped(repository, text, "-")
    assert done.code == 3
    assert done.out.startswith("<stdin>")


# --- how it ends ----------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["text", "json", "sarif", "github"])
@pytest.mark.covers("LINT-023")
def test_errors_end_with_3_and_warnings_do_not(repository: Path, form: str) -> None:
    put(repository, **{".github__workflows__ci": GOOD.replace("make", "make, retry: 2")})
    warned = runwright(repository, "validate", "--format", form)
    assert warned.code == 0
    assert "Runwright's own" in warned.out
    put(repository, **{".github__workflows__ci": BAD})
    assert runwright(repository, "validate", "--format", form).code == 3


@pytest.mark.parametrize("form", ["json", "sarif", "github"])
def test_what_programs_read_is_alone(repository: Path, form: str) -> None:
    put(repository, **{".github__workflows__ci": BAD})
    assert runwright(repository, "validate", "--format", form).err == ""


def test_another_format_is_wrong_usage(repository: Path) -> None:
    done = runwright(repository, "validate", "--format", "xml")
    assert done.code == 2
    assert "'xml' is not one of 'text', 'json', 'sarif', 'github'" in done.err


# --- many files -----------------------------------------------------------------------------------


@pytest.fixture
def many(tmp_path: Path) -> list[Path]:
    """More files than one process checks by itself; every third is wrong."""
    for number in range(checking.ENOUGH + 1):
        (tmp_path / f"{number:03}.yml").write_text(GOOD if number % 3 else BAD)
    return sorted(tmp_path.glob("*.yml"))


def test_processes_say_what_one_says_in_the_same_order(many: list[Path]) -> None:
    together = checking.check_all(many, None)
    alone = [problem for file in many for problem in checking._judge(documents.load(file))]
    assert together == alone
    assert len(alone) == (len(many) + 2) // 3


@pytest.mark.parametrize(("most", "started"), [(-1, False), (0, True)])
def test_processes_are_started_only_for_many(
    many: list[Path], most: int, started: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []
    side_by_side: Callable[..., list[list[object]]] = checking._side_by_side
    monkeypatch.setattr(checking.os, "sched_getaffinity", lambda _: {0, 1})
    monkeypatch.setattr(
        checking, "_side_by_side", lambda *given: begun.append(1) or side_by_side(*given)
    )
    for _ in range(2):  # the second time all is known
        checking.check_all(many[: checking.ENOUGH + most], None)
    assert begun == [1] * started


# --- what is remembered ---------------------------------------------------------------------------

WITH = "on: push\njobs:\n  a: {runs-on: ubuntu-latest, steps: [{uses: ./greet, with: {who: x}}]}\n"
GREET = (
    "name: a\ndescription: b\ninputs: {who: {description: c}}\n"
    "runs: {using: composite, steps: []}\n"
)


def test_a_second_time_nothing_is_read_again(repository: Path) -> None:
    put(repository, **{".github__workflows__ci": BAD})
    first = runwright(repository, "validate")
    script = f"import sys\nsys.path[:0] = [{str(ROOT)!r}]\nfrom engine.cli import run_command\n"
    script += "run_command(['validate']); print({'ruamel', 'jsonschema'} & {*sys.modules})"
    again = subprocess.run(
        [sys.executable, "-c", script],
        cwd=repository,
        env=environment(repository),
        capture_output=True,
        text=True,
        check=False,
    )
    assert again.stdout == first.out + "set()\n"


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: put(folder, greet__action=GREET.replace("who", "whom")),
        lambda folder: (folder / "greet" / "action.yml").unlink(),
        lambda folder: put(folder, **{".runwright__lint": "disable: [action]\n"}),
        lambda folder: put(folder, **{".github__workflows__ci": WITH.replace("{who", "{hwo")}),
    ],
    ids=["other file", "other file gone", "settings", "file"],
)
def test_what_a_verdict_depends_on(
    repository: Path, change: Callable[[Path], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(repository, **{".github__workflows__ci": WITH, "greet__action": GREET})
    assert runwright(repository, "validate", ".github").code == 0
    judged: list[int] = []
    monkeypatch.setenv("RUNWRIGHT_STATE", str(repository / "state"))
    monkeypatch.chdir(repository)
    monkeypatch.setattr(checking, "_judge", lambda document: judged.append(1) or [])
    document = documents.load(Path(".github/workflows/ci.yml"))
    verdicts._digest.cache_clear()
    checking.check(document)
    assert judged == [], "it is known"
    change(repository)
    verdicts._digest.cache_clear()
    checking.check(documents.load(Path(".github/workflows/ci.yml")))
    assert judged == [1]


def test_half_a_verdict_is_none(repository: Path) -> None:
    put(repository, **{".github__workflows__ci": BAD})
    first = runwright(repository, "validate")
    for kept in (repository / "state" / "verdicts").iterdir():
        kept.write_text(kept.read_text()[:20])
    assert runwright(repository, "validate") == first


def test_a_state_that_cannot_be_kept_is_no_trouble(repository: Path) -> None:
    put(repository, **{".github__workflows__ci": GOOD})
    env = environment(repository, RUNWRIGHT_STATE="/proc/nope")
    done = runwright(repository, "validate", env=env)
    assert (done.code, done.err) == (0, "1 file, no errors\n")


def test_there_is_an_end_to_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts, "KEPT", 3)
    for number in range(4):
        verdicts.keep(str(number), [], [])
    assert verdicts.found("0") == []
    verdicts.tidy()
    assert verdicts.found("0") is None


@pytest.mark.skipif(
    not CONFORMANCE.is_dir(),
    reason="the conformance files are not here: ../shared/conformance, beside the repository",
)
def test_workflows_and_actions_of_others_in_one_folder() -> None:
    index = json.loads((CONFORMANCE / "real-workflows" / "index.json").read_text(encoding="utf-8"))
    right = {e["file"] for e in index["files"] if e["must_accept"] and not e["placeholders"]}
    assert right & set(checked(CONFORMANCE / "real-workflows", ".")) == set()
