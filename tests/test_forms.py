"""The forms of ids, references and names, asked through the whole workflow."""

from __future__ import annotations

import json

import pytest

from engine import model
from engine.source import load


def said(job: str) -> list[str]:
    """What is wrong with a job, in short: place and message up to its advice."""
    node, problems = load(f"jobs:\n  a:\n    {job}", "f")
    assert node is not None and problems == []
    _, found = model.read(node, "f")
    return [str(problem).partition("; ")[0].removeprefix("f:3:") for problem in found]


@pytest.mark.covers("ACT-001", "LINT-008")
@pytest.mark.parametrize(
    "uses",
    [
        *("a/b@v1", "a/b/c/d@v1", "a/b@refs/heads/x", "a\\b@v1", "/a/b@v1", "a/b/@v1", "a//b@v1"),
        *("./", "./x", ".\\x", "./x@y", "$/x", "docker://", "docker://alpine:3.8"),
        *("docker://a@b@c", "${{ 'a/b@v1' }}"),
    ],
)
def test_actions(uses: str) -> None:
    assert said(f"steps: [{{uses: !!str {json.dumps(uses)}}}]") == []


@pytest.mark.covers("LINT-008")
@pytest.mark.parametrize(
    ("uses", "advice"),
    [
        *(
            (uses, "write owner/repository@ref")
            for uses in ("a", "a@v1", "a/b@", "a/b@c@d", "/a@b")
        ),
        *(
            (uses, "write owner/repository@ref")
            for uses in ("...docker://x", "$$docker://x", "@v1")
        ),
        *((uses, f"add the version, such as {uses}@v1") for uses in ("a/b", "a/b/c")),
    ],
)
def test_what_names_no_action(uses: str, advice: str) -> None:
    node, _ = load(f"jobs: {{a: {{steps: [{{uses: '{uses}'}}]}}}}", "f")
    assert node is not None
    (found,) = model.read(node, "f")[1]
    assert (found.rule, found.place.column) == ("uses", 27)
    assert found.message.startswith(f'"{uses}" names no action; {advice}')


@pytest.mark.covers("RWF-001", "RWF-002")
@pytest.mark.parametrize(
    ("uses", "wrong"),
    [
        ("./.github/workflows/a.yml", False), ("$/.github/workflows/a.yml", False),
        ("o/r/.github/workflows/a.yml@v1", False), (".o/r/a.yml@v1", False),
        ("./a.yml@v1", True), ("o/r@v1", True), ("o/r/a.yml", True), ("a.yml", True),
        ("o/r/a.yml@", True), ("o/r/a.yml@a@b", True), ("/r/a.yml@v1", True),
    ],
)  # fmt: skip
def test_called_workflows(uses: str, wrong: bool) -> None:
    assert said(f"uses: {uses}") == [f'11: "{uses}" names no workflow'] * wrong


@pytest.mark.parametrize(
    ("group", "wrong"),
    [
        ("big", False), ("org/big", False), ("organization/big", False), ("ent/big", False),
        ("enterprise/big", False), ("${{ vars.A }}/big", False), ("12", False),
        ("other/big", True), ("org/", True), ("org/big/one", True), ("/big", True),
    ],
)  # fmt: skip
def test_groups_of_runners(group: str, wrong: bool) -> None:
    found = said(f"runs-on: {{group: '{group}'}}")
    assert found == [f'22: "{group}" names no group of runners'] * wrong


@pytest.mark.covers("WF-014")
@pytest.mark.parametrize("written", ["'{}'", "{{group: '{}'}}"])
def test_a_group_has_at_most_400_characters(written: str) -> None:
    assert said(f"concurrency: {written.format('x' * 400)}") == []
    (found,) = said(f"concurrency: {written.format('x' * 401)}")
    assert "the group's name has 401 characters" in found
    assert said(f"concurrency: {written.format('x' * 401 + '-${{ github.ref }}')}") == []


@pytest.mark.covers("CTR-001", "SVC-001")
@pytest.mark.parametrize("where", ["container: {}", "services: {{x: {}}}"])
@pytest.mark.parametrize("written", ["'{}'", "{{image: '{}'}}"])
def test_a_prefix_is_no_image(where: str, written: str) -> None:
    (found,) = said(where.format(written.format("docker://")))
    assert found.endswith('"docker://" names no image')
    assert said(where.format(written.format("docker://x"))) == []


@pytest.mark.parametrize(
    ("version", "wrong"),
    [
        ("1.*", False), ("012.*", False), ("${{ matrix.v }}", False),
        ("1", True), ("1.0", True), ("1.2.*", True), ("v1.*", True), ("*", True),
        ("12345678901.*", True),
    ],
)  # fmt: skip
def test_versions_of_snapshots(version: str, wrong: bool) -> None:
    found = said(f"snapshot: {{image-name: x, version: '{version}'}}")
    assert found == [f'40: "{version}" is no version of an image'] * wrong


@pytest.mark.covers("MAT-001")
@pytest.mark.parametrize(
    ("matrix", "problem"),
    [
        ("{os: [a]}", ""), ("{include: [{os: a}]}", ""), ("'${{ fromJSON(vars.A) }}'", ""),
        ("{'${{ insert }}': '${{ fromJSON(vars.A) }}'}", ""), ("{os: '${{ vars.A }}'}", ""),
        ("{include: '${{ fromJSON(vars.A) }}'}", ""), ("{os: [a], exclude: [{OS: a}]}", ""),
        ("{os: ['${{ vars.A }}'], exclude: [{os: a}, {}, {x: 1}]}", ""),
        ("{}", "24: this matrix has no values"),
        ("{exclude: [{os: a}]}", '24: this matrix has no values|36: "exclude" names "os", which is '
         "no key of the matrix"),
        ("{include: []}", "24: this matrix has no values"),
        ("{os: [a], exclude: [{so: a}]}", '45: "exclude" names "so", which is no key of the '
         "matrix"),
        ("{os: [a], exclude: [{}]}", '44: this entry of "exclude" is empty'),
        ("{include: [{}]}", '35: this entry of "include" is empty'),
        ("{os: [a], exclude: [{include: a}]}", '45: "exclude" names "include", which is no key of '
         "the matrix"),
    ],
)  # fmt: skip
def test_matrices_that_are_written_out(matrix: str, problem: str) -> None:
    assert said(f"strategy: {{matrix: {matrix}}}") == (problem.split("|") if problem else [])
