"""Every way Runwright says no: a place, a sentence, a rule."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Literal

from msgspec import Struct

Level = Literal["error", "warning", "hint"]


class Place(Struct, frozen=True, order=True):
    """Where something was written; line and column count from 1, in characters."""

    file: str
    line: int = 0
    column: int = 0
    end_line: int = 0
    end_column: int = 0

    @property
    def start(self) -> tuple[str, int, int]:
        """File, line and column."""
        return self.file, self.line, self.column

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


class Problem(Struct, frozen=True):
    """A user's mistake: where it is, what is wrong and what to do, and the rule that found it.

    `value` is where GitHub's reader points, if elsewhere: mostly where the whole value starts that
    `place` is inside of.
    """

    place: Place
    message: str
    rule: str
    level: Level = "error"
    value: Place | None = None

    def __str__(self) -> str:
        return f"{self.place}: {self.message} [{self.rule}]"


class Refused(Exception):
    """Problems that end a command; only `engine.cli` catches it.

    `exit_code` is 2 for wrong usage, 3 for an invalid workflow, 4 for the environment.
    """

    def __init__(self, problems: Iterable[Problem], exit_code: int) -> None:
        self.problems = tuple(problems)
        self.exit_code = exit_code
        super().__init__("\n".join(map(str, self.problems)))


def usage(message: str, *, where: str = "runwright") -> Refused:
    """A wrong argument or option, as one problem with exit code 2."""
    return Refused([Problem(Place(where), message, "usage")], 2)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean "x"?` for the nearest known name, else nothing."""
    by_folded = {k.lower(): k for k in known}
    near = get_close_matches(name.lower(), by_folded, n=1, cutoff=0.6)
    return f'; did you mean "{by_folded[near[0]]}"?' if near else ""


def besides(known: Iterable[Problem], more: Iterable[Problem]) -> list[Problem]:
    """Those of `more` that stand where no error of `known` does: one sentence a place is enough."""
    taken = {problem.place.start for problem in errors(known)}
    return [problem for problem in more if problem.place.start not in taken]


def errors(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Those problems that stop a run."""
    return tuple(p for p in problems if p.level == "error")
