"""Quiet hours by the clock on a wall, also on the days when it is moved."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from users.notifications.quiet import quiet_until

NIGHT = (time(22), time(7))
EARLY = (time(22), time(2, 30))
"""They end in the hour that Berlin skips in spring and has twice in autumn."""


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "zone", "hours", "until"),
    [
        ("2026-06-01T21:59:59+02:00", "Europe/Berlin", NIGHT, None),
        ("2026-06-01T22:00:00+02:00", "Europe/Berlin", NIGHT, "2026-06-02T07:00:00+02:00"),
        ("2026-06-02T06:59:59+02:00", "Europe/Berlin", NIGHT, "2026-06-02T07:00:00+02:00"),
        ("2026-06-02T07:00:00+02:00", "Europe/Berlin", NIGHT, None),
        ("2026-06-01T20:00:00Z", "Asia/Kolkata", NIGHT, "2026-06-02T07:00:00+05:30"),
        # by day, and none at all
        ("2026-06-01T13:00:00Z", "UTC", (time(12), time(14)), "2026-06-01T14:00:00Z"),
        ("2026-06-01T14:00:00Z", "UTC", (time(12), time(14)), None),
        ("2026-06-01T12:00:00Z", "UTC", (time(12), time(12)), None),
        # spring: the night is an hour shorter
        ("2026-03-28T23:00:00+01:00", "Europe/Berlin", NIGHT, "2026-03-29T07:00:00+02:00"),
        # 02:30 does not exist: it moves by as much as the clock did
        ("2026-03-29T01:00:00+01:00", "Europe/Berlin", EARLY, "2026-03-29T03:30:00+02:00"),
        # autumn: the night is an hour longer; of two 02:30 the next one
        ("2026-10-24T23:00:00+02:00", "Europe/Berlin", NIGHT, "2026-10-25T07:00:00+01:00"),
        ("2026-10-25T02:10:00+02:00", "Europe/Berlin", EARLY, "2026-10-25T02:30:00+02:00"),
        ("2026-10-25T02:10:00+01:00", "Europe/Berlin", EARLY, "2026-10-25T02:30:00+01:00"),
        # where the clock moves at midnight
        ("2026-04-23T23:30:00+02:00", "Africa/Cairo", (time(23), time(0, 30)), "2026-04-24T01:30:00+03:00"),
        # a zone that the database has forgotten
        ("2026-06-01T23:00:00Z", "Mars/Olympus", NIGHT, "2026-06-02T07:00:00Z"),
    ],
)
def test_quiet_hours(now: str, zone: str, hours: tuple[time, time], until: str | None) -> None:
    found = quiet_until(at(now), zone=zone, begins=hours[0], ends=hours[1])
    assert found == (None if until is None else at(until))


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "UTC"])
@pytest.mark.parametrize("hours", [NIGHT, EARLY, (time(0), time(6)), (time(23, 30), time(0, 30))])
def test_they_end_and_when_they_end_they_are_over(zone: str, hours: tuple[time, time]) -> None:
    now, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    met = 0
    while now < end:
        until = quiet_until(now, zone=zone, begins=hours[0], ends=hours[1])
        if until is not None:
            met += 1
            assert now < until <= now + timedelta(hours=11)
            assert quiet_until(until, zone=zone, begins=hours[0], ends=hours[1]) is None
            assert until.astimezone(ZoneInfo(zone)).minute == hours[1].minute
        now += timedelta(minutes=37)
    assert met > 100
