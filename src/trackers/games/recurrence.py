"""When a recurring schedule comes round: cron's five fields, read in a time zone, as Debian's cron reads them.

What falls into the hour that the clock skips is due right after it; what falls into the hour that it repeats is due
once. With a star for the minute or the hour it goes by the time that passes.
"""

from datetime import UTC, datetime
from typing import Final

from cronsim import CronSim, CronSimError

from shared.zones import UnknownTimeZoneError, zone_named

FIELDS: Final = 5


class NoRecurrenceError(ValueError):
    """An expression that means nothing, or no time that ever comes."""


def next_occurrence(cron: str, time_zone: str, *, after: datetime) -> datetime:
    """The first moment later than `after`, in UTC. Raises NoRecurrenceError."""
    if len(cron.split()) != FIELDS:
        raise NoRecurrenceError("give minute, hour, day of month, month and day of week, such as '0 18 * * MON'")
    try:
        moments = CronSim(cron, after.astimezone(zone_named(time_zone)))
        for moment in moments:
            if (at := moment.astimezone(UTC)) > after:  # in an hour that comes twice the library can step back
                return at
    except UnknownTimeZoneError as error:
        raise NoRecurrenceError(str(error)) from error
    except CronSimError as error:
        raise NoRecurrenceError(f"{str(error)[:1].lower()}{str(error)[1:]}") from error
    except (AssertionError, TypeError, ValueError) as error:
        raise NoRecurrenceError("it cannot be read") from error
    raise NoRecurrenceError("there is no such day within fifty years")
