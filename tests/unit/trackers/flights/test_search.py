"""Searches as keys and as addresses, wire format, money, airports, what days amount to, what is said."""

from base64 import urlsafe_b64decode
from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Problem
from shared.events import Event
from trackers.flights.airports import Airports
from trackers.flights.alerts import Rule
from trackers.flights.analysis import DaysOfSearch, analysed
from trackers.flights.errors import UnknownAirport, UnknownCurrency
from trackers.flights.google_query import search_url, tfs
from trackers.flights.messages import (
    ALERTED,
    ENDED,
    FAILING,
    RECOVERED,
    AlertUpdate,
    EndedUpdate,
    FlightMessages,
    QueryUpdate,
)
from trackers.flights.money import checked_currency, in_words, minor_units
from trackers.flights.providers import providers
from trackers.flights.search import Cabin, ScrapeQuery, Travellers
from trackers.flights.services.searches import around
from trackers.flights.settings import FlightsSettings
from trackers.flights.source import GoogleFlightsSource
from trackers.flights.wire import WireError, bytes_field, fields, number_field, varint
from users.notifications.messages import RecipientLocale

ONE_WAY = ScrapeQuery(
    provider="google_flights", origin="JFK", destination="LAX", departs_on=date(2026, 6, 28), currency="USD"
)
WHOLE = ScrapeQuery(
    provider="google_flights",
    origin="LUX",
    destination="DXB",
    departs_on=date(2027, 1, 27),
    returns_on=date(2027, 2, 3),
    travellers=Travellers(adults=2, children=1, infants_in_seat=1, infants_on_lap=2),
    cabin=Cabin.BUSINESS,
    max_stops=1,
    currency="EUR",
)
READER = RecipientLocale(locale="en", time_zone="UTC")


# ---- searches ----


def test_a_search_has_one_spelling_and_is_read_from_it() -> None:
    assert WHOLE.key == "google_flights:LUX:DXB:2027-01-27:2027-02-03:2.1.1.2:business:1:EUR"
    for query in (ONE_WAY, WHOLE):
        assert ScrapeQuery.read(query.key) == query


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (ONE_WAY, "GhoSCjIwMjYtMDYtMjhqBRIDSkZLcgUSA0xBWEIBAUgBmAEC"),
        (
            WHOLE,
            "GhwSCjIwMjctMDEtMjcoAWoFEgNMVVhyBRIDRFhCGhwSCjIwMjctMDItMDMoAWoFEgNEWEJyBRIDTFVYQgYBAQIDBARIA5gBAQ==",
        ),
    ],
)
def test_a_search_is_encoded_as_fast_flights_does_it(query: ScrapeQuery, expected: str) -> None:
    assert tfs(query) == expected  # what fast-flights 3.1.0 wrote for the same


def test_a_search_for_no_stops_says_zero() -> None:
    nonstop = ScrapeQuery(
        provider="google_flights", origin="LUX", destination="DXB", departs_on=date(2027, 1, 27), cabin=Cabin.FIRST,
        max_stops=0, currency="USD",
    )  # fmt: skip
    assert tfs(nonstop) == "GhwSCjIwMjctMDEtMjcoAGoFEgNMVVhyBRIDRFhCQgEBSASYAQI="


def test_the_address_carries_search_language_and_currency() -> None:
    url = urlsplit(search_url(WHOLE))
    query = parse_qs(url.query)
    assert (url.hostname, url.path) == ("www.google.com", "/travel/flights/search")
    assert (query["hl"], query["curr"]) == (["en"], ["EUR"])
    assert urlsafe_b64decode(query["tfs"][0])


def test_the_days_around_move_the_whole_journey() -> None:
    found = around(WHOLE, 2)
    assert found[0] == WHOLE
    assert sorted(str(one.departs_on) for one in found) == [f"2027-01-{day}" for day in range(25, 30)]
    assert {(one.returns_on or date.min) - one.departs_on for one in found} == {timedelta(days=7)}
    assert around(ONE_WAY, 0) == [ONE_WAY]


# ---- wire format ----


@given(st.lists(st.tuples(st.integers(1, 1000), st.integers(0, 2**63) | st.binary(max_size=40)), max_size=8))
def test_what_is_written_is_read(message: list[tuple[int, int | bytes]]) -> None:
    written = b"".join(
        number_field(number, value) if isinstance(value, int) else bytes_field(number, value)
        for number, value in message
    )
    assert fields(written) == message


def test_fixed_widths_are_passed_over() -> None:
    assert fields(varint(1 << 3 | 5) + b"abcd" + varint(2 << 3 | 1) + b"abcdefgh") == [(1, b"abcd"), (2, b"abcdefgh")]


@pytest.mark.parametrize("message", [b"\x08", b"\x0a\x05ab", b"\x0b", b"\x08" + b"\xff" * 11, b"\x0d\x01"])
def test_what_is_no_message_is_refused(message: bytes) -> None:
    with pytest.raises(WireError):
        fields(message)


# ---- money ----


@pytest.mark.parametrize(
    ("amount", "decimals", "code", "expected"),
    [
        (28_840, 2, "USD", 28_840),
        (15_000, 0, "JPY", 15_000),
        (9_100, 0, "INR", 910_000),
        (1_500_000, 2, "JPY", 15_000),
        (1_500_050, 2, "JPY", None),
        (12, 0, "KWD", 12_000),
        (1, 0, "ZZZ", None),
    ],
)
def test_minor_units(amount: int, decimals: int, code: str, expected: int | None) -> None:
    assert minor_units(amount, decimals, code) == expected


@pytest.mark.parametrize(
    ("amount", "code", "words"),
    [
        (123_405, "USD", "1,234.05 USD"),
        (15_000, "JPY", "15,000 JPY"),
        (12_345, "KWD", "12.345 KWD"),
        (-150, "EUR", "-1.50 EUR"),
        (77, "ZZZ", "77 ZZZ"),
    ],
)
def test_money_in_words(amount: int, code: str, words: str) -> None:
    assert in_words(amount, code) == words


@pytest.mark.parametrize("code", ["ZZZ", "", "XAU", "US", "dollar"])
def test_an_unknown_currency_is_refused(code: str) -> None:
    with pytest.raises(UnknownCurrency):
        checked_currency(code)


def test_a_currency_is_kept_in_capitals() -> None:
    assert checked_currency(" usd ") == "USD"


# ---- airports ----


def test_a_day_ends_by_the_clocks_of_the_airport() -> None:
    airports = Airports()
    day = date(2026, 6, 28)
    ends = [airports.end_of(day, code).astimezone(UTC) for code in ("JFK", "LUX", "AKL", "NYC")]
    assert [f"{one:%d %H:%M}" for one in ends] == ["29 04:00", "28 22:00", "28 12:00", "29 04:00"]


def test_an_unknown_airport_is_refused_by_its_field() -> None:
    with pytest.raises(UnknownAirport) as raised:
        Airports().checked("QQQ", field="origin")
    assert raised.value.extra == {"field": "origin"}
    assert Airports().checked("jfk", field="origin") == "JFK"


# ---- analysis ----


def days(prices: list[int], *, price: int | None = None, level: int | None = None) -> DaysOfSearch:
    monday = date(2026, 6, 1)
    return DaysOfSearch(
        provider="manual", departs_on=date(2026, 12, 1), returns_on=None, cabin_class="economy", currency="USD",
        price=price, level=level, typical_low=None, typical_high=None,
        days=[monday + timedelta(days=number) for number in range(len(prices))], prices=prices,
    )  # fmt: skip


def test_a_short_history_has_no_best_weekday_and_no_level() -> None:
    found = analysed(days([5, 3, 4], price=3))
    assert (found.min, found.median, found.max, found.best_weekday, found.level) == (3, 4, 5, None, None)


def test_the_best_weekday_is_the_one_with_the_lowest_median() -> None:
    found = analysed(days([9, 9, 5, 9, 9, 9, 9, 9, 9, 6, 9, 9, 9, 1]))
    assert [(one.weekday, one.median, one.days) for one in found.weekdays][2] == (3, 5, 2)
    assert found.best_weekday == 7


@pytest.mark.parametrize(("price", "level"), [(10, 1), (19, 1), (35, 3), (50, 5), (60, 5), (5, 1)])
def test_a_level_of_ours_where_the_site_tells_none(price: int, level: int) -> None:
    assert analysed(days([10, 20, 30, 40, 50, 60], price=price)).level == level
    assert analysed(days([10, 20, 30, 40, 50, 60], price=price, level=2)).level == 2


def test_a_price_that_never_moved_is_typical() -> None:
    assert analysed(days([10] * 6, price=10)).level == 3


# ---- providers and source ----


def test_the_source_is_off_until_it_is_turned_on() -> None:
    off = GoogleFlightsSource(settings=FlightsSettings(), recorder=lambda: None)  # type: ignore[arg-type,return-value]  # records nothing here
    assert (off.enabled, off.policy.delay, off.policy.batch_size) == (False, 10.0, 1)
    assert off.policy.obey_robots
    assert not off.policy.operator_configured
    assert "TRACKERS_FLIGHTS_ENABLED" in off.disabled_because
    with pytest.raises(Problem, match="is turned off on this server"):
        providers(google_enabled=False, google_off_because="why").scraped("google_flights")


def test_a_source_reads_a_search_that_was_typed_and_nothing_else() -> None:
    source = GoogleFlightsSource(settings=FlightsSettings(), recorder=lambda: None)  # type: ignore[arg-type,return-value]  # likewise
    assert source.read(ONE_WAY.key) == (ONE_WAY.key, ONE_WAY.key)
    for entered in ("", "JFK-LAX", ONE_WAY.key + ":x", ONE_WAY.key.replace("economy", "roof")):
        with pytest.raises(Problem):
            source.read(entered)


# ---- what is said ----


def event(name: str, payload: object) -> Event:
    return Event(
        id=UUID(int=1), event=name, aggregate="x:1", payload=msgspec.to_builtins(payload), user_id=None,
        occurred_at=datetime(2026, 3, 1, tzinfo=UTC),
    )  # fmt: skip


def test_an_alert_says_what_it_costs_why_and_beside_what() -> None:
    news = AlertUpdate(
        key="k", watch_id=UUID(int=1), trip_id=UUID(int=2), trip_name="Spring", origin="VIE", destination="OSL",
        departs_on=date(2027, 3, 14), returns_on=date(2027, 3, 21), rules=[Rule.TARGET, Rule.LOWEST_EVER],
        price=15_309, currency="EUR", target_price=16_000, previous_price=18_000, lowest_price=15_309,
        median_price=17_500, typical_low=16_500, typical_high=23_000, airline_name="Wren Airways", stops=1,
        cabin_class="economy", seen_at=datetime(2026, 3, 1, tzinfo=UTC), url="https://example.org/x",
    )  # fmt: skip
    message = FlightMessages().write(event(ALERTED, news), UUID(int=1), READER)
    assert message is not None
    assert message.title == (
        "Spring (VIE-OSL, 2027-03-14 to 2027-03-21): 153.09 EUR, at or below your target, the lowest ever seen"
    )
    assert message.lines == (
        "Your target: 160.00 EUR",
        "Before: 180.00 EUR (-15%)",
        "Lowest so far: 153.09 EUR",
        "Usual price: 175.00 EUR",
        "Typical: 165.00 EUR to 230.00 EUR",
        "Wren Airways, 1 stop",
    )
    assert message.url == "https://example.org/x"


@pytest.mark.parametrize(
    ("name", "reason", "title", "line"),
    [
        (FAILING, "blocked", "VIE-OSL, 2027-03-14: no prices at present", "The site refuses to answer us."),
        (FAILING, "error", "VIE-OSL, 2027-03-14: no prices at present", "Something went wrong on our side."),
        (RECOVERED, None, "VIE-OSL, 2027-03-14: prices come in again", "There were none since 2026-03-01 00:00 UTC."),
    ],
)
def test_a_search_that_fails_or_recovers(name: str, reason: str | None, title: str, line: str) -> None:
    news = QueryUpdate(
        watch_id=UUID(int=1), provider="google_flights", origin="VIE", destination="OSL",
        departs_on=date(2027, 3, 14), returns_on=None, reason=reason, since=datetime(2026, 3, 1, tzinfo=UTC), url=None,
    )  # fmt: skip
    message = FlightMessages().write(event(name, news), UUID(int=1), READER)
    assert message is not None
    assert (message.title, message.lines[0]) == (title, line)


@pytest.mark.parametrize(("lowest", "line"), [(15_000, "The lowest seen was 150.00 EUR."), (None, "No price.")])
def test_a_watch_that_ended(lowest: int | None, line: str) -> None:
    news = EndedUpdate(
        watch_id=UUID(int=1), trip_id=UUID(int=2), trip_name=None, origin="VIE", destination="OSL",
        departs_on=date(2027, 3, 14), returns_on=None, currency="EUR", lowest_price=lowest,
    )  # fmt: skip
    message = FlightMessages().write(event(ENDED, news), UUID(int=1), READER)
    assert message is not None
    assert (message.title, message.lines) == ("VIE-OSL, 2027-03-14: departed, no longer watched", (line,))
