"""When a recurring schedule comes round, over changes of the clock too."""

from datetime import UTC, datetime

import pytest

from trackers.games.recurrence import NoRecurrenceError, next_occurrence

BERLIN = "Europe/Berlin"


def upcoming(cron: str, after: str, *, zone: str = BERLIN, count: int = 1) -> list[str]:
    """So many occurrences, as UTC."""
    at = datetime.fromisoformat(after)
    found = []
    for _ in range(count):
        at = next_occurrence(cron, zone, after=at)
        found.append(f"{at:%Y-%m-%d %H:%M}")
    return found


def test_the_hour_is_the_zones_own_in_winter_and_in_summer() -> None:
    assert upcoming("0 18 * * *", "2026-01-10T12:00Z") == ["2026-01-10 17:00"]
    assert upcoming("0 18 * * *", "2026-07-10T12:00Z") == ["2026-07-10 16:00"]
    assert upcoming("0 18 * * *", "2026-07-10T12:00Z", zone="UTC") == ["2026-07-10 18:00"]


def test_an_occurrence_is_later_than_the_one_before() -> None:
    assert upcoming("0 18 * * *", "2026-01-10T17:00Z") == ["2026-01-11 17:00"]
    assert upcoming("0 18 * * *", "2026-01-10T16:59:59.999999Z") == ["2026-01-10 17:00"]


def test_what_falls_into_the_hour_that_is_skipped_is_due_right_after_it() -> None:
    assert upcoming("30 2 * * *", "2026-03-28T12:00Z", count=2) == ["2026-03-29 01:00", "2026-03-30 00:30"]


def test_what_falls_into_the_hour_that_comes_twice_is_due_once() -> None:
    assert upcoming("30 2 * * *", "2026-10-24T12:00Z", count=2) == ["2026-10-25 00:30", "2026-10-26 01:30"]


def test_asked_within_the_second_of_two_hours_it_never_goes_back() -> None:
    second_time = "2026-10-25T01:10Z"  # 02:10 in Berlin, for the second time
    assert upcoming("30 2 * * *", second_time) == ["2026-10-26 01:30"]


def test_every_hour_goes_by_the_time_that_passes() -> None:
    assert upcoming("0 * * * *", "2026-10-24T23:30Z", count=4) == [
        "2026-10-25 00:00", "2026-10-25 01:00", "2026-10-25 02:00", "2026-10-25 03:00",
    ]  # fmt: skip
    assert upcoming("0 * * * *", "2026-03-29T00:30Z", count=2) == ["2026-03-29 01:00", "2026-03-29 02:00"]


def test_a_zone_whose_clock_changes_at_midnight() -> None:
    assert upcoming("0 0 * * *", "2026-04-23T12:00Z", zone="Africa/Cairo") == ["2026-04-23 22:00"]


@pytest.mark.parametrize(
    "cron",
    [
        "", "* * * *", "* * * * * *", "60 * * * *", "0 24 * * *", "0 0 31 2 *", "0 0 * * MON#1/2", "0 0 * * MON#6",
        "@daily", "0 0 * * L", "a b c d e", "0 0 0 * *", "1-0 * * * *", "*/0 * * * *", "٣ * * * *", "0 0 * * MON#1,L/2",
    ],
)  # fmt: skip
def test_what_says_no_time_is_refused(cron: str) -> None:
    with pytest.raises(NoRecurrenceError):
        next_occurrence(cron, "UTC", after=datetime(2026, 1, 1, tzinfo=UTC))
