"""`retry:` of a step or of a job (our superset)."""

from __future__ import annotations

import re

from engine.model.keys import Keys, typed
from engine.problems import Problem
from engine.retry import Backoff, Retry, RetryOn, seconds
from engine.source import Mapping, Node, Scalar, one_or_more


def retry(keys: Keys) -> Retry | None:
    node = keys.node("retry")
    if isinstance(node, Scalar) and type(node.value) is int:
        return Retry(attempts=node.value)
    if not isinstance(node, Mapping):
        return None
    block = Keys(node, keys.problems)
    return Retry(
        attempts=typed(block, "attempts", int, 3),
        backoff=_backoff(block.literal("backoff")),
        delay=_duration(block, "delay", 0.0),
        max_delay=_duration(block, "max-delay", float("inf")),
        jitter=typed(block, "jitter", bool, False),
        timeout=_duration(block, "timeout", 0.0) or None,
        on=_retry_on(block),
    )


def _backoff(written: str) -> Backoff:
    match written:
        case "linear" | "exponential":
            return written
    return "fixed"


def _retry_on(block: Keys) -> RetryOn | None:
    if not isinstance(block.node("on"), Mapping):
        return None
    on = Keys(block.node("on"), block.problems)
    return RetryOn(
        exit_codes=tuple(
            item.value for item in one_or_more(on.node("exit-codes")) if type(item.value) is int
        ),
        output=tuple(_patterns(on.node("output"), block.problems)),
        timeout=typed(on, "timeout", bool, False),
    )


def _patterns(node: Node | None, problems: list[Problem]) -> list[re.Pattern[str]]:
    patterns = []
    for item in one_or_more(node):
        try:
            patterns.append(re.compile(item.text))
        except re.error as error:
            message = f'"{item.text}" is not a regular expression: {error}'
            problems.append(Problem(item.place, message, "retry"))
    return patterns


def _duration(keys: Keys, key: str, default: float) -> float:
    scalar = keys.scalar(key)
    if scalar is None:
        return default
    found = seconds(scalar.text)
    return default if found is None else found
