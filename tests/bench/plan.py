"""How long it takes to plan: a matrix of 256 legs, and 1,000 jobs; and to evaluate an expression.

    python tests/bench/plan.py [--rounds N]

Each command is a process of its own, on files that were checked before. Measured are the seconds of
the processor, git's included, so that neighbours on the machine count little. Work is what a
command takes beyond the same command on a workflow of one job: start-up, imports and git are in
both. Nothing is asserted: the goals are printed beside what was measured.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

SIXTEEN = ", ".join(map(str, range(16)))
MATRIX = f"strategy: {{matrix: {{a: [{SIXTEEN}], b: [{SIXTEEN}]}}}}"
CONDITION = "github.ref == 'refs/heads/main' && matrix.os != 'windows'"


def job(name: str, more: str = "") -> str:
    return f"  {name}:\n    runs-on: ubuntu-latest\n    {more}\n    steps: [run: make]\n"


def needs(number: int) -> str:
    return f"needs: j{number // 2}" if number else ""


WORKFLOWS = {
    "one job": [job("only")],
    "256 legs": [job("only", MATRIX)],
    "1,000 jobs": [job(f"j{number}", needs(number)) for number in range(1000)],
}
GOALS = {"256 legs": 0.1, "1,000 jobs": 0.5}


def planned(directory: Path, name: str, stage: str) -> Callable[[], float]:
    """A function that plans one workflow in a process and says how long it took."""
    command = [sys.executable, "-m", "engine", "plan", "-W", f"{name}.yml", "--stage", stage]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "RUNWRIGHT_STATE": str(directory / "state")}

    def run() -> float:
        before = _of_children()
        subprocess.run(command, cwd=directory, env=env, check=True, stdout=subprocess.DEVNULL)
        return _of_children() - before

    run()  # what is found to fit the schema is remembered
    return run


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def medians(commands: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """The median of each; they take turns."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, run in commands.items():
            times[name].append(run())
    return {name: statistics.median(found) for name, found in times.items()}


def show_plans(rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="runwright-bench-") as folder:
        directory = Path(folder)
        subprocess.run(["git", "init", "-q", "-b", "main", folder], check=True)
        for name, jobs in WORKFLOWS.items():
            (directory / f"{name}.yml").write_text(f"on: push\njobs:\n{''.join(jobs)}")
        for stage in ("expanded", "plan", "workflow"):
            found = medians({name: planned(directory, name, stage) for name in WORKFLOWS}, rounds)
            for name, seconds in found.items():
                work = seconds - found["one job"]
                goal = f"  goal {GOALS[name]:.1f} s" if name in GOALS else ""
                print(
                    f"plan --stage {stage:8}  {name:10}  {seconds:5.2f} s  work {work:6.3f} s{goal}"
                )


def show_evaluations() -> None:
    from engine.expr import compile

    expression = compile(CONDITION)
    contexts = {"github": {"ref": "refs/heads/main"}, "matrix": {"os": "ubuntu"}}
    count, started = 200_000, time.process_time()
    for _ in range(count):
        expression(contexts)
    rate = count / (time.process_time() - started)
    print(f"evaluations of {CONDITION}: {rate:,.0f} a second  goal 100,000")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    show_plans(parser.parse_args().rounds)
    show_evaluations()


if __name__ == "__main__":
    main()
