"""A workflow's nodes as typed values."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model import STEP_KINDS, Job, Step, Strategy, Workflow, read
from engine.permissions import of
from engine.problems import Place
from engine.retry import Retry
from engine.source import Mapping, Node, Scalar, Sequence, load, plain
from engine.tree import Condition, Fields, Items, Scope, Text, resolve


def model(text: str, **more: str) -> tuple[Workflow, list[str]]:
    """The workflow, and its problems as lines."""
    node, problems = load(text, "ci.yml")
    assert problems == []
    assert node is not None
    found, said = read(node, "ci.yml", **more)
    return found, [str(problem) for problem in said]


def workflow(text: str) -> Workflow:
    found, said = model(text)
    assert said == []
    return found


def a_job(text: str) -> Job:
    (found,) = workflow(f"jobs:\n  a: {{ {text} }}").jobs
    return found


def a_step(text: str) -> Step:
    (found,) = a_job(f"steps: [{{ {text} }}]").steps
    return found


def retry(text: str) -> Retry | None:
    """The same on a step and on a job."""
    found = a_step(f"run: x, retry: {text}").retry
    assert repr(a_job(f"retry: {text}").retry) == repr(found)
    return found


def said(text: str) -> list[str]:
    return model(text)[1]


def written(value: Any) -> Any:
    """What the author wrote in a field, as JSON."""
    match value:
        case Text() | Items() | Fields() | Condition():
            return plain(value.node)
        case Scalar():
            return value.value
    return value


# --- every key lands in its field -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "field", "wanted"),
    [
        ("name: CI", "name", "CI"),
        ("run-name: 'by ${{ github.actor }}'", "run_name", "by ${{ github.actor }}"),
        ("env: {A: 1}", "env", {"A": 1}),
        ("concurrency: {group: x}", "concurrency", {"group": "x"}),
        ("name:", "name", "ci.yml"),
        ("jobs: {}", "jobs", ()),
        ("on: push", "run_name", None),
    ],
)
def test_keys_of_a_workflow(text: str, field: str, wanted: Any) -> None:
    assert written(getattr(workflow(text), field)) == wanted


@pytest.mark.parametrize(
    ("text", "field", "wanted"),
    [
        ("name: 'a ${{ matrix.b }}'", "name", "a ${{ matrix.b }}"),
        ("if: github.ref", "condition", "github.ref"),
        ("runs-on: [x, y]", "runs_on", ["x", "y"]),
        ("env: {A: b}", "env", {"A": "b"}),
        ("outputs: {a: '${{ steps.x.outputs.y }}'}", "outputs", {"a": "${{ steps.x.outputs.y }}"}),
        ("container: {image: a, env: {B: '${{ secrets.B }}'}}", "container",
         {"image": "a", "env": {"B": "${{ secrets.B }}"}}),
        ("container: alpine", "container", "alpine"),
        ("services: {db: {image: x, credentials: {username: '${{ env.A }}'}}}", "services",
         {"db": {"image": "x", "credentials": {"username": "${{ env.A }}"}}}),
        ("environment: prod", "environment", "prod"),
        ("environment: {name: prod, url: '${{ steps.a.outputs.b }}'}", "environment",
         {"name": "prod", "url": "${{ steps.a.outputs.b }}"}),
        ("concurrency: '${{ matrix.a }}'", "concurrency", "${{ matrix.a }}"),
        ("continue-on-error: true", "continue_on_error", True),
        ("timeout-minutes: 5", "timeout_minutes", 5),
        ("cancel-timeout-minutes: 1", "cancel_timeout_minutes", 1),
        ("uses: ./.github/workflows/x.yml", "uses", "./.github/workflows/x.yml"),
        ("with: {a: 1}", "with_", {"a": 1}),
        ("secrets: inherit", "secrets", "inherit"),
        ("retry: 2", "retry", Retry(attempts=2)),
    ],
)  # fmt: skip
def test_keys_of_a_job(text: str, field: str, wanted: Any) -> None:
    assert written(getattr(a_job(text), field)) == wanted


@pytest.mark.parametrize(
    ("text", "field", "wanted"),
    [
        ("id: x, run: y", "id", "x"),
        ("name: 'a ${{ env.B }}', run: y", "name", "a ${{ env.B }}"),
        ("if: always(), run: y", "condition", "always()"),
        ("run: make", "run", "make"),
        ("run: x, shell: bash", "shell", "bash"),
        ("run: x, working-directory: sub", "working_directory", "sub"),
        ("uses: actions/checkout@v4", "uses", "actions/checkout@v4"),
        ("uses: a/b@c, with: {A: 1}", "with_", {"A": 1}),
        ("run: x, env: {A: 1}", "env", {"A": 1}),
        ("run: x, continue-on-error: '${{ matrix.a }}'", "continue_on_error", "${{ matrix.a }}"),
        ("run: x, timeout-minutes: 5", "timeout_minutes", 5),
        ("run: x, background: true", "background", True),
        ("run: x, background: True", "background", True),
        ("run: x, background: false", "background", False),
        ("wait: x", "targets", ("x",)),
        ("wait: [x, y]", "targets", ("x", "y")),
        ("cancel: x", "targets", ("x",)),
        ("wait-all:", "targets", ()),
        ("run: x", "retry", None),
    ],
)
def test_keys_of_a_step(text: str, field: str, wanted: Any) -> None:
    assert written(getattr(a_step(text), field)) == wanted


@pytest.mark.parametrize("kind", STEP_KINDS)
def test_the_kind_of_a_step_is_its_key(kind: str) -> None:
    assert a_step(f"id: x, {kind}: ").kind == kind


def test_parallel_steps_are_children() -> None:
    (step,) = a_job("steps: [{parallel: [{run: a}, {uses: b/c@v1}]}]").steps
    assert [child.kind for child in step.children] == ["run", "uses"]


def test_places_are_those_of_the_keys() -> None:
    found = workflow("on:\n  push:\njobs:\n  a:\n    needs: []\n    steps:\n      - run: x")
    assert (found.triggers[0].place.line, found.triggers[0].place.column) == (2, 3)
    assert (found.jobs[0].place.line, found.jobs[0].place.column) == (4, 3)
    assert (found.jobs[0].steps[0].place.line, found.jobs[0].steps[0].place.column) == (7, 9)


@pytest.mark.covers("WF-011", "JOB-017")
def test_defaults_are_kept_where_they_were_given() -> None:
    text = "defaults: {run: {shell: bash}}\njobs: {a: {defaults: {run: {working-directory: d}}}}"
    found = workflow(text)
    assert written(found.defaults.shell) == "bash"
    assert found.defaults.working_directory is None
    assert written(found.jobs[0].defaults.working_directory) == "d"
    assert found.jobs[0].defaults.shell is None


def test_strategy() -> None:
    found = a_job("strategy: {matrix: {a: [1]}, fail-fast: false, max-parallel: 2}").strategy
    assert found is not None
    assert written(found.matrix) == {"a": [1]}
    assert written(found.fail_fast) is False
    assert written(found.max_parallel) == 2
    assert a_job("runs-on: x").strategy is None


@pytest.mark.covers("WF-001")
@pytest.mark.parametrize(
    ("text", "path", "wanted"),
    [
        ("name: CI", "a/ci.yml", ("CI", "a/ci.yml")),
        ("on: push", "a/ci.yml", ("a/ci.yml", "a/ci.yml")),
        ("on: push", "", ("ci.yml", "ci.yml")),
        ("name: ''", "a/ci.yml", ("a/ci.yml", "a/ci.yml")),
    ],
)
def test_the_path_is_the_name_of_a_workflow_without_one(
    text: str, path: str, wanted: tuple[str, str]
) -> None:
    found, _ = model(text, path=path)
    assert (found.name, found.file) == wanted


@pytest.mark.covers("WF-002")
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("push", [("push", None)]),
        ("[push, pull_request]", [("push", None), ("pull_request", None)]),
        ("{push: , schedule: [{cron: x}]}", [("push", None), ("schedule", [{"cron": "x"}])]),
        ("", []),
        ("[push, null]", [("push", None)]),
    ],
)
def test_triggers(text: str, wanted: Any) -> None:
    found = workflow(f"on: {text}")
    assert [(t.event, None if t.filters is None else plain(t.filters)) for t in found.triggers] == (
        wanted
    )
    assert [found.trigger(t.event) for t in found.triggers] == list(found.triggers)
    assert found.trigger("nope") is None


# --- ids ------------------------------------------------------------------------------------------

LETTERS = "it starts with a letter or _ and goes on with letters, digits, - or _"
RESERVED = 'names that start with "__" are reserved'
LONG = "it must have fewer than 100 characters"


@pytest.mark.covers("JOB-001", "WF-033")
@pytest.mark.parametrize("id_", ["a", "_", "A-b_9", "_9", "a" * 99])
def test_ids_that_are_fine(id_: str) -> None:
    assert said(f"jobs: {{ {id_}: {{steps: [{{id: {id_}}}]}} }}") == []


@pytest.mark.covers("JOB-001", "STEP-019", "LINT-019", "WF-033")
@pytest.mark.parametrize(
    ("id_", "rule"),
    [
        ("9a", LETTERS), ("-a", LETTERS), ("a b", LETTERS), ("a.b", LETTERS), ("é", LETTERS),
        ("__a", RESERVED), ("__", RESERVED), ("a" * 100, LONG),
    ],
)  # fmt: skip
def test_ids_that_are_refused(id_: str, rule: str) -> None:
    assert said(f"jobs:\n  {id_}: {{}}") == [f'ci.yml:2:3: "{id_}" can\'t be a job id: {rule} [id]']
    assert said(f"jobs: {{a: {{steps: [\n{{id: {id_}}}]}}}}") == [
        f'ci.yml:2:6: "{id_}" can\'t be a step id: {rule} [id]'
    ]


@pytest.mark.covers("STEP-019", "LINT-019")
def test_step_ids_are_unique_in_a_job() -> None:
    steps = "{steps: [{id: a}, {id: b},\n {id: A}]}"
    assert said(f"jobs: {{x: {steps}, y: {{steps: [{{id: a}}]}}}}") == [
        'ci.yml:2:7: the step id "A" is already used at line 1, column 25; '
        "ids are unique in a job, without regard to case [id]"
    ]


# --- needs ----------------------------------------------------------------------------------------


@pytest.mark.covers("JOB-002")
@pytest.mark.parametrize(("text", "wanted"), [("b", ["b"]), ("[b, C]", ["b", "C"]), ("", [])])
def test_needs(text: str, wanted: list[str]) -> None:
    found = workflow(f"jobs: {{b: {{}}, c: {{}}, a: {{needs: {text}}}}}").jobs[2]
    assert [need.id for need in found.needs] == wanted


@pytest.mark.covers("JOB-002")
def test_an_unknown_need_is_refused_where_it_stands() -> None:
    text = "jobs:\n  build: {}\n  test:\n    needs: [build, biuld, zzz]"
    assert said(text) == [
        'ci.yml:4:20: job "test" needs job "biuld", which does not exist; did you mean "build"? '
        "[needs]",
        'ci.yml:4:27: job "test" needs job "zzz", which does not exist [needs]',
    ]


@pytest.mark.covers("JOB-002")
@pytest.mark.parametrize(
    ("text", "chain"),
    [
        pytest.param("  a: {needs: a}", '"a" (line 2) -> "a" (line 2)', id="itself"),
        pytest.param("  a: {needs: B}\n  b: {needs: A}",
                     '"a" (line 2) -> "b" (line 3) -> "a" (line 2)', id="two"),
        pytest.param("  x: {needs: b}\n  a: {needs: B}\n  b: {needs: A}",
                     '"a" (line 3) -> "b" (line 4) -> "a" (line 3)', id="with a third behind"),
    ],
)  # fmt: skip
def test_a_workflow_that_can_never_start_is_refused(text: str, chain: str) -> None:
    assert said(f"jobs:\n{text}") == [
        f"ci.yml:2:3: these jobs wait for each other and could never start: {chain} [needs]"
    ]


@pytest.mark.covers("JOB-002")
def test_a_cycle_of_needs_is_told_wherever_it_could_be_cut() -> None:
    text = "jobs:\n  x: {}\n  c: {needs: [x, a]}\n  b: {needs: c}\n  a: {needs: [x, b]}"
    chain = '"c" (line 3) -> "a" (line 5) -> "b" (line 4) -> "c" (line 3)'
    assert said(text) == [
        f'ci.yml:3:18: job "c" needs job "a", which waits for it in turn: {chain} [needs]',
        f'ci.yml:5:18: job "a" needs job "b", which waits for it in turn: {chain} [needs]',
        f'ci.yml:4:14: job "b" needs job "c", which waits for it in turn: {chain} [needs]',
    ]


# --- what takes no expression -------------------------------------------------------------------


@pytest.mark.covers("EXPR-026")
@pytest.mark.parametrize(
    "text",
    [
        "name: X", "description: X", "on: {push: {branches: [X]}}", "on: {push: {X: a}}",
        "on: {workflow_dispatch: {inputs: {a: {description: X}}}}",
        "on: {workflow_call: {inputs: {a: {description: X}}}}",
        "on: {workflow_call: {inputs: {X: {type: string}}}}",
        "on: {workflow_call: {secrets: {a: {description: X}}}}",
        "on: {workflow_call: {outputs: {a: {description: X}}}}",
        "defaults: {run: {shell: X}}", "jobs: {a: {needs: X}}", "jobs: {b: , a: {needs: [b, X]}}",
        "jobs: {a: {uses: X}}", "jobs: {a: {with: {X: b}}}", "jobs: {a: {secrets: {X: b}}}",
        "jobs: {a: {outputs: {X: b}}}", "jobs: {a: {steps: [{uses: X}]}}",
        "jobs: {a: {steps: [{run: x, shell: X}]}}", "jobs: {a: {steps: [{wait: X}]}}",
        "jobs: {a: {steps: [{cancel: [X]}]}}",
    ],
)  # fmt: skip
def test_no_expression_is_possible(text: str) -> None:
    column = text.index("X") + 2
    wrong = [line for line in said(text.replace("X", "'${{ vars.A }}'")) if "[context]" in line]
    assert wrong == [
        f'ci.yml:1:{column}: "${{{{ vars.A }}}}" cannot stand here: no expression is possible in '
        "this value; write the value itself [context]"
    ]
    quoted = said(text.replace("X", "\"${{ 'a/b@v1' }}\""))
    assert not any("[context]" in line for line in quoted)


def test_a_string_as_an_expression_is_that_string() -> None:
    text = "name: \"${{ 'it''s' }}\"\njobs: {b: , a: {needs: \"${{ 'b' }}\"}}"
    found = workflow(text)
    assert (found.name, found.jobs[1].needs[0].id) == ("it's", "b")


@pytest.mark.covers("RWF-003", "RWF-005")
def test_what_a_contract_may_ask_for() -> None:
    text = (
        "on: {{workflow_call: {{inputs: {{a: {{default: '{}'}}}}, "
        "outputs: {{o: {{value: '{}'}}}}}}}}"
    )
    found = workflow(text.format("${{ vars.A }}", "x-${{ jobs.b.outputs.c }}"))
    assert [(each.name, written(each.value)) for each in found.outputs] == [
        ("o", "x-${{ jobs.b.outputs.c }}")
    ]
    wrong = said(text.format("${{ jobs.b.result }}", "${{ needs.b.result }}"))
    assert [line.partition(" is not available in ")[2].partition(";")[0] for line in wrong] == [
        "on.workflow_call.inputs.<id>.default",
        "on.workflow_call.outputs.<id>.value",
    ]


@pytest.mark.covers("EXPR-026")
def test_only_the_values_of_a_containers_env_ask_for_more() -> None:
    assert said("jobs: {a: {container: {image: x, env: {A: '${{ secrets.A }}'}}}}") == []
    (wrong,) = said("jobs: {a: {services: {s: {image: x, env: '${{ secrets.A }}'}}}}")
    assert wrong.startswith('ci.yml:1:47: the context "secrets" is not available in jobs.<id>.serv')


# --- mappings that are one expression -----------------------------------------------------------


@pytest.mark.covers("MAT-001")
@pytest.mark.parametrize("text", ["${{ fromJSON(vars.S) }}", "${{fromJSON(vars.S)}}"])
def test_a_strategy_may_be_one_expression(text: str) -> None:
    found = a_job(f"strategy: '{text}'").strategy
    assert found is not None
    vars_ = {"S": '{"matrix": {"os": [1]}, "max-parallel": 2}'}
    scope = Scope({"vars": vars_})
    parts = (found.matrix, found.fail_fast, found.max_parallel)
    assert [resolve(part, scope) for part in parts] == [{"os": [1]}, None, 2]


def test_a_strategy_that_is_one_expression_is_checked() -> None:
    (wrong,) = said("jobs: {a: {strategy: '${{ fromJSON(secrets.S) }}'}}")
    assert wrong.startswith('ci.yml:1:36: the context "secrets" is not available')
    (wrong,) = said("jobs: {a: {strategy: '${{ always() }}'}}")
    assert wrong.startswith('ci.yml:1:27: the function "always" is only available in an `if:`')
    assert len(said(f"jobs: {{a: {{strategy: '${{{{ {'(' * 20999} }}}}'}}}}")) == 1
    assert a_job("strategy: x").strategy == Strategy()


@pytest.mark.covers("JOB-017")
def test_defaults_may_be_one_expression() -> None:
    found = a_job("defaults: {run: '${{ fromJSON(vars.D) }}'}").defaults
    scope = Scope({"vars": {"D": '{"shell": "sh"}'}})
    assert [resolve(found.shell, scope), resolve(found.working_directory, scope)] == ["sh", None]


# --- permissions, snapshots -----------------------------------------------------------------------


@pytest.mark.covers("WF-012")
def test_permissions_are_those_of_the_workflow_and_of_the_job() -> None:
    found = workflow("permissions: {}\njobs: {a: {permissions: {pages: write}}, b: {}}")
    assert found.permissions == of({})
    assert [job.permissions for job in found.jobs] == [of({"pages": "write"}), None]


@pytest.mark.covers("EXPR-026")
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x", ""), ("{image-name: x, if: github.ref == 'x'}", ""),
        ("{image-name: x, if: '${{ matrix.a }}'}", ""),
        ("{image-name: x, if: env.A}", '42: the context "env"'),
        ("{image-name: x, if: '${{ env.A }}'}", '47: the context "env"'),
        ("{image-name: x, if: always()}", '42: the function "always"'),
        ("'${{ secrets.A }}'", '27: the context "secrets"'),
    ],
)  # fmt: skip
def test_snapshots(text: str, problem: str) -> None:
    found = said(f"jobs: {{a: {{snapshot: {text}}}}}")
    assert [line.partition(" is ")[0] for line in found] == [f"ci.yml:1:{problem}"] * bool(problem)


# --- retry ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("5", Retry(attempts=5)),
        ("{}", Retry(attempts=3)),
        ("{attempts: 2, backoff: linear}", Retry(attempts=2, backoff="linear")),
        ("{backoff: exponential, delay: 2s, max-delay: 1m, jitter: true}",
         Retry(backoff="exponential", delay=2, max_delay=60, jitter=True)),
        ("{delay: 500ms}", Retry(delay=0.5)),
        ("{delay: 10}", Retry(delay=10)),
        ("{delay: 0.5, timeout: 5m}", Retry(delay=0.5, timeout=300)),
        ("{timeout: 1h}", Retry(timeout=3600)),
        ("{timeout: 0}", Retry(timeout=None)),
        ("{attempts: x, delay: soon, jitter: 1, backoff: never}", Retry()),
        ("{attempts: true}", Retry()),
        ("true", None), ("x", None), ("", None), ("[1]", None), ("1.5", None),
    ],
)  # fmt: skip
def test_retry(text: str, wanted: Retry | None) -> None:
    assert retry(text) == wanted


def test_grounds_for_a_retry() -> None:
    found = retry("{on: {exit-codes: [75, 137, x, true], output: ['time.?out'], timeout: true}}")
    assert found is not None
    assert found.on is not None
    assert found.on.exit_codes == (75, 137)
    assert [pattern.pattern for pattern in found.on.output] == ["time.?out"]
    assert found.on.timeout is True


def test_a_single_ground_needs_no_list() -> None:
    found = retry("{on: {exit-codes: 75, output: ECONN}}")
    assert found is not None
    assert found.on is not None
    assert (found.on.exit_codes, found.on.output[0].pattern) == ((75,), "ECONN")
    assert found.on.timeout is False


def test_a_pattern_that_is_none_is_refused() -> None:
    assert said("jobs: {a: {retry: {on: {output: [ok, '(']}}}}") == [
        'ci.yml:1:38: "(" is not a regular expression: missing ), unterminated subpattern at '
        "position 0 [retry]"
    ]


# --- what does not fit ----------------------------------------------------------------------------


@pytest.mark.covers("EXPR-026")
def test_expressions_are_compiled_for_the_key_they_stand_in() -> None:
    text = "env: {A: '${{ matrix.a }}'}\njobs: {a: {if: env.A, name: '${{ x }}'}}"
    assert [line.partition(": ")[0] for line in said(text)] == [
        "ci.yml:1:15", "ci.yml:2:34", "ci.yml:2:16",
    ]  # fmt: skip


KEYS = st.sampled_from(
    [
        *("on", "name", "run-name", "env", "defaults", "run", "concurrency", "jobs", "a", "b"),
        *("needs", "if", "strategy", "matrix", "container", "services", "environment", "url"),
        *("steps", "id", "uses", "with", "shell", "background", "wait", "cancel", "parallel"),
        *("retry", "attempts", "output", "exit-codes", "delay", "timeout", "secrets", "outputs"),
        *("runs-on", "${{insert}}", "credentials", "image"),
    ]
)
WORDS = st.sampled_from(
    ["", "x", "a", "${{ github.ref }}", "${{", "always()", "${{ always() }}", "(", "5s", "bash"]
)


def scalar(value: Any) -> Scalar:
    return Scalar(value, "" if value is None else str(value), Place("f", 1, 1))


def mapping(entries: dict[str, Node]) -> Mapping:
    return Mapping(tuple((scalar(key), value) for key, value in entries.items()), Place("f", 1, 1))


SCALARS = st.builds(
    scalar, st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text()
)
NODES = st.recursive(
    SCALARS,
    lambda inner: (
        st.builds(lambda items: Sequence(tuple(items), Place("f", 1, 1)), st.lists(inner))
        | st.builds(mapping, st.dictionaries(KEYS, inner))
    ),
    max_leaves=30,
)


@given(NODES, st.builds(mapping, st.dictionaries(KEYS, NODES)))
def test_whatever_the_nodes_a_model_comes_out(any_node: Node, odd_job: Mapping) -> None:
    jobs = mapping({"on": any_node, "jobs": mapping({"a": odd_job, "b": any_node})})
    for node in (any_node, odd_job, jobs):
        found, problems = read(node, "f")
        assert found.file == "f"
        assert all(problem.message and problem.rule for problem in problems)
    assert [job.id for job in read(jobs, "f")[0].jobs] == ["a", "b"]
