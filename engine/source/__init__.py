"""YAML text becomes nodes that remember where they were written."""

from engine.source.nodes import (
    Mapping,
    Node,
    Plain,
    Scalar,
    Sequence,
    child,
    entries,
    everything,
    one_or_more,
    plain,
    scalars,
    without,
)
from engine.source.reader import events, load
from engine.source.text import GITHUB, Limits
from engine.source.values import resolve

__all__ = [
    "GITHUB",
    "Limits",
    "Mapping",
    "Node",
    "Plain",
    "Scalar",
    "Sequence",
    "child",
    "entries",
    "events",
    "everything",
    "load",
    "one_or_more",
    "plain",
    "resolve",
    "scalars",
    "without",
]
