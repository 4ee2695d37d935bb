"""Workflow commands on Docker: what a step prints becomes groups, annotations, values, failures."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest
from e2e import Ran, repository, run, workflow
from test_cli import IMAGE, environment, runwright

pytestmark = pytest.mark.docker
CI = ".github/workflows/ci.yml"


def script(text: str, more: str = "") -> str:
    """A step that runs a script; `more` are its other keys."""
    lines = "".join(f"    {line}\n" for line in text.strip("\n").split("\n"))
    return f"- run: |\n{lines}" + (f"  {more}\n" if more else "")


def ran_steps(folder: Path, *steps: str) -> Ran:
    return run(repository(folder, {CI: workflow("".join(steps))}))


def told(ran: Ran, step: int = 1) -> list[str]:
    """What a step showed, in order: its lines as they are, the rest with its kind before it."""
    found: list[str] = []
    for event in ran.events:
        if event.get("step") != step:
            continue
        match event["type"]:
            case "output":
                found += event["text"].removesuffix("\n").split("\n")
            case "annotation":
                found.append(f"[{event['level']}] {event['message']}")
            case "debug":
                found.append(f"[debug] {event['message']}")
            case "group.started":
                found.append(f"[group] {event['title']}")
            case "group.ended":
                found.append("[endgroup]")
    return found


def refused(line: str, why: str) -> list[str]:
    return [f"[error] Unable to process command '{line}' successfully.", f"[error] {why}"]


# --- groups ---------------------------------------------------------------------------------------

GROUPED = script("""
echo "::group::Build, 100%25"
echo inside
echo "::endgroup::"
echo "##[group]Legacy"
echo old
echo "##[endgroup]"
echo after
""")
SHOWN = [
    "[group] Build, 100%",
    "inside",
    "[endgroup]",
    "[group] Legacy",
    "old",
    "[endgroup]",
    "after",
]


@pytest.mark.covers("CMD-011", "CMD-018")
def test_groups_are_events_and_stand_in_the_log(tmp_path: Path) -> None:
    folder = repository(tmp_path / "repo", {CI: workflow(GROUPED)})
    state = tmp_path / "state"
    ran = run(folder, env={"RUNWRIGHT_STATE": str(state)})
    assert ran.code == 0, ran.errors
    assert told(ran) == SHOWN
    (log,) = state.rglob("test.log")
    lines = [line.partition("Z ")[2] for line in log.read_text("utf-8").splitlines()]
    assert lines[-8:-1] == [re.sub(r"^\[(\w+)\] ?", r"##[\1]", line) for line in SHOWN]


def in_order(lines: list[str], *wanted: str) -> bool:
    """Whether these lines are there once each, in this order, whatever stands between them."""
    return [line for line in lines if line in wanted] == list(wanted)


@pytest.mark.covers("CMD-011")
def test_groups_in_plain_output(tmp_path: Path) -> None:
    done = runwright(repository(tmp_path, {CI: workflow(GROUPED)}), *IMAGE, "--no-pull")
    assert done.code == 0, done.text
    lines = [line.partition("│   ")[2] for line in done.out.splitlines()]
    assert in_order(lines, "▸ Build, 100%", "  inside", "▸ Legacy", "  old", "after")
    assert not any("::" in line or "##[" in line for line in lines)


@pytest.mark.covers("CMD-011")
def test_groups_inside_github_actions(tmp_path: Path) -> None:
    """A step is one group there, and as groups don't nest, its own become lines in that."""
    repository(tmp_path, {CI: workflow(GROUPED.replace("- run", "- name: Grouped\n  run"))})
    page = str(tmp_path / "page.md")
    env = environment(tmp_path, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=page)
    done = runwright(tmp_path, *IMAGE, "--no-pull", env=env)
    assert done.code == 0, done.text
    group = done.out.partition("::group::")[2].partition("::endgroup::\n")
    title, *lines = group[0].splitlines()
    assert re.fullmatch(r"test: Grouped - success \(\S+s\)", title)
    assert in_order(lines, "> Build, 100%", "  inside", "> Legacy", "  old", "after")
    assert "::group::" not in group[2] and "##[" not in done.out


# --- annotations ----------------------------------------------------------------------------------

PLACES = {
    # as written: (line, end line, column, end column)
    "line=2": (2, 0, 0, 0),
    "line=2,endLine=4": (2, 4, 0, 0),
    "endLine=4": (4, 4, 0, 0),
    "line=4,endLine=2": (0, 0, 0, 0),
    "line=2,col=3": (2, 0, 3, 0),
    "line=2,endColumn=5": (2, 0, 5, 5),
    "line=2,col=5,endColumn=3": (2, 0, 0, 0),
    "line=2,endLine=2,col=3,endColumn=5": (2, 2, 3, 5),
    "line=2,endLine=3,col=3,endColumn=5": (2, 3, 0, 0),
    "col=3,endColumn=5": (0, 0, 0, 0),
    "line=x": (0, 0, 0, 0),
}


@pytest.mark.covers("CMD-014")
def test_where_annotations_stand(tmp_path: Path) -> None:
    ran = ran_steps(
        tmp_path, script("\n".join(f'echo "::error {each}::{each}"' for each in PLACES))
    )
    assert ran.code == 0, ran.errors
    names = ("line", "end_line", "column", "end_column")
    found = {each["message"]: tuple(each[n] for n in names) for each in ran.of("annotation")}
    assert found == PLACES


@pytest.mark.covers("CMD-014")
@pytest.mark.parametrize("container", [None, "runwright-test/debian:bookworm"])
def test_files_of_annotations_are_relative_to_the_workspace(
    tmp_path: Path, container: str | None
) -> None:
    steps = script("""
echo "::error file=$GITHUB_WORKSPACE/src/a.py::absolute"
echo "::error file=src/a.py::relative"
echo "::error file=/etc/passwd::elsewhere"
""")
    steps += "- uses: docker://runwright-test/busybox\n"
    steps += "  with: {entrypoint: echo, args: '::error file=/github/workspace/src/a.py::mapped'}\n"
    keys = {} if container is None else {"container": container}
    ran = run(repository(tmp_path, {CI: workflow(steps, **keys)}))
    assert ran.code == 0, ran.errors
    assert {each["message"]: each["file"] for each in ran.of("annotation")} == {
        "absolute": "src/a.py",
        "relative": "src/a.py",
        "elsewhere": "/etc/passwd",
        "mapped": "src/a.py",
    }


MANY = script("""
for n in $(seq 12); do
  echo "::notice::N$n"; echo "::warning::W$n"; echo "::error::E$n"
done
exit 1
""", "continue-on-error: true") + script('echo "::error::$(printf %05000d 0)"')  # fmt: skip


@pytest.mark.covers("CMD-014")
def test_ten_annotations_of_a_level_are_kept_of_a_step(tmp_path: Path) -> None:
    ran = ran_steps(tmp_path, MANY)
    assert ran.code == 0, ran.errors
    over = defaultdict(list)
    for each in ran.of("annotation", step=1):
        over[each["level"]].append(each["over_limit"])
    limited = [False] * 10 + [True] * 2
    # the error that the step has failed counts like the step's own
    assert over == {"notice": limited, "warning": limited, "error": [*limited, True]}
    (last,) = ran.of("annotation", step=2)
    assert (last["message"], last["over_limit"]) == ("0" * 4096, False)


@pytest.mark.covers("CMD-014")
def test_ten_annotations_of_a_level_reach_github(tmp_path: Path) -> None:
    repository(tmp_path, {CI: workflow(MANY)})
    page = str(tmp_path / "page.md")
    env = environment(tmp_path, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=page)
    done = runwright(tmp_path, *IMAGE, "--no-pull", env=env)
    assert done.code == 0, done.text
    first, second = done.out.split("::group::")[1:]
    for level in ("notice", "warning", "error"):
        found = re.findall(rf"^::{level} title=test::{level[0].upper()}(\d+)$", first, re.M)
        assert found == [str(n) for n in range(1, 11)]
        assert f"\n{level}: {level[0].upper()}12\n" in first
    assert f"\n::error title=test::{'0' * 4096}\n" in second


# --- values ---------------------------------------------------------------------------------------


def deprecated(name: str, file: str) -> str:
    return (
        f"[warning] The `{name}` command is deprecated and will be disabled soon. "
        f"Write to the file in ${file} instead."
    )


@pytest.mark.covers("CMD-008")
def test_set_output_still_works_with_a_warning(tmp_path: Path) -> None:
    text = """
echo "::set-output name=a::one%0Atwo=2"
echo "::set-output name=b::first"
echo "::set-output name=b::last"
"""
    ran = ran_steps(
        tmp_path,
        script(text, "id: it"),
        script('echo "::set-output name=c::3"'),
        "- run: printf '%s|%s' '${{ steps.it.outputs.a }}' '${{ steps.it.outputs.b }}'\n",
        script('echo "::set-output nam=a::1"'),
    )
    assert told(ran, 1) == told(ran, 2) == [deprecated("set-output", "GITHUB_OUTPUT")]
    assert told(ran, 3) == ["one", "two=2|last"]
    why = "Required field 'name' is missing in ##[set-output] command."
    assert told(ran, 4) == refused("::set-output nam=a::1", why)
    assert list(ran.ends().values()) == ["success"] * 3 + ["failure"] and ran.code == 1


MANIFEST = """
name: A
description: Keeps something for its later phases
runs: {using: node24, pre: p.js, main: m.js, post: m.js}
"""
ACTION = {
    "action.yml": MANIFEST,
    "p.js": "console.log('::save-state name=kept::one%0Atwo')",
    "m.js": "console.log(JSON.stringify(process.env.STATE_kept))",
}


@pytest.mark.covers("CMD-008")
def test_save_state_still_works_with_a_warning(tmp_path: Path) -> None:
    action = repository(tmp_path / "action", ACTION)
    repo = repository(tmp_path / "repo", {CI: workflow("- uses: octo/a@v1")})
    ran = run(repo, "--local-repository", f"octo/a@v1={action}")
    assert ran.code == 0, ran.errors
    kept = r'"one\ntwo"'
    assert told(ran) == [deprecated("save-state", "GITHUB_STATE"), kept, kept]


@pytest.mark.covers("CMD-009")
def test_insecure_commands_fail_the_step_and_change_nothing(tmp_path: Path) -> None:
    ran = ran_steps(
        tmp_path,
        script('echo "::set-env name=A::b"\necho more', "continue-on-error: true"),
        script('echo "::add-path::/added"'),
        script("echo never"),
        script('echo "[$A] $PATH"', "if: always()"),
    )
    assert (ran.code, ran.jobs()) == (1, {"test": "failure"})
    ends = ran.of("step.finished")
    assert [end["outcome"] for end in ends] == ["failure", "failure", "skipped", "success"]
    disabled = (
        "The `{}` command is disabled. Write to the file in ${} instead, or set "
        "ACTIONS_ALLOW_UNSECURE_COMMANDS to true if you must."
    )
    why = disabled.format("set-env", "GITHUB_ENV")
    assert told(ran, 1) == [*refused("::set-env name=A::b", why), "more"]
    assert told(ran, 2) == refused("::add-path::/added", disabled.format("add-path", "GITHUB_PATH"))
    (seen,) = told(ran, 4)
    assert seen.startswith("[] /") and "/added" not in seen


ALLOW = "ACTIONS_ALLOW_UNSECURE_COMMANDS"
INSECURE = """
echo "::set-env name=A::b%0Ac"
echo "::set-env name=node_options::--inspect"
echo "::add-path::/first"
echo "::add-path::/second"
"""


@pytest.mark.covers("CMD-004", "CMD-009")
@pytest.mark.parametrize("where", ["step", "job", "file"])
def test_insecure_commands_can_be_allowed(tmp_path: Path, where: str) -> None:
    in_step = f"env: {{{ALLOW}: true}}" if where == "step" else ""
    in_job = {"env": f"{{{ALLOW}: 'TRUE'}}"} if where == "job" else {}
    in_file = script(f'echo "{ALLOW}=true" >>"$GITHUB_ENV"') if where == "file" else ""
    show = script('echo "$A [$node_options$NODE_OPTIONS] $PATH"')
    steps = in_file + script(INSECURE, in_step) + show
    ran = run(repository(tmp_path, {CI: workflow(steps, **in_job)}))
    assert ran.code == 0, ran.errors
    (error,) = ran.annotations("error")
    assert error.endswith(" environment variable using ::set-env:: command.")
    assert ran.printed().startswith("b\nc [] /second:/first:/")


# --- how commands are read ------------------------------------------------------------------------


@pytest.mark.covers("CMD-015")
def test_commands_are_echoed_when_asked_for(tmp_path: Path) -> None:
    ran = ran_steps(
        tmp_path,
        script("""
echo "::group::quiet"
echo "::echo::on"
echo "::group::loud"
echo "::notice::never echoed"
echo "::debug::never echoed"
echo "::add-mask::hunter2"
echo "::ECHO::Off"
echo "::group::quiet again"
echo "::echo::ON"
"""),
        script('echo "::group::quiet in the next step"'),
        script('echo "::echo::maybe"'),
    )
    assert told(ran, 1) == [
        "[group] quiet",
        "::group::loud", "[group] loud",
        "[notice] never echoed",
        "::add-mask::***",
        "::ECHO::Off",
        "[group] quiet again",
    ]  # fmt: skip
    assert told(ran, 2) == ["[group] quiet in the next step"]
    known = "Invalid echo command value. Possible values can be: 'on', 'off'."
    assert told(ran, 3) == refused("::echo::maybe", f"{known} Current value is: 'maybe'.")
    assert ran.code == 1


@pytest.mark.covers("CMD-016")
def test_commands_stop_until_the_token_comes(tmp_path: Path) -> None:
    ran = ran_steps(
        tmp_path,
        script("""
echo "::stop-commands::tOk"
echo "::notice::stopped"
echo "##[group]stopped"
echo "::set-env name=A::stopped"
echo "::token::"
echo "::stop-commands::other"
echo "::other::"
echo "::Tok::"
echo "::notice::resumed"
token=$(cat /proc/sys/kernel/random/uuid)
echo "::stop-commands::$token"
echo "$token"
echo "::error::stopped to the end of the step"
"""),
        script('echo "::notice::the next step obeys"'),
    )
    assert ran.code == 0, ran.errors
    assert told(ran, 1) == [
        "::stop-commands::tOk",
        "::notice::stopped",
        "##[group]stopped",
        "::set-env name=A::stopped",
        "::token::",
        "::stop-commands::other",
        "::other::",
        "::Tok::",
        "[notice] resumed",
        "::stop-commands::***",  # as are all of more than six characters
        "***",
        "::error::stopped to the end of the step",
    ]
    assert told(ran, 2) == ["[notice] the next step obeys"]


WEAK = ["", "pause-logging", "Group", "stop-commands"]


@pytest.mark.covers("CMD-016")
def test_weak_tokens_are_refused_unless_they_are_allowed(tmp_path: Path) -> None:
    steps = [
        script(
            f'echo "::stop-commands::{token}"\necho "::notice::obeyed"', "continue-on-error: true"
        )
        for token in WEAK
    ]
    text = 'echo "::stop-commands::group"\necho "::notice::x"\necho "::group::"\necho "::group::y"'
    steps += [script(text, "env: {ACTIONS_ALLOW_UNSECURE_STOPCOMMAND_TOKENS: true}")]
    ran = ran_steps(tmp_path, *steps)
    assert ran.code == 0, ran.errors
    outcomes = [end["outcome"] for end in ran.of("step.finished")]
    assert outcomes == ["failure"] * len(WEAK) + ["success"]
    for step, token in enumerate(WEAK, 1):
        why = (
            f"Invalid stop token '{token}'; choose a random one that is no command's name, "
            "or set ACTIONS_ALLOW_UNSECURE_STOPCOMMAND_TOKENS to true if you must."
        )
        line = f"::stop-commands::{token}"
        assert told(ran, step) == [*refused(line, why), "[notice] obeyed"]
    allowed = told(ran, len(WEAK) + 1)
    assert allowed == ["::stop-commands::group", "::notice::x", "::group::", "[group] y"]


@pytest.mark.covers("CMD-017")
def test_escapes_and_values_with_equals_signs(tmp_path: Path) -> None:
    ran = ran_steps(
        tmp_path,
        script("""
echo "::notice title=a%2Cb%3Ac%0Ad%25,file=x=y=z::1%0A2%0D3%25 %2C %3A"
echo "::notice title=%252C%253A::%250A %0a"
echo "::set-output name=it::p=q%0Ar%25%3A"
""", "id: it"),
        "- run: printf '%s\\n' '${{ steps.it.outputs.it }}'\n",
    )  # fmt: skip
    assert ran.code == 0, ran.errors
    found = [(e["title"], e["file"], e["message"]) for e in ran.of("annotation", level="notice")]
    assert found == [("a,b:c\nd%", "x=y=z", "1\n2\r3% %2C %3A"), ("%2C%3A", "", "%0A %0a")]
    assert told(ran, 2) == ["p=q", "r%%3A"]


@pytest.mark.covers("CMD-018")
def test_legacy_commands(tmp_path: Path) -> None:
    ran = ran_steps(
        tmp_path,
        script("""
echo "anywhere ##[error file=a,b%3B;line=3;title=c%5D]m]%5D%3B%0A%25"
echo "##[set-output name=it]1"
echo "##[add-mask]hunter2"
echo "hunter2"
echo "##[nope]x"
echo "##[error"
echo "##[]x"
""", "id: it"),
        script("echo '${{ steps.it.outputs.it }}'"),
        script('echo "##[set-env name=A]b"'),
    )  # fmt: skip
    assert ran.code == 1  # of the last step
    (error,) = ran.of("annotation", step=1, level="error")
    assert (error["file"], error["line"], error["title"]) == ("a,b;", 3, "c]")
    assert error["message"] == "m]];\n%"
    lines = ["***", "##[nope]x", "##[error", "##[]x"]
    assert told(ran, 1)[1:] == [deprecated("set-output", "GITHUB_OUTPUT"), *lines]
    assert told(ran, 2) == ["1"]
    assert told(ran, 3)[0] == refused("##[set-env name=A]b", "")[0]


@pytest.mark.covers("CMD-019")
def test_names_ignore_case_and_unknown_ones_are_printed(tmp_path: Path) -> None:
    ran = ran_steps(
        tmp_path,
        script("""
echo "::NoTiCe FILE=a,Line=2::any case"
echo "::GROUP::any case"
echo "##[EndGroup]"
echo "   ::notice::after blanks" >&2
echo "::nope::x"
echo "::nope file=a::x"
echo ":: notice::x"
echo "::notice"
echo "not first ::notice::x"
"""),
    )
    assert ran.code == 0, ran.errors
    assert told(ran) == [
        "[notice] any case",
        "[group] any case",
        "[endgroup]",
        "[notice] after blanks",
        "::nope::x",
        "::nope file=a::x",
        ":: notice::x",
        "::notice",
        "not first ::notice::x",
    ]
    first = ran.of("annotation")[0]
    assert (first["file"], first["line"]) == ("a", 2)


# --- debugging ------------------------------------------------------------------------------------

DEBUG = script("""
echo "::debug::why%0Aand how"
echo "::group::x"
echo "RUNNER_DEBUG=$RUNNER_DEBUG runner.debug=${{ runner.debug }}"
""")
QUIET = ["[group] x", "RUNNER_DEBUG= runner.debug="]
LOUD = ["[debug] why\nand how", "::group::x", "[group] x", "RUNNER_DEBUG=1 runner.debug=1"]


@pytest.mark.covers("CMD-012", "CMD-026")
@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        pytest.param(("-s", "ACTIONS_STEP_DEBUG=true"), LOUD, id="secret"),
        pytest.param(("--var", "ACTIONS_STEP_DEBUG=True"), LOUD, id="variable"),
        pytest.param(
            ("-s", "ACTIONS_STEP_DEBUG=false", "--var", "ACTIONS_STEP_DEBUG=true"),
            QUIET,
            id="the secret wins",
        ),
        pytest.param(("-s", "ACTIONS_STEP_DEBUG=false"), QUIET, id="not true"),
        pytest.param(("--env", "ACTIONS_STEP_DEBUG=true"), QUIET, id="only in the environment"),
    ],
)
def test_step_debug_is_a_secret_or_a_variable(
    tmp_path: Path, given: tuple[str, ...], wanted: list[str]
) -> None:
    folder = repository(tmp_path / "repo", {CI: workflow(DEBUG)})
    state = tmp_path / "state"
    ran = run(folder, *given, env={"RUNWRIGHT_STATE": str(state)})
    assert ran.code == 0, ran.errors
    assert told(ran) == wanted
    (log,) = state.rglob("test.log")
    assert ("Z ##[debug]why\n" in log.read_text("utf-8")) is (wanted is LOUD)
