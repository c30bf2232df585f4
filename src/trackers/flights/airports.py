"""Airports and cities by IATA code, and the time zones that they lie in."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

import airportsdata

from trackers.flights.errors import UnknownAirport

UTC_NAME: Final = "UTC"


class Airports:
    """Every airport with a code, and the cities whose code means several (LON, NYC)."""

    def __init__(self) -> None:
        self._zones = _zones()

    def checked(self, code: str, *, field: str) -> str:
        """A code in capitals. Raises UnknownAirport."""
        given = code.strip().upper()
        if given not in self._zones:
            raise UnknownAirport(
                f"No airport or city has the IATA code {code[:10]!r}; JFK is one.", extra={"field": field}
            )
        return given

    def zone(self, code: str) -> str:
        """IANA name of the zone whose clocks hang in an airport."""
        return self._zones.get(code) or UTC_NAME

    def end_of(self, day: date, code: str) -> datetime:
        """When a day is over at an airport: nothing departs on it any more."""
        return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(self.zone(code)))


@cache
def _zones() -> Mapping[str, str]:
    """Code -> zone; read once per process, because that takes a fifth of a second."""
    zones = {code: row["tz"] for code, row in airportsdata.load("IATA").items()}
    for code, city in airportsdata.load_iata_macs().items():
        for airport in city["airports"].values():
            zones.setdefault(code, airport["tz"])
    return zones
