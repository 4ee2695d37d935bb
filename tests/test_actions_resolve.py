"""Everything that steps use is found before the first one: composites, cycles, depth, failures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from scripted import job, workflow

from engine.actions import chains
from engine.actions.chains import Use
from engine.actions.expanded import as_json
from engine.actions.manifest import DockerRuns, NodeRuns
from engine.actions.reach import folders
from engine.actions.resolve import Absent, Located, Resolved, resolve
from engine.model import Step
from engine.problems import Place
from engine.reference import Local, Remote

NODE = "runs: {using: node24, main: index.js}"
SHA = "1" * 40


class Shelf:
    """A finder of folders below one folder, which remembers what it was asked, and when."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[list[str]] = []

    def find(self, wanted: Sequence[Remote]) -> list[Located | Absent]:
        self.asked.append([str(one) for one in wanted])
        return [self._one(one) for one in wanted]

    def _one(self, wanted: Remote) -> Located | Absent:
        folder = self.folder / wanted.folder.lower()
        if folder.is_dir():
            return Located(folder, SHA)
        return Absent(f'there is no repository "{wanted.name}"; check it')


def composite(*uses: str) -> str:
    """A composite action; a use that starts with `?` has a condition."""
    steps = "".join(f"    - {_step(use)}\n" for use in uses)
    return f"runs:\n  using: composite\n  steps:\n{steps}"


def _step(use: str) -> str:
    condition = ", if: inputs.more == 'true'" if use.startswith("?") else ""
    return f"{{uses: '{use.removeprefix('?')}'{condition}}}"


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def steps(*uses: str) -> tuple[Step, ...]:
    return workflow(job("\n".join(f"- {_step(use)}" for use in uses))).jobs[0].steps


class Repositories:
    """A tree and a shelf of remote repositories."""

    def __init__(self, folder: Path) -> None:
        self.tree, self.shelf = folder / "tree", Shelf(folder / "remote")
        self.tree.mkdir()

    def local(self, **actions: str) -> None:
        write(self.tree, {f"{name}/action.yml": text for name, text in actions.items()})

    def remote(self, actions: Mapping[str, str]) -> None:
        """Manifests by the path of their folder below owner/repository/ref."""
        write(self.shelf.folder, {f"{name}/action.yml": text for name, text in actions.items()})

    def resolve(self, *uses: str, home: Remote | None = None) -> Resolved:
        return resolve(steps(*uses), self.shelf, self.tree, home)


@pytest.fixture
def place(tmp_path: Path) -> Repositories:
    return Repositories(tmp_path)


def said(found: Resolved) -> list[str]:
    return [f"{problem.level}: {problem}" for problem in found.problems]


# --- what is found --------------------------------------------------------------------------------


@pytest.mark.covers("ACT-001", "ACT-003")
def test_actions_of_every_kind(place: Repositories) -> None:
    place.local(here=NODE)
    place.remote(
        {"octo/tool/v1": NODE, "octo/tool/v1/sub": "runs: {using: docker, image: Dockerfile}"}
    )
    write(place.shelf.folder, {"octo/tool/v1/sub/Dockerfile": "FROM scratch"})
    found = place.resolve(
        "./here", "octo/tool@v1", "octo/tool/sub@v1", "docker://alpine", "actions/checkout@v4"
    )
    assert found.problems == ()
    assert set(found.found) == {"./here", "octo/tool@v1", "octo/tool/sub@v1"}
    here, tool, sub = (found.found[name] for name in ("./here", "octo/tool@v1", "octo/tool/sub@v1"))
    assert (here.reference, here.source, here.sha) == (Local("here"), None, "")
    assert isinstance(tool.action.runs, NodeRuns) and isinstance(sub.action.runs, DockerRuns)
    assert (sub.source, sub.sha) == (place.shelf.folder / "octo/tool/v1", SHA)
    assert folders(found.found.values()) == {"octo/tool/v1": place.shelf.folder / "octo/tool/v1"}


@pytest.mark.covers("ACT-022")
def test_a_lone_dockerfile_is_an_action(place: Repositories) -> None:
    write(place.tree, {"tool/Dockerfile": "FROM scratch"})
    runs = place.resolve("./tool").found["./tool"].action.runs
    assert runs == DockerRuns("Dockerfile")


@pytest.mark.covers("ACT-001")
def test_the_same_action_in_another_spelling_is_found_once(place: Repositories) -> None:
    place.remote({"octo/tool/v1": NODE})
    found = place.resolve("Octo/Tool@v1", "octo/tool@v1")
    assert list(found.found) == ["octo/tool@v1"]
    assert place.shelf.asked == [["Octo/Tool@v1"]]


@pytest.mark.covers("ACT-015", "ACT-023")
def test_composites_are_followed_level_by_level(place: Repositories) -> None:
    place.local(first=composite("octo/a@v1", "octo/b@v1"))
    place.remote(
        {
            "octo/a/v1": composite("octo/c@v1", "./second"),
            "octo/b/v1": composite("octo/c@v1", "octo/d/sub@v2"),
            "octo/c/v1": NODE,
            "octo/d/v2/sub": NODE,
        }
    )
    place.local(second=NODE)
    found = place.resolve("./first")
    assert found.problems == ()
    assert sorted(found.found) == [
        *("./first", "./second", "octo/a@v1", "octo/b@v1", "octo/c@v1", "octo/d/sub@v2"),
    ]
    # all of one level are asked for together, nothing twice
    assert place.shelf.asked == [["octo/a@v1", "octo/b@v1"], ["octo/c@v1", "octo/d/sub@v2"]]


@pytest.mark.covers("ACT-023")
def test_steps_below_parallel_are_found_too(place: Repositories) -> None:
    place.remote({"octo/a/v1": NODE, "octo/b/v1": NODE})
    found = workflow(job("- parallel:\n    - uses: octo/a@v1\n    - uses: octo/b@v1"))
    resolved = resolve(found.jobs[0].steps, place.shelf, None)
    assert sorted(resolved.found) == ["octo/a@v1", "octo/b@v1"]


@pytest.mark.covers("ACT-005")
def test_the_repository_itself(place: Repositories) -> None:
    place.local(tool=NODE)
    place.remote({"octo/a/v1/one": composite("$/two", "./tool"), "octo/a/v1/two": NODE})
    found = place.resolve("octo/a/one@v1", "$/tool")
    assert sorted(found.found) == ["./tool", "octo/a/one@v1", "octo/a/two@v1"]
    called = place.resolve("$/two", home=Remote("octo", "a", ".github/workflows/ci.yml", "v1"))
    assert list(called.found) == ["octo/a/two@v1"]


# --- local actions may still change ---------------------------------------------------------------


@pytest.mark.covers("ACT-003")
@pytest.mark.parametrize("uses", ["./made-later", "./../outside", "./link"])
def test_a_local_action_that_is_not_here_is_left_for_run_time(
    place: Repositories, uses: str
) -> None:
    write(place.tree.parent, {"outside/action.yml": NODE})
    (place.tree / "link").symlink_to(place.tree.parent / "outside")
    assert place.resolve(uses) == Resolved()


@pytest.mark.covers("ACT-003")
def test_a_mistake_in_a_local_action_is_told_early_and_stops_nothing(place: Repositories) -> None:
    place.local(bad="runs: {using: node99, main: a}")
    found = place.resolve("./bad")
    assert found.found == {}
    assert said(found)[0].startswith('warning: bad/action.yml:1:15: "node99" is no kind of action')


# --- what can't be had ----------------------------------------------------------------------------


@pytest.mark.covers("ACT-023")
def test_failures_are_told_together_at_their_places(place: Repositories) -> None:
    place.remote(
        {
            "octo/tool/v1/setup": NODE,
            "octo/bad/v1": "runs: {using: node20}",
            "octo/nested/v1": composite("octo/missing@v2"),
            "octo/docker/v1": "runs: {using: docker, image: build/Dockerfile}",
        }
    )
    found = place.resolve(
        *("octo/missing@v1", "octo/tool@v1", "octo/tool/setpu@v1", "octo/bad@v1"),
        *("octo/docker@v1", "octo/nested@v1"),
    )
    assert said(found) == [
        'error: ci.runwright.yml:5:16: there is no repository "octo/missing"; check it [fetch]',
        "error: ci.runwright.yml:6:16: there is no action.yml, action.yaml or Dockerfile in "
        "octo/tool@v1; name the folder that has one after the repository's name, or another "
        "version [action]",
        'error: ci.runwright.yml:7:16: there is no folder "setpu" in octo/tool@v1; did you mean '
        '"setup"? [action]',
        "error: octo/bad@v1/action.yml:1:7: `runs` needs `main`: the script that it runs, such as "
        "dist/index.js [action]",
        'error: ci.runwright.yml:9:16: octo/docker@v1 is built from its "build/Dockerfile", which '
        "is not there; use another version [action]",
        'error: octo/nested@v1/action.yml:4:14: there is no repository "octo/missing"; check it '
        "[fetch]",
    ]
    assert list(found.found) == ["octo/nested@v1"]


@pytest.mark.parametrize("target", ["/etc", "../../..", "action.yml"])
def test_a_repository_can_t_show_files_outside_of_itself(place: Repositories, target: str) -> None:
    folder = place.shelf.folder / "octo/tool/v1"
    folder.mkdir(parents=True)
    (folder / "action.yml").symlink_to(target)
    (problem,) = place.resolve("octo/tool@v1").problems
    assert "there is no action.yml" in problem.message


# --- without end, too deep ------------------------------------------------------------------------


@pytest.mark.covers("ACT-015")
@pytest.mark.parametrize(
    ("local", "remote", "first", "says"),
    [
        ({"a": composite("./a")}, {}, "./a", "a/action.yml:4:14: {}: ./a -> ./a"),
        (
            {"a": composite("./b"), "b": composite("./a")},
            {},
            "./a",
            "b/action.yml:4:14: {}: ./a -> ./b -> ./a",
        ),
        (
            {"a": composite("octo/b@v1")},
            {"octo/b/v1": composite("./a")},
            "./a",
            "octo/b@v1/action.yml:4:14: {}: ./a -> octo/b@v1 -> ./a",
        ),
        (
            {},
            {"octo/b/v1": composite("?Octo/C@v1"), "octo/c/v1": composite("octo/b@v1")},
            "?octo/b@v1",
            "octo/c@v1/action.yml:4:14: {}: octo/b@v1 -> Octo/C@v1 -> octo/b@v1",
        )
    ],
)  # fmt: skip
def test_a_cycle_is_told_as_a_chain(
    place: Repositories, local: dict[str, str], remote: dict[str, str], first: str, says: str
) -> None:
    place.local(**local)
    place.remote(remote)
    message = "these actions use each other and could never end"
    found = place.resolve(first, first)
    # Octo/C is where octo/c is: the place is told as it was first written
    assert [str(p).lower() for p in found.problems] == [f"{says.format(message)} [action]".lower()]


@pytest.mark.covers("ACT-015")
@pytest.mark.parametrize("first", ["./a", "?./b"])
def test_a_condition_may_end_a_cycle_of_local_actions(place: Repositories, first: str) -> None:
    place.local(a=composite("?./a"), b=composite("./b"))
    assert place.resolve(first).problems == ()


def nested(levels: int) -> dict[str, str]:
    """Composites a0, a1 … of which each uses the next; the last one is a JavaScript action."""
    chain = {f"a{i}": composite(f"./a{i + 1}") for i in range(levels - 1)}
    return {**chain, f"a{levels - 1}": NODE}


@pytest.mark.covers("ACT-015")
@pytest.mark.parametrize(("levels", "allowed"), [(1, True), (10, True), (11, False), (40, False)])
def test_ten_levels_are_allowed(place: Repositories, levels: int, allowed: bool) -> None:
    place.local(**nested(levels))
    found = place.resolve("./a0")
    if allowed:
        assert found.problems == () and len(found.found) == levels
    else:
        (problem,) = found.problems
        chain = " -> ".join(f"./a{i}" for i in range(11))
        message = "these actions are nested deeper than 9 levels, GitHub's limit"
        assert str(problem) == f"a9/action.yml:4:14: {message}: {chain} [action]"


@pytest.mark.covers("ACT-015")
def test_the_longest_way_counts(place: Repositories) -> None:
    place.local(**nested(10), short=composite("./a0"))
    assert place.resolve("./a9", "./a0").problems == ()
    assert "deeper than 9 levels" in place.resolve("./a9", "./short").problems[0].message


def test_many_ways_to_the_same_action_take_no_time(place: Repositories) -> None:
    wide = {f"a{i}": composite(*[f"./a{i + 1}", f"./b{i + 1}"] * 20) for i in range(9)}
    twins = {f"b{i}": composite(*[f"./a{i + 1}", f"./b{i + 1}"] * 20) for i in range(9)}
    place.local(**wide, **twins, a9=NODE, b9=NODE)
    found = place.resolve("./a0")
    assert found.problems == () and len(found.found) == 19
    (first,) = steps("./a0")
    assert as_json(first, found) is not None


def test_thousands_of_actions_in_a_row_are_too_deep_and_nothing_worse() -> None:
    row = [Use(Local(f"a{i}"), Place("x")) for i in range(5000)]
    (problem,) = chains.problems(row[::7], {use.key: [below] for use, below in pairwise(row)})
    assert "deeper than 9 levels" in problem.message


# --- for people -----------------------------------------------------------------------------------


def test_what_each_step_stands_for(place: Repositories) -> None:
    place.local(first=f"name: First\n{composite('octo/a/sub@v1', 'docker://alpine')}")
    place.remote({"octo/a/v1/sub": f"name: Sub\n{NODE}"})
    found = place.resolve("./first", "octo/missing@v1", "./later", "actions/checkout@v4")
    first, missing, later, checkout = steps(
        "./first", "octo/missing@v1", "./later", "actions/checkout@v4"
    )
    assert as_json(first, found) == {
        "kind": "composite",
        "name": "First",
        "where": "workspace",
        "steps": [
            {
                "at": "first/action.yml:5:7",
                "uses": "octo/a/sub@v1",
                "stands-for": {
                    "kind": "node24",
                    "name": "Sub",
                    "commit": SHA,
                    "where": str(place.shelf.folder / "octo/a/v1"),
                },
            },
            {
                "at": "first/action.yml:6:7",
                "uses": "docker://alpine",
                "stands-for": {"kind": "image", "image": "alpine"},
            },
        ],
    }
    assert as_json(missing, found) == {"kind": "unknown"}
    assert as_json(later, found) == {"kind": "unknown", "where": "workspace"}
    assert as_json(checkout, found) == {"kind": "checkout", "where": "workspace"}
    (run,) = workflow(job("- run: make")).jobs[0].steps
    assert as_json(run, found) is None
