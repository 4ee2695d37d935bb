"""GitHub's cron lines: what is wrong with one, and when it is due."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from msgspec import Struct

from engine.problems import Level, Problem, did_you_mean
from engine.source import Scalar

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_SHORTEST = 5  # minutes; https://docs.github.com/actions/reference/events-that-trigger-workflows
_DAY = 24 * 60
_PATIENCE = 9 * 366  # days; between two 29ths of February there are at most eight years
_ALIASES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


class _Field(Struct, frozen=True):
    """One of the five: its values go from `low` to `high`, the first name stands for `low`."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        numbers = f"{self.low}-{self.high}"
        return f"{numbers} or {self.names[0]}-{self.names[-1]}" if self.names else numbers


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of week", 0, 6, _WEEKDAYS),
)


class Cron(Struct, frozen=True):
    """The values of the five fields; a day's field that starts with `*` restricts nothing."""

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool

    def on(self, day: date) -> bool:
        """Whether a day is meant: where both days are restricted one is enough (POSIX crontab).

        As in every common cron, `*/2` is taken for unrestricted here, but still has to hold.
        """
        in_month = day.day in self.days
        in_week = day.isoweekday() % 7 in self.weekdays
        both = self.any_day or self.any_weekday
        return day.month in self.months and (in_month and in_week if both else in_month or in_week)

    def times(self) -> list[time]:
        """The times of a day that is meant, in order."""
        return [time(h, m) for h in sorted(self.hours) for m in sorted(self.minutes)]


class _Fault(Struct, frozen=True):
    """`offset` is None where the whole line is wrong."""

    offset: int | None
    message: str
    level: Level = "error"


# --- mistakes -----------------------------------------------------------------------------------


def check(node: Scalar) -> list[Problem]:
    """What is wrong with a cron line, each at its place; too short a period is a warning."""
    cron, faults = _read(node.text)
    if cron and (period := _period(cron)) < _SHORTEST:
        minutes = "every minute" if period == 1 else f"{period} minutes after another run"
        message = (
            f'"{node.text}" runs {minutes}; '
            f"GitHub's shortest period is {_SHORTEST} minutes, such as */{_SHORTEST}"
        )
        faults = [_Fault(None, message, "warning")]
    return [_problem(node, fault) for fault in faults]


def _problem(node: Scalar, fault: _Fault) -> Problem:
    place = node.place if fault.offset is None else node.place_at(fault.offset)
    return Problem(place, fault.message, "cron", fault.level, node.place)


def check_timezone(node: Scalar) -> list[Problem]:
    """Whether a time zone is one of IANA's."""
    if zone(node.text) is not None:
        return []
    known = available_timezones()
    if not known:
        message = "this machine has no time zone data; install tzdata, by the system or by pip"
        return [Problem(node.place, message, "cron", "warning")]
    hint = did_you_mean(node.text, known) or ", such as Europe/Paris; UTC when not given"
    message = f'"{node.text}" is not the name of an IANA time zone{hint}'
    return [Problem(node.place, message, "cron")]


def zone(name: str) -> tzinfo | None:
    """A time zone by its IANA name; '' is UTC, GitHub's default; None for an unknown one."""
    if name in ("", "UTC"):
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder
        return None


def _period(cron: Cron) -> int:
    """The fewest minutes between two runs, midnight counted where every day is meant."""
    minutes = [at.hour * 60 + at.minute for at in cron.times()]
    every_day = len(cron.months) == 12 and len(cron.days) == 31 and len(cron.weekdays) == 7
    if every_day or len(minutes) == 1:
        minutes.append(minutes[0] + _DAY)
    return min(later - earlier for earlier, later in pairwise(minutes))


# --- reading ------------------------------------------------------------------------------------


def read(expression: str) -> Cron | None:
    """A cron line's fields; None for what `check` refuses."""
    return _read(expression)[0]


def _read(expression: str) -> tuple[Cron | None, list[_Fault]]:
    words = list(re.finditer(r"\S+", expression))
    if len(words) != len(_FIELDS):
        return None, [_Fault(None, _wrong_number(expression, len(words)))]
    faults: list[_Fault] = []
    minutes, hours, days, months, weekdays = (
        _values(field, word[0], word.start(), faults)
        for field, word in zip(_FIELDS, words, strict=True)
    )
    any_day, any_weekday = (words[index][0].startswith("*") for index in (2, 4))
    cron = Cron(minutes, hours, days, months, weekdays, any_day, any_weekday)
    return (None if faults else cron), faults


def _wrong_number(expression: str, count: int) -> str:
    alias = _ALIASES.get(expression.strip().lower())
    if alias:
        return f'"{expression}" is not known to GitHub; write "{alias}"'
    names = ", ".join(field.name for field in _FIELDS)
    return f'"{expression}" has {count} fields; a cron line has five: {names}'


def _values(field: _Field, text: str, offset: int, faults: list[_Fault]) -> frozenset[int]:
    """The values of a field: `,` separates first, then `/`, then `-`."""
    found: set[int] = set()
    for part in text.split(","):
        try:
            found.update(_part(field, part))
        except _Wrong as wrong:
            faults.append(_Fault(offset + wrong.offset, wrong.message))
        offset += len(part) + 1
    return frozenset(found)


class _Wrong(Exception):
    def __init__(self, offset: int, message: str) -> None:
        self.offset = offset
        self.message = message


def _part(field: _Field, part: str) -> range:
    span, slash, every = part.partition("/")
    first, last = _span(field, span)
    if not slash:
        return range(first, last + 1)
    step = _number(every)
    if not step:
        at = len(span) + 1
        message = f'"{every}" is no step of the {field.name}: after "/" stands a number from 1'
        raise _Wrong(at, message)
    return range(first, (last if _is_open(span) else field.high) + 1, step)


def _is_open(span: str) -> bool:
    return span == "*" or "-" in span


def _span(field: _Field, span: str) -> tuple[int, int]:
    if span == "*":
        return field.low, field.high
    low, dash, high = span.partition("-")
    first = _value(field, low, 0)
    last = _value(field, high, len(low) + 1) if dash else first
    if first > last:
        message = f'"{span}" goes backwards; the {field.name} is {field.allowed}, lowest first'
        raise _Wrong(0, message)
    return first, last


def _value(field: _Field, text: str, offset: int) -> int:
    if text.upper() in field.names:
        return field.low + field.names.index(text.upper())
    number = _number(text)
    if number is not None and field.low <= number <= field.high:
        return number
    hint = "; Sunday is 0" if field.names is _WEEKDAYS and number == 7 else ""
    shown = f'"{text}" is no {field.name}' if text else f"a {field.name} is missing here"
    raise _Wrong(offset, f"{shown}: it is {field.allowed}, with * , - and /{hint}")


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,4}", text) else None


# --- when ---------------------------------------------------------------------------------------


def next_times(expression: str, timezone: str, after: datetime, count: int) -> list[datetime]:
    """The next times after an aware one, in the schedule's zone; fewer where there are no more.

    A wrong expression or zone has none: `check` and `check_timezone` say so. A time that a jump
    to summer time skips is due right after the jump, and an hour that comes twice counts once
    (https://docs.github.com/actions/reference/events-that-trigger-workflows#schedule).
    """
    cron, where = read(expression), zone(timezone)
    if cron is None or where is None:
        return []
    found: list[datetime] = []
    last = after.astimezone(UTC)
    for moment in _moments(cron, where, after) if count > 0 else ():
        if moment > last:
            found.append(moment.astimezone(where))
            last = moment
        if len(found) == count:
            break
    return found


def _moments(cron: Cron, where: tzinfo, after: datetime) -> Iterator[datetime]:
    """Times in UTC, in order, from the day before `after` on, so that no jump hides one."""
    times = cron.times()
    # the calendar's first and last days have no neighbours to convert to
    ordinal = max(3, after.astimezone(where).toordinal() - 1)
    until = ordinal + _PATIENCE
    while ordinal < min(until, date.max.toordinal() - 1):
        day = date.fromordinal(ordinal)
        if cron.on(day):
            until = ordinal + _PATIENCE
            for at in times:
                yield _moment(datetime.combine(day, at), where)
        ordinal += 1


def _moment(local: datetime, where: tzinfo) -> datetime:
    """A local time in UTC: the first of two, and the end of the jump for one that is skipped."""
    before = local.replace(tzinfo=where, fold=0)
    moment = before.astimezone(UTC)
    if moment.astimezone(where).replace(tzinfo=None) == local:
        return moment
    # With fold=1 the offset is the one after the jump (PEP 495); the jump lies between the two.
    low = before.replace(fold=1).astimezone(UTC)
    high, old = moment, before.utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        if middle.astimezone(where).utcoffset() == old:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)
