"""Callers of workflows, held against what the workflows declare."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from engine import calls, model, source
from engine.calls import Contract, contract
from engine.model import Workflow
from engine.permissions import RESTRICTED, Permissions, of
from engine.problems import Place, Problem
from engine.source import GITHUB, Limits

CALLED = "./called.yml"
JOBS = "jobs: {inner: {runs-on: x, steps: [{run: x}]}}"


def read(text: str, file: str) -> Workflow:
    node, problems = source.load(text, file)
    assert node is not None and problems == []
    found, wrong = model.read(node, file)
    assert wrong == []
    return found


def said(
    caller: str,
    called: str | Mapping[str, str] = "",
    *,
    granted: Permissions | None = None,
    limits: Limits = GITHUB,
) -> list[str]:
    """The problems of a workflow that is `jobs:` with these lines, and of what it calls."""
    texts = called if isinstance(called, Mapping) else {CALLED: called}

    def find(uses: str, _: str) -> tuple[Workflow | None, list[Problem]]:
        text = texts.get(uses)
        return (read(text, uses.removeprefix("./")), []) if text else (None, [])

    entry = read(caller, "ci.yml")
    return [str(p) for p in calls.check(entry, find, granted=granted, limits=limits)]


def call(*lines: str) -> str:
    return "\n".join(["jobs:", "  go:", f"    uses: {CALLED}", *(f"    {line}" for line in lines)])


def taking(declared: str) -> str:
    return f"on: {{workflow_call: {{{declared}}}}}\n{JOBS}"


# --- contracts ------------------------------------------------------------------------------------


@pytest.mark.covers("RWF-003", "RWF-004", "RWF-005")
def test_a_contract_is_what_workflow_call_declares() -> None:
    found = contract(
        read(
            "on:\n  workflow_call:\n    inputs: {n: {type: number, required: true}}\n"
            "    secrets: {a: {required: true}, b: }\n"
            "    outputs: {o: {value: '${{ jobs.inner.outputs.x }}'}}\n"
            f"permissions: {{contents: read}}\n{JOBS}",
            "called.yml",
        )
    )
    assert found is not None
    assert [(each.name, each.kind, each.required) for each in found.inputs] == [
        ("n", "number", True)
    ]
    assert [(each.name, each.required) for each in found.secrets] == [("a", True), ("b", False)]
    assert [each.name for each in found.outputs] == ["o"]
    assert found.permissions == of({"contents": "read"})


@pytest.mark.parametrize("on", ["workflow_call", "[push, workflow_call]", "{workflow_call: }"])
def test_a_contract_may_be_empty(on: str) -> None:
    assert contract(read(f"on: {on}\n{JOBS}", "f")) == Contract()


def test_what_can_not_be_called_has_no_contract() -> None:
    assert contract(read(f"on: push\n{JOBS}", "f")) is None
    assert said(call(), f"on: push\n{JOBS}") == [
        'ci.yml:3:11: "./called.yml" can\'t be called; give it `on: workflow_call` [calls]'
    ]


# --- inputs and secrets ---------------------------------------------------------------------------


@pytest.mark.covers("RWF-003")
@pytest.mark.parametrize(
    ("declared", "given", "problem"),
    [
        ("a: {type: string, required: true}", "", '3:11: "./called.yml" requires the input "a"; '
         "add with: {a: ...}"),
        ("a: {type: string, required: true, default: x}", "", '3:11: "./called.yml" requires the '
         'input "a"; add with: {a: ...}'),
        ("a: {type: string, required: false}", "", ""),
        ("App: {type: string, required: true}", "with: {app: x}", ""),
        ("apple: {type: string}", "with: {aple: x}", '4:12: "./called.yml" has no input "aple"; '
         'did you mean "apple"?'),
        ("a: {type: string}, b: {type: string}", "with: {z: x}", '4:12: "./called.yml" has no '
         'input "z"; it has a, b'),
        ("", "with: {z: x}", '4:12: "./called.yml" has no input "z"; it has no inputs'),
        ("a: {type: boolean}", "with: {a: yes}", '4:15: the input "a" takes true or false without '
         'quotes, not "yes"'),
        ("a: {type: boolean}", "with: {a: 1}", '4:15: the input "a" takes true or false without '
         'quotes, not "1"'),
        ("a: {type: boolean}", "with: {a: false}", ""),
        ("a: {type: boolean}", "with: {a: '${{ github.x }}'}", ""),
        ("a: {type: number}", "with: {a: '5'}", '4:15: the input "a" takes a number without '
         'quotes, not "5"'),
        ("a: {type: number}", "with: {a: true}", '4:15: the input "a" takes a number without '
         'quotes, not "true"'),
        ("a: {type: number}", "with: {a: 0x10}", ""),
        ("a: {type: string}", "with: {a: }", ""),
        ("a: {type: string}", "with: {a: 1.5}", ""),
    ],
)  # fmt: skip
def test_inputs(declared: str, given: str, problem: str) -> None:
    found = said(call(given), taking(f"inputs: {{{declared}}}"))
    assert found == ([f"ci.yml:{problem} [calls]"] if problem else [])


@pytest.mark.covers("RWF-004")
@pytest.mark.parametrize(
    ("declared", "given", "problem"),
    [
        ("a: {required: true}", "", '3:11: "./called.yml" requires the secret "a"; add secrets: '
         "{a: ${{ secrets.a }}} or secrets: inherit"),
        ("a: {required: true}", "secrets: inherit", ""),
        ("a: {required: true}", "secrets: {A: x}", ""),
        ("a: {required: false}, b: ", "", ""),
        ("token: ", "secrets: {tokn: x}", '4:15: "./called.yml" has no secret "tokn"; did you mean '
         '"token"?'),
        ("", "secrets: inherit", ""),
    ],
)  # fmt: skip
def test_secrets(declared: str, given: str, problem: str) -> None:
    found = said(call(given), taking(f"secrets: {{{declared}}}"))
    assert found == ([f"ci.yml:{problem} [calls]"] if problem else [])


def test_a_name_that_is_not_declared_is_told_at_the_name() -> None:
    """GitHub's reader points at the value."""
    entry = read(call("with: {z: x}"), "ci.yml")
    (found,) = calls.check(entry, lambda *_: (read(taking(""), "called.yml"), []))
    assert found.value is not None
    assert (found.place.column, found.value.column) == (12, 15)


# --- permissions ----------------------------------------------------------------------------------


@pytest.mark.covers("WF-013", "RWF-009")
@pytest.mark.parametrize(
    ("caller", "job", "called", "inner", "granted", "problem"),
    [
        ("", "", "", "checks: write", None, ""),
        ("", "", "", "checks: write", RESTRICTED, "checks: write|checks: none"),
        ("", "", "", "contents: read", RESTRICTED, ""),
        ("", "checks: read", "", "checks: write", None, "checks: write|checks: read"),
        ("checks: read", "", "", "checks: write", None, "checks: write|checks: read"),
        ("checks: read", "checks: write", "", "checks: write", None, ""),
        ("checks: write", "checks: read", "", "checks: write", None, "checks: write|checks: read"),
        ("checks: write", "", "checks: read", "checks: write", None, ""),
        ("checks: read", "", "", "", None, ""),
        ("", "issues: read", "", "checks: read, pages: write", None,
         "checks: read, pages: write|checks: none, pages: none"),
    ],
)  # fmt: skip
def test_called_jobs_ask_for_no_more_than_the_caller_has(
    caller: str, job: str, called: str, inner: str, granted: Permissions | None, problem: str
) -> None:
    def block(levels: str) -> str:
        return f"permissions: {{{levels}}}" if levels else ""

    found = said(
        f"{block(caller)}\n{call(block(job))}",
        f"on: workflow_call\n{block(called)}\n"
        f"jobs: {{inner: {{runs-on: x, steps: [], {block(inner)}}}}}",
        granted=granted,
    )
    if problem:
        wanted, has = problem.split("|")
        problem = (
            f'ci.yml:3:3: job "inner" of "./called.yml" asks for {wanted}, and the job "go" that '
            f"calls it has {has}; give the calling job as much [calls]"
        )
    assert found == [problem] * bool(problem)


@pytest.mark.covers("RWF-009")
def test_a_called_workflow_asks_for_no_more_either() -> None:
    called = f"on: workflow_call\npermissions: read-all\n{JOBS}"
    (found,) = said(call("permissions: {actions: read, checks: write}"), called)
    assert found.startswith('ci.yml:2:3: "./called.yml" asks for artifact-metadata: read')
    assert "actions" not in found.partition(" that calls it")[0]


@pytest.mark.covers("RWF-009")
def test_permissions_only_become_less_from_level_to_level() -> None:
    """As far up as nothing is said, what is above counts."""
    middle = "on: workflow_call\njobs: {two: {uses: ./c.yml, permissions: {actions: read}}}"
    last = "on: workflow_call\njobs: {three: {runs-on: x, permissions: {actions: write}}}"
    entry = f"permissions: write-all\n{call()}"
    assert said(entry, {CALLED: middle, "./c.yml": last}) == [
        'called.yml:2:8: job "three" of "./c.yml" asks for actions: write, and the job "two" that '
        "calls it has actions: read; give the calling job as much [calls]"
    ]
    open_middle = "on: workflow_call\njobs: {two: {uses: ./c.yml}}"
    assert said(entry, {CALLED: open_middle, "./c.yml": last}) == []
    assert len(said(call(), {CALLED: open_middle, "./c.yml": last}, granted=RESTRICTED)) == 1


# --- how far --------------------------------------------------------------------------------------


def chain(length: int) -> dict[str, str]:
    """Files that call each other one after the other."""
    links = {
        f"./{n}.yml": f"on: workflow_call\njobs: {{j: {{uses: ./{n + 1}.yml}}}}"
        for n in range(1, length)
    }
    return links | {f"./{length}.yml": f"on: workflow_call\n{JOBS}"}


@pytest.mark.covers("RWF-007")
def test_calls_go_nine_levels_deep() -> None:
    entry = "jobs: {j: {uses: ./1.yml}}"
    assert said(entry, chain(9)) == []
    assert said(entry, chain(10)) == [
        '9.yml:2:18: "./10.yml" is called 10 levels deep; GitHub allows 9 [calls]'
    ]
    assert said(entry, chain(2), limits=Limits(calls=2)) == []
    assert said(entry, chain(2), limits=Limits(calls=1)) == [
        '1.yml:2:18: "./2.yml" is called 2 levels deep; GitHub allows 1 [calls]'
    ]


@pytest.mark.covers("RWF-007")
def test_a_loop_is_refused_where_it_closes() -> None:
    texts = {
        "./a.yml": "on: workflow_call\njobs: {j: {uses: ./b.yml}}",
        "./b.yml": "on: workflow_call\njobs: {k: {uses: ./a.yml}}",
    }
    assert said("jobs: {j: {uses: ./a.yml}}", texts) == [
        'b.yml:2:18: "./a.yml" calls itself in the end: a.yml -> b.yml -> a.yml [calls]'
    ]


@pytest.mark.covers("RWF-007")
def test_the_number_of_files_has_a_limit() -> None:
    texts = {f"./{n}.yml": f"on: workflow_call\n{JOBS}" for n in range(51)}

    def caller(count: int) -> str:
        lines = (f"  j{n}: {{uses: ./{n}.yml}}" for n in range(count))
        return "\n".join(["jobs:", *lines, "  again: {uses: ./0.yml}"])

    assert said(caller(50), texts) == []
    assert said(caller(51), texts) == [
        'ci.yml:52:15: "./50.yml" is one file too many: GitHub reads 51 of one run, the first '
        "included [calls]"
    ]


@pytest.mark.covers("RWF-007")
def test_jobs_are_counted_with_those_that_are_called() -> None:
    caller = f"jobs:\n  a: {{uses: {CALLED}}}\n  b: {{uses: {CALLED}}}"
    called = "on: workflow_call\njobs: {a: {runs-on: x}, b: {runs-on: x}}"
    assert said(caller, called, limits=Limits(jobs=6)) == []
    assert said(caller, called, limits=Limits(jobs=5)) == [
        "ci.yml: this workflow has 6 jobs with those it calls; the limit is 5 [calls]"
    ]


@pytest.mark.covers("RWF-007")
def test_many_ways_to_one_file_are_not_walked_one_by_one() -> None:
    """Ten levels that each call the next a hundred times would be 10^20 ways."""
    wide = {
        f"./{n}.yml": "on: workflow_call\njobs:\n"
        + "".join(f"  j{i}: {{uses: ./{n + 1}.yml}}\n" for i in range(100))
        for n in range(1, 9)
    }
    asked: list[str] = []

    def find(uses: str, _: str) -> tuple[Workflow | None, list[Problem]]:
        asked.append(uses)
        return flows[uses], []

    flows = {
        uses: read(text, uses) for uses, text in (wide | {"./9.yml": chain(9)["./9.yml"]}).items()
    }
    entry = read("jobs: {j: {uses: ./1.yml}}", "ci.yml")
    assert calls.check(entry, find, limits=Limits(jobs=10**15)) != []
    assert len(asked) == 1 + 8 * 100


# --- what can't be read ---------------------------------------------------------------------------


def test_a_workflow_that_nobody_knows_is_not_judged() -> None:
    assert said(call("with: {a: b}")) == []


def test_the_mistakes_of_a_called_file_are_told_with_the_call() -> None:
    wrong = Problem(Place("called.yml", 3, 5), "no", "schema")
    hint = Problem(Place("called.yml", 1, 1), "perhaps", "schema", "warning")
    entry = read(f"{call()}\n  again: {{uses: {CALLED}}}", "ci.yml")
    assert [str(problem) for problem in calls.check(entry, lambda *_: (None, [hint, wrong]))] == [
        'ci.yml:3:11: "./called.yml" can\'t be called: it has an error at called.yml:3:5 [calls]',
        "called.yml:1:1: perhaps [schema]",
        "called.yml:3:5: no [schema]",
        'ci.yml:4:17: "./called.yml" can\'t be called: it has an error at called.yml:3:5 [calls]',
    ]


def test_every_call_is_asked_for_with_its_file() -> None:
    asked: list[tuple[str, str]] = []
    inner = read("on: workflow_call\njobs: {two: {uses: ./x.yml}}", "o/r/called.yml@v1")

    def find(uses: str, file: str) -> tuple[Workflow | None, list[Problem]]:
        asked.append((uses, file))
        return (inner, []) if uses.startswith("o/") else (None, [])

    calls.check(read("jobs: {one: {uses: o/r/called.yml@v1}}", "ci.yml"), find)
    assert asked == [("o/r/called.yml@v1", "ci.yml"), ("./x.yml", "o/r/called.yml@v1")]
