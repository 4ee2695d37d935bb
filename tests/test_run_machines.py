"""Trouble with machines, and what the runner is asked for."""

from __future__ import annotations

import hashlib

import pytest
from scripted import FakeRunner, Ran, Reply, SlowRunner, job, run

from engine.events import JobStarted, StepStarted
from engine.machine import Command, Credentials, MachineSpec

THREE = """
jobs:
  a:
    runs-on: x
    steps:
      - run: {a}
      - run: echo
        if: always()
  b:
    needs: a
    runs-on: x
    steps: [{{run: echo}}]
  c:
    runs-on: x
    steps: [{{run: sleep 9}}]
"""


def test_a_machine_that_does_not_open() -> None:
    ran = run(THREE.format(a="echo"), runner=FakeRunner(refuse={"a": "There is no image."}))
    assert ran.jobs == {"a": "failure", "b": "skipped", "c": "success"}
    assert ran.reasons["a"] == "There is no image."
    assert ran.result and ran.result.broke and ran.outcome == "failure"
    assert not ran.finished("a") and [event.job for event in ran.of(JobStarted)] == ["c"]


@pytest.mark.covers("STEP-032")
@pytest.mark.parametrize("tolerant", ["true", "false"])
def test_a_machine_that_is_lost(tolerant: str) -> None:
    text = THREE.format(a=f"lost Gone.\n        continue-on-error: {tolerant}")
    ran = run(text)
    assert ran.jobs == {"a": "failure", "b": "skipped", "c": "success"}
    assert ran.conclusions("a") == ["failure", "skipped"]
    assert ran.step(1, "a").reason == "Gone." and ran.errors("a") == ["Gone."]
    assert ran.step(2, "a").reason == "the machine was lost"
    assert ran.reasons["a"] == "Gone."
    assert ran.result and ran.result.broke


def test_a_machine_that_is_lost_is_not_tried_again() -> None:
    ran = run(job("- run: lost Gone.\n  retry: 3"))
    assert ran.conclusions() == ["failure"] and ran.jobs == {"test": "failure"}


def test_the_attempts_until_a_machine_was_lost_are_counted() -> None:
    replies = iter([Reply(1), Reply(1), Reply(lost="Gone.")])
    ran = run(job("- run: x\n  retry: 9"), runner=FakeRunner(lambda *_: next(replies)))
    assert ran.step(1).attempts == 3


def test_a_machine_that_is_lost_while_it_is_cancelled() -> None:
    """The step that ran has an end, whatever went wrong."""

    class Sulky(FakeRunner):
        def reply(self, spec: MachineSpec, command: Command) -> Reply | None:
            return Reply(seconds=100, lost="Gone.")

    ran = run(job("- run: x\n- run: echo\n  if: always()"), runner=Sulky(), cancel_at=10)
    assert ran.jobs == {"test": "cancelled"}
    assert len(ran.finished()) == 2


@pytest.mark.covers("JOB-006")
def test_no_place_for_one_leg() -> None:
    ran = run(
        """
        jobs:
          a:
            strategy: {matrix: {os: [macos, linux]}}
            runs-on: ${{ matrix.os }}
            steps: [{run: sleep 5}]
          b:
            needs: a
            if: always()
            runs-on: linux
            steps: [{run: 'echo ${{ needs.a.result }}'}]
        """,
        nowhere=("macos",),
    )
    assert ran.jobs == {"a.0": "skipped", "a.1": "success", "b": "success"}
    assert ran.reasons["a.0"] == 'nothing here stands for "macos"'
    assert ran.printed("b") == "skipped\n"
    assert ran.result and ran.result.broke and ran.result.ran == 2


def test_a_lost_machine_fails_the_matrix_fast() -> None:
    text = """
    jobs:
      a:
        strategy: {matrix: {v: [lost, sleep 50]}}
        runs-on: x
        steps: [{run: '${{ matrix.v }}'}]
    """
    assert run(text).jobs == {"a.0": "failure", "a.1": "cancelled"}


def test_a_machine_opened_ahead_for_nothing() -> None:
    """Nothing is said of a job that is over, and nobody waits for its machine."""
    ran = run(THREE.format(a="|\n          sleep 5\n          exit 1"), runner=SlowRunner(100))
    assert ran.jobs == {"a": "failure", "b": "skipped", "c": "success"}
    assert max(ran.times) == pytest.approx(109, abs=0.01)


# --- hashFiles ------------------------------------------------------------------------------------


def hashing(
    contents: list[bytes], code: int = 0, seconds: float = 0
) -> tuple[FakeRunner, list[str]]:
    """A machine with one file, `a.lock`, whose content is the next one each time."""
    left = list(contents)
    asked: list[str] = []

    def script(_: MachineSpec, command: Command) -> Reply | None:
        if "sha256sum" in command.script:
            digest = hashlib.sha256(left.pop(0)).hexdigest()
            return Reply(output=(f"{digest}  ./a.lock\n".encode(),), seconds=seconds)
        if "find" in command.script:
            asked.append(command.script)
            return Reply(code, output=(b"./a.lock\0",) if not code else (b"find: no\n",))
        return None

    return FakeRunner(script), asked


def digest(content: bytes) -> str:
    return hashlib.sha256(hashlib.sha256(content).digest()).hexdigest()


def test_hash_files_asks_the_machine() -> None:
    runner, asked = hashing([b"one"])
    ran = run(
        job("- run: echo ${{ hashFiles('*.lock') }} ${{ hashFiles('*.lock') }}"), runner=runner
    )
    assert ran.printed() == f"{digest(b'one')} {digest(b'one')}\n" and len(asked) == 1


def test_hash_files_is_asked_again_by_the_next_step() -> None:
    runner, _ = hashing([b"one", b"two"])
    step = "- run: echo ${{ hashFiles('*.lock') }}\n"
    assert run(job(step + step), runner=runner).printed() == (
        f"{digest(b'one')}\n{digest(b'two')}\n"
    )


def test_hash_files_in_a_name() -> None:
    runner, _ = hashing([b"one"])
    ran = run(job("- run: echo\n  name: ${{ hashFiles('*.lock') }}"), runner=runner)
    assert ran.step(1).name == digest(b"one")


@pytest.mark.parametrize(
    ("key", "result"),
    [
        ("if: hashFiles('*.lock') != ''", "success"),
        ("if: hashFiles('*.none') != ''", "skipped"),
        ("if: hashFiles('--follow-symbolic-links', '*.lock') != ''", "success"),
        ("if: false && hashFiles('*.lock') != ''", "skipped"),
        ("env: {H: \"${{ hashFiles('*.lock') }}\"}", "success"),
        ("name: x ${{ hashFiles('*.lock') }}", "success"),
    ],
)
def test_hash_files_in_the_keys_of_a_step(key: str, result: str) -> None:
    runner, _ = hashing([b"one"])
    assert run(job(f"- run: echo\n  {key}"), runner=runner).conclusions() == [result]


@pytest.mark.parametrize(
    ("code", "pattern", "message"),
    [(127, "*.lock", "hashFiles needs find"), (0, "--x', '*", "Invalid glob option")],
)
def test_hash_files_that_fails_is_the_steps_failure(code: int, pattern: str, message: str) -> None:
    runner, _ = hashing([b"one"], code)
    ran = run(job(f"- run: echo ${{{{ hashFiles('{pattern}') }}}}\n- run: echo"), runner=runner)
    assert ran.conclusions() == ["failure", "skipped"] and message in ran.step(1).reason
    assert ran.result and not ran.result.broke


# --- what the runner is asked for -----------------------------------------------------------------


def spec(text: str, **more: object) -> MachineSpec:
    ran: Ran = run(text, **more)
    return ran.runner.opened[0]


def test_a_job_without_a_container() -> None:
    found = spec(job("- run: echo"))
    assert (found.run_id, found.name, found.image) == ("7", "test", "image:1")
    assert found.layout.workspace == "/home/runner/work/hello/hello" and found.layout.home is None
    assert str(found.source) == "/source"


def test_a_job_with_a_container() -> None:
    container = (
        "{image: 'docker://ghcr.io/o/i:1',"
        " env: {A: '${{ github.ref_name }}', P: '${{ secrets.PW }}'},"
        " ports: [80], volumes: ['v:/v'], options: --cpus 1,"
        " credentials: {username: mona, password: '${{ secrets.PW }}'}}"
    )
    settings = {"secrets": {"PW": "hunter2"}, "options": "--init"}
    found = spec(job("- run: echo", container=container), settings=settings)
    assert found.layout.workspace == "/__w/hello/hello" and found.layout.home == "/github/home"
    assert found.env == {"A": "main", "P": "hunter2"}
    assert (found.ports, found.volumes, found.options) == (("80",), ("v:/v",), "--init --cpus 1")
    assert found.credentials == Credentials("mona", "hunter2")


def test_machines_have_names_of_their_own() -> None:
    ran = run(
        """
        jobs:
          a:
            runs-on: x
            strategy: {matrix: {v: [1, 2]}}
            steps: [{run: echo}]
          a-0:
            runs-on: x
            steps: [{run: echo}]
        """
    )
    assert len({spec.name for spec in ran.runner.opened}) == 3


def test_every_machine_is_closed_whatever_happens() -> None:
    ran = run(THREE.format(a="lost"), runner=SlowRunner(3), cancel_at=4)
    assert len(ran.runner.closed) == len(ran.runner.opened) > 0
    assert len(ran.of(StepStarted)) == 2


def test_the_event_is_a_file_in_the_machine() -> None:
    ran = run(job("- run: print-env GITHUB_EVENT_PATH\n- run: echo ${{ github.event_path }}"))
    path = "/home/runner/work/_temp/_github_workflow/event.json\n"
    assert ran.printed() == path + path
