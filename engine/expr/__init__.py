"""`${{ … }}` text becomes a callable that answers from contexts."""

from engine.expr.compile import Call, Expr, Name, compile
from engine.expr.explain import explain
from engine.expr.template import Template, compile_condition, compile_template
from engine.expr.tree import show
from engine.expr.values import CaseSensitive, ExprError, Value, kind, to_string, truthy

__all__ = [
    "Call",
    "CaseSensitive",
    "Expr",
    "ExprError",
    "Name",
    "Template",
    "Value",
    "compile",
    "compile_condition",
    "compile_template",
    "explain",
    "kind",
    "show",
    "to_string",
    "truthy",
]
