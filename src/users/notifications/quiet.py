"""Quiet hours in a person's time zone. Pure."""

from datetime import UTC, datetime, time, timedelta

from shared.zones import kept_zone


def quiet_until(now: datetime, *, zone: str, begins: time, ends: time) -> datetime | None:
    """Return the end (UTC) of the quiet hours that contain `now`; None outside quiet hours.

    Quiet hours last from `begins` to just before `ends`, past midnight if `ends` is earlier; equal times mean no quiet
    hours. When clocks change, local time counts: an end that occurs twice means the next one, and a skipped end moves
    by the length of the change.
    """
    time_zone = kept_zone(zone)

    def quiet(at: datetime) -> bool:
        local_time = at.astimezone(time_zone).time().replace(tzinfo=None)
        return begins <= local_time < ends if begins <= ends else local_time >= begins or local_time < ends

    if not quiet(now):
        return None
    local = now.astimezone(time_zone)
    day = local.date() + timedelta(days=local.time().replace(tzinfo=None) >= ends)
    candidates = sorted(datetime.combine(day, ends, time_zone).replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    return next((end for end in candidates if end > now and not quiet(end)), now.astimezone(UTC) + timedelta(hours=1))
