"""Background and parallel steps in a real container: they overlap, and their lines stay whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from e2e import repository, run, workflow

pytestmark = pytest.mark.docker
CI = ".github/workflows/ci.yml"

# Each waits for a sign of the other: they end only if both run at the same time.
MEET = """
- parallel:
    - name: one
      run: touch one; until [ -e two ]; do sleep 0.01; done; echo met two
    - name: two
      run: touch two; until [ -e one ]; do sleep 0.01; done; echo met one
- run: echo after
"""


@pytest.mark.covers("STEP-026")
@pytest.mark.parametrize("container", [None, "runwright-test/busybox"])
def test_parallel_steps_really_overlap(tmp_path: Path, container: str | None) -> None:
    keys = {} if container is None else {"container": container}
    ran = run(repository(tmp_path, {CI: workflow(MEET, timeout_minutes="1", **keys)}))
    assert ran.code == 0, ran.errors + ran.printed()
    assert sorted(ran.printed().splitlines()) == ["after", "met one", "met two"]


@pytest.mark.covers("STEP-024", "STEP-025", "STEP-027", "STEP-028")
def test_a_server_in_the_background(tmp_path: Path) -> None:
    steps = """
- id: server
  background: true
  run: |
    echo "port=8123" >>"$GITHUB_OUTPUT"
    exec python3 -m http.server 8123
- run: |
    echo "known: [${{ steps.server.outputs.port }}]"
    python3 - <<'END'
    import time, urllib.request
    for _ in range(100):
        try:
            print(urllib.request.urlopen("http://localhost:8123/hello.txt").read().decode())
            break
        except OSError:
            time.sleep(0.1)
    END
- cancel: server
- run: echo "known now [${{ steps.server.outputs.port }}] ${{ steps.server.outcome }}"
"""
    ran = run(repository(tmp_path, {CI: workflow(steps), "hello.txt": "hello"}))
    assert ran.code == 0, ran.errors + ran.printed()
    said = ran.printed()
    assert "known: []" in said and "hello\n" in said
    assert "known now [8123] cancelled" in said


@pytest.mark.covers("STEP-024", "STEP-028")
def test_lines_of_overlapping_steps_stay_whole(tmp_path: Path) -> None:
    text = "x" * 70
    loop = f'for i in $(seq 2000); do echo "{{}} $i {text}"; done'
    steps = "".join(
        f"- background: true\n  run: {loop.format(name)!r}\n".replace('"', '\\"').replace("'", '"')
        for name in ("a", "b", "c")
    )
    ran = run(repository(tmp_path, {CI: workflow(steps)}))
    assert ran.code == 0, ran.errors
    lines = ran.printed().splitlines()
    for name in ("a", "b", "c"):
        own = [line for line in lines if line.startswith(f"{name} ")]
        assert own == [f"{name} {i} {text}" for i in range(1, 2001)]
    assert len(lines) == 6000
    assert list(ran.ends())[-1] == "Wait for all background steps"


@pytest.mark.covers("STEP-020", "STEP-025")
def test_a_cancelled_background_step_may_clean_up(tmp_path: Path) -> None:
    steps = """
- id: slow
  background: true
  run: trap 'echo cleaned up; exit 0' INT; touch here; while :; do sleep 0.1; done
- run: until [ -e here ]; do sleep 0.05; done
- cancel: slow
- run: echo on
"""
    ran = run(repository(tmp_path, {CI: workflow(steps)}))
    assert ran.code == 0 and ran.printed() == "cleaned up\non\n"
