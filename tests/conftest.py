"""What all tests share: where the conformance corpora are, and Docker or a clear failure."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import hypothesis
import pytest

# no test depends on how fast a machine is
hypothesis.settings.register_profile("runwright", deadline=None)
hypothesis.settings.load_profile("runwright")

CONFORMANCE = Path(__file__).parent.parent.parent / "shared" / "conformance"


@pytest.fixture(autouse=True)
def _state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that tests start are kept in a folder of their own; Node is large and shared."""
    state = tmp_path_factory.mktemp("state")
    monkeypatch.setenv("RUNWRIGHT_STATE", str(state))
    cache = os.environ.get("RUNWRIGHT_TEST_CACHE") or Path.home() / ".cache" / "runwright-tests"
    externals = Path(cache) / "externals"
    externals.mkdir(parents=True, exist_ok=True)
    (state / "externals").symlink_to(externals)


@pytest.fixture(scope="session")
def _docker() -> None:
    done = subprocess.run(["docker", "info"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(
            f"these tests need Docker, and it does not answer: {done.stderr.strip()}\n"
            "`sh tests/run` installs and starts it; without it, choose: pytest -m 'not docker'",
            pytrace=False,
        )


@pytest.fixture(autouse=True)
def _docker_where_asked_for(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("docker"):
        request.getfixturevalue("_docker")


def pytest_report_header() -> str:
    where = "found" if CONFORMANCE.is_dir() else "absent: the tests that read it are skipped"
    return f"conformance corpora ({CONFORMANCE}): {where}"
