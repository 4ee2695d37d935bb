"""`runwright eval`: what an expression is, here and now."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import click

from engine import contexts, git, payloads
from engine.cli import INVALID, SUCCESS, options, settings, workflows
from engine.contexts import RunFacts
from engine.expr import Expr, ExprError, compile_template, kind
from engine.expr import compile as compile_expression
from engine.expr import explain as explain_expression
from engine.problems import Place, Problem, Refused, usage
from engine.tree import MAX_MEMORY


@click.command()
@click.argument("expression", required=False)
@click.option("--event", default="push", metavar="NAME", help="The event to pretend.")
@click.option("-C", "--directory", default="", metavar="DIR", help="Work in this directory.")
@click.option("--explain", is_flag=True, help="Show the parts that decided, and their values.")
@click.option("--batch", is_flag=True, help="Answer JSON lines {id, expr, contexts} from stdin.")
@click.option("--filters", is_flag=True, help="With --batch: allow filters, too.")
@options.values
def eval_(
    expression: str | None,
    event: str,
    directory: str,
    explain: bool,
    batch: bool,
    filters: bool,
    **given: Any,
) -> int:
    """Evaluate EXPRESSION (with or without ${{ }}) against the contexts of this repository."""
    if batch:
        return _batch(filters)
    if expression is None:
        raise usage("give an expression, or --batch", where="runwright eval")
    known = _contexts(event, directory, given)
    try:
        return _show(expression, known, explain)
    except ExprError as error:
        place = Place("expression", 1, error.position)
        raise Refused([Problem(place, error.message, "expression")], INVALID) from None


def _show(expression: str, known: dict[str, Any], explain: bool) -> int:
    value: Any
    if "${{" in expression:
        template = compile_template(expression, names=known)
        value = template(known, memory=MAX_MEMORY)
        parts: list[Expr] = [p for p in template.parts if isinstance(p, Expr)]
    else:
        single = compile_expression(expression, names=known)
        value, parts = single(known, memory=MAX_MEMORY), [single]
    shown = (
        value if isinstance(value, str) else json.dumps(_json(value), indent=2, ensure_ascii=False)
    )
    click.echo(shown)
    click.echo(kind(value), err=True)
    for part in parts if explain else ():
        for text, decided in explain_expression(part, known, memory=MAX_MEMORY):
            click.echo(f"  {text} = {json.dumps(_json(decided), ensure_ascii=False)}", err=True)
    return SUCCESS


LARGEST = 1e21  # from here on JavaScript, too, writes whole numbers with an exponent


# --- as an oracle for other tools -----------------------------------------------------------------


def _batch(filters: bool) -> int:
    """One answer a line, in the order of the questions; a bad line is answered, too."""
    for line in sys.stdin:
        if line.strip():
            click.echo(json.dumps(_answer(line, filters), ensure_ascii=False))
    return SUCCESS


def _answer(line: str, filters: bool) -> dict[str, Any]:
    try:
        question = json.loads(line)
        id_, text, known = question.get("id"), question["expr"], question.get("contexts", {})
        names = frozenset(known)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return {"id": None, "error": {"message": f"not a question: {error}", "position": 0}}
    if not isinstance(text, str) or not isinstance(known, dict):
        message = "`expr` must be a string and `contexts` an object"
        return {"id": id_, "error": {"message": message, "position": 0}}
    try:
        value = compile_expression(text, names=names, filters=filters)(known)
    except ExprError as error:
        return {"id": id_, "error": {"message": error.message, "position": error.position}}
    return {"id": id_, "kind": kind(value), "value": _json(value)}


def _json(value: Any) -> Any:
    """A value as JSON: numbers that JSON lacks become their names."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, float) and value.is_integer() and abs(value) < LARGEST:
        return int(Decimal(repr(value)))  # as JavaScript writes it: the shortest digits, then zeros
    if isinstance(value, Mapping):
        return {name: _json(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json(item) for item in value]
    return value


def _contexts(event: str, directory: str, given: dict[str, Any]) -> dict[str, Any]:
    project = workflows.project(directory)
    checkout = git.checkout(project.root, given["defaultbranch"])
    actor = given["actor"] or "nobody"
    payload = payloads.payload(event, checkout, actor)
    if given["eventpath"]:
        payload = payloads.with_file(payload, settings.event_payload(given["eventpath"]))
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
