"""Rules that look at other files: local actions, called workflows, settings; and comments."""

from __future__ import annotations

from pathlib import Path

import pytest
from linting import FILE, Files, everything, job, said, step

from engine import model, project, source
from engine.actions import manifest
from engine.lint import Document, Settings, lint, of_action
from engine.lint.comments import switched_off
from engine.problems import Problem

# --- local actions ------------------------------------------------------------------------------

ACTION = """name: greet
description: says hello
inputs:
  who: {description: whom, required: true}
  how: {description: how, required: true, default: loudly}
  old: {description: gone, deprecationMessage: use who}
outputs:
  said: {description: what was said, value: x}
runs: {using: composite, steps: [{run: echo, shell: bash}]}
"""
NODE = "name: n\ndescription: d\nruns: {using: node24, main: index.js}\n"
DOCKER = "name: d\ndescription: d\nruns: {using: docker, image: Dockerfile}\n"
SECRET = "value: '${{ secrets.X }}'"
FILES = {
    "greet/action.yml": ACTION,
    "node/action.yaml": NODE,
    "node/index.js": "",
    "docker/action.yml": DOCKER,
}


@pytest.mark.covers("LINT-009")
@pytest.mark.parametrize(
    ("uses", "given", "expected"),
    [
        ("greet", "{who: me}", []),
        ("greet", "{WHO: me, how: softly}", []),
        ("greet", "{}", ['error: "./greet" requires the input "who"; add with: {who: …}']),
        (
            "greet",
            "{who: a, hows: b}",
            ['error: "./greet" has no input "hows"; did you mean "how"?'],
        ),
        ("greet", "{who: a, x: b}", ['warning: "./greet" has no input "x"; it has who, how, old']),
        (
            "greet",
            "{who: a, old: b}",
            ['warning: the input "old" of "./greet" is deprecated: use who'],
        ),
        ("node", "{args: x}", ['"./node" has no input "args"; it has no inputs']),
        ("docker", "{args: x, entrypoint: y}", []),
        ("missing", "{anything: x}", []),
        ("greet", "${{ fromJSON(vars.X) }}", []),
    ],
)
def test_inputs_of_local_actions(uses: str, given: str, expected: list[str]) -> None:
    found = said(step(f"uses: ./{uses}\nwith: {given}"), "action", FILES)
    assert len(found) == len(expected)
    assert all(part in message for part, message in zip(expected, found, strict=True))


def test_a_missing_input_is_told_at_the_reference() -> None:
    [found] = everything(step("uses: ./greet"), FILES)
    assert (found.place.line, found.place.column) == (6, 15)


@pytest.mark.covers("LINT-010")
def test_outputs_of_local_actions() -> None:
    steps = (
        "steps:\n  - {uses: ./%s, id: a, with: {who: me}}\n  - run: echo ${{ steps.a.outputs.%s }}"
    )
    known = said(job(steps % ("greet", "said")), "property", FILES)
    unknown = said(job(steps % ("greet", "sad")), "property", FILES)
    assert known == []
    assert unknown == ['error: "steps.a.outputs" has no property "sad"; did you mean "said"?']
    program = said(job(steps.replace(", with: {who: me}", "") % ("node", "any")), "property", FILES)
    assert program == ['warning: "steps.a.outputs" has no property "any"; ./node has no outputs']


@pytest.mark.covers("LINT-021")
@pytest.mark.parametrize(
    ("text", "level", "message"),
    [
        (
            NODE.replace("node24", "node14"),
            "error",
            '"using" cannot be',
        ),
        (NODE.replace("node24", "node16"), "warning", 'GitHub\'s runners no longer have "node16"'),
        (NODE.replace("main", "image"), "error", "bad/action.yml:3:"),
        (
            NODE,
            "warning",
            'the action runs "index.js", which is not there; build it',
        ),
        (
            ACTION.replace("required: true", "required: false").replace(
                "steps: [", "steps: [{nope: 1}, "
            ),
            "error",
            "bad/action.yml:9:",
        ),
        (
            ACTION.replace("required: true", "required: false").replace("value: x", SECRET),
            "error",
            "secrets",
        ),
    ],
)
def test_broken_actions_are_told_where_they_are_used(text: str, level: str, message: str) -> None:
    used = job("steps: [{uses: ./bad}, {uses: ./bad}]")
    [found] = said(used, "action", {"bad/action.yml": text})
    assert found.startswith(f'{level}: the action "./bad" is wrong at bad/action.yml:')
    assert message in found


def of_manifest(text: str, files: Files | None = None) -> list[Problem]:
    """What the rules say of an action's own file."""
    node, _ = source.load(text, "greet/action.yml")
    assert node is not None
    action, _ = manifest.read(node)
    assert action is not None
    return lint(of_action(text, node, action, "./greet", files, Settings()))


@pytest.mark.covers("LINT-021")
@pytest.mark.parametrize(
    ("steps", "rule", "place"),
    [
        ("[{run: 'echo ${{ inputs.who }}', shell: bash}]", "", ""),
        ("[{run: 'echo ${{ inputs.hwo }}', shell: bash}]", "property", "9:50"),
        ("[{run: 'echo ${{ github.head_ref }}', shell: bash}]", "injection", "9:50"),
        ("[{run: 'echo ::set-env name=x::', shell: bash}]", "command", "9:46"),
        ("[{run: x, shell: fish}]", "shell", "9:50"),
        ("[{run: x, shell: bash, if: false}]", "condition", "9:60"),
        ("[{run: 'echo ${{ matrix.any }} ${{ env.X }}', shell: bash}]", "", ""),
    ],
)
def test_rules_of_actions(steps: str, rule: str, place: str) -> None:
    text = ACTION.replace("[{run: echo, shell: bash}]", steps)
    found = [(p.rule, f"{p.place.line}:{p.place.column}") for p in of_manifest(text)]
    assert found == ([(rule, place)] if rule else [])


def test_a_program_of_an_action() -> None:
    assert of_manifest(NODE, Files({"greet/index.js": ""})) == []
    assert [p.rule for p in of_manifest(NODE, Files({}))] == ["manifest"]


# --- called workflows ---------------------------------------------------------------------------

CALLED = """on:
  workflow_call:
    inputs:
      name: {type: string, required: true}
      count: {type: number}
    secrets: {TOKEN: {required: true}}
    outputs: {version: {value: '1'}}
concurrency: '${{ github.ref }}'
jobs: {build: {runs-on: ubuntu-latest, steps: [{run: make}]}}
"""
CALL = (
    "uses: ./.github/workflows/called.yml\nwith: {name: me}\nsecrets: {TOKEN: '${{ secrets.T }}'}"
)
WORKFLOWS = {".github/workflows/called.yml": CALLED}


@pytest.mark.covers("LINT-009")
@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (CALL, ""),
        (CALL.replace("name: me", "name: me, count: '${{ 1 }}'"), ""),
        (CALL.replace("name: me", ""), 'called.yml" requires the input "name"'),
        (
            CALL.replace("name: me", "name: me, nmae: x"),
            'has no input "nmae"; did you mean "name"?',
        ),
        (CALL.replace("name: me", "name: me, count: x"), 'the input "count" takes a number'),
        (CALL.replace("TOKEN:", "TOKEN: x, TKN:"), 'has no secret "TKN"; did you mean "TOKEN"?'),
        ("uses: ./.github/workflows/called.yml\nwith: {name: me}\nsecrets: inherit", ""),
    ],
)
def test_what_is_given_to_called_workflows(call: str, expected: str) -> None:
    found = said(job(call), "calls", WORKFLOWS)
    assert bool(found) == bool(expected)
    assert not found or expected in found[0]


def test_types_of_what_is_given() -> None:
    text = job(CALL.replace("name: me", "name: '${{ github.event }}', count: '${{ github.sha }}'"))
    found = said(text, "type", WORKFLOWS)
    assert [message.partition(",")[0] for message in found] == [
        'error: "github.event" is an object',
        'error: "with.count" takes a number',
    ]


@pytest.mark.covers("LINT-010")
def test_outputs_of_called_workflows() -> None:
    steps = "[{run: 'echo ${{ needs.test.outputs.%s }}'}]"
    user = f"  use: {{needs: test, runs-on: ubuntu-latest, steps: {steps}}}\n"
    assert said(job(CALL) + user % "version", "property", WORKFLOWS) == []
    [found] = said(job(CALL) + user % "nope", "property", WORKFLOWS)
    assert 'workflows/called.yml" has the outputs version' in found


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 'warning: there is no workflow "./nope.yml"'),
        ({"nope.yml": CALLED}, "warning: GitHub calls only workflows of .github/workflows; move"),
    ],
)
def test_a_called_workflow_that_is_not_there(files: dict[str, str], expected: str) -> None:
    call = "uses: ./nope.yml\nwith: {name: x}\nsecrets: inherit"
    [found] = said(job(call), "calls", files)
    assert found.startswith(expected)


def test_in_a_checkout_a_missing_workflow_is_an_error(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    text = job("uses: ./.github/workflows/nope.yml")
    node, _ = source.load(text, FILE)
    assert node is not None
    files = project.Files(tmp_path)
    [found] = lint(Document(text, node, model.read(node, FILE)[0], files))
    assert (found.rule, found.level) == ("calls", "error")


def test_a_called_workflow_that_is_broken(tmp_path: Path) -> None:
    broken = CALLED.replace("make", "'${{ nope }}'").replace("concurrency", "concurency")
    write(tmp_path, **{"called.yml": broken})
    text = job("uses: ./called.yml\nwith: {nmae: me}\nsecrets: inherit")
    node, _ = source.load(text, FILE)
    assert node is not None
    files = project.Files(tmp_path)
    found = lint(Document(text, node, model.read(node, FILE)[0], files))
    assert [p.message.partition(";")[0] for p in found] == [
        '"./called.yml" requires the input "name"',
        '"./called.yml" can\'t be called: called.yml:8:1: unknown key "concurency" in the workflow',
        '"./called.yml" has no input "nmae"',
    ]
    assert "(1 more there)" in found[1].message


@pytest.mark.covers("LINT-007")
def test_a_called_workflow_in_the_same_group() -> None:
    text = job(CALL, head="concurrency: '${{ github.ref }}'\n")
    [found] = said(text, "concurrency", WORKFLOWS)
    assert found.startswith(
        'warning: "./.github/workflows/called.yml" has the same concurrency group'
    )
    assert said(job(CALL, head="concurrency: ci\n"), "concurrency", WORKFLOWS) == []


# --- a folder as a project ----------------------------------------------------------------------


def write(root: Path, **texts: str) -> None:
    for name, text in texts.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def test_files_of_a_folder(tmp_path: Path) -> None:
    for name, text in {**FILES, **WORKFLOWS, "broken.yml": "a: ["}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    files = project.Files(tmp_path)
    found = files.action("./greet/")
    assert found is not None and found.file == "greet/action.yml"
    assert files.action("./node") is not None
    assert files.action("./nope") is None
    assert files.action("./\0") is None
    called, problems = files.workflow("./.github/workflows/called.yml", "")
    assert called is not None and problems == []
    assert files.workflow("./nope.yml", "") == (None, [])
    broken, problems = files.workflow("./broken.yml", "")
    assert broken is None and problems
    assert files.has("./node/index.js") and not files.has("./node")
    assert not files.complete
    (tmp_path / ".git").mkdir()
    assert files.complete


@pytest.mark.parametrize(
    ("file", "git", "expected"),
    [
        (".github/workflows/ci.yml", False, "."),
        ("deep/.github/workflows/ci.yml", False, "deep"),
        ("a/b/ci.yml", True, "."),
        ("a/b/ci.yml", False, "."),
    ],
)
def test_the_root_of_a_workflow(tmp_path: Path, file: str, git: bool, expected: str) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    if git:
        (tmp_path / ".git").mkdir()
    assert project.root_of(path, tmp_path) == (tmp_path / expected).resolve()


def test_settings(tmp_path: Path) -> None:
    assert project.settings(tmp_path) == Settings()
    own = "labels: [gpu-*]\ndisable: [label, shellcheck]\nenable: [anchor]\nvariables: [A]\n"
    write(tmp_path, **{".runwright__lint.yml": own})
    theirs = "self-hosted-runner: {labels: [big]}\nconfig-variables: [B]\n"
    write(tmp_path, **{".github__actionlint.yaml": theirs})
    assert project.settings(tmp_path) == Settings(
        labels=("gpu-*", "big"),
        variables=("A",),
        off=frozenset(("label", "shellcheck")),
        on=frozenset(("anchor",)),
    )


@pytest.mark.parametrize(
    "text", ["[", "- a\n", "labels: x\n", "config-variables:\n", "labels: [{}]\n"]
)
def test_settings_that_can_not_be_read_say_nothing(tmp_path: Path, text: str) -> None:
    write(tmp_path, **{".runwright__lint.yml": text, "actionlint.yaml": text})
    assert project.settings(tmp_path) == Settings()


def test_known_variables() -> None:
    text = step("run: echo ${{ vars.A }} ${{ vars.a }} ${{ vars.C }}")
    assert everything(text) == []
    [found] = everything(text, settings=Settings(variables=("A", "B")))
    assert found.message == '"vars" has no property "C"; the known variables are A, B'


# --- switching rules off ------------------------------------------------------------------------

BAD = step("run: echo ${{ github.head_ref }}\nshell: dash")


def rules(text: str, **given: frozenset[str]) -> list[str]:
    return [p.rule for p in everything(text, settings=Settings(**given))]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("", "", ["injection", "shell"]),
        ("# runwright: disable=shell\n", "", ["injection"]),
        ("# about us\n\n# runwright: disable=shell, injection\n", "", []),
        ("", "  # runwright: disable=shell", ["injection"]),
        ("", "  # runwright: disable=injection", ["injection", "shell"]),
        ("", "  # runwright: disable=nope", ["injection", "shell"]),
        ("# runwright: disable = shell,injection\n", "", []),
    ],
)
def test_comments(before: str, after: str, expected: list[str]) -> None:
    assert rules(
        before + ("\n" if before and before[-1] != "\n" else "") + BAD.rstrip() + after
    ) == (expected)


def test_a_comment_before_a_line() -> None:
    shell = "        shell: dash"
    quiet = BAD.replace(shell, f"        # runwright: disable=shell\n{shell}")
    assert rules(quiet) == ["injection"]


def test_what_comments_say() -> None:
    text = (
        "# runwright: disable=a\non: push # runwright: disable=b,c\n# runwright: disable=d\njobs:\n"
    )
    assert switched_off(text) == {0: {"a"}, 2: {"b", "c"}, 4: {"d"}}
    assert switched_off("on: push\n") == {}


def test_settings_switch_rules_off() -> None:
    assert rules(BAD, off=frozenset(("shell",))) == ["injection"]


def test_a_caller_switches_rules_off() -> None:
    node, _ = source.load(BAD, FILE)
    assert node is not None
    document = Document(BAD, node, model.read(node, FILE)[0])
    found = lint(document, off=frozenset(("injection",)))
    assert [p.rule for p in found] == ["shell"]
    assert [p.rule for p in lint(document)] == ["injection", "shell"]


def test_only_rules_are_switched_off() -> None:
    """What GitHub refuses is told whatever a comment says."""
    text = "# runwright: disable=schema,unknown-key\n" + step("run: x\nnope: y")
    assert [p.rule for p in everything(text)] == ["unknown-key"]
