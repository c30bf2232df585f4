"""Spans of time as people ask for them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackers.hiscores.errors import ImpossibleSpan
from trackers.hiscores.history_queries import bounds
from trackers.hiscores.schemas import GainPeriod, Which
from trackers.hiscores.spans import AskedSpan, TimeSpan, span_of

NOW = datetime(2026, 3, 29, 13, 30, tzinfo=UTC)  # a Sunday; in Berlin the clocks went forward this night


def span(**asked: str) -> TimeSpan:
    return span_of(AskedSpan(**asked), now=NOW)


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]  # year, month, day, hour, minute


@pytest.mark.parametrize(
    ("asked", "start"),
    [
        ({}, NOW - timedelta(days=7)),
        ({"period": "5d12h"}, NOW - timedelta(days=5, hours=12)),
        ({"period": "2w1d"}, NOW - timedelta(days=15)),
        ({"period": "36h"}, NOW - timedelta(hours=36)),
        ({"period": "all"}, None),
        ({"period": "day"}, at(2026, 3, 29)),
        ({"period": "day", "time_zone": "Europe/Berlin"}, at(2026, 3, 28, 23)),
        ({"period": "day", "time_zone": "Europe/Berlin", "end": "2026-03-29"}, at(2026, 3, 28, 23)),
        ({"period": "week", "time_zone": "Europe/Berlin"}, at(2026, 3, 22, 23)),
        ({"period": "month", "time_zone": "America/New_York"}, at(2026, 3, 1, 5)),
        ({"period": "year", "time_zone": "Asia/Kolkata"}, at(2025, 12, 31, 18, 30)),
        ({"start": "2026-03-28", "time_zone": "Europe/Berlin"}, at(2026, 3, 27, 23)),
        ({"start": "2026-03-28T10:00:00", "time_zone": "Europe/Berlin"}, at(2026, 3, 28, 9)),
        ({"start": "2026-03-28T10:00:00+05:30", "time_zone": "Europe/Berlin"}, at(2026, 3, 28, 4, 30)),
        ({"start": "0001-01-01"}, at(2013, 1, 1)),
        ({"period": "7000d"}, at(2013, 1, 1)),
    ],
)
def test_where_a_span_begins(asked: dict[str, str], start: datetime | None) -> None:
    assert span(**asked).start == start


def test_a_day_ends_with_its_last_moment_and_never_in_the_future() -> None:
    assert span(start="2026-03-27", end="2026-03-28", time_zone="Europe/Berlin").end == at(2026, 3, 28, 23)
    assert span(start="2026-03-28", end="2026-03-29").end == NOW
    day = span(period="day", end="2026-03-28", time_zone="Europe/Berlin")
    assert (day.start, day.end) == (at(2026, 3, 27, 23), at(2026, 3, 28, 23))


@pytest.mark.parametrize(
    "asked",
    [
        {"period": "fortnight"},
        {"period": "5"},
        {"period": "h"},
        {"period": "0h"},
        {"period": "9999d"},
        {"period": "1d 2h"},
        {"start": "x"},
        {"start": "2026-02-30"},
        {"start": "2026-03-29", "end": "2026-03-28"},
        {"start": "2026-04-01"},
        {"start": "2026-03-28", "period": "day"},
        {"end": "9999-12-31T23:59:59.999999-23:59", "start": "10000-01-01"},
        {"time_zone": "Europe/Bielefeld"},
        {"time_zone": ""},
        {"time_zone": "/etc/passwd"},
        {"time_zone": "a\x00b"},
    ],
)
def test_what_is_no_span(asked: dict[str, str]) -> None:
    with pytest.raises(ImpossibleSpan):
        span(**asked)


@given(st.text(max_size=30), st.sampled_from(["start", "end", "period", "time_zone"]))
def test_whatever_is_typed_is_a_span_or_refused(entered: str, where: str) -> None:
    try:
        found = span(**{where: entered})
    except ImpossibleSpan:
        return
    assert found.end <= NOW
    assert found.start is None or found.start <= found.end


@given(st.dates(datetime(2013, 1, 1).date(), datetime(2100, 1, 1).date()), st.sampled_from(GainPeriod))  # noqa: DTZ001 -- days, of no zone
def test_periods_follow_each_other_without_a_gap(today: object, period: GainPeriod) -> None:
    starts, ends = bounds(period, today, Which.CURRENT)  # type: ignore[arg-type]  # dates, as hypothesis makes them
    assert starts <= today < ends  # type: ignore[operator]  # likewise
    before, until = bounds(period, starts, Which.PREVIOUS)
    assert until == starts
    assert bounds(period, before, Which.CURRENT) == (before, until)
