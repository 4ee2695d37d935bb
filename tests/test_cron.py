"""Cron lines: their fields, their mistakes, and the times they mean."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import cron
from engine.problems import Problem
from engine.source import Scalar, load

START = datetime(2024, 1, 1, tzinfo=UTC)  # a Monday


def scalar(text: str) -> Scalar:
    node, found = load(f"'{text}'", "ci.yml")
    assert isinstance(node, Scalar) and not found
    return node


def problems(text: str) -> list[Problem]:
    return cron.check(scalar(text))


def times(expression: str, count: int = 3, after: datetime = START, zone: str = "") -> list[str]:
    return [f"{t:%m-%d %H:%M}" for t in cron.next_times(expression, zone, after, count)]


# --- fields ---------------------------------------------------------------------------------------


@pytest.mark.covers("WF-027")
@pytest.mark.parametrize(
    ("text", "field", "values"),
    [
        ("* * * * *", "minutes", set(range(60))),
        ("*/15 * * * *", "minutes", {0, 15, 30, 45}),
        ("20/15 * * * *", "minutes", {20, 35, 50}),
        ("1-30/10 * * * *", "minutes", {1, 11, 21}),
        ("0,5-7,50/5 * * * *", "minutes", {0, 5, 6, 7, 50, 55}),
        ("*/90 * * * *", "minutes", {0}),
        ("00 09 * * *", "hours", {9}),
        ("0 4-6 * * *", "hours", {4, 5, 6}),
        ("0 0 1,15 * *", "days", {1, 15}),
        ("0 0 1 */3 *", "months", {1, 4, 7, 10}),
        ("0 0 1 JAN,jun-Aug *", "months", {1, 6, 7, 8}),
        ("0 0 * * MON-FRI", "weekdays", {1, 2, 3, 4, 5}),
        ("0 0 * * sun,6", "weekdays", {0, 6}),
        ("0 0 * * SUN-SAT/2", "weekdays", {0, 2, 4, 6}),
        ("  0   0 *\t* 0 ", "weekdays", {0}),
    ],
)
def test_fields(text: str, field: str, values: set[int]) -> None:
    read = cron.read(text)
    assert read and getattr(read, field) == values


@pytest.mark.covers("WF-027")
@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("60 * * * *", 2, '"60" is no minute: it is 0-59'),
        ("1-70/5 * * * *", 4, '"70" is no minute: it is 0-59'),
        ("0 24 * * *", 4, '"24" is no hour: it is 0-23'),
        ("0 0 0 * *", 6, '"0" is no day of month: it is 1-31'),
        ("0 0 * 13 *", 8, '"13" is no month: it is 1-12 or JAN-DEC'),
        ("0 0 * foo *", 8, '"foo" is no month'),
        ("0 0 * * 7", 10, "it is 0-6 or SUN-SAT, with * , - and /; Sunday is 0"),
        ("0 0 * * MON-BAR", 14, '"BAR" is no day of week'),
        ("0 0 * MON *", 8, '"MON" is no month'),
        ("5-1 * * * *", 2, '"5-1" goes backwards'),
        ("0 0 * * FRI-MON", 10, "lowest first"),
        ("*/0 * * * *", 4, '"0" is no step of the minute'),
        ("*/ * * * *", 4, '"" is no step'),
        ("1/2/3 * * * *", 4, '"2/3" is no step'),
        ("1,,2 * * * *", 4, "a minute is missing here"),
        ("1- * * * *", 4, "a minute is missing here"),
        ("-5 * * * *", 2, "a minute is missing here"),
        ("? * * * *", 2, '"?" is no minute'),
        ("0 0 L * *", 6, '"L" is no day of month'),
        ("99999999 * * * *", 2, "is no minute"),
        ("0 */3 * *", 1, "has 4 fields; a cron line has five: minute, hour, day of month, month"),
        ("0 0 0 * * *", 1, "has 6 fields"),
        ("@daily", 1, 'write "0 0 * * *"'),
        ("@reboot", 1, "has 1 fields"),
        ("", 1, "has 0 fields"),
    ],
)
def test_a_mistake_is_told_at_its_place(text: str, column: int, message: str) -> None:
    (found,) = problems(text)
    assert message in found.message
    place = found.place
    assert (place.line, place.column, found.rule, found.level) == (1, column, "cron", "error")
    assert cron.read(text) is None and times(text) == []


def test_each_wrong_field_is_told() -> None:
    assert [found.place.column for found in problems("60 24 0 13,14 7")] == [2, 5, 8, 10, 13, 16]


@pytest.mark.covers("WF-027")
@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("* * * * *", "every minute"),
        ("* */3 * * *", "every minute"),
        ("*/4 * * * *", "4 minutes"),
        ("58,0 * * * *", "2 minutes"),
        ("59 23 * * *", ""),
        ("58,0 0,23 * * *", "2 minutes"),
        ("58,0 0,23 1 * *", ""),
        ("*/5 * * * *", ""),
        ("*/7 * * * *", "4 minutes"),
        ("0 0 * * *", ""),
    ],
)
def test_less_than_five_minutes_is_a_warning(text: str, period: str) -> None:
    found = problems(text)
    assert [problem.level for problem in found] == (["warning"] if period else [])
    assert all(f"runs {period}" in problem.message for problem in found)


@pytest.mark.parametrize("name", ["", "UTC", "Europe/Paris", "America/Argentina/Ushuaia"])
def test_a_time_zone_is_known(name: str) -> None:
    assert cron.check_timezone(scalar(name)) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Europe/Pariss", 'did you mean "Europe/Paris"?'),
        ("America", "is not the name of an IANA time zone"),
        ("../../etc/passwd", "such as Europe/Paris"),
        ("/etc/localtime", "is not the name"),
    ],
)
def test_a_wrong_time_zone_is_told(name: str, message: str) -> None:
    (found,) = cron.check_timezone(scalar(name))
    assert message in found.message and found.rule == "cron"
    assert times("0 0 * * *", zone=name) == []


# --- times ----------------------------------------------------------------------------------------


@pytest.mark.covers("WF-027")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30 5 * * *", ["01-01 05:30", "01-02 05:30", "01-03 05:30"]),
        ("0 0 * * *", ["01-02 00:00", "01-03 00:00", "01-04 00:00"]),  # after, not at
        ("*/20 22 * * *", ["01-01 22:00", "01-01 22:20", "01-01 22:40"]),
        ("0 0 * * 1-5", ["01-02 00:00", "01-03 00:00", "01-04 00:00"]),
        ("0 0 * * SAT", ["01-06 00:00", "01-13 00:00", "01-20 00:00"]),
        ("0 0 31 * *", ["01-31 00:00", "03-31 00:00", "05-31 00:00"]),
        # both days restricted: one is enough
        ("0 0 13 * 5", ["01-05 00:00", "01-12 00:00", "01-13 00:00"]),
        # a star with a step restricts nothing, as in every common cron, but has to hold
        ("0 0 */2 * 5", ["01-05 00:00", "01-19 00:00", "02-09 00:00"]),
        ("0 0 29 2 *", ["02-29 00:00", "02-29 00:00", "02-29 00:00"]),
        ("0 0 31 2 *", []),
        ("0 0 30,31 2 *", []),
        ("0 0 31 4,6,9,11 *", []),
    ],
)
def test_the_next_times(text: str, expected: list[str]) -> None:
    assert times(text) == expected


def test_a_leap_day_may_be_eight_years_away() -> None:
    after = datetime(2096, 3, 1, tzinfo=UTC)
    assert cron.next_times("0 0 29 2 *", "UTC", after, 1)[0].year == 2104


def test_none_are_asked_for() -> None:
    assert cron.next_times("* * * * *", "", START, 0) == []


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "Pacific/Niue"])
@pytest.mark.parametrize("day", [datetime.min, datetime.max])
def test_the_ends_of_the_calendar_are_no_trouble(day: datetime, zone: str) -> None:
    inside = day + timedelta(days=2 if day.year == 1 else -2)
    assert len(cron.next_times("0 0 * * *", zone, inside.replace(tzinfo=UTC), 2000)) <= 2000


@pytest.mark.covers("WF-027")
@pytest.mark.parametrize(
    ("text", "zone", "after", "expected"),
    [
        # skipped by the jump to summer time: right after the jump, and once
        (
            "30 2 * * *",
            "Europe/Paris",
            datetime(2024, 3, 30, 12, tzinfo=UTC),
            ["2024-03-31T03:00:00+02:00", "2024-04-01T02:30:00+02:00"],
        ),
        (
            "*/15 2 * * *",
            "Europe/Paris",
            datetime(2024, 3, 31, 0, tzinfo=UTC),
            ["2024-03-31T03:00:00+02:00", "2024-04-01T02:00:00+02:00"],
        ),
        (
            "0 * * * *",
            "America/New_York",
            datetime(2024, 3, 10, 6, 30, tzinfo=UTC),
            ["2024-03-10T03:00:00-04:00", "2024-03-10T04:00:00-04:00"],
        ),
        # a jump of half an hour, and a whole day that was left out
        (
            "15 2 * * *",
            "Australia/Lord_Howe",
            datetime(2024, 10, 5, 12, tzinfo=UTC),
            ["2024-10-06T02:30:00+11:00", "2024-10-07T02:15:00+11:00"],
        ),
        (
            "0 12 30 12 *",
            "Pacific/Apia",
            datetime(2011, 12, 1, tzinfo=UTC),
            ["2011-12-31T00:00:00+14:00", "2012-12-30T12:00:00+14:00"],
        ),
        # an hour that comes twice counts once, the first time
        (
            "30 1 * * *",
            "America/New_York",
            datetime(2024, 11, 3, tzinfo=UTC),
            ["2024-11-03T01:30:00-04:00", "2024-11-04T01:30:00-05:00"],
        ),
        (
            "*/30 1 * * *",
            "America/New_York",
            datetime(2024, 11, 3, 5, 45, tzinfo=UTC),
            ["2024-11-04T01:00:00-05:00", "2024-11-04T01:30:00-05:00"],
        ),
    ],
)
def test_clock_changes(text: str, zone: str, after: datetime, expected: list[str]) -> None:
    found = cron.next_times(text, zone, after, 2)
    assert [moment.isoformat() for moment in found] == expected


def _field(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    pair = st.tuples(number, number).map(lambda both: "{}-{}".format(*sorted(both)))
    base = st.one_of(st.just("*"), number.map(str), pair)
    part = st.one_of(base, st.tuples(base, st.integers(1, 70)).map(lambda p: f"{p[0]}/{p[1]}"))
    return st.lists(part, min_size=1, max_size=3).map(",".join)


LINES = st.tuples(*(_field(*b) for b in ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6)))).map(" ".join)
ZONES = st.sampled_from(["UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe"])
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2037, 1, 1), timezones=st.just(UTC))


@given(LINES, ZONES, MOMENTS)
def test_times_increase_and_fit_the_fields(line: str, zone: str, after: datetime) -> None:
    read = cron.read(line)
    assert read
    found = cron.next_times(line, zone, after, 5)
    instants = [after, *(moment.astimezone(UTC) for moment in found)]
    assert all(earlier < later for earlier, later in pairwise(instants))
    for moment in found:
        before = (moment.astimezone(UTC) - timedelta(minutes=1)).astimezone(moment.tzinfo)
        if before.utcoffset() == moment.utcoffset():  # else right after a jump
            assert moment.minute in read.minutes and moment.hour in read.hours
            assert read.on(moment.date())


@given(LINES, MOMENTS)
def test_no_time_is_left_out(line: str, after: datetime) -> None:
    read = cron.read(line)
    assert read
    first = next(iter(cron.next_times(line, "UTC", after, 1)), None)
    end = min(first.date() if first else date.max, after.date() + timedelta(days=100))
    day = after.date() + timedelta(days=1)
    while day < end:
        assert not read.on(day)
        day += timedelta(days=1)
