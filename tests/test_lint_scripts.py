"""Scripts and ShellCheck: which are checked, as what, and where its words stand."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from linting import FILE, job, step

from engine import model, source
from engine.cli import shellcheck
from engine.lint import Document
from engine.lint.scripts import Script, find

PWSH = "defaults: {run: {shell: pwsh}}\n"


def scripts(text: str) -> list[Script]:
    node, problems = source.load(text, FILE)
    assert node is not None and not problems
    return list(find(Document(text, node, model.read(node, FILE)[0])))


def said(text: str) -> list[str]:
    return [f"{p.place.line}:{p.place.column} {p.message}" for p in shellcheck.check(scripts(text))]


@pytest.mark.covers("LINT-012")
@pytest.mark.parametrize(
    ("head", "body", "expected"),
    [
        ("", "steps: [{run: x}]", ["bash"]),
        ("", "runs-on: windows-latest\nsteps: [{run: x}]", []),
        ("", "runs-on: windows-latest\nsteps: [{run: x, shell: bash}]", ["bash"]),
        ("", "runs-on: macos-latest\nsteps: [{run: x}, {uses: a/b@v1}]", ["bash"]),
        ("", "runs-on: ${{ vars.X }}\nsteps: [{run: x}]", ["bash"]),
        ("", "container: alpine\nsteps: [{run: x}, {run: x, shell: bash}]", ["sh", "bash"]),
        ("", "steps: [{run: x, shell: pwsh}, {run: x, shell: python}]", []),
        ("", "steps: [{run: x, shell: 'bash -x {0}'}]", ["bash"]),
        ("", "steps: [{run: x, shell: '/bin/sh {0}'}]", ["sh"]),
        (PWSH, "steps: [{run: x}]", []),
        (PWSH, "defaults: {run: {shell: sh}}\nsteps: [{run: x}]", ["sh"]),
        (PWSH.replace("pwsh", "bash"), "defaults: {run: {shell: pwsh}}\nsteps: [{run: x}]", []),
        ("", "defaults: {run: {shell: '${{ vars.S }}'}}\nsteps: [{run: x}]", []),
    ],
)  # fmt: skip
def test_the_shell_of_a_script(head: str, body: str, expected: list[str]) -> None:
    assert [script.shell for script in scripts(job(body, head=head))] == expected


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ("echo ${{ github.sha }} x", "echo _________________ x"),
        ("echo ${{ 'a}}b' }}${{ vars.X }}", "echo " + 26 * "_"),
        ("echo x", "echo x"),
        (
            "|\n          echo ${{\n            github.sha }}\n          y",
            "echo ___\n_______________\ny",
        ),
    ],
)
def test_expressions_become_words_of_their_length(run: str, expected: str) -> None:
    [script] = scripts(step(f"run: {run}"))
    assert script.text.rstrip("\n") == expected
    assert len(script.text) == len(script.node.text)


def test_the_tests_have_shellcheck() -> None:
    assert shutil.which(shellcheck.PROGRAM), "install shellcheck, as tests/run does"


@pytest.mark.covers("LINT-012")
@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ("run: echo $FOO", ["6:19 Double quote to prevent globbing and word splitting: `$FOO`"]),
        ('run: echo "$FOO"', []),
        ("run: |\n  make\n  if x; then echo $FOO; fi", ["8:27 Double quote to prevent"]),
        ("run: >-\n  make\n  $FOO", ["8:11 "]),
        ("run: 'a=1; echo ''x'' $FOO $a'", ["6:31 "]),
        ("run: for x in ${{ github.ref }}; do echo \"$x\"; done", []),
        ("run: '[ \"${{ github.ref }}\" = main ]'", []),
        ("run: cd somewhere", []),
        ("run: |\n  # shellcheck disable=SC2086\n  echo $FOO", []),
        ("run: if true; then", ["6:14 "]),
    ],
)  # fmt: skip
def test_what_shellcheck_says_stands_at_its_line(run: str, expected: list[str]) -> None:
    found = said(step(run))
    assert bool(found) == bool(expected)
    assert all(message.startswith(start) for message, start in zip(found, expected, strict=False))


def test_all_scripts_are_checked_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One process for all, counted by a program that stands in for it."""
    counter = tmp_path / "shellcheck"
    counter.write_text(f'#!/bin/sh\necho "$#" >> {tmp_path}/calls\necho \'{{"comments": []}}\'\n')
    counter.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert said(job("steps: [{run: a}, {run: b}, {run: c}]")) == []
    assert (tmp_path / "calls").read_text().splitlines() == ["6"]


@pytest.mark.parametrize("program", ["exit 3", "echo nonsense", "echo []", 'echo "{}"'])
def test_a_broken_shellcheck_says_nothing(
    program: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "shellcheck"
    broken.write_text(f"#!/bin/sh\n{program}\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert said(step("run: echo $FOO")) == []


def test_without_shellcheck_nothing_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert said(step("run: echo $FOO")) == []
