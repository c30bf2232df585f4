"""Google Flights' result page, read: bytes -> offers. Pure.

The page carries its data as scripts, `AF_initDataCallback({key: 'ds:1', hash: '2', data:[...], sideChannel: {}})`; from
`data:` to the last comma that is strict JSON: lists in lists, known by position. `ds:1` are the results, `ds:0` echoes
the search. Slicing the bytes takes a hundredth of what parsing the page would.

    ds:1 [2][0] best rows, [3][0] other rows (null: none); [5] insights: level, current, usual, _, low, high, ...,
         [10][0] [[epoch ms, price], ...] by day
    row  [0] itinerary: 0 airline or "multi", 1 names, 2 legs, 4 [year, month, day], 9 minutes
         [1] [[null, N], token]: N is the price rounded up; the token's field 3 the exact one. [[], ...]: no price
         [8] the legs with real times, protocol buffer in base64 in JSON

A page that says something else than expected raises; a row whose price cannot be read makes the whole page unreadable,
because it could have been the cheapest.
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
    """The offers of a page that was asked for `query`, the `most` cheapest of them.

    Raises a ScrapeError that says what came instead.
    """
    results = _script(body, b"ds:1")
    if results is None:
        _raise_for_other_page(body)
    if results is None or results.endswith(FAILED):
        raise NoAnswer("the site could not load its results; this says nothing about flights")
    echo = _script(body, b"ds:0")
    if echo is not None and not echo.endswith(FAILED):
        _check_echo(_decoded(echo, "ds:0"), query)
    return parse_results(_decoded(results, "ds:1"), query, most=most)


def parse_results(data: Any, query: ScrapeQuery, *, most: int = MAX_ROWS) -> SearchResult:
    """The offers in the results' data, the `most` cheapest of them, and how many there are.

    Raises PageChanged, OtherCurrency or OtherQuery. What is shown is the price rounded up, so it tells which rows may
    be among the cheapest; only these are read to the end, which is most of the work.
    """
    if not isinstance(data, list) or len(data) <= OTHER:
        raise PageChanged("the results are no list of sections")
    rows = [*_rows(data, BEST), *_rows(data, OTHER)]
    if len(rows) > MAX_ROWS:
        raise PageChanged(f"the results have {len(rows)} rows")
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
    """What stands behind `data:` in the script of a key, up to its last comma."""
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
        raise Blocked('the site took us for a robot ("unusual traffic"); we leave it alone for a while')
    if any(sign in body for sign in CONSENT):
        raise ConsentAsked("the site asks for consent before it shows anything; we do not give any")
    raise PageChanged("the page has no results (ds:1): it was rebuilt, or this is another page")


def _decoded(text: bytes, name: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PageChanged(f"the data of {name} is no JSON: {error}") from error


def _check_echo(echo: Any, query: ScrapeQuery) -> None:
    """Compare what the page says it was asked with what it was asked. Cities may stand there by another name."""
    said = set(_strings(echo))
    dates = [query.departs_on.isoformat()] + ([query.returns_on.isoformat()] if query.returns_on else [])
    for day in dates:
        if day not in said:
            raise OtherQuery(f"the page answers for other dates than {day}")
    if any(text.startswith(("/m/", "/g/")) for text in said):
        return
    for code in (query.origin, query.destination):
        if code not in said:
            raise OtherQuery(f"the page answers for other places than {code}")


def _strings(data: Any) -> Iterator[str]:
    waiting = [data]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, list):
            waiting.extend(one)
        elif isinstance(one, dict):
            waiting.extend(one.values())


def _at(data: Any, *path: int) -> Any:
    """What stands at a position; None where the lists end before it. Raises PageChanged where there is no list."""
    for place in path:
        if data is None:
            return None
        if not isinstance(data, list):
            raise PageChanged(f"no list at position {path}")
        data = data[place] if place < len(data) else None
    return data


def _rows(data: list[Any], section: int) -> list[Any]:
    rows = _at(data, section, 0)
    if rows is None:
        return []
    if not isinstance(rows, list):
        raise PageChanged(f"section {section} has no rows where they were")
    return rows


def _shown(row: Any, number: int) -> int | None:
    """The price that people see, in whole units; None where the row is shown without one."""
    price = _at(row, PRICE)
    if not isinstance(price, list) or not price:
        raise PageChanged(f"row {number} has no price where it was")
    if price[0] == [] or price[0] is None:
        return None
    rounded = _at(price, 0, 1)
    if not isinstance(rounded, int) or isinstance(rounded, bool):
        raise PageChanged(f"row {number} has its price in another form")
    return rounded


def _offer(row: Any, number: int, query: ScrapeQuery) -> PriceResult:
    itinerary = _at(row, ITINERARY)
    if not isinstance(itinerary, list) or len(itinerary) <= MINUTES:
        raise PageChanged(f"row {number} has no itinerary")
    airline, names, legs = itinerary[:3]
    if not isinstance(airline, str) or not isinstance(legs, list) or not 0 < len(legs) <= MAX_LEGS:
        raise PageChanged(f"row {number} has no airline, no legs, or more than {MAX_LEGS}")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise PageChanged(f"row {number} has no names of airlines")
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
    """(exact price in minor units, the flights' name) of a row; (None, "") where it is shown without a price."""
    rounded, token = _shown(row, number), _at(row, PRICE, 1)
    if rounded is None:
        return None, ""
    if not isinstance(token, str):
        raise PageChanged(f"row {number} has its price in another form")
    message = _message(token, f"the price of row {number}")
    exact = _fields_of(message.get(3), f"the price of row {number}")
    amount, decimals, code = exact.get(1), exact.get(2, 0), exact.get(3)
    if not isinstance(amount, int) or not isinstance(decimals, int) or not isinstance(code, bytes) or decimals > 6:  # noqa: PLR2004 -- no currency has more
        raise PageChanged(f"the exact price of row {number} is in another form")
    if code != currency.encode():
        raise OtherCurrency(f"asked for prices in {currency}, the page has them in {code[:8]!r}")
    if not rounded - 1 <= amount / 10**decimals <= rounded:
        raise PageChanged(f"row {number} shows {rounded} and means {amount} with {decimals} decimals")
    price = minor_units(amount, decimals, currency)
    if price is None or not 0 < price <= LARGEST_AMOUNT:
        raise PageChanged(f"row {number} has the price {amount} with {decimals} decimals in {currency}")
    name = message.get(2, b"")
    return price, _text(name.decode("utf-8", "replace"), MAX_FLIGHT_TIME) if isinstance(name, bytes) else ""


def _times(text: Any, number: int) -> tuple[datetime | None, datetime | None]:
    """Departure and arrival as instants with the offset of their places; None where the row has none."""
    if not text:
        return None, None
    try:
        (first, *_) = msgspec.json.decode(text, type=list[str])
    except (msgspec.MsgspecError, TypeError, ValueError) as error:
        raise PageChanged(f"row {number} has its times in another form: {error}") from error
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
        raise PageChanged(f"row {number} has a time in another form") from error
    if at.tzinfo is None:
        return None
    if not EARLIEST <= at <= LATEST:
        raise PageChanged(f"row {number} departs or arrives in the year {at.year}")
    return at


def _message(token: str, what: str) -> dict[int, int | bytes]:
    try:
        return dict(reversed(fields(b64decode(token, validate=True))))  # of a repeated field the first
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
        raise PageChanged(f"row {number} has a duration in another form")
    return value


def _insights(data: list[Any], currency: str) -> Insights:
    """What the site makes of the price; nothing where it makes nothing of it."""
    found = _at(data, INSIGHTS)
    if found is None:
        return Insights()
    level = _at(found, LEVEL)
    if level is not None and (not isinstance(level, int) or not 0 <= level <= HIGHEST_LEVEL):
        raise PageChanged("the price level is in another form")
    history = _at(found, HISTORY, 0)
    if history is not None and (not isinstance(history, list) or len(history) > MAX_DAYS):
        raise PageChanged("the price history is in another form")
    return Insights(
        level=level or None,
        typical_low=_whole(_at(found, LOW, 1), currency),
        typical_high=_whole(_at(found, HIGH, 1), currency),
        history=tuple(_daily(point, currency) for point in history or ()),
    )


def _daily(point: Any, currency: str) -> DailyPrice:
    at, price = _at(point, 0), _whole(_at(point, 1), currency)
    if not isinstance(at, int) or price is None:
        raise PageChanged("a past price is in another form")
    if not EARLIEST.timestamp() <= at // 1000 <= LATEST.timestamp():
        raise PageChanged("a past price is of no day")
    return DailyPrice(day=datetime.fromtimestamp(at / 1000, UTC).date(), price=price)


def _whole(value: Any, currency: str) -> int | None:
    """Whole units in minor ones."""
    if value is None:
        return None
    price = (
        None if isinstance(value, bool) or not isinstance(value, int) else value * int(10 ** (exponent(currency) or 0))
    )
    if price is None or not 0 < price <= LARGEST_AMOUNT:
        raise PageChanged(f"{str(value)[:40]!r} is no price")
    return price


def _text(words: str, longest: int) -> str:
    """Words of the site as they can be stored."""
    return words.encode("utf-8", "replace").decode().replace("\x00", "")[:longest]
