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
from trackers.flights.parser import BEST, OTHER, parse_page, parse_results
from trackers.flights.search import Cabin, ScrapeQuery, Travellers

DATA = Path(__file__).parents[3] / "data" / "flights"
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


# ---- bodies as large and as odd as the site's own ----

DOLLARS = ScrapeQuery(
    provider="google_flights", origin="YYZ", destination="YVR", departs_on=date(2027, 6, 27), currency="USD"
)
EUROS = ScrapeQuery(
    provider="google_flights", origin="VIE", destination="TBS", departs_on=date(2027, 2, 13), currency="EUR"
)


def answer_in_dollars() -> Data:
    """What the page asks for later: the results as text in JSON, behind a line that keeps browsers from running it."""
    guard, _, answer = (DATA / "answer_one_way_usd.txt").read_text().split("\n", 2)
    assert guard == ")]}'"
    data: Data = json.loads(json.loads(answer)[0][2])
    return data


def results_in_euros() -> Data:
    data: Data = json.loads((DATA / "ds1_one_way_eur.json").read_bytes())
    return data


def test_the_results_of_an_answer_that_is_no_page() -> None:
    found = parse_results(answer_in_dollars(), DOLLARS)
    assert [(offer.price, offer.flights, offer.duration_minutes) for offer in found.offers] == [
        (24_144, "Z2966", 372),
        (24_144, "Z2266", 373),
        (27_255, "ZB401", 387),
        (28_033, "ZC794", 380),
        (25_310, "ZB398", 397),
        (25_310, "ZB9", 397),
        (29_588, "ZB986", 397),
        (30_755, "Z2766", 371),
        (30_755, "Z2566", 376),
        (35_033, "Z2466", 390),
        (36_588, "ZC591", 380),
        (36_588, "ZC864", 396),
    ]
    assert {(offer.stops, offer.currency) for offer in found.offers} == {(0, "USD")}
    early, overnight = found.offers[:2]
    assert found.cheapest == overnight  # of two alike, the first by its name
    assert (early.airline, early.airline_name) == ("Z2", "Plover")
    assert (str(early.departs_at), str(early.arrives_at)) == (
        "2027-06-27 06:00:00-04:00",
        "2027-06-27 09:12:00-07:00",
    )
    assert str(overnight.arrives_at) == "2027-06-28 00:56:00-07:00"
    assert (found.insights.level, found.insights.typical_low, found.insights.typical_high) == (5, 12_600, 23_100)
    assert len(found.insights.history) == 61
    assert (found.insights.history[0].day, found.insights.history[0].price) == (date(2027, 3, 14), 18_600)


def test_results_with_changes_of_planes_and_no_best_rows() -> None:
    results = results_in_euros()
    assert results[BEST] is None
    found = parse_results(results, EUROS)
    assert [(offer.price, offer.airline, offer.stops) for offer in found.offers] == [
        (30_456, "ZA", 1),
        (30_456, "ZA", 1),
        (34_656, "ZA", 1),
        (34_656, "ZA", 1),
        (36_553, "multi", 2),
        (36_553, "multi", 2),
        (39_057, "ZC", 1),
        (54_489, "multi", 1),
        (61_811, "multi", 2),
        (69_861, "multi", 1),
        (84_381, "multi", 1),
        (92_703, "multi", 2),
        (112_715, "multi", 1),
        (122_277, "multi", 3),
        (209_565, "multi", 3),
        (423_123, "multi", 2),
    ]
    longest = found.offers[13]
    assert (longest.airline_name, longest.flights) == ("Fulmar, Gannet Air", "ZJ166|ZJ899|ZJ603|ZK565")
    assert (longest.duration_minutes, str(longest.departs_at), str(longest.arrives_at)) == (
        2_025,
        "2027-02-13 13:30:00+01:00",
        "2027-02-15 02:15:00+04:00",
    )
    assert (found.insights.level, found.insights.typical_low, found.insights.typical_high) == (1, 34_000, 46_100)
    assert (len(found.insights.history), found.insights.history[0].day) == (62, date(2026, 11, 28))


@pytest.mark.parametrize(("results", "query"), [(answer_in_dollars(), DOLLARS), (results_in_euros(), EUROS)])
def test_the_times_of_every_offer_agree_with_its_duration(results: Data, query: ScrapeQuery) -> None:
    for offer in parse_results(results, query).offers:
        assert offer.departs_at is not None
        assert offer.arrives_at is not None
        assert offer.duration_minutes is not None
        assert offer.arrives_at - offer.departs_at == timedelta(minutes=offer.duration_minutes)
        assert offer.departs_at.date() == query.departs_on


def test_results_may_stand_in_the_script_of_a_page_as_they_are() -> None:
    body = b"<script>AF_initDataCallback({key: 'ds:1', hash: '2', data:%s, sideChannel: {}});</script>"
    text = (DATA / "ds1_one_way_eur.json").read_bytes()
    assert parse_page(body % text, EUROS) == parse_results(results_in_euros(), EUROS)
    for end in range(0, len(text), 4_001):
        with pytest.raises(PageChanged):
            parse_page(body % text[:end], EUROS)


def test_results_without_flights_are_none_in_any_language() -> None:
    query = ScrapeQuery(
        provider="google_flights", origin="AOJ", destination="KHH", departs_on=date(2027, 4, 1), currency="TWD"
    )
    results: Data = json.loads((DATA / "ds1_no_flights_twd.json").read_bytes())
    assert results[17], "the places are there all the same"
    found = parse_results(results, query)
    assert (found.offers, found.count, found.insights.history) == ((), 0, ())


@pytest.mark.parametrize(
    "edit",
    [
        lambda row: row.__setitem__(8, None),  # the times
        lambda row: row.__delitem__(slice(8, None)),
        lambda row: row[0].__setitem__(9, None),  # the minutes
        lambda row: row[0].extend([None, ["new"]]),
        lambda row: row.append({"new": 1}),
        lambda row: row[0].__setitem__(22, None),  # emissions
        lambda row: row[0].__setitem__(13, None),  # stops on the way
    ],
)
def test_a_row_keeps_its_price_whatever_else_it_has(edit: Callable[[Data], object]) -> None:
    results = results_in_euros()
    edit(results[OTHER][0][2])
    before, after = (parse_results(given, EUROS) for given in (results_in_euros(), results))
    assert [offer.price for offer in after.offers] == [offer.price for offer in before.offers]


@pytest.mark.parametrize(
    ("edit", "days"),
    [
        (lambda data: data.__setitem__(5, None), 0),
        (lambda data: data[5].__setitem__(10, None), 0),
        (lambda data: data[5].__delitem__(slice(10, None)), 0),
        (lambda data: data.extend([None, ["new"]]), 62),
    ],
)
def test_results_without_a_past_are_results(edit: Callable[[Data], object], days: int) -> None:
    results = results_in_euros()
    edit(results)
    found = parse_results(results, EUROS)
    assert (len(found.offers), len(found.insights.history)) == (16, days)


def test_the_wall_of_consent_with_all_its_forms() -> None:
    with pytest.raises(ConsentAsked):
        parse_page(page("consent_wall.html"), ONE_WAY)
