"""What the tests of the lint rules share: a document as `validate` sees it, and files around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine import model, reading, source
from engine.check import check
from engine.lint import Document, Manifest, Settings, lint
from engine.model import Workflow
from engine.problems import Problem, besides
from engine.source import Node

FILE = "test.yaml"


@dataclass(frozen=True)
class Files:
    """A project whose files are given; satisfies `engine.lint.Project`."""

    texts: Mapping[str, str] = field(default_factory=dict)
    complete: bool = True

    def action(self, uses: str) -> Manifest | None:
        for name in ("action.yml", "action.yaml"):
            path = f"{uses.removeprefix('./')}/{name}"
            if path in self.texts and (node := self._node(path)) is not None:
                return Manifest(path, node)
        return None

    def workflow(self, uses: str, file: str) -> tuple[Workflow | None, list[Problem]]:
        path = uses.removeprefix("./")
        node = self._node(path) if path in self.texts else None
        return (model.read(node, path, path)[0] if node is not None else None), []

    def has(self, path: str) -> bool:
        return path.removeprefix("./") in self.texts

    def _node(self, path: str) -> Node | None:
        return source.load(self.texts[path], path)[0]


def everything(
    text: str,
    files: Mapping[str, str] | None = None,
    *,
    name: str = FILE,
    settings: Settings | None = None,
) -> list[Problem]:
    """All problems of a workflow: of its text, its shape, its model and of the rules."""
    node, problems = source.load(text, name)
    if node is None:
        return problems
    problems += besides(problems, check(node))
    project = Files(files, complete=False) if files is not None else None

    def rules(read: Node, flow: Workflow) -> list[Problem]:
        return lint(Document(text, read, flow, project, settings or Settings()))

    return reading.workflow(node, name, name, problems, rules)[1]


def job(body: str, *, on: str = "push", head: str = "") -> str:
    """A workflow with one job `test`, whose keys are given."""
    lines = "\n".join(f"    {line}" for line in body.strip("\n").split("\n"))
    called = body.startswith("uses:")
    runs_on = "" if called or "runs-on:" in body else "    runs-on: ubuntu-latest\n"
    steps = "" if called or "steps:" in body else "    steps: [{run: make}]\n"
    return f"on: {on}\n{head}jobs:\n  test:\n{runs_on}{lines}\n{steps}"


def step(body: str, **given: str) -> str:
    """A workflow whose one job has one step, whose keys are given."""
    first, *rest = body.strip("\n").split("\n")
    return job("\n".join(["steps:", f"  - {first}", *(f"    {line}" for line in rest)]), **given)


def run(script: str, **given: str) -> str:
    """A workflow whose one step is `run: echo` with an expression."""
    return step(f'run: echo "{script}"', **given)


def said(text: str, rule: str, files: Mapping[str, str] | None = None) -> list[str]:
    """What one rule says of a workflow: level and sentence."""
    return [f"{p.level}: {p.message}" for p in everything(text, files) if p.rule == rule]
