"""Time zones by name: those of the IANA database, and nothing else that a machine keeps beside them."""

from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

_NO_PLACES: Final = frozenset({"Factory", "localtime", "posixrules"})
"""A placeholder, and names for whatever this machine is set to."""


class UnknownTimeZoneError(ValueError):
    """The name is no time zone; the message says what is."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no time zone {name[:50]!r}; give a name like Europe/Berlin or UTC.")


def zone_named(name: str) -> ZoneInfo:
    """Raises UnknownTimeZoneError."""
    if name not in _names():
        raise UnknownTimeZoneError(name)
    return ZoneInfo(name)


def kept_zone(name: str) -> ZoneInfo:
    """A zone that was valid when it was stored; UTC where the database of zones has dropped it since."""
    return ZoneInfo(name if name in _names() else "UTC")


@cache
def _names() -> frozenset[str]:
    """Of the system's database, or of the package `tzdata` where the system has none."""
    return frozenset(
        name for name in available_timezones() - _NO_PLACES if not name.startswith(("right/", "posix/", "SystemV/"))
    )
