"""Times of recurring schedules: cron's five fields in a time zone, interpreted as Debian's cron does.

A time in the hour that the clock skips is due right after that hour; a time in the hour that the clock repeats is due
once. With a star for the minute or the hour, a schedule follows elapsed time instead.
"""

from datetime import UTC, datetime
from typing import Final

from cronsim import CronSim, CronSimError

from shared.zones import UnknownTimeZoneError, zone_named

FIELDS: Final = 5


class NoRecurrenceError(ValueError):
    """The expression is invalid, or none of its times ever comes."""


def next_occurrence(cron: str, time_zone: str, *, after: datetime) -> datetime:
    """Return the first time later than `after`, in UTC. Raises NoRecurrenceError."""
    if len(cron.split()) != FIELDS:
        raise NoRecurrenceError("give minute, hour, day of month, month and day of week, such as '0 18 * * MON'")
    try:
        moments = CronSim(cron, after.astimezone(zone_named(time_zone)))
        for moment in moments:
            if (at := moment.astimezone(UTC)) > after:  # the library can step back in an hour that the clock repeats
                return at
    except UnknownTimeZoneError as error:
        raise NoRecurrenceError(str(error)) from error
    except CronSimError as error:
        raise NoRecurrenceError(f"{str(error)[:1].lower()}{str(error)[1:]}") from error
    except (AssertionError, TypeError, ValueError) as error:
        raise NoRecurrenceError("it is not a valid expression") from error
    raise NoRecurrenceError("no such day occurs within fifty years")
