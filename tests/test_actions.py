"""What a `uses:` stands for: so far, the names that GitHub gives to steps."""

from __future__ import annotations

import pytest

from engine import model
from engine.actions import generated_id
from engine.source import load


@pytest.mark.covers("STEP-019")
@pytest.mark.parametrize(
    ("step", "name"),
    [
        ("run: x", "__run"),
        ("wait-all: ", "__wait-all"),
        ("uses: actions/checkout@v4", "__actions_checkout"),
        ("uses: actions/setup-node@v4", "__actions_setup-node"),
        ("uses: Own.er/re_po/path/to@v1", "__Own_er_re_po"),
        ("uses: docker://alpine:3.8", "__alpine_3_8"),
        ("uses: ./here", "__self"),
        ("uses: $/here", "__self"),
    ],
)
def test_generated_ids(step: str, name: str) -> None:
    node, _ = load(f"jobs:\n  a:\n    steps:\n      - {step}", "f")
    assert node is not None
    assert generated_id(model.read(node, "f")[0].jobs[0].steps[0]) == name
