"""Airports and cities by IATA code, with their time zones."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

import airportsdata

from trackers.flights.errors import UnknownAirport

UTC_NAME: Final = "UTC"


class Airports:
    """All airports with an IATA code, and the cities whose code stands for several airports (LON, NYC)."""

    def __init__(self) -> None:
        self._zones = _zones()

    def checked(self, code: str, *, field: str) -> str:
        """Return the code in capitals. Raises UnknownAirport if no airport or city has it."""
        given = code.strip().upper()
        if given not in self._zones:
            raise UnknownAirport(
                f"No airport or city has the IATA code {code[:10]!r}; use a code such as JFK.", extra={"field": field}
            )
        return given

    def zone(self, code: str) -> str:
        """Return the IANA name of an airport's time zone; UTC for an unknown code."""
        return self._zones.get(code) or UTC_NAME

    def end_of(self, day: date, code: str) -> datetime:
        """Return the end of a day at an airport; no flight of that day departs later."""
        return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(self.zone(code)))


@cache
def _zones() -> Mapping[str, str]:
    """Return code -> time zone; read once per process, because reading takes a fifth of a second."""
    zones = {code: row["tz"] for code, row in airportsdata.load("IATA").items()}
    for code, city in airportsdata.load_iata_macs().items():
        for airport in city["airports"].values():
            zones.setdefault(code, airport["tz"])
    return zones
