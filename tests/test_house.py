"""The house: which room may import which, and what the quick commands must not import."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# a room imports only rooms that stand before it
ROOMS = (
    *(
        "problems",
        "secretive",
        "numbers",
        "source",
        "events",
        "machine",
        "expr",
        "availability",
        "tree",
    ),
    *(
        "retry",
        "permissions",
        "schemas",
        "check",
        "reference",
        "forms",
        "model",
        "globs",
        "cron",
        "inputs",
        "calls",
    ),
    *("handover", "matrix", "containers", "plan", "stages"),
    *("actions", "encodings", "masks", "matchers", "commandfiles", "subjects"),
    *(
        "transcript",
        "contexts",
        "payloads",
        "triggers",
        "reading",
        "lint",
        "hashfiles",
        "tarball",
        "hashing",
        "attempts",
        "job",
        "ahead",
        "run",
        "printing",
        "report",
    ),
    *("store", "worktree", "git", "project", "fetch", "cli"),
)
PURE = ROOMS[: ROOMS.index("hashing")]
OUTSIDE = {"trio", "socket", "subprocess", "docker", "asyncio", "threading", "multiprocessing"}


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PATHS = [*ROOT.glob("engine/**/*.py"), *ROOT.glob("runners/**/*.py")]
FILES = {module_of(path): path for path in sorted(PATHS)}


def nodes(tree: ast.AST, inside_functions: bool) -> Iterator[ast.AST]:
    """Every node but what is only there for type checkers."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if inside_functions or not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node
            yield from nodes(node, inside_functions)


def imports(source: str, inside_functions: bool = True) -> set[str]:
    """The full names of the modules that a text imports."""
    found: set[str] = set()
    for node in nodes(ast.parse(source), inside_functions):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, "imports name the whole path"
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found.update(name if name in FILES else node.module for name in inner)
    return found


def room(module: str) -> str:
    """The room of a module of the engine; '' for the package itself."""
    name = module.split(".")[1] if "." in module else ""
    return "cli" if name == "__main__" else name


def forbidden(module: str, source: str) -> set[str]:
    """What a module imports and may not."""
    own, top = room(module), module.split(".")[0]
    wrong: set[str] = set()
    for name in imports(source):
        target = name.split(".")[0]
        if target == "engine" and top == "engine":
            before = ROOMS[: ROOMS.index(own) + 1] if own else ()
            wrong |= {name} if room(name) not in before else set()
        elif target == "engine":
            wrong |= {name} if room(name) != "machine" else set()
        elif target == "runners" and top == "engine":
            wrong |= {name} if own != "cli" else set()
        elif target in OUTSIDE and top == "engine" and own in PURE:
            wrong.add(name)
    return wrong


def test_data_is_quick_to_define() -> None:
    slow = [name for name, path in FILES.items() if "dataclasses" in imports(path.read_text())]
    assert not slow, "hundreds of dataclasses take longer to define than a job: use msgspec.Struct"


def test_every_module_is_in_a_room() -> None:
    rooms = {room(module) for module in FILES if module.startswith("engine.")}
    assert rooms == set(ROOMS)


@pytest.mark.parametrize("module", FILES)
def test_a_module_imports_only_what_its_room_may(module: str) -> None:
    assert forbidden(module, FILES[module].read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize(
    ("module", "line", "wrong"),
    [
        ("engine.source", "import engine.plan", "engine.plan"),
        ("engine.source", "from engine import plan", "engine.plan"),
        ("engine.plan", "def f():\n    from engine.job.state import JobState", "engine.job.state"),
        ("engine.model", "import trio", "trio"),
        ("engine.hashfiles", "class A:\n    from subprocess import run", "subprocess"),
        ("engine.run", "from runners import docker", "runners.docker"),
        ("runners.fake", "from engine.events import Event", "engine.events"),
        ("engine", "from engine import cli", "engine.cli"),
    ],
)
def test_a_wrong_import_is_noticed(module: str, line: str, wrong: str) -> None:
    assert forbidden(module, line) == {wrong}
    assert forbidden(module, f"if TYPE_CHECKING:\n    {line.splitlines()[-1].strip()}") == set()


def test_no_module_imports_itself_by_a_detour() -> None:
    texts = {module: path.read_text(encoding="utf-8") for module, path in FILES.items()}
    needs = {module: imports(text, inside_functions=False) for module, text in texts.items()}
    TopologicalSorter(needs).prepare()


@pytest.mark.parametrize("module", FILES)
def test_a_module_opens_with_a_sentence(module: str) -> None:
    said = ast.get_docstring(ast.parse(FILES[module].read_text(encoding="utf-8"))) or ""
    assert said.split("\n\n")[0].endswith(".")


# --- imports cost ---------------------------------------------------------------------------------

HEAVY = {"trio", "docker", "networkx", "jsonschema", "jinja2", "ruamel", "h11", "tenacity", "regex"}
SCRIPT = """
import sys
from engine.cli import run_command
code = run_command(sys.argv[1:])
print(code, *sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (["--help"], HEAVY),
        (["--version"], HEAVY),
        (["list"], HEAVY - {"ruamel"}),
        (["validate"], HEAVY - {"ruamel"}),
        (["schema"], HEAVY),
        (["plan"], HEAVY - {"ruamel", "jsonschema"}),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_a_command_imports_only_what_it_needs(
    arguments: list[str], unwanted: set[str], tmp_path: Path
) -> None:
    workflows = tmp_path / ".github" / "workflows"
    workflows.mkdir(parents=True)
    job = "{runs-on: ubuntu-latest, steps: [{run: 'echo ${{ github.ref }}'}]}"
    (workflows / "ci.yml").write_text(f"on: push\njobs:\n  build: {job}\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\nsys.path[:0] = [{str(ROOT)!r}]\n{SCRIPT}", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    code, *loaded = done.stderr.splitlines()[-1].split()
    assert code == "0", done.stderr
    assert "engine" in loaded
    assert unwanted & set(loaded) == set()
