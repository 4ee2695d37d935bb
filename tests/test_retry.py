"""How often and when something is tried again."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.retry import Backoff, Retry, RetryOn, seconds


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("500ms", 0.5), ("10s", 10.0), ("2m", 120.0), ("1h", 3600.0), ("1.5s", 1.5), ("0", 0.0),
        ("7", 7.0), (7, 7.0), (0.25, 0.25), (" 3s ", 3.0),
        ("", None), ("s", None), ("-1s", None), ("1 s", None), ("1d", None), ("1S", None),
        (".5s", None), ("1e3", None), ("1s2", None), ("nan", None), ("inf", None),
    ],
)  # fmt: skip
def test_durations(text: str | float, wanted: float | None) -> None:
    assert seconds(text) == wanted


@pytest.mark.parametrize(
    ("backoff", "waits"),
    [
        ("fixed", [2, 2, 2, 2, 2]),
        ("linear", [2, 4, 6, 8, 10]),
        ("exponential", [2, 4, 8, 16, 32]),
    ],
)
def test_waits(backoff: Backoff, waits: list[float]) -> None:
    retry = Retry(backoff=backoff, delay=2)
    assert [retry.wait(failed) for failed in range(1, 6)] == waits


def test_a_wait_has_a_limit() -> None:
    retry = Retry(backoff="exponential", delay=2, max_delay=10)
    assert [retry.wait(failed) for failed in (1, 2, 3, 4, 5000)] == [2, 4, 8, 10, 10]


@given(st.sampled_from(["fixed", "linear", "exponential"]), st.floats(0, 1e6), st.integers(1, 9999))
def test_waits_never_shrink(backoff: Any, delay: float, failed: int) -> None:
    retry = Retry(backoff=backoff, delay=delay)
    assert 0 <= retry.wait(failed) <= retry.wait(failed + 1)


ALL = RetryOn((75, 137), (re.compile("ECONN"), re.compile("timed? out")), timeout=True)


@pytest.mark.parametrize(
    ("on", "code", "output", "timed_out", "wanted"),
    [
        pytest.param(None, 1, "", False, True, id="any failure"),
        pytest.param(None, None, "", True, True, id="any timeout"),
        pytest.param(RetryOn(), 1, "", False, False, id="nothing named"),
        pytest.param(ALL, 75, "", False, True, id="exit code"),
        pytest.param(ALL, 1, "", False, False, id="another exit code"),
        pytest.param(ALL, 1, "x\nECONNRESET\n", False, True, id="output"),
        pytest.param(ALL, None, "", False, False, id="no exit code"),
        pytest.param(ALL, None, "", True, True, id="timeout"),
        pytest.param(RetryOn((75,)), 75, "", True, False, id="a timeout has no exit code"),
        pytest.param(RetryOn(output=ALL.output), None, "time out", True, True,
                     id="output before a timeout"),
        pytest.param(RetryOn(timeout=True), 1, "", False, False, id="no timeout"),
    ],
)  # fmt: skip
def test_which_failures_are_tried_again(
    on: RetryOn | None, code: int | None, output: str, timed_out: bool, wanted: bool
) -> None:
    assert Retry(on=on).again(exit_code=code, output=output, timed_out=timed_out) is wanted
