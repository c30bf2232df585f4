"""Quiet hours, by the clock on somebody's wall. Pure."""

from datetime import UTC, datetime, time, timedelta

from shared.zones import kept_zone


def quiet_until(now: datetime, *, zone: str, begins: time, ends: time) -> datetime | None:
    """When the quiet hours that `now` lies in end (UTC); None outside them.

    From `begins` to before `ends`, over midnight where that is earlier; hours that begin when they end are none. On
    days when the clock is moved the wall decides: an end that comes twice is the next one, one that is skipped moves
    by as much as the clock did.
    """
    wall = kept_zone(zone)

    def quiet(at: datetime) -> bool:
        shown = at.astimezone(wall).time().replace(tzinfo=None)
        return begins <= shown < ends if begins <= ends else shown >= begins or shown < ends

    if not quiet(now):
        return None
    local = now.astimezone(wall)
    day = local.date() + timedelta(days=local.time().replace(tzinfo=None) >= ends)
    met = (datetime.combine(day, ends, wall).replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    return next((end for end in sorted(met) if end > now and not quiet(end)), now.astimezone(UTC) + timedelta(hours=1))
