"""Tokens become a tree."""

from __future__ import annotations

from typing import NoReturn

from msgspec import Struct
from msgspec.structs import replace

from engine.expr.lex import Token, tokens
from engine.expr.tree import (
    BINDS,
    Called,
    Compare,
    Filter,
    Index,
    Logic,
    Named,
    Node,
    Not,
    Wildcard,
    literal,
    show,
)
from engine.expr.values import ExprError

__all__ = ["parse", "show"]

MAX_DEPTH = 50  # ExpressionConstants.MaxDepth in actions/runner; parentheses do not count

_OPERAND = frozenset({"literal", "name", "function", "(", "!"})
_CLOSING = frozenset({")", "]", ",", "|"})
# What may follow, by what was read so far; anything else is an unexpected symbol.
_NEXT: dict[str, frozenset[str]] = {
    "start": _OPERAND,
    "arguments": _OPERAND | {")"},
    "index": _OPERAND | {"*"},
    "function": frozenset({"("}),
    "value": _CLOSING | {"operator", ".", "["},
    "literal": _CLOSING | {"operator"},
    "dot": frozenset({"property", "*"}),
    "star": frozenset({"]"}),
    "pipe": frozenset({"filter"}),
    "filter": _CLOSING | {"("},
    "filtered": _CLOSING,
}
_COMPLETE = frozenset({"value", "literal", "filter", "filtered"})


def parse(text: str, *, filters: bool = True, start: int = 0) -> Node:
    """The tree of `text` from `start` on (blank: null); raises ExprError with GitHub's wording."""
    parser = _Parser()
    for token in tokens(text, filters=filters, start=start):
        parser.take(token)
    return parser.end()


class _Pending(Struct):
    """An operator or opening bracket that waits for its right side."""

    token: Token
    kind: str
    mark: int  # how many operands there were before it


class _Parser:
    """Operator precedence with two stacks: no nesting of the text can exhaust Python's own."""

    def __init__(self) -> None:
        self.operands: list[tuple[Node, int]] = []  # with their depths
        self.pending: list[_Pending] = []
        self.state = "start"
        self.last: Token | None = None

    def take(self, token: Token) -> None:
        if token.kind not in _NEXT[self.state]:
            filtered = token.kind == "operator" and self.state.startswith("filter")
            _unexpected(token, "; put the filtered value in parentheses" if filtered else "")
        match token.kind:
            case "literal":
                self.push(literal(token.value, token.position), "literal", token)
            case "name":
                self.push(Named(token.text, token.position), "value", token)
            case "property":
                self.index(literal(token.text, token.position), token)
            case "*":
                self.star(token)
            case "operator":
                self.operator(token)
            case ")" | "]":
                self.close(token)
            case "," | "|":
                self.separate(token)
            case "filter":
                value, depth = self.operands.pop()
                node = Filter(value, token.text, (), token.position)
                self.push(node, "filter", token, depth)
            case _:
                self.open(token)
        self.last = token

    def push(self, node: Node, state: str, token: Token, below: int = 0) -> None:
        """A finished operand, one level above those `below` it."""
        if below >= MAX_DEPTH:
            raise ExprError(f"Exceeded max expression depth {MAX_DEPTH}", token.position)
        self.operands.append((node, below + 1))
        self.state = state

    def index(self, key: Node, token: Token, key_depth: int = 1) -> None:
        base, depth = self.operands.pop()
        self.push(Index(base, key), "value", token, max(depth, key_depth))

    def star(self, token: Token) -> None:
        if self.state == "dot":
            self.index(Wildcard(), token)
        else:
            self.push(Wildcard(), "star", token)

    def open(self, token: Token) -> None:
        """`(` of three sorts, `[`, `.`, `!` and a function's name."""
        sorts = {"function": "call", "filter": "filter"}
        kind = sorts.get(self.state, "group") if token.kind == "(" else token.kind
        if kind == "call" and self.last:
            token = self.last
        if kind not in (".", "function"):
            self.pending.append(_Pending(token, kind, len(self.operands)))
        states = {"call": "arguments", "[": "index", ".": "dot", "function": "function"}
        self.state = states.get(kind, "start")

    def operator(self, token: Token) -> None:
        self.flush(BINDS[token.text])
        self.pending.append(_Pending(token, "operator", len(self.operands)))
        self.state = "start"

    def flush(self, least: int = 0) -> None:
        """Finish the operators that bind at least so strongly, down to the innermost bracket."""
        while self.pending and self.pending[-1].kind in ("!", "operator"):
            if BINDS[self.pending[-1].token.text] < least:
                return
            self.apply(self.pending.pop().token)

    def apply(self, token: Token) -> None:
        right, depth = self.operands.pop()
        if token.text == "!":
            self.push(Not(right, token.position), self.state, token, depth)
            return
        left, left_depth = self.operands.pop()
        if token.text in ("&&", "||"):
            # A chain is one node: its nested part gives up its own level.
            sides = ((left, left_depth), (right, depth))
            below = max(d - 1 if _chains(n, token.text) else d for n, d in sides)
            parts = _parts(left, token.text) + _parts(right, token.text)
            self.push(Logic(token.text, parts), self.state, token, below)
        else:
            node = Compare(token.text, left, right)
            self.push(node, self.state, token, max(left_depth, depth))

    def separate(self, token: Token) -> None:
        self.flush()
        inside = self.pending[-1].kind if self.pending else ""
        if token.kind == "," and inside not in ("call", "filter"):
            _unexpected(token)
        self.state = "pipe" if token.kind == "|" else "start"

    def close(self, token: Token) -> None:
        self.flush()
        opened = self.pending.pop() if self.pending else None
        if opened is None or (opened.kind == "[") != (token.kind == "]"):
            _unexpected(token)
        match opened.kind:
            case "group":
                self.state = "value"
            case "[":
                key, depth = self.operands.pop()
                self.index(key, token, depth)
            case _:
                self.called(opened)

    def called(self, opened: _Pending) -> None:
        taken = self.operands[opened.mark :]
        del self.operands[opened.mark :]
        arguments = tuple(node for node, _ in taken)
        below = max((depth for _, depth in taken), default=0)
        token = opened.token
        if opened.kind == "call":
            node = Called(token.text.lower(), arguments, token.position, token.text)
            self.push(node, "value", token, below)
            return
        filtered, depth = self.operands.pop()
        assert isinstance(filtered, Filter)
        self.push(replace(filtered, arguments=arguments), "filtered", token, max(below, depth - 1))

    def end(self) -> Node:
        if self.last is None:
            return literal(None)
        brackets = any(p.kind not in ("!", "operator") for p in self.pending)
        if brackets or self.state not in _COMPLETE:
            message = f"Unexpected end of expression: '{self.last.text}'"
            raise ExprError(message, self.last.position)
        self.flush()
        return self.operands[0][0]


def _unexpected(token: Token, hint: str = "") -> NoReturn:
    raise ExprError(f"Unexpected symbol: '{token.text}'{hint}", token.position)


def _chains(node: Node, operator: str) -> bool:
    return isinstance(node, Logic) and node.operator == operator


def _parts(node: Node, operator: str) -> tuple[Node, ...]:
    return node.parts if isinstance(node, Logic) and node.operator == operator else (node,)
