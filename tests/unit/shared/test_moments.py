"""Times that are sent: whatever RFC 3339 allows is read, nothing else is."""

from datetime import UTC, datetime

import pytest

from shared.moments import EARLIEST, LATEST, Moment, read_moment

SIX = datetime(2026, 1, 31, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["2026-01-31T18:00:00Z", "2026-01-31t18:00:00z", "2026-01-31 18:00:00.000000000z", "2026-01-31T19:30:00+01:30"],
)
def test_what_the_pattern_admits_is_read(text: str) -> None:
    assert read_moment(Moment, text) == SIX


@pytest.mark.parametrize(
    "text",
    [
        "0.5",
        "2026-01-31",
        "2026-01-31T18:00:00",
        "20260131T180000Z",
        "2026-02-30T18:00:00Z",
    ],
)
def test_nothing_else_is(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- ours or that of the calendar
        read_moment(Moment, text)


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("0001-01-01T00:00:00+14:00", EARLIEST),
        ("1969-12-31T23:59:59Z", EARLIEST),
        ("9999-12-31T23:59:59-14:00", LATEST),
    ],
)
def test_a_time_before_or_after_everything_stands_for_the_bound(text: str, bound: datetime) -> None:
    assert read_moment(Moment, text) == bound
