"""Times as parameters: whatever RFC 3339 allows is read, nothing else is."""

from datetime import UTC, datetime

import pytest

from shared.web.times import Moment, read_moment

SIX = datetime(2026, 1, 31, 18, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["2026-01-31T18:00:00Z", "2026-01-31t18:00:00z", "2026-01-31 18:00:00.000000000z", "2026-01-31T19:30:00+01:30"],
)
def test_what_the_pattern_admits_is_read(text: str) -> None:
    assert read_moment(Moment, text) == SIX


@pytest.mark.parametrize(
    "text", ["0.5", "2026-01-31", "2026-01-31T18:00:00", "20260131T180000Z", "2026-02-30T18:00:00Z"]
)
def test_nothing_else_is(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- ours or that of the calendar
        read_moment(Moment, text)
