"""Address of a search on Google Flights: its parameter `tfs` is a protocol buffer in URL-safe base64.

Info {3 repeated leg, 8 repeated passenger, 9 seat, 19 trip}; leg {2 date, 5 most stops, 13 from {2 code}, 14 to
{2 code}}. The field numbers come from the library fast-flights (3.1); decision 0018 says why we do not use the library.
"""

from base64 import urlsafe_b64encode
from datetime import date
from typing import Final
from urllib.parse import urlencode

from trackers.flights.search import Cabin, ScrapeQuery
from trackers.flights.wire import bytes_field, number_field

PATH: Final = "/travel/flights/search"
SEATS: Final = {Cabin.ECONOMY: 1, Cabin.PREMIUM_ECONOMY: 2, Cabin.BUSINESS: 3, Cabin.FIRST: 4}
ADULT, CHILD, INFANT_IN_SEAT, INFANT_ON_LAP = 1, 2, 3, 4
ROUND_TRIP, ONE_WAY = 1, 2


def tfs(query: ScrapeQuery) -> str:
    """Encode a search as the parameter `tfs`."""
    people = query.travellers
    passengers = bytes(
        [ADULT] * people.adults
        + [CHILD] * people.children
        + [INFANT_IN_SEAT] * people.infants_in_seat
        + [INFANT_ON_LAP] * people.infants_on_lap
    )
    legs = bytes_field(3, _leg(query.departs_on, query.origin, query.destination, query.max_stops))
    if query.returns_on is not None:
        legs += bytes_field(3, _leg(query.returns_on, query.destination, query.origin, query.max_stops))
    trip = ONE_WAY if query.returns_on is None else ROUND_TRIP
    info = legs + bytes_field(8, passengers) + number_field(9, SEATS[query.cabin]) + number_field(19, trip)
    return urlsafe_b64encode(info).decode()


def _leg(day: date, origin: str, destination: str, max_stops: int | None) -> bytes:
    leg = bytes_field(2, day.isoformat().encode())
    if max_stops is not None:
        leg += number_field(5, max_stops)
    return (
        leg + bytes_field(13, bytes_field(2, origin.encode())) + bytes_field(14, bytes_field(2, destination.encode()))
    )


def search_url(query: ScrapeQuery, *, base_url: str = "https://www.google.com") -> str:
    """Return the address of the page that answers a search, for our requests and for people's browsers."""
    return f"{base_url}{PATH}?{urlencode({'tfs': tfs(query), 'hl': 'en', 'curr': query.currency})}"
