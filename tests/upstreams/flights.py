"""The simulated Google Flights: every search has flights, at prices that move as told.

Options (`configure`): `mode` says how prices move: explicit (by `set_price` and `tick` only), restless (two prices of a
search take turns), frozen; `history` days of past prices that the insights show; `rows` offers of a search;
`unpriced` of them without a price; `insights` off leaves them out; `size` pads the page to so many bytes.

What a search is shown as (`show`, for one route or all): flights, none ("no flights"), consent, block, failed (the page
that could not load its results), other_currency, other_dates, to_consent and to_sorry (redirects).
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import parse_qs

from tests.upstreams import flights_bodies as bodies
from tests.upstreams.flights_bodies import Asked, Insight, Offer
from tests.upstreams.site import Answer, Refused, Request, Site

_SEARCH: Final = "/travel/flights/search"
_SHOWN: Final = frozenset(
    {
        "flights",
        "none",
        "consent",
        "block",
        "failed",
        "other_currency",
        "other_dates",
        "to_consent",
        "to_sorry",
    }
)
_MODES: Final = frozenset({"explicit", "restless", "frozen"})
_AIRLINES: Final = (("QZ", "Quartz Air"), ("WN", "Wren Airways"), ("LK", "Lark Lines"), ("TH", "Thistle"))
_NO_DECIMALS: Final = frozenset({"JPY", "KRW", "INR"})
"""Currencies in which the site has no cents, whatever ISO 4217 says."""
_ANY: Final = "*"
_RENDERED_KEPT: Final = 6_000
"""Pages; about 200 MB of 30 rows each."""


class FlightsSite(Site):
    name = "flights"

    def forget(self) -> None:
        self._prices: dict[str, int] = {}
        self._shown: dict[str, str] = {}
        self._visits: dict[Asked, int] = {}
        self._read: dict[str, Asked] = {}
        self._rendered: OrderedDict[tuple[Asked, int, str], Answer] = OrderedDict()
        self._turns = 0
        self._options: dict[str, Any] = {
            "mode": "explicit",
            "history": 0,
            "rows": 4,
            "unpriced": 0,
            "insights": True,
            "size": 0,
        }

    def configure(self, **options: Any) -> None:
        if unknown := set(options) - set(self._options):
            raise Refused(f"no such option: {', '.join(sorted(unknown))}; there are {', '.join(self._options)}")
        if options.get("mode", "explicit") not in _MODES:
            raise Refused(f"no such mode: {options['mode']}; there are {', '.join(sorted(_MODES))}")
        self._options |= options
        self._rendered.clear()

    def actions(self) -> dict[str, Callable[..., Any]]:
        return {**super().actions(), "set_price": self.set_price, "show": self.show, "tick": self.tick}

    # ---- what a test can do ----

    def set_price(self, price: int, *, route: str = _ANY, day: str = "") -> None:
        """The cheapest price from now on, in hundredths (or whole units where the currency has none).

        `route` such as JFK-LAX, or all; `day` of departure, or all.
        """
        self._prices[_name(route, day)] = price

    def show(self, what: str, *, route: str = _ANY) -> None:
        """What searches are answered with from now on."""
        if what not in _SHOWN:
            raise Refused(f"nothing is shown as {what}; there are {', '.join(sorted(_SHOWN))}")
        self._shown[route] = what

    def tick(self, turns: int = 1) -> int:
        """Prices that were not set move; the number of turns so far."""
        self._turns += turns
        return self._turns

    # ---- what the site answers ----

    def answer(self, request: Request) -> Answer:
        if request.path.startswith("/sorry/"):
            return _html(bodies.BLOCK_PAGE)
        if request.path != _SEARCH:
            return Answer(404, b"<html><body>404. That's an error.</body></html>", "text/html; charset=utf-8")
        asked = self._read.get(request.query)
        if asked is None:
            try:
                asked = self._read[request.query] = _asked(request)
            except (KeyError, ValueError, IndexError):
                return Answer(400, b"<html><body>400. Malformed request.</body></html>", "text/html; charset=utf-8")
        if self._options["mode"] == "restless":
            self._visits[asked] = self._visits.get(asked, 0) + 1
        return self._shown_as(self._shown.get(_route(asked), self._shown.get(_ANY, "flights")), asked)

    def changed(self, request: Request) -> Answer:
        rows = {"results": [{"from": "JFK", "to": "LAX", "fare": "312"}], "version": 2}
        return _html(bodies.scripted({"ds:7": rows}))

    def missing(self, request: Request) -> Answer:
        return self._page(_asked(request), none=True)

    def throttled(self, request: Request) -> Answer:
        return Answer(429, b"<html><body>Too many requests</body></html>", "text/html; charset=utf-8")

    def _shown_as(self, what: str, asked: Asked) -> Answer:
        plain = {
            "consent": _html(bodies.CONSENT_PAGE),
            "block": _html(bodies.BLOCK_PAGE),
            "failed": _html(bodies.failed_page()),
            "to_consent": Answer(302, headers={"Location": "https://consent.google.com/m?continue=x"}),
            "to_sorry": Answer(302, headers={"Location": "/sorry/index?continue=x"}),
        }
        if what in plain:
            return plain[what]
        if what == "other_dates":
            later = timedelta(days=1)
            back = None if asked.returns_on is None else asked.returns_on + later
            asked = replace(asked, departs_on=asked.departs_on + later, returns_on=back)
        other = "CHF" if asked.currency != "CHF" else "USD"
        return self._page(asked, none=what == "none", currency=other if what == "other_currency" else None)

    def _page(self, asked: Asked, *, none: bool = False, currency: str | None = None) -> Answer:
        key = (asked, -1 if none else self._price(asked), currency or asked.currency)
        if key not in self._rendered:
            self._rendered[key] = self._new_page(asked, none=none, currency=currency)
            if len(self._rendered) > _RENDERED_KEPT:
                self._rendered.popitem(last=False)
        return self._rendered[key]

    def _new_page(self, asked: Asked, *, none: bool, currency: str | None) -> Answer:
        offers = [] if none else self._offers(asked)
        unpriced = offers[len(offers) - self._options["unpriced"] :] if self._options["unpriced"] else []
        for offer in unpriced:
            offer.amount = None
        insight = self._insight(asked) if self._options["insights"] and not none else None
        body = bodies.page(asked, offers[1:3], offers[:1] + offers[3:], insight, currency or asked.currency)
        return _html(body + b" " * max(0, self._options["size"] - len(body)))

    def _offers(self, asked: Asked) -> list[Offer]:
        """The cheapest first; the page shows it among the other rows, where readers of the best ones miss it."""
        cheapest, made = self._price(asked), []
        for number in range(self._options["rows"]):
            code, name = _AIRLINES[number % len(_AIRLINES)]
            made.append(
                Offer(
                    airline=code,
                    name=name,
                    number=str(100 + number),
                    amount=cheapest + cheapest * number // 8,
                    stops=number % 3,
                    leaves=(6 + number % 16, 35 * (number % 2)),
                    minutes=120 + 45 * number,
                    decimals=0 if asked.currency in _NO_DECIMALS else 2,
                )
            )
        return made

    def _price(self, asked: Asked) -> int:
        route, day = _route(asked), asked.departs_on.isoformat()
        for name in (_name(route, day), _name(route, ""), _name(_ANY, day), _name(_ANY, "")):
            if name in self._prices:
                return self._prices[name]
        base = 20_000 + self._hash(route, day) % 40_000
        if self._visits.get(asked, 0) % 2:
            base += base // 10
        moved = self._hash(route, day, str(self._turns)) % (base // 4) if self._turns else 0
        return (base + moved) * max(1, asked.travellers)

    def _insight(self, asked: Asked) -> Insight:
        base = (20_000 + self._hash(_route(asked), asked.departs_on.isoformat()) % 40_000) // 100
        unit = max(1, asked.travellers) * base
        today = self.clock().date()
        days: list[tuple[date, int]] = [
            (today - timedelta(days=back), unit + self._hash(str(back)) % 40)
            for back in range(self._options["history"], 0, -1)
        ]
        current = -(-self._price(asked) // 100)
        level = 1 if current < unit else 3
        return Insight(level=level, current=current, usual=unit + 20, low=unit, high=unit + 60, history=days)

    def _hash(self, *parts: str) -> int:
        text = ":".join((str(self.seed), *parts))
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest())


def _asked(request: Request) -> Asked:
    query = parse_qs(request.query)
    legs, people, seat = bodies.read_tfs(query["tfs"][0])
    back = legs[1][0] if len(legs) > 1 else None
    return Asked(legs[0][1], legs[0][2], legs[0][0], back, len(people), seat, query["curr"][0])


def _route(asked: Asked) -> str:
    return f"{asked.origin}-{asked.destination}"


def _name(route: str, day: str) -> str:
    return f"{route}@{day}"


def _html(body: bytes) -> Answer:
    return Answer(body=body, content_type="text/html; charset=utf-8")
