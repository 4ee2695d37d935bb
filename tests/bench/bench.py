"""How fast Runwright is: beside act in the same minutes, and where act has nothing to compare.

    python tests/bench/bench.py [--act PATH] [--image IMAGE] [--rounds N]

Every workflow is generated in a temporary repository. The two commands take turns, and the
median of the rounds counts. Nothing is asserted: compare ratios, as machines differ.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# as users have it, where it is installed
COMMAND = Path(sys.executable).with_name("runwright")
RUNWRIGHT = [str(COMMAND)] if COMMAND.exists() else [sys.executable, "-m", "engine"]
LINES = 1_000_000
SECRET = "s3cret-value"


# --- workflows ----------------------------------------------------------------------------------


def job(name: str, steps: int = 1, needs: str = "", run: str = "'true'", more: str = "") -> str:
    needed = f"    needs: {needs}\n" if needs else ""
    listed = f"      - run: {run}\n" * steps
    return f"  {name}:\n    runs-on: ubuntu-latest\n{needed}{more}    steps:\n{listed}"


def workflow(*jobs: str) -> str:
    return "on: push\njobs:\n" + "".join(jobs)


TOKEN = "        env: {TOKEN: '${{ secrets.T }}'}"
PRINTING = f'yes "$TOKEN {"x" * 66}" | head -n {LINES}\n{TOKEN}'
MATRIX = "    strategy: {matrix: {a: [%s], b: [%s]}}\n"
SIXTEEN = ",".join(map(str, range(16)))

COMPARED = {
    "50 steps": workflow(job("only", 50)),
    "1 step": workflow(job("only")),
    "chain of 8 jobs": workflow(*(job(f"j{i}", needs=f"j{i - 1}" if i else "") for i in range(8))),
    "16 parallel jobs": workflow(*(job(f"j{i}") for i in range(16))),
}
ALONE = {
    "lines": workflow(job("only", run=PRINTING)),
    "matrix": workflow(job("only", more=MATRIX % (SIXTEEN, SIXTEEN))),
    "jobs": workflow(*(job(f"j{i}", needs=f"j{i // 2}" if i else "") for i in range(1000))),
}


@contextmanager
def repository() -> Iterator[Path]:
    """A git repository with all the workflows, and a home without anybody's settings."""
    with tempfile.TemporaryDirectory(prefix="runwright-bench-") as name:
        directory = Path(name) / "repository"
        directory.mkdir()
        for title, text in (COMPARED | ALONE).items():
            (directory / f"{title}.yml").write_text(text)
        (Path(name) / "home" / "act").mkdir(parents=True)
        (Path(name) / "home" / "act" / "actrc").touch()  # or act asks a question
        git(directory, "init", "-q", "-b", "main")
        git(directory, "add", "-A")
        git(directory, "commit", "-q", "-m", "bench")
        yield directory


def git(directory: Path, *arguments: str) -> None:
    names = ["-c", "user.name=bench", "-c", "user.email=bench@example.org"]
    subprocess.run(["git", "-C", str(directory), *names, *arguments], check=True)


# --- measuring ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bench:
    """Where and with what everything is measured."""

    directory: Path
    image: str
    act: str
    rounds: int

    @property
    def env(self) -> dict[str, str]:
        home = str(self.directory.parent / "home")
        return {
            **{k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "PYTHON"))},
            "HOME": home,
            "XDG_CONFIG_HOME": home,
            "RUNWRIGHT_STATE": f"{home}/state",
            "PYTHONPATH": str(ROOT),
            "NO_COLOR": "1",
        }

    def seconds(self, *command: str) -> float:
        """Run a command; how long it took. Ends the benchmark where it fails."""
        started = time.perf_counter()
        done = subprocess.run(
            command,
            cwd=self.directory,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        taken = time.perf_counter() - started
        if done.returncode:
            sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-2000:]}")
        return taken

    def median(self, *command: str, rounds: int = 0) -> float:
        return statistics.median(self.seconds(*command) for _ in range(rounds or self.rounds))

    def run(self, title: str, *more: str) -> list[str]:
        mapped = ("-P", f"ubuntu-latest={self.image}")
        return [*RUNWRIGHT, "push", "-W", f"{title}.yml", *mapped, *more]

    def run_act(self, title: str, *more: str) -> list[str]:
        mapped = ("-P", f"ubuntu-latest={self.image}", "--pull=false")
        return [self.act, "push", "-W", f"{title}.yml", *mapped, *more]


def interleaved(commands: dict[str, list[str]], bench: Bench) -> dict[str, float]:
    """The median of each command; they take turns, after one turn that does not count."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for round_ in range(bench.rounds + 1):
        for name, command in commands.items():
            taken = bench.seconds(*command)
            if round_:
                times[name].append(taken)
    return {name: statistics.median(found) for name, found in times.items()}


def peak(command: list[str], bench: Bench) -> tuple[float, int]:
    """Seconds and peak KiB of a command, measured by a process that has no other children."""
    with ProcessPoolExecutor(1) as pool:
        return pool.submit(_peak, command, bench).result()


def _peak(command: list[str], bench: Bench) -> tuple[float, int]:
    taken = bench.seconds(*command)
    return taken, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


# --- the tables ---------------------------------------------------------------------------------


def show(title: str, rows: list[list[str]]) -> None:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    print(f"\n{title}")
    for row in rows:
        cells = (cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))
        print(f"  {row[0].ljust(widths[0])}  {'  '.join(cells)}", flush=True)


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 0.1 else f"{seconds * 1000:.0f} ms"


NETWORKS = ("host", "bridge")  # act's jobs share the host's, ours have one of their own


def beside_act(bench: Bench) -> None:
    """Each of the two on its own terms, and both with the same kind of network."""
    makes = {"Runwright": bench.run} | ({"act": bench.run_act} if bench.act else {})
    found = {
        title: interleaved(
            {
                f"{name}, {network}": make(title, "--network", network)
                for name, make in makes.items()
                for network in NETWORKS
            },
            bench,
        )
        for title in COMPARED
    }
    trivial = {
        kind: (found["50 steps"][kind] - found["1 step"][kind]) / 49 for kind in found["1 step"]
    }
    found = {"one trivial step (of 50)": trivial, **found}
    kinds = list(trivial)
    ratios = {
        "as they come": ("act, host", "Runwright, bridge"),
        **{network: (f"act, {network}", f"Runwright, {network}") for network in NETWORKS},
    }
    rows = [["", *kinds, *(ratios if bench.act else ())]]
    for title, times in found.items():
        shown = [f"{times[act] / times[own]:.1f}x" for act, own in ratios.values() if bench.act]
        rows.append([title, *(milliseconds(times[kind]) for kind in kinds), *shown])
    show(f"Medians of {bench.rounds} rounds, in turn", rows)


def output(bench: Bench) -> None:
    taken, memory = peak(bench.run("lines", "-s", f"T={SECRET}", "--quiet"), bench)
    shown, shown_memory = peak(bench.run("lines", "-s", f"T={SECRET}"), bench)
    size = LINES * (len(SECRET) + 68) / 1e6
    show(
        f"{LINES:,} lines ({size:.0f} MB) from one step, each with a secret",
        [
            ["", "seconds", "lines a second", "peak memory"],
            ["--quiet", f"{taken:.2f}", f"{LINES / taken:,.0f}", f"{memory / 1024:.0f} MiB"],
            ["shown", f"{shown:.2f}", f"{LINES / shown:,.0f}", f"{shown_memory / 1024:.0f} MiB"],
        ],
    )


def starting(bench: Bench) -> None:
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "--help": [*RUNWRIGHT, "--help"],
        "list": [*RUNWRIGHT, "list", "-W", "1 step.yml"],
        "validate": [*RUNWRIGHT, "validate", "1 step.yml"],
        "dry run of a 256-leg matrix": bench.run("matrix", "-n"),
        "plan of 1,000 jobs": [*RUNWRIGHT, "plan", "-W", "jobs.yml"],
    }
    rows = [["", "median of 10"]]
    for name, command in commands.items():
        bench.seconds(*command)
        rows.append([name, milliseconds(bench.median(*command, rounds=10))])
    show("Commands that run nothing", rows)


def large_repository(bench: Bench) -> None:
    small = bench.median(*bench.run("1 step"))
    for folder in range(200):
        path = bench.directory / "many" / str(folder)
        path.mkdir(parents=True)
        for file in range(100):
            (path / f"{file}.txt").write_text("x" * 1000)
    git(bench.directory, "add", "-A")
    git(bench.directory, "commit", "-q", "-m", "many")
    bench.seconds(*bench.run("1 step"))
    rows = [
        ["", "one-step job"],
        ["a few files", milliseconds(small)],
        ["20,000 files", milliseconds(bench.median(*bench.run("1 step")))],
    ]
    if bench.act:
        rows.append(["20,000 files, act", milliseconds(bench.seconds(*bench.run_act("1 step")))])
    show("The size of the repository", rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--act", default=shutil.which("act") or "", help="the act to compare with")
    parser.add_argument("--image", default="runwright-test/debian:bookworm")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with repository() as directory:
        bench = Bench(directory, given.image, given.act, given.rounds)
        print(json.dumps({"processors": os.cpu_count(), "image": bench.image, "act": bench.act}))
        beside_act(bench)
        output(bench)
        starting(bench)
        large_repository(bench)


if __name__ == "__main__":
    main()
