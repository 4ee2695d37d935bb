"""Packages from npm that tests use: the pinned version, installed once into a cache."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def package(name: str, version: str) -> Path:
    """The folder of an installed package. A missing tool or registry fails the test."""
    for tool in ("node", "npm"):
        if shutil.which(tool) is None:
            pytest.fail(f"{tool} is missing; these tests need Node.js 20 or newer: nodejs.org")
    home = os.environ.get("RUNWRIGHT_TEST_CACHE") or Path.home() / ".cache" / "runwright-tests"
    cache = Path(home) / f"{name.rpartition('/')[2]}-{version}"
    folder = cache / "node_modules" / name
    if not (folder / "package.json").exists():
        wanted = f"{name}@{version}"
        command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(cache), wanted]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.fail(f"`{' '.join(command)}` failed; is the registry reachable?\n{done.stderr}")
    return folder
