"""Google Flights' page as the simulated site writes it: scripts in HTML, lists in lists, prices in protocol buffers.

Made up from the format alone; codes, names and numbers are nobody's.
"""

import json
from base64 import b64encode, urlsafe_b64decode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, Final

VARINT, LENGTH = 0, 2
SECTIONS: Final = 33
BLOCK_PAGE: Final = (
    b"<html><body><h1>About this page</h1>Our systems have detected unusual traffic from your computer network."
    b'<form id="captcha-form"></form></body></html>'
)
CONSENT_PAGE: Final = (
    b"<html><body>Before you continue to Google"
    b'<form action="https://consent.google.com/save" method="POST"><button>Reject all</button></form></body></html>'
)


@dataclass(frozen=True)
class Asked:
    """A search as its address spells it."""

    origin: str
    destination: str
    departs_on: date
    returns_on: date | None
    travellers: int
    seat: int
    currency: str


@dataclass
class Offer:
    """A row: `amount` with `decimals` is its price, None for a row without one."""

    airline: str
    name: str
    number: str
    amount: int | None
    stops: int = 0
    leaves: tuple[int, int] = (8, 0)
    minutes: int = 150
    decimals: int = 2


@dataclass
class Insight:
    """What the site makes of the price; whole units."""

    level: int
    current: int
    usual: int
    low: int
    high: int
    history: Sequence[tuple[date, int]] = field(default_factory=list)


def read_tfs(text: str) -> tuple[list[tuple[date, str, str]], list[int], int]:
    """(legs, passengers, seat) of a search's `tfs`."""
    info = _fields(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    legs = []
    for number, value in info:
        if number == 3:
            leg = dict(_fields(value))
            airports = [dict(_fields(leg[place]))[2].decode() for place in (13, 14)]
            legs.append((date.fromisoformat(leg[2].decode()), airports[0], airports[1]))
    rest = dict(info)
    return legs, list(rest[8]), rest[9]


def page(asked: Asked, best: Sequence[Offer], other: Sequence[Offer], insight: Insight | None, currency: str) -> bytes:
    """The whole page; a section without rows is null, as the site writes it."""
    sections: list[Any] = [None] * SECTIONS
    sections[0] = [None, [[1799999999000001, 11111111, 2222222222], None, None, None, None, [[1]]], 0, "made-up"]
    sections[1] = [[[[asked.origin, 0], "Somewhere"]], [[[asked.destination, 0], "Elsewhere"]]]
    for section, offers in ((2, best), (3, other)):
        if offers:
            sections[section] = [[_row(offer, asked, currency) for offer in offers], None, len(offers)]
    if insight is not None:
        sections[5] = _insight(insight)
    sections[7] = [None, [[["STAR_ALLIANCE", "Star Alliance"]], [[o.airline, o.name] for o in (*best, *other)]]]
    echo = [[None, [[asked.origin, 0]], [[asked.destination, 0]], asked.departs_on.isoformat()]]
    if asked.returns_on is not None:
        echo.append([None, [[asked.destination, 0]], [[asked.origin, 0]], asked.returns_on.isoformat()])
    return scripted({"ds:0": [None, echo, asked.currency], "ds:1": sections})


def failed_page() -> bytes:
    """The page where loading the results failed."""
    return (
        b"<html><body><script class=\"ds:1\" nonce=\"x\">AF_initDataCallback({key: 'ds:1', hash: '2', "
        b"data:null, errorHasStatus: true, sideChannel: {}});</script></body></html>"
    )


def scripted(data: dict[str, Any]) -> bytes:
    """Data as the page carries it."""
    scripts = "".join(
        f"<script class=\"{key}\" nonce=\"x\">AF_initDataCallback({{key: '{key}', hash: '{number}', "
        f"data:{json.dumps(value, separators=(',', ':'))}, sideChannel: {{}}}});</script>"
        for number, (key, value) in enumerate(data.items(), 1)
    )
    return f"<!doctype html><html><head><title>Flights</title></head><body>{scripts}</body></html>".encode()


def _row(offer: Offer, asked: Asked, currency: str) -> list[Any]:
    day = asked.departs_on
    numbers = [f"{offer.number}{leg or ''}" for leg in range(offer.stops + 1)]
    stations = [asked.origin, *(f"X{place}X" for place in range(offer.stops)), asked.destination]
    hour, minute = offer.leaves
    leaves = datetime(day.year, day.month, day.day, hour, minute, tzinfo=timezone(timedelta(hours=1)))
    comes = leaves.astimezone(timezone(timedelta(hours=3))) + timedelta(minutes=offer.minutes)
    legs: list[Any] = [
        [None, None, None, here, f"{here} Airport", f"{there} Airport", there, None, _clock(leaves), None,
         _clock(comes), offer.minutes // len(numbers), None, 1, "76 cm", None, 1, "Airbus A320", None, False,
         _ymd(day), _ymd(day), [offer.airline, number, None, offer.name]]
        for here, there, number in zip(stations, stations[1:], numbers, strict=False)
    ]  # fmt: skip
    itinerary: list[Any] = [
        offer.airline, [offer.name], legs, asked.origin, _ymd(day), _clock(leaves), asked.destination,
        _ymd(comes.date()), _clock(comes), offer.minutes, None, None, False, [], None, None, None, "made-up", None, 1,
        None, None, [None, None, 3, 15], [1], [[offer.airline, offer.name, "https://airline.example"]],
    ]  # fmt: skip
    name = "|".join(f"{offer.airline}{number}" for number in numbers)
    price: list[Any] = [[], None] if offer.amount is None else [[None, _up(offer)], _token(offer, name, currency)]
    times = json.dumps([b64encode(_journey(offer, stations, numbers, leaves, comes, currency)).decode()])
    return [itinerary, price, None, True, [], [False, False, False], False, [], times, None, False]


def _insight(insight: Insight) -> list[Any]:
    history = [
        [int(datetime(day.year, day.month, day.day, 0, tzinfo=UTC).timestamp() * 1000), price]
        for day, price in insight.history
    ]
    found: list[Any] = [None] * 11
    found[0], found[1], found[2] = insight.level, [None, insight.current], [None, insight.usual]
    found[4], found[5], found[6] = [None, insight.low], [None, insight.high], 1
    found[10] = [history] if history else None
    return found


def _up(offer: Offer) -> int:
    """The price as people see it: rounded up to whole units."""
    return -(-(offer.amount or 0) // int(10**offer.decimals))


def _token(offer: Offer, name: str, currency: str) -> str:
    price = _number(1, offer.amount or 0) + (_number(2, offer.decimals) if offer.decimals else b"")
    token = _bytes(1, b"made-up") + _bytes(2, name.encode()) + _bytes(3, price + _bytes(3, currency.encode()))
    return b64encode(token + _number(7, 28)).decode()


def _journey(
    offer: Offer, stations: Sequence[str], numbers: Sequence[str], leaves: datetime, comes: datetime, currency: str
) -> bytes:
    legs = b"".join(
        _bytes(1, _bytes(1, here.encode()) + _bytes(2, leaves.isoformat().encode()) + _bytes(3, there.encode())
               + _bytes(4, comes.isoformat().encode()) + _bytes(5, offer.airline.encode()) + _bytes(6, number.encode()))
        for here, there, number in zip(stations, stations[1:], numbers, strict=False)
    )  # fmt: skip
    return _number(1, 2) + _bytes(2, currency.encode()) + _bytes(4, _bytes(1, legs))


def _clock(at: datetime) -> list[int | None]:
    """Zeros are left out: [8] is 08:00, [null, 31] is 00:31."""
    hour = at.hour or None
    return [hour, at.minute] if at.minute else [hour]


def _ymd(day: date) -> list[int]:
    return [day.year, day.month, day.day]


def _varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value % 128 + 128]), value // 128
    return out + bytes([value])


def _number(number: int, value: int) -> bytes:
    return _varint(number * 8 + VARINT) + _varint(value)


def _bytes(number: int, value: bytes) -> bytes:
    return _varint(number * 8 + LENGTH) + _varint(len(value)) + value


def _fields(message: bytes) -> list[tuple[int, Any]]:
    found: list[tuple[int, Any]] = []
    place = 0

    def varint() -> int:
        nonlocal place
        value = shift = 0
        while True:
            byte = message[place]
            place, value, shift = place + 1, value + ((byte % 128) << shift), shift + 7
            if byte < 128:
                return value

    while place < len(message):
        number, kind = divmod(varint(), 8)
        value = varint()
        if kind == LENGTH:
            found.append((number, message[place : place + value]))
            place += value
        else:
            found.append((number, value))
    return found
