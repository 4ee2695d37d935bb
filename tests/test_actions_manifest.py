"""Manifests of actions: what they say, and every way in which they say it wrong."""

from __future__ import annotations

import json
import textwrap

import pytest
from conftest import CONFORMANCE

from engine.actions import manifest
from engine.actions.manifest import (
    Action,
    CompositeRuns,
    DockerRuns,
    NodeRuns,
    look,
    parse,
)
from engine.problems import errors
from engine.tree import Scope, holds, resolve, string


def read(text: str) -> Action:
    """An action without a problem."""
    action, problems = parse(textwrap.dedent(text).encode(), "action.yml")
    assert action is not None and not problems, problems
    return action


def wrong(text: str) -> list[str]:
    """What is said of a manifest that can't be used."""
    action, problems = parse(textwrap.dedent(text).lstrip("\n").encode(), "action.yml")
    assert action is None and errors(problems)
    return [str(problem) for problem in problems]


# --- JavaScript -----------------------------------------------------------------------------------


@pytest.mark.covers("ACT-010", "ACT-011")
@pytest.mark.parametrize("using", ["node12", "node16", "node20", "node24", "NODE20"])
def test_a_javascript_action(using: str) -> None:
    action = read(f"""
        name: Tool
        runs: {{using: {using}, main: dist/index.js, pre: dist/pre.js, post: dist/post.js}}
    """)
    assert action.name == "Tool"
    assert action.runs == NodeRuns(
        using.lower(), main="dist/index.js", pre="dist/pre.js", post="dist/post.js"
    )


@pytest.mark.covers("ACT-011")
@pytest.mark.parametrize("status", ["success", "failure"])
@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("runner.os == 'Linux'", {"success": True, "failure": True}),  # nothing is put before it
        ("success()", {"success": True, "failure": False}),
        ("${{ failure() && inputs.clean }}", {"success": False, "failure": True}),
    ],
)
def test_the_condition_of_a_phase(written: str, wanted: dict[str, bool], status: str) -> None:
    runs = read(f'runs: {{using: node24, main: a.js, post: b.js, post-if: "{written}"}}').runs
    assert isinstance(runs, NodeRuns) and runs.post_if is not None and runs.pre_if is None
    functions = {name: lambda name=name: name == status for name in ("success", "failure")}
    scope = Scope({"runner": {"os": "Linux"}, "inputs": {"clean": "true"}}, functions)
    assert holds(runs.post_if, scope) is wanted[status]


def test_an_empty_condition_is_none() -> None:
    runs = read("runs: {using: node24, main: a.js, pre: b.js, pre-if: '', post-if: }").runs
    assert isinstance(runs, NodeRuns) and (runs.pre_if, runs.post_if) == (None, None)


# --- Docker ---------------------------------------------------------------------------------------


@pytest.mark.covers("ACT-018", "ACT-019", "ACT-021")
def test_a_docker_action() -> None:
    runs = read("""
        inputs: {who: {default: you}}
        runs:
          using: docker
          image: docker/Dockerfile
          entrypoint: /main.sh
          pre-entrypoint: /pre.sh
          pre-if: failure()
          post-entrypoint: /post.sh
          args: [hello, "${{ inputs.who }}", 3, ]
          env: {WHO: "${{ inputs.who }}", PLAIN: 1}
    """).runs
    assert isinstance(runs, DockerRuns)
    assert (runs.image, runs.entrypoint) == ("docker/Dockerfile", "/main.sh")
    assert (runs.pre_entrypoint, runs.post_entrypoint) == ("/pre.sh", "/post.sh")
    assert runs.pre_if is not None and runs.post_if is None
    scope = Scope({"inputs": {"who": "me"}})
    assert resolve(runs.args, scope) == ["hello", "me", 3]
    assert resolve(runs.env, scope) == {"WHO": "me", "PLAIN": 1}


@pytest.mark.covers("ACT-018")
@pytest.mark.parametrize(
    "image", ["Dockerfile", "./build/dockerfile", "Dockerfile.alpine", "a.Dockerfile", "docker://a"]
)
def test_the_image_of_a_docker_action(image: str) -> None:
    runs = read(f"runs: {{using: Docker, image: '{image}'}}").runs
    assert isinstance(runs, DockerRuns) and runs.image == image


# --- composite ------------------------------------------------------------------------------------


@pytest.mark.covers("ACT-013", "ACT-014")
def test_a_composite_action() -> None:
    action = read("""
        inputs:
          shell: {default: bash}
        outputs:
          version: {description: What was built, value: "${{ steps.build.outputs.version }}"}
          nothing: {description: Never set}
        runs:
          using: composite
          steps:
            - id: build
              name: Build ${{ inputs.what }}
              run: make ${{ inputs.what }}
              shell: ${{ inputs.shell }}
              working-directory: ${{ github.action_path }}
              env: {A: "${{ env.B }}"}
              if: always() && hashFiles('*') != ''
              continue-on-error: ${{ inputs.lenient == 'true' }}
            - uses: ./other
              with: {version: "${{ steps.build.outputs.version }}"}
            - uses: docker://alpine:3.20
    """)
    assert isinstance(action.runs, CompositeRuns)
    build, other, image = action.runs.steps
    assert (build.kind, build.id) == ("run", "build")
    scope = Scope({"inputs": {"shell": "bash", "what": "all"}})
    assert string(build.shell, scope) == "bash"
    assert string(build.run, scope) == "make all"
    assert build.condition is not None and build.continue_on_error is not None
    assert other.uses is not None and other.uses.text == "./other"
    assert image.kind == "uses"
    assert list(action.outputs) == ["version"]
    outputs = Scope({"steps": {"build": {"outputs": {"version": "7"}}}})
    assert resolve(action.outputs["version"], outputs) == "7"


def test_a_composite_action_without_steps_does_nothing() -> None:
    assert read("runs: {using: composite, steps: []}").runs == CompositeRuns(())


@pytest.mark.covers("ACT-013")
def test_the_condition_of_an_inner_step_begins_with_success() -> None:
    runs = read("runs: {using: composite, steps: [{run: a, shell: sh, if: 'true'}]}").runs
    assert isinstance(runs, CompositeRuns)
    condition = runs.steps[0].condition
    assert condition is not None
    assert not holds(condition, Scope({}, {"success": lambda: False}))


# --- inputs, outputs, the root --------------------------------------------------------------------


@pytest.mark.covers("ACT-006", "ACT-008", "ACT-009")
def test_inputs() -> None:
    action = read("""
        name: Tool
        author: Mona
        description: any text, ${{ even.this }}
        branding: {icon: play, color: green}
        whatever: {else: 1}
        inputs:
          plain:
          token: {default: "${{ github.token }}", required: true, type: string}
          old: {deprecationMessage: use token, required: "true", default: 1.50}
        outputs:
          version: {description: What was built}
        runs: {using: node20, main: index.js}
    """)
    plain, token, old = action.inputs
    assert (plain.name, plain.default, plain.required, plain.deprecation) == (
        "plain",
        None,
        False,
        "",
    )
    assert (token.required, old.required, old.deprecation) == (True, True, "use token")
    scope = Scope({"github": {"token": "secret"}})
    assert [string(given.default, scope) for given in action.inputs] == ["", "secret", "1.5"]
    assert action.outputs == {}


@pytest.mark.covers("ACT-022")
@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        (["action.yml", "action.yaml", "Dockerfile"], "action.yml"),
        (["action.yaml", "Dockerfile"], "action.yaml"),
        (["Dockerfile", "dockerfile"], "Dockerfile"),
        (["dockerfile"], "dockerfile"),
        (["README.md"], ""),
    ],
)
def test_the_files_of_an_action_in_order(files: list[str], wanted: str) -> None:
    def content(name: str) -> bytes | None:
        text = f"{{name: {name}, runs: {{using: composite, steps: []}}}}"
        return text.encode() if name in files else None

    action, problems = look(content, "octo/tool@v1")
    assert not problems
    if not wanted:
        assert action is None
    elif wanted.startswith("action"):
        assert action is not None and action.name == wanted
    else:
        assert action is not None and action.runs == DockerRuns(wanted)


# --- mistakes -------------------------------------------------------------------------------------

NODE = "runs: {using: node20, main: a}"
DOCKER = "runs: {using: docker, image: Dockerfile"
KINDS = "write composite, docker, node12, node16, node20 or node24"


@pytest.mark.covers("ACT-022")
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "1:1: the file is empty; an action needs `runs`, which says what it does [action]"),
        ("\n\n", "1:1: the file is empty; an action needs `runs`"),
        ("name: x", "1:1: an action needs `runs`, which says what it does"),
        ("- a", "1:1: the action must be a mapping, not a list"),
        ("runs: node20", "1:7: `runs` must be a mapping, not a single value"),
        (
            "runs: {main: a.js}",
            f"1:7: `runs` needs `using`, which says what kind of action it is; {KINDS}",
        ),
        ("runs: {using: node18, main: a.js}", f'1:15: "node18" is no kind of action; {KINDS}'),
        ("runs: {using: [node20], main: a.js}", "1:15: `using` must be a single value, not a list"),
        ("runs: {using: node20}", "1:7: `runs` needs `main`: the script that it runs, such as"),
        ("runs: {using: node20, main: ''}", "1:29: `runs` needs `main`"),
        ("runs: {using: node20, main: '${{ 1 }}'}", "1:29: `main` takes no expression"),
        (
            "runs: {using: node20, mian: a.js, pre: b}",
            'unknown key "mian" in `runs` of a JavaScript action; did you mean "main"?',
        ),
        (
            "runs: {using: node20, main: a, steps: []}",
            "it takes main, post, post-if, pre, pre-if and using",
        ),
        ("runs: {using: docker}", "1:7: `runs` needs `image`: Dockerfile, or docker://NAME"),
        (
            "runs: {using: docker, image: 'alpine:3'}",
            '1:30: "alpine:3" names no Dockerfile; write docker://alpine:3',
        ),
        (DOCKER + ", args: a b}", "`args` must be a list, not a single value"),
        (DOCKER + ", env: [A]}", "`env` must be a mapping, not a list"),
        (
            DOCKER + ", args: ['${{ github.sha }}']}",
            'the context "github" is not available in runs.args; available here: inputs',
        ),
        (DOCKER + ", main: a}", 'unknown key "main" in `runs` of a Docker action'),
        ("runs: {using: composite}", "1:7: a composite action needs `steps`"),
        ("runs: {using: composite, steps: {}}", "`steps` must be a list, not a mapping"),
        (
            "runs: {using: composite, steps: [a]}",
            "1:34: a step must be a mapping, not a single value",
        ),
        (
            "runs: {using: composite, steps: [], pre: a}",
            'unknown key "pre" in `runs` of a composite action; it takes steps and using',
        ),
        (
            "runs: {using: node20, main: a, pre-if: secrets.A}",
            'the context "secrets" is not available in runs.pre-if',
        ),
        ("runs: {using: node20, main: a, post-if: 'a('}", "[expression]"),
        ("inputs: [a]\n" + NODE, "1:9: `inputs` must be a mapping, not a list"),
        ("inputs: {a: b}\n" + NODE, '1:13: the input "a" must be a mapping, not a single value'),
        (
            "inputs: {a: {default: [1]}}\n" + NODE,
            "1:23: `default` must be a single value, not a list",
        ),
        (
            "inputs: {a: {default: '${{ inputs.b }}'}}\n" + NODE,
            'the context "inputs" is not available in inputs.<id>.default',
        ),
        (
            "outputs: {a: {values: b}}\n" + NODE,
            '1:15: unknown key "values" in the output "a"; did you mean "value"?',
        ),
        (
            "outputs: {a: {value: '${{ secrets.A }}'}}\n" + NODE,
            'the context "secrets" is not available in outputs.<id>.value',
        ),
        ("runs: {using: composite, steps: []", "[yaml]"),
    ],
)
def test_mistakes(text: str, says: str) -> None:
    (found,) = wrong(text)  # one mistake, said once
    assert says in found


@pytest.mark.covers("ACT-013")
@pytest.mark.parametrize(
    ("step", "says"),
    [
        ("{run: a}", "1:35: a step with `run` needs `shell` in an action"),
        ("{run: a, shell: }", "needs `shell`"),
        ("{run: a, shel: sh}", 'did you mean "shell"?'),
        ("{run: , shell: sh}", "`run` must not be empty"),
        ("{name: a}", "1:34: a step needs `run` or `uses`"),
        (
            "{run: a, shell: sh, uses: ./b}",
            "a step has either `run` or `uses`; make two steps of it",
        ),
        ("{uses: }", "`uses` must not be empty"),
        ("{uses: octo/tool}", "has no version; add one, such as octo/tool@v1"),
        ("{uses: octo/tool@a..b}", '"a..b" in "octo/tool@a..b" can\'t be a version'),
        ("{uses: '${{ inputs.tool }}'}", "no expression is possible in this value"),
        (
            "{uses: ./a, shell: sh}",
            'unknown key "shell" in a step of a composite action with `uses`',
        ),
        (
            "{run: a, shell: sh, timeout-minutes: 1}",
            'unknown key "timeout-minutes" in a step of a composite action with `run`',
        ),
        ("{run: a, shell: sh, with: {a: b}}", 'unknown key "with"'),
        ("{run: a, shell: sh, retry: 3}", 'unknown key "retry"'),
        ("{run: [a], shell: sh}", "`run` must be a single value, not a list"),
        ("{run: a, shell: sh, env: [a]}", "`env` must be a mapping, not a list"),
        ("{uses: ./a, with: b}", "`with` must be a mapping, not a single value"),
        (
            "{run: '${{ secrets.A }}', shell: sh}",
            'the context "secrets" is not available in runs.steps.run',
        ),
        ("{run: '${{ needs.a }}', shell: sh}", 'the context "needs" is not available'),
        ("{run: '${{ vars.A }}', shell: sh}", 'the context "vars" is not available'),
        ("{run: a, shell: '${{ success() }}'}", 'the function "success" is only available'),
        ("{run: a, shell: sh, id: 1a}", '"1a" can\'t be a step id'),
        (
            "{run: a, shell: sh, id: a}, {run: a, shell: sh, id: A}",
            'the step id "A" is already used',
        ),
    ],
)
def test_mistakes_in_a_composite_step(step: str, says: str) -> None:
    (found,) = wrong(f"runs: {{using: composite, steps: [{step}]}}")  # one mistake, said once
    assert says in found


def test_all_mistakes_at_once_in_the_order_of_the_file() -> None:
    found = wrong("""
        outputs: {a: {valu: b}}
        runs:
          using: composite
          steps:
            - run: a
            - name: x
    """)
    assert [line.split(" ")[0] for line in found] == [
        "action.yml:1:15:",
        "action.yml:5:7:",
        "action.yml:6:7:",
    ]


@pytest.mark.parametrize(
    "content", [b"\xff\xfe", b"\0", b"a: &a [*a]", b"[" * 200, b"? {a: b}\n: c"]
)
def test_bad_input_is_a_problem(content: bytes) -> None:
    action, problems = parse(content, "action.yml")
    assert action is None and errors(problems)


@pytest.mark.parametrize("using", manifest.USING)
def test_every_kind_is_among_those_that_are_told(using: str) -> None:
    assert using in KINDS


def cases() -> list[dict[str, object]]:
    with (CONFORMANCE / "schema.jsonl").open(encoding="utf-8") as lines:
        return [case for case in map(json.loads, lines) if case["kind"] == "action"]


@pytest.mark.parametrize("case", cases(), ids=lambda case: str(case["id"]))
def test_the_corpus_of_manifests(case: dict[str, object]) -> None:
    """Its cases are about shape alone: an id used twice is valid there."""
    _, problems = parse(str(case["yaml"]).encode(), "action.yml")
    assert (not [problem for problem in problems if problem.rule != "id"]) is case["valid"]


def test_real_manifests() -> None:
    index = json.loads((CONFORMANCE / "real-workflows" / "index.json").read_text(encoding="utf-8"))
    entries = index if isinstance(index, list) else index["files"]
    files = [entry["file"] for entry in entries if entry["kind"] == "action"]
    assert files
    for file in files:
        content = (CONFORMANCE / "real-workflows" / file).read_bytes()
        assert parse(content, file)[1] == [], file
