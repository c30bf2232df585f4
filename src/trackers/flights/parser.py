"""Parser of Google Flights' result page: bytes -> offers. Pure.

The page has its data in scripts, `AF_initDataCallback({key: 'ds:1', hash: '2', data:[...], sideChannel: {}})`. The text
from `data:` to the last comma is strict JSON: nested lists, whose values are known by position. `ds:1` has the results,
`ds:0` echoes the search. Slicing the bytes takes a hundredth of the time of parsing the page.

    ds:1 [2][0] best rows, [3][0] other rows (null: none); [5] insights: level, current, usual, _, low, high, ...,
         [10][0] [[epoch ms, price], ...] by day
    row  [0] itinerary: 0 airline or "multi", 1 names, 2 legs, 4 [year, month, day], 9 minutes
         [1] [[null, N], token]: N is the price rounded up; the token's field 3 the exact one. [[], ...]: no price
         [8] the legs with real times, protocol buffer in base64 in JSON

A page in any other form raises an error. A row whose price cannot be read makes the whole page unreadable, because it
could be the cheapest row.
"""

from base64 import b64decode
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any, Final

import msgspec

from shared.moments import EARLIEST, LATEST
from shared.scraping.failures import Blocked, PageChanged
from trackers.flights.errors import ConsentAsked, NoAnswer, OtherCurrency, OtherQuery
from trackers.flights.money import LARGEST_AMOUNT, exponent, minor_units
from trackers.flights.search import DailyPrice, Insights, PriceResult, ScrapeQuery, SearchResult
from trackers.flights.wire import WireError, fields

BEST, OTHER, INSIGHTS = 2, 3, 5
ITINERARY, PRICE, TIMES = 0, 1, 8
DAY, MINUTES = 4, 9
LEVEL, LOW, HIGH, HISTORY = 0, 4, 5, 10
FAILED: Final = b"errorHasStatus: true"
REFUSALS: Final = (b"unusual traffic", b"/sorry/index", b'id="captcha-form"')
CONSENT: Final = (b"consent.google.com", b"Before you continue to Google")
MAX_ROWS: Final = 2_000
MAX_DAYS: Final = 400
MAX_LEGS: Final = 20
MAX_NAME_LENGTH: Final = 200
MAX_FLIGHT_TIME: Final = 300
MAX_JOURNEY: Final = 14 * 24 * 60
HIGHEST_LEVEL: Final = 5


def parse_page(body: bytes, query: ScrapeQuery, *, most: int = MAX_ROWS) -> SearchResult:
    """Return the `most` cheapest offers of the page that answers `query`, and the number of all offers.

    Raises a ScrapeError that says which page it is instead.
    """
    results = _script(body, b"ds:1")
    if results is None:
        _raise_for_other_page(body)
    if results is None or results.endswith(FAILED):
        raise NoAnswer("the site could not load its results; there may or may not be flights")
    echo = _script(body, b"ds:0")
    if echo is not None and not echo.endswith(FAILED):
        _check_echo(_decoded(echo, "ds:0"), query)
    return parse_results(_decoded(results, "ds:1"), query, most=most)


def parse_results(data: Any, query: ScrapeQuery, *, most: int = MAX_ROWS) -> SearchResult:
    """Return the `most` cheapest offers in the data of the results, and the number of all offers.

    Raises PageChanged, OtherCurrency or OtherQuery. The shown price is rounded up and is enough to select the rows that
    can be among the cheapest. Only these rows are parsed completely, because that is most of the work.
    """
    if not isinstance(data, list) or len(data) <= OTHER:
        raise PageChanged("the results are not a list of sections")
    rows = [*_rows(data, BEST), *_rows(data, OTHER)]
    if len(rows) > MAX_ROWS:
        raise PageChanged(f"the results have {len(rows)} rows; the limit is {MAX_ROWS}")
    shown = [_shown(row, number) for number, row in enumerate(rows)]
    ranks = sorted((price is None, price or 0) for price in shown)
    last = ranks[most - 1] if len(ranks) > most else (True, 0)
    chosen = [number for number, price in enumerate(shown) if (price is None, price or 0) <= last]
    return SearchResult(
        offers=tuple(_offer(rows[number], number, query) for number in chosen),
        count=len(rows),
        insights=_insights(data, query.currency),
    )


def _script(body: bytes, key: bytes) -> bytes | None:
    """Return the data of the script with this key, from `data:` to its last comma; None if there is no such script."""
    start = body.find(b"key: '" + key + b"'")
    if start < 0:
        return None
    end = body.find(b"</script>", start)
    start = body.find(b"data:", start, end)
    if start < 0 or end < 0:
        raise PageChanged(f"the script {key.decode()} has no data")
    comma = body.rfind(b",", start, end)
    if comma < 0:
        raise PageChanged(f"the script {key.decode()} has no end")
    return body[start + len(b"data:") : comma].strip()


def _raise_for_other_page(body: bytes) -> None:
    if any(sign in body for sign in REFUSALS):
        raise Blocked('the site treats our requests as those of a robot ("unusual traffic")')
    if any(sign in body for sign in CONSENT):
        raise ConsentAsked("the site asks for consent before it shows results; we do not give consent")
    raise PageChanged("the page has no results (ds:1): the site has changed it, or this is another page")


def _decoded(text: bytes, name: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PageChanged(f"the data of {name} is not JSON: {error}") from error


def _check_echo(echo: Any, query: ScrapeQuery) -> None:
    """Compare the search that the page echoes with the requested one. Cities may have another name in the echo."""
    echoed = set(_strings(echo))
    dates = [query.departs_on.isoformat()] + ([query.returns_on.isoformat()] if query.returns_on else [])
    for day in dates:
        if day not in echoed:
            raise OtherQuery(f"the page shows other dates than {day}")
    if any(text.startswith(("/m/", "/g/")) for text in echoed):
        return
    for code in (query.origin, query.destination):
        if code not in echoed:
            raise OtherQuery(f"the page shows other places than {code}")


def _strings(data: Any) -> Iterator[str]:
    waiting = [data]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, dict):
            waiting.extend(value.values())


def _at(data: Any, *path: int) -> Any:
    """Return the value at a position; None if a list ends before it. Raises PageChanged if there is no list."""
    for place in path:
        if data is None:
            return None
        if not isinstance(data, list):
            raise PageChanged(f"there is no list at position {path}")
        data = data[place] if place < len(data) else None
    return data


def _rows(data: list[Any], section: int) -> list[Any]:
    rows = _at(data, section, 0)
    if rows is None:
        return []
    if not isinstance(rows, list):
        raise PageChanged(f"section {section} has no rows in the expected position")
    return rows


def _shown(row: Any, number: int) -> int | None:
    """Return the shown price in whole units, rounded up; None if the row has no price."""
    price = _at(row, PRICE)
    if not isinstance(price, list) or not price:
        raise PageChanged(f"row {number} has no price in the expected position")
    if price[0] == [] or price[0] is None:
        return None
    rounded = _at(price, 0, 1)
    if not isinstance(rounded, int) or isinstance(rounded, bool):
        raise PageChanged(f"row {number} has a price in an unknown format")
    return rounded


def _offer(row: Any, number: int, query: ScrapeQuery) -> PriceResult:
    itinerary = _at(row, ITINERARY)
    if not isinstance(itinerary, list) or len(itinerary) <= MINUTES:
        raise PageChanged(f"row {number} has no itinerary")
    airline, names, legs = itinerary[:3]
    if not isinstance(airline, str) or not isinstance(legs, list) or not 0 < len(legs) <= MAX_LEGS:
        raise PageChanged(f"row {number} has no airline, no legs, or more than {MAX_LEGS} legs")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise PageChanged(f"row {number} has no airline names")
    if _day(itinerary[DAY], number) != query.departs_on:
        raise OtherQuery(f"row {number} departs on another day than {query.departs_on}")
    price, flights = _price(row, number, query.currency)
    departs_at, arrives_at = _times(_at(row, TIMES), number)
    return PriceResult(
        price=price,
        currency=query.currency,
        airline=_text(airline, MAX_NAME_LENGTH),
        airline_name=_text(", ".join(names), MAX_NAME_LENGTH),
        stops=len(legs) - 1,
        duration_minutes=_minutes(itinerary[MINUTES], number),
        flights=flights,
        departs_at=departs_at,
        arrives_at=arrives_at,
    )


def _price(row: Any, number: int, currency: str) -> tuple[int | None, str]:
    """Return (exact price in minor units, name of the flights) of a row; (None, "") if the row has no price."""
    rounded, token = _shown(row, number), _at(row, PRICE, 1)
    if rounded is None:
        return None, ""
    if not isinstance(token, str):
        raise PageChanged(f"row {number} has a price in an unknown format")
    message = _message(token, f"the price of row {number}")
    exact = _fields_of(message.get(3), f"the price of row {number}")
    amount, decimals, code = exact.get(1), exact.get(2, 0), exact.get(3)
    if not isinstance(amount, int) or not isinstance(decimals, int) or not isinstance(code, bytes) or decimals > 6:  # noqa: PLR2004 -- no currency has more than 6 decimals
        raise PageChanged(f"the exact price of row {number} has an unknown format")
    if code != currency.encode():
        raise OtherCurrency(f"asked for prices in {currency}, but the page shows them in {code[:8]!r}")
    if not rounded - 1 <= amount / 10**decimals <= rounded:
        raise PageChanged(f"row {number} shows {rounded}, but its exact price is {amount} with {decimals} decimals")
    price = minor_units(amount, decimals, currency)
    if price is None or not 0 < price <= LARGEST_AMOUNT:
        raise PageChanged(f"row {number} has an impossible price: {amount} with {decimals} decimals in {currency}")
    name = message.get(2, b"")
    return price, _text(name.decode("utf-8", "replace"), MAX_FLIGHT_TIME) if isinstance(name, bytes) else ""


def _times(text: Any, number: int) -> tuple[datetime | None, datetime | None]:
    """Return departure and arrival, each with the UTC offset of its airport; None if the row has no times."""
    if not text:
        return None, None
    try:
        (first, *_) = msgspec.json.decode(text, type=list[str])
    except (msgspec.MsgspecError, TypeError, ValueError) as error:
        raise PageChanged(f"row {number} has times in an unknown format: {error}") from error
    what = f"the times of row {number}"
    offer = _message(first, what).get(4)
    journey = None if offer is None else _fields_of(offer, what).get(1)
    legs = [] if journey is None else [value for place, value in _wire(journey, what) if place == 1]
    if not legs:
        return None, None
    leaves, comes = (_fields_of(leg, what) for leg in (legs[0], legs[-1]))
    return _instant(leaves.get(2), number), _instant(comes.get(4), number)


def _instant(value: Any, number: int) -> datetime | None:
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value.decode())
    except (AttributeError, ValueError) as error:
        raise PageChanged(f"row {number} has a time in an unknown format") from error
    if at.tzinfo is None:
        return None
    if not EARLIEST <= at <= LATEST:
        raise PageChanged(f"row {number} departs or arrives in the year {at.year}")
    return at


def _message(token: str, what: str) -> dict[int, int | bytes]:
    try:
        return dict(reversed(fields(b64decode(token, validate=True))))  # the first value of a repeated field
    except (WireError, ValueError) as error:
        raise PageChanged(f"{what} cannot be read: {error}") from error


def _fields_of(message: Any, what: str) -> dict[int, int | bytes]:
    return dict(reversed(_wire(message, what)))


def _wire(message: Any, what: str) -> list[tuple[int, int | bytes]]:
    if not isinstance(message, bytes):
        raise PageChanged(f"{what} is missing")
    try:
        return fields(message)
    except WireError as error:
        raise PageChanged(f"{what} cannot be read: {error}") from error


def _day(value: Any, number: int) -> date:
    try:
        year, month, day = value
        return date(year, month, day)
    except (TypeError, ValueError, OverflowError) as error:
        raise PageChanged(f"row {number} has no date") from error


def _minutes(value: Any, number: int) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_JOURNEY:
        raise PageChanged(f"row {number} has a duration in an unknown format")
    return value


def _insights(data: list[Any], currency: str) -> Insights:
    """Return the site's insights into the price; empty insights if it has none."""
    section = _at(data, INSIGHTS)
    if section is None:
        return Insights()
    level = _at(section, LEVEL)
    if level is not None and (not isinstance(level, int) or not 0 <= level <= HIGHEST_LEVEL):
        raise PageChanged("the price level has an unknown format")
    history = _at(section, HISTORY, 0)
    if history is not None and (not isinstance(history, list) or len(history) > MAX_DAYS):
        raise PageChanged("the price history has an unknown format")
    return Insights(
        level=level or None,
        typical_low=_whole(_at(section, LOW, 1), currency),
        typical_high=_whole(_at(section, HIGH, 1), currency),
        history=tuple(_daily(point, currency) for point in history or ()),
    )


def _daily(point: Any, currency: str) -> DailyPrice:
    at, price = _at(point, 0), _whole(_at(point, 1), currency)
    if not isinstance(at, int) or price is None:
        raise PageChanged("a past price has an unknown format")
    if not EARLIEST.timestamp() <= at // 1000 <= LATEST.timestamp():
        raise PageChanged("a past price has an impossible date")
    return DailyPrice(day=datetime.fromtimestamp(at / 1000, UTC).date(), price=price)


def _whole(value: Any, currency: str) -> int | None:
    """Convert whole units to minor units."""
    if value is None:
        return None
    price = (
        None if isinstance(value, bool) or not isinstance(value, int) else value * int(10 ** (exponent(currency) or 0))
    )
    if price is None or not 0 < price <= LARGEST_AMOUNT:
        raise PageChanged(f"{str(value)[:40]!r} is not a price")
    return price


def _text(words: str, longest: int) -> str:
    """Return text of the site in a form that the database accepts, cut to `longest` characters."""
    return words.encode("utf-8", "replace").decode().replace("\x00", "")[:longest]
