"""Which behaviours no test covers yet: `python tests/ids.py [GROUP]...`, such as WF or JOB.

The ids are those of the tests' `covers` markers; each group counts from 001.
"""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

GROUPS = {
    "WF": 35, "JOB": 27, "MAT": 17, "STEP": 32, "EXPR": 29, "CTX": 19, "CMD": 26, "ACT": 27,
    "RWF": 11, "CTR": 11, "SVC": 9, "ART": 10, "CACHE": 10, "LINT": 23, "OPS": 13,
}  # fmt: skip


class _Collected:
    """How many tests cover each id."""

    def __init__(self) -> None:
        self.tests: Counter[str] = Counter()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            self.tests.update(id_ for mark in item.iter_markers("covers") for id_ in mark.args)


def main(groups: list[str]) -> int:
    found = _Collected()
    folder = str(Path(__file__).parent)
    with redirect_stdout(StringIO()) as said:
        code = pytest.main(["--collect-only", "-q", folder], plugins=[found])
    if code:
        print(said.getvalue())
        return int(code)
    known = {group: [f"{group}-{n:03}" for n in range(1, GROUPS[group] + 1)] for group in GROUPS}
    for group in groups or GROUPS:
        missing = [id_ for id_ in known[group] if not found.tests[id_]]
        covered = len(known[group]) - len(missing)
        print(f"{group}: {covered} of {len(known[group])}", *missing)
    strange = sorted(set(found.tests).difference(*known.values()))
    if strange:
        print("these are no ids:", *strange)
    return bool(strange)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
