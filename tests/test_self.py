"""Runwright runs its own CI: the jobs of this repository that need no Docker inside."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
IMAGE = "runwright-test/debian:bookworm"


@pytest.mark.docker
def test_our_own_ci_passes_in_containers() -> None:
    command = [sys.executable, "-m", "engine", "push", "-C", str(ROOT)]
    jobs = ["-j", "lint", "-j", "pure", "-P", f"ubuntu-24.04={IMAGE}"]
    done = subprocess.run([*command, *jobs], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr
    assert "Lint and types" in done.stdout
    for rooms in ("reading", "language", "running"):
        assert f"Tests without Docker ({rooms})" in done.stdout


def test_our_own_workflows_are_valid() -> None:
    command = [sys.executable, "-m", "engine", "validate", "-C", str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
