"""Google Flights' page, read: what it says, and everything else that may come instead."""

import json
import re
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.upstreams import flights_bodies as bodies
from tests.upstreams.flights_bodies import Asked, Offer

from shared.scraping.failures import Blocked, PageChanged, ScrapeFailure
from trackers.flights.errors import ConsentAsked, NoAnswer, OtherCurrency, OtherQuery
from trackers.flights.parser import parse_page, parse_results
from trackers.flights.search import Cabin, ScrapeQuery, Travellers

ROOT = Path(__file__).parents[4]
DATA = ROOT / "tests" / "data" / "flights"
SAMPLES = ROOT.parent / "shared" / "samples" / "flights"
ONE_WAY = ScrapeQuery(
    provider="google_flights", origin="VIE", destination="OSL", departs_on=date(2027, 3, 14), currency="EUR"
)
ROUND_TRIP = ScrapeQuery(
    provider="google_flights",
    origin="VIE",
    destination="OSL",
    departs_on=date(2027, 3, 14),
    returns_on=date(2027, 3, 21),
    travellers=Travellers(adults=2, children=1),
    cabin=Cabin.BUSINESS,
    currency="INR",
)
Data = list[Any]


def page(name: str) -> bytes:
    return (DATA / name).read_bytes()


def data_of(body: bytes, key: str = "ds:1") -> Data:
    found = re.search(rf"key: '{key}', hash: '\d', data:(.*?), sideChannel".encode(), body)
    assert found
    data: Data = json.loads(found[1])
    return data


def edited(edit: Callable[[Data], object], body: bytes | None = None) -> bytes:
    """The frozen page with its results changed."""
    body = page("one_way_eur.html") if body is None else body
    echo, results = data_of(body, "ds:0"), data_of(body)
    edit(results)
    return bodies.scripted({"ds:0": echo, "ds:1": results})


# ---- what it says ----


def test_every_offer_is_read_with_its_exact_price_and_real_times() -> None:
    found = parse_page(page("one_way_eur.html"), ONE_WAY)
    assert [(one.airline, one.price, one.stops, one.flights) for one in found.offers] == [
        ("QZ", 18_742, 0, "QZ41"),
        ("WN", 15_309, 1, "WN7|WN71"),
        ("LK", None, 2, ""),
        ("TH", 15_310, 0, "TH88"),
    ]
    assert found.cheapest is found.offers[1]
    first = found.offers[0]
    assert first.departs_at == datetime(2027, 3, 14, 0, 31, tzinfo=timezone(timedelta(hours=1)))
    assert first.departs_at is not None
    assert first.departs_at.utcoffset() == timedelta(hours=1)
    assert first.arrives_at == datetime(2027, 3, 14, 2, 6, tzinfo=UTC)
    assert (first.duration_minutes, first.airline_name, first.currency) == (155, "Quartz Air", "EUR")


@pytest.mark.parametrize(
    ("most", "prices"),
    [
        (1, [15_309, 15_310]),  # both are shown as 154
        (2, [15_309, 15_310]),
        (3, [18_742, 15_309, 15_310]),
        (4, [18_742, 15_309, None, 15_310]),
        (50, [18_742, 15_309, None, 15_310]),
    ],
)
def test_only_the_cheapest_are_read_to_the_end(most: int, prices: list[int | None]) -> None:
    found = parse_page(page("one_way_eur.html"), ONE_WAY, most=most)
    assert ([one.price for one in found.offers], found.count) == (prices, 4)


def test_what_is_shown_alike_is_read_to_know_the_cheapest() -> None:
    asked = Asked("VIE", "OSL", date(2027, 3, 14), None, 1, 1, "EUR")
    alike = [Offer("QZ", "Quartz Air", str(amount), amount) for amount in (15_299, 15_201, 15_300, 15_301)]
    found = parse_page(bodies.page(asked, [], alike, None, "EUR"), ONE_WAY, most=1)
    assert found.cheapest is not None
    assert (found.cheapest.price, len(found.offers), found.count) == (15_201, 3, 4)


def test_the_insights_are_in_minor_units() -> None:
    insights = parse_page(page("one_way_eur.html"), ONE_WAY).insights
    assert (insights.level, insights.typical_low, insights.typical_high) == (1, 16_500, 23_000)
    assert len(insights.history) == 60
    assert (insights.history[0].day, insights.history[0].price) == (date(2026, 11, 1), 17_000)


def test_rupees_have_no_decimals_there_and_two_in_the_standard() -> None:
    found = parse_page(page("round_trip_inr.html"), ROUND_TRIP)
    assert [one.price for one in found.offers] == [1_425_000, 910_000]


@pytest.mark.parametrize(
    ("currency", "amount", "decimals", "price"),
    [("JPY", 15_000, 0, 15_000), ("KWD", 12_345, 3, 12_345), ("KWD", 12, 0, 12_000)],
)
def test_minor_units_are_those_of_the_standard(currency: str, amount: int, decimals: int, price: int) -> None:
    asked = Asked("VIE", "OSL", date(2027, 3, 14), None, 1, 1, currency)
    body = bodies.page(asked, [Offer("QZ", "Quartz Air", "1", amount, decimals=decimals)], [], None, currency)
    cheapest = parse_page(body, msgspec.structs.replace(ONE_WAY, currency=currency)).cheapest
    assert cheapest is not None
    assert cheapest.price == price


def test_a_page_without_rows_says_that_there_are_no_flights() -> None:
    found = parse_page(page("no_flights.html"), ONE_WAY)
    assert (found.offers, found.cheapest) == ((), None)


# ---- what comes instead ----


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        (page("failed.html"), NoAnswer),
        (page("consent.html"), ConsentAsked),
        (page("unusual_traffic.html"), Blocked),
        (b"", PageChanged),
        (b"<html><body>Welcome to Google</body></html>", PageChanged),
        (bodies.scripted({"ds:7": [1]}), PageChanged),
        (page("one_way_eur.html")[:4_000], PageChanged),
        (b"<script>AF_initDataCallback({key: 'ds:1', hash: '1'});</script>", PageChanged),
        (b"<script>AF_initDataCallback({key: 'ds:1', data:[[[, sideChannel: {}});</script>", PageChanged),
        (b"<script>AF_initDataCallback({key: 'ds:1', data:" + b"[" * 100_000 + b", x});</script>", PageChanged),
    ],
)
def test_whatever_else_comes_is_told_apart_and_never_no_flights(body: bytes, failure: type[Exception]) -> None:
    with pytest.raises(failure) as raised:
        parse_page(body, ONE_WAY)
    assert type(raised.value) is failure


def test_a_consent_page_is_not_taken_for_a_rebuilt_one() -> None:
    assert issubclass(ConsentAsked, Blocked)
    assert not issubclass(PageChanged, Blocked)


def _first(data: Data) -> Any:
    return data[2][0][0]


@pytest.mark.parametrize(
    ("edit", "failure"),
    [
        (lambda data: data.__setitem__(slice(None), [1]), PageChanged),
        (lambda data: data.__setitem__(2, {"rows": []}), PageChanged),
        (lambda data: data[2].__setitem__(0, "rows"), PageChanged),
        (lambda data: _first(data).__setitem__(0, None), PageChanged),
        (lambda data: _first(data)[0].__setitem__(0, 7), PageChanged),
        (lambda data: _first(data)[0].__setitem__(1, "Quartz"), PageChanged),
        (lambda data: _first(data)[0].__setitem__(2, []), PageChanged),
        (lambda data: _first(data)[0].__setitem__(4, [2027, 13, 1]), PageChanged),
        (lambda data: _first(data)[0].__setitem__(4, [2027, 3, 15]), OtherQuery),
        (lambda data: _first(data)[0].__setitem__(9, -5), PageChanged),
        (lambda data: _first(data).__setitem__(1, "€188"), PageChanged),
        (lambda data: _first(data).__setitem__(1, None), PageChanged),
        (lambda data: _first(data)[1].__setitem__(1, "not base64!"), PageChanged),
        (lambda data: _first(data)[1].__setitem__(1, b64encode(b"\xff\xff").decode()), PageChanged),
        (lambda data: _first(data)[1].__setitem__(0, [None, 999]), PageChanged),
        (lambda data: _first(data)[1].__setitem__(0, [None, None]), PageChanged),
        (lambda data: _first(data).__setitem__(8, "no json"), PageChanged),
        (lambda data: data[5].__setitem__(0, 9), PageChanged),
        (lambda data: data[5].__setitem__(4, [None, "cheap"]), PageChanged),
        (lambda data: data[5].__setitem__(10, [[["yesterday", 1]]]), PageChanged),
        (lambda data: data[5].__setitem__(10, [[[10**30, 1]]]), PageChanged),
    ],
)
def test_a_position_that_moved_is_loud(edit: Callable[[Data], object], failure: type[Exception]) -> None:
    with pytest.raises(failure):
        parse_page(edited(edit), ONE_WAY)


def test_a_price_in_another_currency_is_refused() -> None:
    dollars = msgspec.structs.replace(ONE_WAY, currency="USD")
    with pytest.raises(OtherCurrency, match="asked for prices in USD"):
        parse_page(page("one_way_eur.html"), dollars)


@pytest.mark.parametrize(
    "asked",
    [
        msgspec.structs.replace(ONE_WAY, departs_on=date(2027, 3, 15)),
        msgspec.structs.replace(ONE_WAY, returns_on=date(2027, 3, 20)),
        msgspec.structs.replace(ONE_WAY, destination="BGO"),
    ],
)
def test_the_answer_to_another_search_is_refused(asked: ScrapeQuery) -> None:
    with pytest.raises(OtherQuery):
        parse_page(page("one_way_eur.html"), asked)
    with pytest.raises(OtherQuery):
        parse_page(page("no_flights.html"), asked)


def test_a_city_may_stand_in_the_echo_by_another_name() -> None:
    body = page("no_flights.html").replace(b'"OSL",0]]', b'"/m/05l64",5]]')
    asked = msgspec.structs.replace(ONE_WAY, destination="OSL")
    assert parse_page(body, asked).offers == ()


# ---- anything at all ----

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_a_page_of_which_anything_was_changed_is_read_or_refused(data: st.DataObject) -> None:
    """And where it is read, no price stands in it that the page did not have."""
    results = data_of(page("one_way_eur.html"))
    for _ in range(data.draw(st.integers(1, 3))):
        place: Any = results
        while True:
            number = data.draw(st.integers(0, len(place) - 1))
            deeper = place[number]
            if not isinstance(deeper, list) or not deeper or data.draw(st.booleans()):
                break
            place = deeper
        if data.draw(st.booleans()):
            place[number] = data.draw(JSON)
        elif len(place) > 1:
            del place[number]
    try:
        found = parse_results(results, ONE_WAY)
    except ScrapeFailure:
        return
    assert {one.price for one in found.offers} <= {18_742, 15_309, 15_310, None}


@given(st.binary(max_size=200), st.integers(0, 10**6), st.integers(0, 200))
@settings(max_examples=100, deadline=None)
def test_bytes_that_were_changed_on_the_way_are_read_or_refused(noise: bytes, at: int, cut: int) -> None:
    body = page("one_way_eur.html")
    at %= len(body)
    try:
        parse_page(body[:at] + noise + body[at + cut :], ONE_WAY)
    except ScrapeFailure:
        return


# ---- recorded pages, where they are ----

needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the recorded pages are not beside the project")


@needs_samples
def test_the_recorded_answer_in_dollars() -> None:
    raw = (SAMPLES / "fli_flight_search_jfk_lax_oneway_usd.bin").read_text()
    results = json.loads(json.loads(raw.split("\n", 2)[2])[0][2])
    query = ScrapeQuery(
        provider="google_flights", origin="JFK", destination="LAX", departs_on=date(2026, 6, 28), currency="USD"
    )
    found = parse_results(results, query)
    assert len(found.offers) == 28
    cheapest = found.cheapest
    assert cheapest is not None
    assert (cheapest.price, cheapest.airline, cheapest.flights, cheapest.stops) == (28_840, "B6", "B6123", 0)
    assert str(cheapest.departs_at) == "2026-06-28 06:00:00-04:00"
    assert (found.insights.level, len(found.insights.history)) == (5, 61)


@needs_samples
def test_the_recorded_results_in_euros() -> None:
    query = ScrapeQuery(
        provider="google_flights", origin="LUX", destination="DXB", departs_on=date(2024, 1, 27), currency="EUR"
    )
    found = parse_results(json.loads((SAMPLES / "nas_ds1_lux_dubai_oneway.json").read_bytes()), query)
    assert len(found.offers) == 120
    assert found.cheapest is not None
    assert (found.cheapest.price, found.cheapest.flights) == (36_956, "TK1354|TK758")
    assert found.insights.level == 1


@needs_samples
def test_the_recorded_results_without_flights() -> None:
    text = (SAMPLES / "decocms_ds1_no_flights_myj_tpe.jsonc").read_text()
    plain = re.sub(r",(\s*[\]}])", r"\1", re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE))
    query = ScrapeQuery(
        provider="google_flights", origin="MYJ", destination="TPE", departs_on=date(2026, 12, 5), currency="TWD"
    )
    assert parse_results(json.loads(plain), query).offers == ()


@needs_samples
def test_the_recorded_consent_page() -> None:
    with pytest.raises(ConsentAsked):
        parse_page((SAMPLES / "flightopt_google_consent_wall.html").read_bytes(), ONE_WAY)
