"""Time zones by name: only those of the IANA database, not other files in the zone directory of the machine."""

from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

_NO_PLACES: Final = frozenset({"Factory", "localtime", "posixrules"})
"""A placeholder, and names for the zone that this machine is set to."""


class UnknownTimeZoneError(ValueError):
    """No time zone has this name; the message gives examples."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no time zone {name[:50]!r}; give a name like Europe/Berlin or UTC.")


def zone_named(name: str) -> ZoneInfo:
    """Find a time zone by its name. Raises UnknownTimeZoneError."""
    if name not in _names():
        raise UnknownTimeZoneError(name)
    return ZoneInfo(name)


def kept_zone(name: str) -> ZoneInfo:
    """A zone whose name was valid when it was stored; UTC if the zone database has dropped it since."""
    return ZoneInfo(name if name in _names() else "UTC")


@cache
def _names() -> frozenset[str]:
    """Names from the system's zone database, or from the package `tzdata` if the system has none."""
    return frozenset(
        name for name in available_timezones() - _NO_PLACES if not name.startswith(("right/", "posix/", "SystemV/"))
    )
