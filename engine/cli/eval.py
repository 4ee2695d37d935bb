"""`runwright eval`: what an expression is, here and now."""

from __future__ import annotations

import json
from typing import Any

import click

from engine import contexts, git
from engine.cli import SUCCESS, options, settings, workflows
from engine.contexts import RunFacts
from engine.expr import ExprError, compile_template, kind
from engine.expr import compile as compile_expression
from engine.problems import Place, Problem, Refused


@click.command()
@click.argument("expression")
@click.option("--event", default="push", metavar="NAME", help="The event to pretend.")
@click.option("-C", "--directory", default="", metavar="DIR", help="Work in this directory.")
@options.values
def eval_(expression: str, event: str, directory: str, **given: Any) -> int:
    """Evaluate EXPRESSION (with or without ${{ }}) against the contexts of this repository."""
    known = _contexts(event, directory, given)
    try:
        value = _evaluate(expression, known)
    except ExprError as error:
        place = Place("expression", 1, error.position)
        raise Refused([Problem(place, error.message, "expression")], 3) from None
    shown = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    click.echo(shown)
    click.echo(kind(value), err=True)
    return SUCCESS


def _evaluate(expression: str, known: dict[str, Any]) -> Any:
    if "${{" in expression:
        return compile_template(expression, names=known)(known)
    return compile_expression(expression, names=known)(known)


def _contexts(event: str, directory: str, given: dict[str, Any]) -> dict[str, Any]:
    project = workflows.project(directory)
    checkout = git.checkout(project.root, given["defaultbranch"])
    actor = given["actor"] or "nobody"
    payload = contexts.payload(event, checkout, actor)
    if given["eventpath"]:
        payload |= settings.event_payload(given["eventpath"])
    facts = RunFacts("1", 1, event, payload, checkout, "eval", "eval", actor)
    named = {
        name: {
            **settings.from_file(
                given[f"{name}_file"], f".{name}s", project.directory, f"--{name}-file"
            ),
            **settings.pairs(given[name], f"--{name}"),
        }
        for name in ("secret", "var")
    }
    return {
        "github": contexts.github(facts),
        "env": settings.pairs(given["env"], "--env"),
        "vars": named["var"],
        "secrets": named["secret"],
        "inputs": settings.pairs(given["input"], "--input"),
        "needs": {},
        "steps": {},
        "matrix": {},
    }
