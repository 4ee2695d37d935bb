"""Called workflows in real containers: fetched, nested, refused, and what they see."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from e2e import Json, Ran, repository, run
from gitserver import Origin
from test_actions_cli import origin

__all__ = ["origin"]  # a fixture

pytestmark = pytest.mark.docker
FLOWS = ".github/workflows"


def calling(tmp_path: Path, ci: str, **called: str) -> Ran:
    """A run of a workflow in a repository that has these others to call."""
    others = {f"{FLOWS}/{name}.yml": text for name, text in called.items()}
    folder = repository(tmp_path / "repo", {f"{FLOWS}/ci.yml": ci, **others, "who": "the caller's"})
    return run(folder, "-W", f"{FLOWS}/ci.yml")


def names(events: Iterable[Json]) -> dict[str, str]:
    """The display name of each job, by its key."""
    return {event["job"]: event["name"] for event in events}


# --- of another repository ------------------------------------------------------------------------

TOOLS = """
on: workflow_call
jobs:
  inner:
    runs-on: ubuntu-latest
    steps:
      - run: echo "first of ${{ job.workflow_repository }} at ${{ job.workflow_sha }}"; cat who
      - uses: ./say
      - uses: $/say
"""
NEAR = "on: workflow_call\njobs: {near: {uses: ./.github/workflows/tools.yml}}\n"
SAY = "name: Say\nruns: {using: composite, steps: [{run: echo said WHOSE, shell: sh}]}\n"


@pytest.mark.covers("RWF-002")
def test_a_workflow_of_another_repository_by_tag_branch_and_commit(
    tmp_path: Path, origin: Origin
) -> None:
    """`./` of its actions is the caller's workspace; `$/`, and `./` of its calls, are its own."""
    tools = origin.repository("octo/tools")
    say = {"say/action.yml": SAY.replace("WHOSE", "there")}
    first = tools.commit({f"{FLOWS}/tools.yml": TOOLS, f"{FLOWS}/near.yml": NEAR, **say}, "v1")
    second = tools.commit({f"{FLOWS}/tools.yml": TOOLS.replace("first", "second")})
    uses = "octo/tools/.github/workflows"
    ci = f"""
on: push
jobs:
  tag: {{uses: {uses}/tools.yml@v1}}
  branch: {{uses: {uses}/tools.yml@main}}
  commit: {{uses: {uses}/tools.yml@{first}}}
  nested: {{uses: {uses}/near.yml@v1}}
"""
    here = {f"{FLOWS}/ci.yml": ci, "say/action.yml": SAY.replace("WHOSE", "here"), "who": "mine\n"}
    ran = run(repository(tmp_path / "repo", here))
    assert ran.code == 0, ran.errors + ran.printed()
    told = "mine\nsaid here\nsaid there\n"
    of_v1 = f"first of octo/tools at {first}\n{told}"
    assert ran.printed("tag/inner") == of_v1
    assert ran.printed("commit/inner") == of_v1
    assert ran.printed("nested/near/inner") == of_v1
    assert ran.printed("branch/inner") == f"second of octo/tools at {second}\n{told}"
    files = {event["job"]: event["file"] for event in ran.of("job.called")}
    assert files["tag"] == "octo/tools/.github/workflows/tools.yml@v1"
    assert files["nested/near"] == "octo/tools/.github/workflows/tools.yml@v1"
    assert set(origin.asked) == {"octo/tools"}


@pytest.mark.covers("RWF-002")
@pytest.mark.parametrize(
    ("uses", "code", "says"),
    [
        ("octo/tools/.github/workflows/tools.yml@v2", 4, 'has no tag or branch "v2"'),
        ("octo/tools/.github/workflows/absent.yml@v1", 3, "there is no such file"),
        ("octo/absent/.github/workflows/tools.yml@v1", 4, 'there is no repository "octo/absent"'),
    ],
)
def test_a_workflow_that_is_not_there(
    tmp_path: Path, origin: Origin, uses: str, code: int, says: str
) -> None:
    """No job begins, not even one that calls nothing."""
    origin.repository("octo/tools").commit({f"{FLOWS}/tools.yml": TOOLS}, "v1")
    first = "{runs-on: ubuntu-latest, steps: [run: echo first]}"
    ran = calling(tmp_path, f"on: push\njobs:\n  first: {first}\n  call: {{uses: {uses}}}\n")
    assert (ran.code, ran.events) == (code, ())
    assert f'ci.yml:4:16: "{uses}" can\'t be called: ' in ran.errors and says in ran.errors


# --- what is the caller's, and what is not --------------------------------------------------------

ENVS = """
on: push
env: {OUTER: outer}
jobs:
  call: {uses: ./.github/workflows/called.yml}
  after:
    needs: call
    runs-on: ubuntu-latest
    steps: [run: 'echo "$OUTER, ${INNER-no inner}, ${{ env.OUTER }}, [${{ env.INNER }}]"']
"""
ENVS_CALLED = """
on: workflow_call
env: {INNER: inner}
jobs:
  inner:
    runs-on: ubuntu-latest
    steps:
      - run: echo "${OUTER-no outer}, $INNER, [${{ env.OUTER }}], ${{ env.INNER }}"
      - run: echo FROM_STEP=yes >>"$GITHUB_ENV"
  deeper: {uses: ./.github/workflows/deeper.yml}
"""
ENVS_DEEPER = """
on: workflow_call
jobs:
  inner:
    runs-on: ubuntu-latest
    steps: [run: 'echo "${OUTER-no outer}, ${INNER-no inner}"']
"""


@pytest.mark.covers("RWF-006")
def test_env_is_passed_neither_in_nor_out(tmp_path: Path) -> None:
    ran = calling(tmp_path, ENVS, called=ENVS_CALLED, deeper=ENVS_DEEPER)
    assert ran.code == 0, ran.errors
    assert ran.printed("call/inner") == "no outer, inner, [], inner\n"
    assert ran.printed("call/deeper/inner") == "no outer, no inner\n"
    assert ran.printed("after") == "outer, no inner, outer, []\n"


SHOW = """
    runs-on: ubuntu-latest
    steps:
      - run: |
          echo "${{ github.workflow }}, $GITHUB_WORKFLOW"
          echo "${{ github.workflow_ref }}, $GITHUB_WORKFLOW_REF"
          echo "${{ github.event_name }} ${{ github.ref }} ${{ github.sha }}"
"""
SHOWN = f"on: push\njobs:\n  call: {{uses: ./{FLOWS}/called.yml}}\n  own:{SHOW}"
SHOWN_CALLED = f"""name: Called
on: workflow_call
jobs:
  deeper: {{uses: ./{FLOWS}/deeper.yml}}
  inner:{SHOW}"""
SHOWN_DEEPER = f"name: Deeper\non: workflow_call\njobs:\n  inner:{SHOW}"


@pytest.mark.covers("RWF-010")
@pytest.mark.parametrize(
    ("name", "shown"), [("name: Caller\n", "Caller"), ("", ".github/workflows/ci.yml")]
)
def test_github_is_the_callers(tmp_path: Path, name: str, shown: str) -> None:
    ran = calling(tmp_path, name + SHOWN, called=SHOWN_CALLED, deeper=SHOWN_DEEPER)
    assert ran.code == 0, ran.errors
    ref = "local/repo/.github/workflows/ci.yml@refs/heads/main"
    own = ran.printed("own")
    assert own.startswith(f"{shown}, {shown}\n{ref}, {ref}\npush refs/heads/main ")
    assert ran.printed("call/inner") == own
    assert ran.printed("call/deeper/inner") == own


NAMED = """
on: push
jobs:
  plain: {uses: ./.github/workflows/called.yml}
  legs:
    name: To ${{ matrix.to }}
    strategy: {matrix: {to: [prod, test]}}
    uses: ./.github/workflows/called.yml
  unnamed:
    strategy: {matrix: {to: [prod]}}
    uses: ./.github/workflows/called.yml
"""
NAMED_CALLED = """
on: workflow_call
jobs:
  named:
    name: Say on ${{ github.ref_name }}
    runs-on: ubuntu-latest
    steps: [run: echo]
  deeper:
    name: Middle
    uses: ./.github/workflows/deeper.yml
"""
NAMED_DEEPER = """
on: workflow_call
jobs:
  leg:
    strategy: {matrix: {n: [1]}}
    runs-on: ubuntu-latest
    steps: [run: echo]
"""


@pytest.mark.covers("RWF-011")
def test_names_are_those_of_caller_and_called(tmp_path: Path) -> None:
    ran = calling(tmp_path, NAMED, called=NAMED_CALLED, deeper=NAMED_DEEPER)
    assert ran.code == 0, ran.errors
    calls = {
        "plain": "plain",
        "legs.0": "To prod",
        "legs.1": "To test",
        "unnamed.0": "unnamed (prod)",
        "plain/deeper": "plain / Middle",
        "legs.0/deeper": "To prod / Middle",
        "legs.1/deeper": "To test / Middle",
        "unnamed.0/deeper": "unnamed (prod) / Middle",
    }
    jobs = {
        "plain/named": "plain / Say on main",
        "legs.0/named": "To prod / Say on main",
        "legs.1/named": "To test / Say on main",
        "unnamed.0/named": "unnamed (prod) / Say on main",
        "plain/deeper/leg.0": "plain / Middle / leg (1)",
        "legs.0/deeper/leg.0": "To prod / Middle / leg (1)",
        "legs.1/deeper/leg.0": "To test / Middle / leg (1)",
        "unnamed.0/deeper/leg.0": "unnamed (prod) / Middle / leg (1)",
    }
    assert names(ran.of("job.called")) == calls
    assert names(ran.of("job.started")) == jobs
    assert names(ran.of("job.finished")) == {**calls, **jobs}


# --- nested, and how far --------------------------------------------------------------------------

LAST = """
on: workflow_call
jobs: {inner: {runs-on: ubuntu-latest, steps: [run: echo at the end]}}
"""


def chain(levels: int) -> dict[str, str]:
    """Workflows that call each other one after the other, the first of them `w1`."""
    links = {
        f"w{n}": f"on: workflow_call\njobs: {{call: {{uses: ./{FLOWS}/w{n + 1}.yml}}}}\n"
        for n in range(1, levels)
    }
    return {**links, f"w{levels}": LAST}


FIRST = f"on: push\njobs: {{call: {{uses: ./{FLOWS}/w1.yml}}}}\n"


@pytest.mark.covers("RWF-007")
def test_a_workflow_and_nine_levels_of_calls(tmp_path: Path) -> None:
    ran = calling(tmp_path, FIRST, **chain(9))
    assert ran.code == 0, ran.errors
    deepest = "/".join(["call"] * 9)
    assert ran.printed(f"{deepest}/inner") == "at the end\n"
    assert ran.jobs()["call"] == "success"


@pytest.mark.covers("RWF-007")
def test_a_tenth_level_is_refused(tmp_path: Path) -> None:
    ran = calling(tmp_path, FIRST, **chain(10))
    assert ran.code == 3 and ran.events == ()
    said = f'w9.yml:2:21: "./{FLOWS}/w10.yml" is called 10 levels deep; GitHub allows 9'
    assert said in ran.errors


@pytest.mark.covers("RWF-007")
def test_a_loop_is_refused_with_its_chain(tmp_path: Path) -> None:
    back = f"on: workflow_call\njobs: {{call: {{uses: ./{FLOWS}/w1.yml}}}}\n"
    ran = calling(tmp_path, FIRST, **(chain(3) | {"w3": back}))
    assert ran.code == 3 and ran.events == ()
    loop = " -> ".join(f"{FLOWS}/w{n}.yml" for n in (1, 2, 3, 1))
    assert f'w3.yml:2:21: "./{FLOWS}/w1.yml" calls itself in the end: {loop}' in ran.errors


def many(tmp_path: Path, files: int) -> Ran:
    """A run of a workflow that calls so many; only the last one's job has something to do."""
    idle = LAST.replace("{runs-on", "{if: false, runs-on")
    called = {f"w{n}": idle if n < files else LAST for n in range(1, files + 1)}
    jobs = "".join(f"  {name}: {{uses: ./{FLOWS}/{name}.yml}}\n" for name in called)
    return calling(tmp_path, f"on: push\njobs:\n{jobs}", **called)


@pytest.mark.covers("RWF-007")
def test_fifty_files_may_be_called(tmp_path: Path) -> None:
    ran = many(tmp_path, 50)
    assert ran.code == 0, ran.errors
    assert ran.printed() == "at the end\n"
    assert len([job for job in ran.jobs() if "/" in job]) == 50


@pytest.mark.covers("RWF-007")
def test_a_fifty_first_file_is_refused(tmp_path: Path) -> None:
    ran = many(tmp_path, 51)
    assert ran.code == 3 and ran.events == ()
    assert f'"./{FLOWS}/w51.yml" is one file too many: GitHub reads 51 of one run' in ran.errors


# --- permissions and concurrency ------------------------------------------------------------------

GRANTED = """
on: push
permissions: {contents: write, issues: write}
jobs:
  all: {uses: ./.github/workflows/called.yml}
  less:
    permissions: {issues: read}
    uses: ./.github/workflows/called.yml
"""
GRANTED_CALLED = """
on: workflow_call
jobs:
  same: {runs-on: ubuntu-latest, steps: [run: echo]}
  lowered:
    permissions: {issues: read}
    runs-on: ubuntu-latest
    steps: [run: echo]
  none:
    permissions: {}
    runs-on: ubuntu-latest
    steps: [run: echo]
"""


@pytest.mark.covers("RWF-009")
def test_permissions_are_only_lowered(tmp_path: Path) -> None:
    ran = calling(tmp_path, GRANTED, called=GRANTED_CALLED)
    assert ran.code == 0, ran.errors
    given = {event["job"]: event["permissions"] for event in ran.of("job.started")}
    metadata = {"metadata": "read"}
    assert given == {
        "all/same": {"contents": "write", "issues": "write", **metadata},
        "all/lowered": {"issues": "read", **metadata},
        "all/none": metadata,
        "less/same": {"issues": "read", **metadata},
        "less/lowered": {"issues": "read", **metadata},
        "less/none": metadata,
    }


@pytest.mark.covers("RWF-009")
def test_a_called_job_that_asks_for_more_is_refused(tmp_path: Path) -> None:
    asks = GRANTED_CALLED.replace("issues: read", "issues: write")
    ran = calling(tmp_path, GRANTED, called=asks)
    assert ran.code == 3 and ran.events == ()
    (said,) = ran.errors.splitlines()
    assert f'ci.yml:6:3: job "lowered" of "./{FLOWS}/called.yml" asks for issues: write' in said
    assert 'the job "less" that calls it has issues: read' in said


IN_TURN = """
on: push
jobs:
  one: {uses: ./.github/workflows/called.yml, with: {group: shared}OF_CALL}
  two: {uses: ./.github/workflows/called.yml, with: {group: Shared}OF_CALL}
"""
IN_TURN_CALLED = """
on: {workflow_call: {inputs: {group: {type: string}}}}
OF_CALLED
jobs:
  first: {runs-on: ubuntu-latest, steps: [run: sleep 1]}
  second: {needs: first, runs-on: ubuntu-latest, steps: [run: echo]}
"""


@pytest.mark.covers("RWF-009")
@pytest.mark.parametrize(
    ("of_call", "of_called"),
    [(", concurrency: shared", ""), ("", "concurrency: for-${{ inputs.group }}")],
)
def test_calls_of_one_group_run_one_after_the_other(
    tmp_path: Path, of_call: str, of_called: str
) -> None:
    """Whichever is first: all its jobs end before one of the other's begins."""
    called = IN_TURN_CALLED.replace("OF_CALLED", of_called)
    ran = calling(tmp_path, IN_TURN.replace("OF_CALL", of_call), called=called)
    assert ran.code == 0, ran.errors
    told = [event for event in ran.events if event["type"] in ("job.started", "job.finished")]
    whose = [event["job"].partition("/")[0] for event in told if "/" in event["job"]]
    assert whose in (["one"] * 4 + ["two"] * 4, ["two"] * 4 + ["one"] * 4)


@pytest.mark.covers("RWF-009")
def test_a_called_workflow_in_its_callers_group_never_runs(tmp_path: Path) -> None:
    called = IN_TURN_CALLED.replace("OF_CALLED", "concurrency: '${{ inputs.group }}'")
    ci = "concurrency: SHARED\n" + IN_TURN.replace("OF_CALL", "")
    ran = calling(tmp_path, ci, called=called)
    assert ran.code == 1 and not ran.of("job.started")
    assert ran.jobs() == {"one": "cancelled", "two": "cancelled"}
    assert "deadlock was detected for concurrency group: 'shared'" in ran.reason("one")
