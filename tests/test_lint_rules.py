"""Each rule: what it finds, where, in which words, and what it leaves alone."""

from __future__ import annotations

import pytest
from linting import everything, job, run, said, step

from engine.lint import HINTS, RULES, Settings
from engine.problems import Problem

MATRIX = "strategy:\n  matrix:\n"


def at(text: str, rule: str) -> list[str]:
    """Where a rule finds something."""
    found = [p for p in everything(text) if p.rule == rule]
    return [f"{p.place.line}:{p.place.column}" for p in found]


# --- properties ---------------------------------------------------------------------------------

OTHER = """
  build:
    runs-on: ubuntu-latest
    outputs: {version: '1'}
    steps: [{run: make}]
"""
STEPS = """steps:
  - {run: make, id: build}
  - run: echo ${{ %s }}"""


@pytest.mark.covers("LINT-002", "LINT-010")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (run("${{ github.reff }}"), '"github" has no property "reff"; did you mean "ref"?'),
        (run("${{ github.events.x }}"), 'did you mean "event"?'),
        (run("${{ runner.cpu }}"), '"runner" has no property "cpu"; it has name, os, arch, temp'),
        (
            run("${{ job.container.os }}"),
            '"job.container" has no property "os"; it has id, network',
        ),
        (run("${{ job.services.db }}"), 'has no property "db"; job "test" has no services'),
        (run("${{ strategy.index }}"), '"strategy" has no property "index"'),
        (run("${{ matrix.os }}"), '"matrix" has no property "os"; job "test" has no matrix'),
        (run("${{ inputs.x }}"), '"inputs" has no property "x"; on: declares no inputs'),
        (run("${{ needs.build.result }}"), 'job "test" needs no other job; add it to needs:'),
        (run("${{ vars.GITHUB_X }}"), 'no variable of GitHub can be named "GITHUB_X"'),
        (run("${{ vars.a-b }}"), 'no variable of GitHub can be named "a-b"'),
        (
            run("${{ inputs.naem }}", on="{workflow_dispatch: {inputs: {name: {type: string}}}}"),
            '"inputs" has no property "naem"; did you mean "name"?',
        ),
        (
            run("${{ github.event.inputs.x }}", on="{workflow_dispatch: {inputs: {a: {}}}}"),
            '"github.event.inputs" has no property "x"; the inputs of this workflow are a',
        ),
        (
            run("${{ secrets.X }}", on="{workflow_call: {secrets: {TOKEN: {}}}}"),
            'has no property "X"; secrets: of workflow_call has TOKEN; declare it there',
        ),
        (
            job("needs: build\nsteps: [{run: 'echo ${{ needs.build.outputs.v }}'}]") + OTHER,
            '"needs.build.outputs" has no property "v"; job "build" (line 8) has the outputs',
        ),
        (
            job(STEPS % "steps.biuld.outcome"),
            '"steps" has no property "biuld"; did you mean',
        ),
        (job(STEPS % "steps.build.conclusions"), 'did you mean "conclusion"?'),
    ],
)
def test_a_property_that_is_not_there(text: str, message: str) -> None:
    [found] = said(text, "property")
    assert found.startswith("error: ")
    assert message in found


@pytest.mark.covers("LINT-010")
@pytest.mark.parametrize(
    "text",
    [
        run("${{ github.event.anything.at.all }}"),
        run("${{ github.EVENT_NAME }} ${{ env.ANY }} ${{ vars.ANY }} ${{ secrets.ANY }}"),
        run("${{ job.status }} ${{ runner.os }} ${{ strategy.job-index }}"),
        run("${{ inputs.name }}", on="{workflow_dispatch: {inputs: {Name: {type: string}}}}"),
        run("${{ github.event.inputs.x }}", on="{workflow_dispatch: {}, workflow_call: {}}"),
        run("${{ secrets.TOKEN }} ${{ secrets.GITHUB_TOKEN }}",
            on="{workflow_call: {secrets: {token: {}}}}"),
        run("${{ secrets.ANY }}", on="workflow_call"),
        run("${{ secrets.ANY }}", on="{push: {}, workflow_call: {secrets: {TOKEN: {}}}}"),
        job("needs: build\nsteps: [{run: 'echo ${{ needs.build.outputs.version }}'}]") + OTHER,
        job("needs: build\nsteps: [{run: 'echo ${{ needs.*.result }}'}]") + OTHER,
        job(STEPS % "steps.build.outputs.anything"),
        job("services: {db: {image: pg}}\nsteps: [{run: 'echo ${{ job.services.db.ports[1] }}'}]"),
        job(f"{MATRIX}    ${{{{ insert }}}}: ${{{{ fromJSON(vars.X) }}}}\n    os: [a]\n"
            "steps: [{run: 'echo ${{ matrix.other }}'}]"),
        job(f"{MATRIX}    os: [a]\n    include: ${{{{ fromJSON(vars.X) }}}}\n"
            "steps: [{run: 'echo ${{ matrix.other }}'}]"),
        job("strategy: {matrix: '${{ fromJSON(vars.X) }}'}\n"
            "steps: [{run: 'echo ${{ matrix.other }}'}]"),
        job("strategy: '${{ fromJSON(vars.X) }}'\nsteps: [{run: 'echo ${{ matrix.other }}'}]"),
    ],
)  # fmt: skip
def test_a_property_that_may_be_there(text: str) -> None:
    assert said(text, "property") == []


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("matrix.arch", '"matrix" has no property "arch"; it has os, node, gpu'),
        ("matrix.node.patch", '"matrix.node" has no property "patch"; it has major, minor'),
        ("matrix.gpu.x", '"matrix.gpu" is a number'),
    ],
)
def test_a_matrix_has_the_types_of_its_values(expression: str, message: str) -> None:
    text = job(
        f"""{MATRIX}    os: [a, b]
    node: [{{major: 1}}, {{major: 2, minor: 0}}]
    include: [{{os: a, gpu: 1}}]
steps: [{{run: 'echo ${{{{ {expression} }}}} ${{{{ matrix.node.minor }}}}'}}]"""
    )
    found = [p.message for p in everything(text)]
    assert len(found) == 1
    assert message in found[0]


def test_what_may_be_newer_than_we_are_is_a_warning() -> None:
    assert said(run("${{ github.foo }}"), "property")[0].startswith("warning: ")
    assert said(job(STEPS % "steps.deploy"), "property")[0].startswith("warning: ")


def test_a_step_sees_only_those_before_it() -> None:
    text = job("steps:\n  - run: echo ${{ steps.late.outcome }}\n  - {run: make, id: late}")
    assert "no step before here has an id" in said(text, "property")[0]


def test_steps_are_known_where_a_job_ends() -> None:
    text = job(
        "outputs: {a: '${{ steps.build.outputs.x }}', b: '${{ steps.nope.outputs.x }}'}\n"
        "environment: {name: prod, url: '${{ steps.build.outputs.url }}'}\n"
        "steps: [{parallel: [{run: make, id: build}]}]"
    )
    assert at(text, "property") == ["5:58"]


# --- types --------------------------------------------------------------------------------------


@pytest.mark.covers("LINT-002", "LINT-005")
@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        (run("${{ github.event }}"), "6:20", '"github.event" is an object, which becomes the word'),
        (run("${{ github.event.x.* }}"), "6:20", 'becomes the word "Array" in a text'),
        (run("a ${{ null }}"), "6:22", '"null" is null, which leaves nothing in a text'),
        (run("${{ github.sha.x }}"), "6:24", '"github.sha" is a string, which has no property "x"'),
        (run("${{ env[0] }}"), "6:28", '"env" is an object, whose properties have names'),
        (job("runs-on: ${{ github }}"), "4:14", '"runs-on" takes a label or a list of labels'),
        (job("timeout-minutes: ${{ vars.X }}"), "5:22", '"timeout-minutes" takes a number, and'),
        (job("continue-on-error: ${{ 1 }}"), "5:24", '"continue-on-error" takes true or false'),
        (step("run: x\nenv: ${{ github.sha }}"), "7:14", '"env" takes a mapping, and "github.sha"'),
        (job("services: ${{ 'redis' }}"), "5:15", '"services" takes a mapping'),
        (job("strategy: {matrix: '${{ github.sha }}'}"), "5:25", '"matrix" takes a mapping'),
        (job("strategy: {matrix: {a: '${{ github.sha }}'}}"), "5:29", '"a" takes a list, and'),
        (
            run("x", on="{workflow_call: {inputs: {a: {type: number, default: '${{ vars.X }}'}}}}"),
            "1:59",
            '"inputs.a" takes a number, and "vars.X" is a string',
        ),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_type(text: str, place: str, message: str) -> None:
    [found] = said(text, "type")
    assert message in found
    assert at(text, "type") == [place]


@pytest.mark.parametrize(
    "text",
    [
        run("${{ env.X }} ${{ 1 }} ${{ true }} ${{ toJSON(github) }}"),
        job("runs-on: ${{ fromJSON(vars.RUNNERS) }}"),
        job("timeout-minutes: ${{ fromJSON(vars.X) }}\ncontinue-on-error: ${{ vars.X == 1 }}"),
        step("run: x\nenv: ${{ fromJSON(vars.X) }}"),
        step("uses: a/b@v1\nwith: {x: '${{ inputs.flag }}'}",
             on="{workflow_dispatch: {inputs: {flag: {type: boolean}}}}"),
        job("strategy: {fail-fast: '${{ false }}', max-parallel: '${{ 2 }}'}"),
        job("environment: ${{ github.ref_name }}"),
        job("container: ${{ fromJSON(vars.X) }}"),
        job("if: github.event"),
    ],
)  # fmt: skip
def test_a_value_of_the_right_type(text: str) -> None:
    assert said(text, "type") == []


def test_a_context_that_is_not_allowed_is_said_once() -> None:
    found = everything(job("timeout-minutes: ${{ env.X }}"))
    assert [p.rule for p in found] == ["context"]


def test_a_default_knows_the_inputs_before_it() -> None:
    inputs = "a: {type: string}, b: {type: string, default: '${{ inputs.%s }}'}"
    texts = {
        name: run("x", on=f"{{workflow_call: {{inputs: {{{inputs % name}}}}}}}") for name in "ab"
    }
    assert said(texts["a"], "property") == []
    assert "a default may use only the inputs before it" in said(texts["b"], "property")[0]


FLAG = "{workflow_dispatch: {inputs: {flag: {type: boolean}}}}"


@pytest.mark.covers("LINT-004")
@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("inputs.flag == 'true'", ["5:9"]),
        ("inputs.flag", []),
        ("inputs.flag == true", []),
        ("github.event.inputs.flag == 'true'", []),
        ("github == 'x'", ["5:9"]),
    ],
)
def test_comparisons(condition: str, expected: list[str]) -> None:
    assert at(job(f"if: {condition}", on=FLAG), "comparison") == expected


@pytest.mark.covers("LINT-005")
@pytest.mark.parametrize(
    ("expression", "place"),
    [
        ("format('{0} {1}', 1)", "6:24"),
        ("format('{0}', 1, 2)", "6:24"),
        ("fromJSON('{')", "6:33"),
    ],
)
def test_arguments(expression: str, place: str) -> None:
    assert at(run(f"${{{{ {expression} }}}}"), "argument") == [place]


# --- conditions ---------------------------------------------------------------------------------


@pytest.mark.covers("LINT-003", "LINT-004")
@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (
            "${{ github.ref == 'x' }} && true",
            "error: \"${{ github.ref == 'x' }} && true\" is always",
        ),
        ('"${{ github.ref }} "', "error: "),
        ("|\n      ${{ github.ref }}", "error: "),
        ("true", 'warning: "true" is always true; write what it depends on, or remove it'),
        ("false", 'warning: "false" is always false'),
        ("${{ false }}", "warning: "),
        ("1 == 2", 'warning: "1 == 2" is always false'),
        ("false && github.ref", "warning: "),
        ("github.ref || 'x'", "warning: "),
        ("'!true'", "warning: "),
        ("contains('abc', 'b')", "warning: "),
        ("false && success()", "warning: "),
    ],
)
def test_a_condition_that_decides_nothing(condition: str, expected: str) -> None:
    [found] = said(job(f"if: {condition}"), "condition")
    assert found.startswith(expected)
    assert at(job(f"if: {condition}"), "condition") == ["5:9"]


@pytest.mark.parametrize(
    "condition",
    [
        "github.ref == 'x'", "${{ github.ref == 'x' }}", "|\n      github.ref == 'x'", "always()",
        "success() || failure()", "!cancelled()", "''", "null", "github.ref && true",
        "false || github.ref", "${{ !failure() && !cancelled() }}", "fromJSON('x')",
    ],
)  # fmt: skip
def test_a_condition_that_decides(condition: str) -> None:
    assert said(job(f"if: {condition}"), "condition") == []


# --- injection ----------------------------------------------------------------------------------


@pytest.mark.covers("LINT-011")
@pytest.mark.parametrize(
    "expression",
    [
        "github.head_ref", "github.event.issue.title", "github.event['pull_request'].body",
        "github.event.commits[0].message", "github.event.commits.*.author.name",
        "github.event.*.body", "toJSON(github.event.review.body)", "format('{0}', github.head_ref)",
        "github.ref || github.head_ref", "github.ref && github.head_ref",
        "join(github.event.commits.*.message)", "github.event.pages.*.page_name",
        "github.event.workflow_run.head_branch", "github.head_ref | upper",
        "case(true, github.head_ref, 'x')",
    ],
)  # fmt: skip
def test_a_strangers_text_in_a_script(expression: str) -> None:
    text = step(f'run: |\n  make\n  echo "${{{{ {expression} }}}}"')
    [found] = said(text, "injection")
    assert "a stranger may have written" in found
    assert at(text, "injection")[0].startswith("8:")


@pytest.mark.parametrize(
    "text",
    [
        run("${{ github.ref }} ${{ github.event.number }} ${{ github.event.issue.number }}"),
        run("${{ contains(github.event.issue.title, 'x') }}"),
        run("${{ github.head_ref == 'x' }} ${{ github.head_ref && 1 }} ${{ !github.head_ref }}"),
        step("run: echo $TITLE\nenv: {TITLE: '${{ github.event.issue.title }}'}"),
        step("uses: a/b@v1\nwith: {script: '${{ github.head_ref }}'}"),
        job("if: github.head_ref"),
    ],
)  # fmt: skip
def test_a_strangers_text_elsewhere(text: str) -> None:
    assert said(text, "injection") == []


def test_github_script_is_a_script() -> None:
    text = "uses: actions/github-script@v7\nwith: {script: 'x(`${{ github.head_ref }}`)', a: 1}"
    assert at(step(text), "injection") == ["7:32"]


# --- matrices -----------------------------------------------------------------------------------


@pytest.mark.covers("LINT-010")
@pytest.mark.parametrize(
    ("matrix", "place", "message"),
    [
        ("{os: [a, b, a]}", "5:36", 'error: "a" stands twice in "os" (first at'),
        ("{os: [{x: 1}, {x: 1}]}", "5:38", 'error: {"x": 1} stands twice in "os"'),
        ("{os: [a], exclude: [{os: c}]}", "5:49", 'warning: "c" excludes nothing, since "os"'),
        ("{os: [{x: 1}], exclude: [{os: {x: 2}}]}", "5:54", 'error: {"x": 2} excludes nothing'),
        ("{os: [{x: 1}], exclude: [{os: [1]}]}", "5:54", "error: [1] excludes nothing"),
        ("{os: ['${{ github.ref }}'], exclude: [{so: a}]}", "5:63", 'names "so", which is no key'),
        (f"{{a: {[*range(17)]}, b: {[*range(16)]}}}", "5:24", "legs, and GitHub allows 256"),
        ("{a: [1], exclude: [{a: 1}]}", "5:24", '"exclude" leaves nothing of this matrix'),
    ],
)  # fmt: skip
def test_a_matrix_that_says_nothing(matrix: str, place: str, message: str) -> None:
    text = job(f"strategy: {{matrix: {matrix}}}")
    found = said(text, "matrix")
    assert len(found) == 1
    assert message in found[0]
    assert at(text, "matrix") == [place]


@pytest.mark.parametrize(
    "matrix",
    [
        "{os: [a, b], node: [1, 2], exclude: [{os: a, node: 1}]}",
        "{os: [{x: 1, y: 2}, {x: 2}], exclude: [{os: {x: 1}}]}",
        "{os: [a, '${{ github.ref }}'], exclude: [{os: c}]}",
        "{os: [a, b], include: [{os: c}], exclude: [{os: a}]}",
        "{n: [null, ~, 1, '1', true]}",
        "{os: '${{ fromJSON(vars.X) }}', exclude: [{os: c}]}",
        "{include: [{os: a}, {os: b}]}",
    ],
)
def test_a_matrix_that_is_right(matrix: str) -> None:
    assert said(job(f"strategy: {{matrix: {matrix}}}"), "matrix") == []


# --- runners and shells -------------------------------------------------------------------------


@pytest.mark.covers("LINT-013")
@pytest.mark.parametrize(
    ("runs_on", "expected"),
    [
        ("ubuntu-oldest", ['error: no runner of GitHub has the label "ubuntu-oldest"']),
        (
            "ubuntu-lastest",
            ['did you mean "ubuntu-latest"? if it is one of your own, name it under'],
        ),
        ("gpu", ['no runner of GitHub has the label "gpu"; if it is one of your own']),
        ("macos-13", ['warning: GitHub has no runner "macos-13" any more']),
        (
            "[ubuntu-latest, windows-latest]",
            ['error: "windows-latest" and "ubuntu-latest" (line 4)'],
        ),
        ("[ubuntu-latest, ubuntu-22.04]", ["are different machines"]),
        ("[self-hosted, linux, windows]", ['"windows" and "linux"']),
        ("{labels: nope}", ['no runner of GitHub has the label "nope"']),
        ("{labels: [nope]}", ['no runner of GitHub has the label "nope"']),
        ("ubuntu-latest", []),
        ("Ubuntu-Latest", []),
        ("[self-hosted, linux, x64, gpu]", []),
        ("{group: big, labels: gpu}", []),
        ("{group: big}", []),
        ("ubuntu-24.04-16-cores", []),
        ("blacksmith-4vcpu-ubuntu-2404", []),
        ("${{ vars.RUNNER }}", []),
        ("${{ matrix.os }}-latest", []),
    ],
)
def test_labels(runs_on: str, expected: list[str]) -> None:
    found = said(job(f"runs-on: {runs_on}\nstrategy: {{matrix: {{os: [ubuntu]}}}}"), "label")
    assert len(found) == len(expected)
    assert all(part in message for part, message in zip(expected, found, strict=True))


@pytest.mark.covers("LINT-013")
def test_labels_of_a_matrix() -> None:
    text = job(
        """runs-on: ${{ matrix.machine.label }}
strategy:
  matrix:
    machine:
      - label: ubuntu-latest
      - label: linux-latest
      - label: [self-hosted, gpu]
      - {}
    include:
      - machine: {label: gpu}"""
    )
    assert at(text, "label") == ["9:20", "13:30"]


def test_a_projects_own_labels() -> None:
    text = job("runs-on: [gpu-large]")
    assert [p.rule for p in everything(text)] == ["label"]
    assert everything(text, settings=Settings(labels=("GPU-*",))) == []


@pytest.mark.covers("LINT-013")
@pytest.mark.parametrize(
    ("runs_on", "shell", "expected"),
    [
        ("ubuntu-latest", "dash", '"dash" is no shell; did you mean "bash"?'),
        ("ubuntu-latest", "zsh -e", "known are bash, pwsh, python, sh, and commands with {0} for"),
        ("ubuntu-latest", "powershell", 'there is no "powershell" on Linux; it has bash, pwsh'),
        ("macos-latest", "cmd", 'there is no "cmd" on macOS'),
        ("windows-latest", "sh", 'there is no "sh" on Windows; it has bash, pwsh, python, cmd'),
        ("${{ matrix.os }}", "dash", '"dash" is no shell'),
        ("ubuntu-latest", "bash", ""),
        ("ubuntu-latest", "Bash", ""),
        ("ubuntu-latest", "perl {0}", ""),
        ("windows-latest", "PowerShell", ""),
        ("${{ matrix.os }}", "sh", ""),
        ("${{ matrix.os }}", "cmd", ""),
        ("${{ vars.RUNNER }}", "powershell", ""),
        ("self-hosted", "powershell", ""),
    ],
)
def test_shells(runs_on: str, shell: str, expected: str) -> None:
    matrix = "strategy: {matrix: {os: [ubuntu-latest, windows-latest]}}"
    text = job(f"runs-on: {runs_on}\n{matrix}\nsteps: [{{run: x, shell: '{shell}'}}]")
    found = said(text, "shell")
    assert len(found) == bool(expected)
    assert not found or expected in found[0]


def test_shells_of_defaults() -> None:
    defaults = "defaults: {run: {shell: fish}}\n"
    assert at(job("defaults: {run: {shell: cmd}}", head=defaults), "shell") == ["2:25", "6:29"]
    assert at(job("defaults: {run: {shell: '${{ vars.SHELL }}'}}"), "shell") == []


# --- scripts and steps --------------------------------------------------------------------------


@pytest.mark.covers("LINT-015")
@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("echo '::set-output name=a::b'", '"::set-output" is deprecated; use echo "name=value" >>'),
        ("echo '::save-state name=a::b'", '"::save-state" is deprecated'),
        ("echo '::set-env name=a::b'", '"::set-env" no longer works'),
        ("echo '::add-path::/x'", '"::add-path" no longer works; use echo "folder" >> "$GITHUB_'),
        ("echo '::notice file=a::b' '::add-mask::x'", ""),
        ("echo set-output name=x", ""),
    ],
)  # fmt: skip
def test_commands(script: str, expected: str) -> None:
    text = step(f"run: |\n  make\n  {script}")
    found = said(text, "command")
    assert len(found) == bool(expected)
    assert not found or expected in found[0]
    assert at(text, "command") == (["8:17"] if expected else [])


@pytest.mark.covers("LINT-018")
@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ("[{run: a, id: a, background: true}, {wait: a}]", ""),
        ("[{run: a, id: a, background: true}, {wait: [A]}, {wait-all: true}]", ""),
        ("[{run: a, id: a, background: true}, {cancel: a}]", ""),
        (
            "[{wait: a}]",
            'wait names "a", but no step of this job has that id; start one before with',
        ),
        ("[{run: a, id: abc, background: true}, {wait: abd}]", 'did you mean "abc"?'),
        ("[{run: a, id: a}, {wait: a}]", "that step (line 5) has no background: true"),
        ("[{cancel: a}, {run: a, id: a, background: true}]", "that step comes later (line 5)"),
        ("[{wait: a, id: a}]", "that is this step itself"),
        ("[{run: a}, {wait-all: true}]", "wait-all has nothing to wait for"),
    ],
)
def test_background_steps(steps: str, expected: str) -> None:
    found = said(job(f"steps: {steps}"), "background")
    assert len(found) == bool(expected)
    assert not found or expected in found[0]


@pytest.mark.covers("LINT-008")
@pytest.mark.parametrize(
    ("uses", "expected"),
    [
        ("actions/checkout@v4", ""),
        ("owner/repo/path@main", ""),
        ("./.github/actions/x", ""),
        ("docker://alpine", ""),
        ("docker://ghcr.io/a/b:1", ""),
        ("docker://localhost:5000/a", ""),
        ("owner/repo/.github/workflows/ci.yml@v1", "is a workflow, and a step takes an"),
        ("./.github/workflows/ci.yml", "call it from a job of its own"),
        ("./action@v1", "is an action of this repository, which has no version"),
        ("../action", "names no action"),
        ("docker://", "names no image"),
        ("docker://:1", "names no image"),
        ("'docker://alpine:'", "has no tag after the colon"),
        ("actions/checkout", "has no version; add one, such as actions/checkout@v1"),
        ("checkout@v4", "names no action"),
    ],
)
def test_references_of_steps(uses: str, expected: str) -> None:
    found = said(step(f"uses: {uses}"), "uses")
    assert len(found) == bool(expected)
    assert not found or expected in found[0]


@pytest.mark.covers("LINT-015")
@pytest.mark.parametrize(
    ("uses", "expected"),
    [
        ("actions/checkout@v3", "use actions/checkout@v4 or later"),
        ("Actions/Checkout@v2.3.4", "use Actions/Checkout@v4 or later"),
        ("actions/upload-artifact@v1", "use actions/upload-artifact@v4 or later"),
        ("actions/checkout@v4", ""),
        ("actions/checkout@main", ""),
        ("actions/checkout@v3-node20", ""),
        ("actions/checkout@8e5e7e5ab8b370d6c329ec480221332ada57f0ab", ""),
        ("someone/checkout@v1", ""),
    ],
)
def test_outdated_actions(uses: str, expected: str) -> None:
    found = said(step(f"uses: {uses}"), "outdated")
    assert len(found) == bool(expected)
    assert not found or (found[0].startswith("warning: ") and expected in found[0])


# --- small rules --------------------------------------------------------------------------------


@pytest.mark.covers("LINT-017")
@pytest.mark.parametrize(
    ("credentials", "expected"),
    [
        ("{username: me, password: '${{ secrets.P }}'}", []),
        ("${{ fromJSON(secrets.CREDENTIALS) }}", []),
        ("{username: me, password: hunter2}", ["this password can be read by everybody"]),
        ("{username: me}", ["credentials need a username and a password; add password"]),
        ("{password: '${{ secrets.P }}'}", ["add username"]),
    ],
)
def test_credentials(credentials: str, expected: list[str]) -> None:
    for place in (
        "container: {image: a, credentials: %s}",
        "services: {x: {image: a, credentials: %s}}",
    ):
        found = said(job(place % credentials), "credentials")
        assert len(found) == len(expected)
        assert all(part in message for part, message in zip(expected, found, strict=True))


@pytest.mark.covers("LINT-020")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("GOOD_1", ""),
        ("with-dash.and.dot", ""),
        ("A B", '"A B" can\'t be the name of an environment variable; it has a space in it'),
        ("A=B", 'it has "=" in it'),
        ("A&B", 'it has "&" in it'),
        ("", "an environment variable needs a name"),
    ],
)
def test_variables(name: str, expected: str) -> None:
    env = f"env: {{'{name}': x}}"
    for text in (
        job(env),
        step(f"run: x\n{env}"),
        job("steps: [{run: x}]", head=f"{env}\n"),
        job(f"container: {{image: a, {env}}}"),
        job(f"services: {{x: {{image: a, {env}}}}}"),
    ):
        found = said(text, "variable")
        assert len(found) == bool(expected)
        assert not found or expected in found[0]


@pytest.mark.covers("LINT-007")
@pytest.mark.parametrize(
    ("outer", "inner", "expected"),
    [
        ("ci", "ci", ["6:18"]),
        ("{group: ci}", "{group: CI}", ["6:26"]),
        ("'${{ github.ref }}'", "'${{github.ref}}'", ["6:18"]),
        ("ci", "deploy", []),
        ("'${{ github.ref }}'", "'x-${{ github.ref }}'", []),
    ],
)
def test_a_job_in_its_workflows_group(outer: str, inner: str, expected: list[str]) -> None:
    text = job(f"concurrency: {inner}", head=f"concurrency: {outer}\n")
    assert at(text, "concurrency") == expected


@pytest.mark.covers("LINT-007")
def test_a_queue_that_cancels_is_refused() -> None:
    text = job("concurrency: {group: a, queue: max, cancel-in-progress: true}")
    assert [p.level for p in everything(text)] == ["error"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("timeout-minutes: 0", ["5:22"]),
        ("timeout-minutes: -1.5", ["5:22"]),
        ("strategy: {max-parallel: 0, matrix: {a: [1]}}", ["5:30"]),
        ("steps: [{run: x, timeout-minutes: 0}]", ["5:39"]),
        ("timeout-minutes: 0.5", []),
        ("timeout-minutes: ${{ 0 }}", []),
    ],
)
def test_limits(body: str, expected: list[str]) -> None:
    assert at(job(body), "limit") == expected


@pytest.mark.parametrize(
    ("body", "on", "expected"),
    [
        ("needs: []", "push", 'warning: "needs" is an empty list'),
        ("strategy: {matrix: {a: [1], include: []}}", "push", 'error: "include" is an empty list'),
        ("services: {x: {image: a, volumes: []}}", "push", 'error: "volumes" is an empty list'),
        ("container: {image: ''}", "push", 'warning: "image" is empty'),
        ("container: ''", "push", 'warning: "container" is empty'),
        ("container:", "push", 'warning: "container" is empty'),
        ("steps: [{run: x}]", "{pull_request: {types: []}}", 'error: "types" is an empty list'),
        ("steps: [{run: x}]", "{push: {branches: []}}", 'error: "branches" is an empty list'),
        ("env: {}", "push", 'warning: "env" is an empty mapping'),
        ("name:", "push", 'warning: "name" is empty'),
        ("steps: [{run: x, name: ''}]", "push", 'warning: "name" is empty'),
        ("steps: [{uses: a/b@v1, with: {}}]", "push", 'warning: "with" is an empty mapping'),
        ("steps: [{uses: a/b@v1, with: {x: ''}}]", "push", ""),
        ("strategy: {matrix: {include: [{a: ''}]}}", "push", ""),
        ("permissions: {}", "push", ""),
        ("steps: [{run: x}]", "{workflow_dispatch: {inputs: {a: {default: ''}}}}", ""),
        ("steps: [{run: x}]", "{workflow_dispatch: {}, push: }", ""),
        ("container: null", "push", ""),
        ("container: ~", "push", ""),
        ("env: {A: ''}", "push", ""),
        ("outputs: {a: ''}", "push", ""),
    ],
)
def test_what_is_empty(body: str, on: str, expected: str) -> None:
    found = said(job(body, on=on), "empty")
    assert len(found) == bool(expected)
    assert not found or found[0].startswith(expected)


@pytest.mark.parametrize(
    ("on", "expected"),
    [("schedule", 1), ("[push, schedule]", 1), ("workflow_run", 1), ("push", 0)],
)
def test_events_that_start_nothing(on: str, expected: int) -> None:
    assert len(said(job("env: {}", on=on), "event")) == expected


def test_needs_twice() -> None:
    text = job("needs: [build, Build]") + OTHER
    assert said(text, "needs") == [
        'warning: job "test" needs "Build" twice (first at line 5, column 13); remove one'
    ]


# --- mistakes that the reader finds, told here too ----------------------------------------------


@pytest.mark.covers("LINT-001", "LINT-006", "LINT-014", "LINT-016", "LINT-019", "LINT-022")
@pytest.mark.parametrize(
    ("text", "place", "rule"),
    [
        (step("run: x\nwihth: {}"), "7:9", "unknown-key"),
        (run("x", on="{schedule: [{cron: '0 25 * * *'}]}"), "1:27", "cron"),
        (run("x", on="{schedule: [{cron: '* * * * *'}]}"), "1:24", "cron"),
        (run("x", on="{push: {branches: ['[']}}"), "1:25", "glob"),
        (job("permissions: {content: read}"), "5:19", "unknown-key"),
        (job("permissions: {id-token: read}"), "5:29", "schema"),
        (job("steps: [{run: a, id: x}, {run: b, id: X}]"), "5:43", "id"),
        (job("steps: [{run: a, id: __x}]"), "5:26", "schema"),
        (job("env: &e {A: *e}"), "5:17", "alias"),
        (job("env: *nope"), "5:10", "alias"),
    ],
)  # fmt: skip
def test_what_the_reader_finds(text: str, place: str, rule: str) -> None:
    found = [(f"{p.place.line}:{p.place.column}", p.rule) for p in everything(text)]
    assert (place, rule) in found


def test_every_mistake_of_a_file_is_told_at_once() -> None:
    text = step("run: echo ${{ github.head_ref }} ${{ matrix.x }}\nshell: dash\ntimeout-minutes: 0")
    assert [p.rule for p in everything(text)] == ["injection", "property", "shell", "limit"]


# --- hints and names ----------------------------------------------------------------------------


@pytest.mark.covers("LINT-022")
@pytest.mark.parametrize(
    ("env", "expected"),
    [("&a {A: 1}", ["5:10"]), ("&a {A: 1}\nsteps: [{run: x, env: *a}]", []), ("{A: '&b'}", [])],
)
def test_anchors_are_a_hint(env: str, expected: list[str]) -> None:
    text = job(f"env: {env}")
    assert at(text, "anchor") == []
    found = everything(text, settings=Settings(on=frozenset(("anchor",))))
    assert [f"{p.place.line}:{p.place.column}" for p in found] == expected
    assert all(p.level == "hint" for p in found)


def test_hints_are_rules() -> None:
    assert set(RULES) >= HINTS


def test_messages_say_what_to_do() -> None:
    """Three beats: the place, what is wrong, and the next step after a semicolon or comma."""
    problem: Problem
    for problem in everything(step("run: echo ${{ github.head_ref }}\nshell: dash")):
        assert problem.place.line
        assert ";" in problem.message


def many(pattern: str, count: int = 3000) -> str:
    """A list of as many values, `#` being the number of each."""
    return f"[{','.join(pattern.replace('#', str(number)) for number in range(count))}]"


@pytest.mark.parametrize(
    "matrix",
    [
        f"{{os: {many('{a#: #}')}}}",
        f"{{os: {many('x#')}, exclude: {many('{os: y#}')}}}",
        f"{{include: {many('{a#: #}', 5000)}}}",
    ],
    ids=["values", "exclude", "include"],
)
def test_a_huge_matrix_is_given_up(matrix: str) -> None:
    """None of these is more than GitHub reads, and comparing all with all would take minutes."""
    text = job(f"strategy: {{matrix: {matrix}}}\nsteps: [{{run: 'echo ${{{{ matrix.os.x }}}}'}}]")
    assert len(everything(text)) < 3
