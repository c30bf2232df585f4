"""Making, reading, changing and removing trips and watches; what is refused, and that others see nothing."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from tests.integration.people import PASSWORD

Traveller = Any
HUGE = 10**30
IMPOSSIBLE_TRIPS: list[tuple[dict[str, Any], str]] = [
    ({"origin": "QQQ"}, "unknown_airport"),
    ({"origin": "J F"}, "invalid"),
    ({"origin": "LAX"}, "impossible_trip"),
    ({"departs_on": "2020-01-01"}, "impossible_trip"),
    ({"departs_on": "9999-12-31"}, "impossible_trip"),
    ({"departs_on": "tomorrow"}, "invalid"),
    ({"returns_on": "2020-01-01"}, "impossible_trip"),
    ({"returns_on": "9999-12-31"}, "impossible_trip"),
    ({"adults": 0}, "invalid"),
    ({"adults": HUGE}, "invalid"),
    ({"adults": 5, "children": 5}, "impossible_trip"),
    ({"infants_on_lap": 2}, "impossible_trip"),
    ({"max_stops": -1}, "invalid"),
    ({"notes": "nul \x00"}, "invalid"),
    ({"notes": "x" * 2001}, "invalid"),
    ({"name": "  "}, "invalid"),
    ({"nonsense": 1}, "invalid"),
]
IMPOSSIBLE_WATCHES: list[tuple[dict[str, Any], str]] = [
    ({"provider": "swallow"}, "unknown_provider"),
    ({"provider": "\x00"}, "invalid"),
    ({"currency": "ZZZ"}, "unknown_currency"),
    ({"currency": "XAU"}, "unknown_currency"),
    ({"currency": "DOLLARS"}, "invalid"),
    ({"target_price": 0}, "invalid"),
    ({"target_price": HUGE}, "invalid"),
    ({"cabin_class": "roof"}, "invalid"),
    ({"check_interval_minutes": 29}, "invalid"),
    ({"check_interval_minutes": 1441}, "invalid"),
    ({"alert_cooldown_hours": 0}, "invalid"),
    ({"alert_cooldown_hours": 73}, "invalid"),
    ({"flexible_days": 4}, "invalid"),
    ({"provider": "manual", "flexible_days": 1}, "impossible_watch"),
]
IMPOSSIBLE_PRICES: list[dict[str, Any]] = [
    {"price": 0},
    {"price": HUGE},
    {"price": 1, "currency": "ZZZ"},
    {"price": 1, "captured_at": "2099-01-01T00:00:00Z"},
    {"price": 1, "captured_at": "1999-01-01T00:00:00Z"},
    {"price": 1, "captured_at": "2026-01-01T00:00:00"},
    {"price": 1, "captured_at": "0001-01-01T00:00:00+14:00"},
    {"price": 1, "departs_at": "0001-01-01T00:00:00+14:00"},
    {"price": 1, "arrives_at": "9999-12-31T23:59:59-14:00"},
    {"price": 1, "airline": "\x00"},
    {"price": 1, "departs_at": "2027-01-02T00:00:00Z", "arrives_at": "2027-01-01T00:00:00Z"},
]


async def test_a_trip_is_made_read_changed_listed_and_removed(ada: Traveller) -> None:
    made = await ada.told(
        "POST",
        "/api/trips",
        {"origin": "jfk", "destination": "lax", "departs_on": ada.day(), "name": " Summer ", "notes": "two\nlines"},
    )
    assert (made["origin"], made["destination"], made["name"], made["departed"]) == ("JFK", "LAX", "Summer", False)
    assert made["notes"] == "two\nlines"
    path = f"/api/trips/{made['id']}"
    assert await ada.told("GET", path) == made
    changed = await ada.told("PATCH", path, {"returns_on": ada.day(70), "adults": 2, "notes": None})
    assert (changed["returns_on"], changed["adults"], changed["notes"], changed["name"]) == (
        ada.day(70),
        2,
        None,
        "Summer",
    )
    assert (await ada.told("PATCH", path, {"returns_on": None}))["returns_on"] is None
    spelled = await ada.told("PATCH", path, {"origin": "jfk", "destination": "lax"})
    assert (spelled["origin"], spelled["destination"]) == ("JFK", "LAX")
    for _ in range(3):
        await ada.plan()
    page = await ada.told("GET", "/api/trips?page=2&per_page=3")
    assert ([one["id"] for one in page["items"]], page["total"]) == ([made["id"]], 4)
    assert (await ada.told("GET", "/api/trips?upcoming=false"))["total"] == 0
    answer = await ada.ask("DELETE", path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await ada.ask("GET", path)).status_code == 404


async def test_a_watch_has_the_defaults_of_its_contract(ada: Traveller) -> None:
    trip = await ada.plan()
    made = await ada.told("POST", "/api/watches", {"trip_id": trip, "target_price": 1})
    expected = {
        "user_id": str(ada.person.id),
        "trip_id": trip,
        "provider": "google_flights",
        "provider_enabled": True,
        "target_price": 1,
        "currency": "USD",
        "cabin_class": "economy",
        "is_active": True,
        "check_interval_minutes": 360,
        "last_checked_at": None,
        "alert_cooldown_hours": 6,
        "last_alerted_at": None,
    }
    assert expected.items() <= made.items()
    assert made["created_at"] == made["updated_at"]


async def test_a_watch_is_changed_listed_and_removed(ada: Traveller) -> None:
    trip = await ada.plan()
    first, second = await ada.watch(trip), await ada.watch(trip)
    given = {"target_price": 7, "provider": "manual", "cabin_class": "first", "is_active": False,
             "check_interval_minutes": 30, "alert_cooldown_hours": 72}  # fmt: skip
    changed = await ada.told("PATCH", f"/api/watches/{first}", given)
    assert given.items() <= changed.items()
    assert await ada.told("GET", f"/api/watches/{first}") == changed

    async def listed(query: str) -> list[str]:
        return [one["id"] for one in (await ada.told("GET", f"/api/watches{query}"))["items"]]

    assert await listed("") == [second, first]
    assert await listed("?is_active=true") == [second]
    assert await listed("?is_active=false") == [first]
    assert await listed(f"?trip_id={uuid4()}") == []
    assert (await ada.told("GET", f"/api/trips/{trip}"))["watches"] == 2
    answer = await ada.ask("DELETE", f"/api/watches/{first}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert await listed("") == [second]


async def test_an_impossible_trip_is_refused_and_nothing_is_kept(ada: Traveller) -> None:
    trip = await ada.plan()
    before = await ada.told("GET", f"/api/trips/{trip}")
    for body, code in IMPOSSIBLE_TRIPS:
        whole = {"origin": "JFK", "destination": "LAX", "departs_on": ada.day(), **body}
        for method, path, given in (("POST", "/api/trips", whole), ("PATCH", f"/api/trips/{trip}", body)):
            answer = await ada.ask(method, path, given)
            assert (answer.status_code, answer.json()["code"]) in {(422, code), (400, "bad_request")}, answer.text
            assert answer.headers["content-type"] == "application/problem+json"
    assert await ada.told("GET", "/api/trips") == {"items": [before], "page": 1, "per_page": 50, "total": 1}


async def test_an_impossible_watch_is_refused_and_nothing_is_kept(ada: Traveller) -> None:
    trip = await ada.plan()
    watch = await ada.watch(trip)
    before = await ada.told("GET", f"/api/watches/{watch}")
    for body, code in IMPOSSIBLE_WATCHES:
        whole = {"trip_id": trip, "target_price": 30_000, **body}
        for method, path, given in (("POST", "/api/watches", whole), ("PATCH", f"/api/watches/{watch}", body)):
            answer = await ada.ask(method, path, given)
            assert (answer.status_code, answer.json()["code"]) in {(422, code), (400, "bad_request")}, answer.text
    assert await ada.told("GET", "/api/watches") == {"items": [before], "page": 1, "per_page": 50, "total": 1}


async def test_an_unknown_provider_is_told_which_there_are(ada: Traveller) -> None:
    answer = await ada.ask(
        "POST", "/api/watches", {"trip_id": await ada.plan(), "target_price": 1, "provider": "swallow"}
    )
    assert (answer.status_code, answer.json()["known"]) == (422, ["google_flights", "manual"])


async def test_an_impossible_price_is_refused_and_nothing_is_kept(ada: Traveller) -> None:
    trip = await ada.plan()
    for body in IMPOSSIBLE_PRICES:
        answer = await ada.ask("POST", f"/api/trips/{trip}/prices", body)
        assert answer.status_code in {400, 422}, answer.text
    assert (await ada.told("GET", f"/api/trips/{trip}/prices"))["total"] == 0
    assert await ada.rows("SELECT 1 FROM flight_queries") == []


async def test_what_is_somebody_elses_is_not_found(ada: Traveller, ben: Traveller) -> None:
    trip = await ada.plan()
    watch = await ada.watch(trip)
    for method, path, body in (
        ("GET", f"/api/trips/{trip}", None),
        ("PATCH", f"/api/trips/{trip}", {"name": "mine"}),
        ("DELETE", f"/api/trips/{trip}", None),
        ("GET", f"/api/trips/{trip}/prices", None),
        ("POST", f"/api/trips/{trip}/prices", {"price": 1}),
        ("GET", f"/api/trips/{trip}/analysis", None),
        ("POST", f"/api/trips/{trip}/scrape", {}),
        ("POST", "/api/watches", {"trip_id": trip, "target_price": 1}),
        ("GET", f"/api/watches/{watch}", None),
        ("PATCH", f"/api/watches/{watch}", {"is_active": False}),
        ("DELETE", f"/api/watches/{watch}", None),
        ("GET", f"/api/watches/{watch}/alerts", None),
        ("POST", f"/api/watches/{watch}/scrape", None),
    ):
        strangers = await ben.ask(method, path, body)
        unknown = {**body, "trip_id": str(uuid4())} if body and "trip_id" in body else body
        nobodys = await ben.ask(method, path.replace(trip, str(uuid4())).replace(watch, str(uuid4())), unknown)
        assert (strangers.status_code, nobodys.status_code) == (404, 404), (method, path)
        assert strangers.json()["code"] == nobodys.json()["code"], (method, path)
    assert (await ben.told("GET", "/api/trips"))["total"] == 0
    assert (await ben.told("GET", "/api/watches"))["total"] == 0
    assert (await ada.told("GET", f"/api/watches/{watch}"))["is_active"] is True


async def test_of_manual_nothing_is_scraped(ada: Traveller) -> None:
    trip = await ada.plan()
    watch = await ada.watch(trip, provider="manual")
    for path, body in ((f"/api/watches/{watch}/scrape", None), (f"/api/trips/{trip}/scrape", {"provider": "manual"})):
        answer = await ada.ask("POST", path, body)
        assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_scrape")
    await ada.work()
    assert ada.searches() == 0


async def test_prices_are_chosen_by_provider_currency_time_and_number(ada: Traveller) -> None:
    trip = await ada.plan()
    for hours in range(60, 0, -1):
        await ada.push(trip, 30_000 + 7 * hours % 50, captured_at=str(ada.clock.now() - timedelta(hours=hours)))
    await ada.push(trip, 25_000, currency="EUR")
    await ada.told("POST", f"/api/trips/{trip}/scrape")
    await ada.work()

    async def shown(query: str) -> tuple[int, int]:
        found = await ada.told("GET", f"/api/trips/{trip}/prices?{query}")
        times = [one["captured_at"] for one in found["items"]]
        assert times == sorted(times)
        return len(found["items"]), found["total"]

    assert await shown("") == (62, 62)
    assert await shown("provider=google_flights") == (1, 1)
    assert await shown("provider=manual&currency=eur") == (1, 1)
    few, total = await shown("provider=manual&currency=USD&points=10")
    assert (3 <= few <= 10, total) == (True, 60)
    since, until = (str(ada.clock.now() - timedelta(hours=h, minutes=30)).replace("+", "%2B") for h in (20, 10))
    assert await shown(f"provider=manual&since={since}&until={until}") == (10, 10)
    assert (await ada.ask("GET", f"/api/trips/{trip}/prices?points=1")).status_code == 422


@pytest.mark.parametrize("change", [{"max_stops": 0}, {"adults": 1, "children": 1}, {"returns_on": None}])
async def test_what_another_journey_cost_is_not_what_a_trip_costs(ada: Traveller, change: dict[str, Any]) -> None:
    trip = await ada.plan(adults=2, returns_on=ada.day(70))
    await ada.push(trip, 30_000)
    await ada.told("PATCH", f"/api/trips/{trip}", change)
    await ada.push(trip, 20_000)

    async def shown(query: str) -> list[int]:
        return [one["price"] for one in (await ada.told("GET", f"/api/trips/{trip}/prices{query}"))["items"]]

    assert await shown("") == [20_000]
    assert await shown("?all_dates=true") == [30_000, 20_000]


async def test_prices_come_as_a_table(ada: Traveller) -> None:
    trip = await ada.plan()
    await ada.push(trip, 30_000, reference="=HYPERLINK(1)")
    answer = await ada.ask("GET", f"/api/trips/{trip}/prices?format=csv")
    assert answer.headers["content-type"].startswith("text/csv")
    head, row, end = answer.text.split("\r\n")
    assert head.startswith("id,provider,departs_on,returns_on,cabin_class")
    assert ",30000,USD," in row
    assert row.endswith(",'=HYPERLINK(1)")
    assert end == ""


async def test_an_analysis_names_the_extremes_the_level_and_the_best_weekday(ada: Traveller) -> None:
    trip = await ada.plan()
    for back in range(28, -1, -1):
        day = ada.clock.now() - timedelta(days=back)
        price = 20_000 if day.isoweekday() == 3 else 30_000 + back
        await ada.push(trip, price, captured_at=str(day))
    (found,) = (await ada.told("GET", f"/api/trips/{trip}/analysis"))["items"]
    assert (found["days"], found["min"], found["best_weekday"]) == (29, 20_000, 3)
    assert 30_000 <= found["median"] <= found["max"] <= 30_028
    assert found["level"] in {1, 5}
    assert sum(one["days"] for one in found["weekdays"]) == 29
    assert (await ada.told("GET", f"/api/trips/{await ada.plan()}/analysis"))["items"] == []


async def test_everything_of_a_person_is_exported_and_goes_with_them(ada: Traveller, ben: Traveller) -> None:
    shared, own = await ada.plan(), await ada.plan(destination="SEA")
    await ada.watch(shared)
    await ada.watch(own)
    await ben.watch(await ben.plan())
    await ada.look(price=29_000)
    await ada.push(own, 31_000, reference="seen at the counter")
    locked = (await ada.told("GET", "/api/users/me/export"))["data"]["flights"]
    assert sorted(trip["destination"] for trip in locked) == ["LAX", "SEA"]
    assert {price["reference"] for trip in locked for price in trip["prices"]} >= {"seen at the counter"}
    settings = {"check_interval_minutes": 360, "alert_cooldown_hours": 6, "flexible_days": 0, "remind": False}
    assert all(settings.items() <= watch.items() for trip in locked for watch in trip["watches"])
    assert all("departs_at" in price for trip in locked for price in trip["prices"])
    assert [alert["rule"] for trip in locked for watch in trip["watches"] for alert in watch["alerts"]] == [
        "target"
    ] * 2

    assert (await ada.ask("DELETE", "/api/users/me", {"current_password": PASSWORD})).status_code < 300
    left = await ada.rows(
        "SELECT destination FROM flight_queries UNION SELECT split_part(key, ':', 3) FROM scrape_targets"
    )
    assert [row["destination"] for row in left] == ["LAX"]
    assert (await ben.told("GET", "/api/watches"))["items"][0]["price"] == 29_000


async def test_what_somebody_who_left_wanted_looked_at_is_left_alone(ada: Traveller, ben: Traveller) -> None:
    await ada.watch(await ada.plan(), check_interval_minutes=60)
    resting = await ben.watch(await ben.plan())
    await ben.told("PATCH", f"/api/watches/{resting}", {"is_active": False})
    await ada.look(price=40_000)
    assert (await ada.ask("DELETE", "/api/users/me", {"current_password": PASSWORD})).status_code < 300
    await ben.look(timedelta(hours=7))
    assert ben.searches() == 1


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    """Few of everything, so that a test reaches the end of it."""
    return environ | {
        "TRACKERS_FLIGHTS_TRIPS_PER_PERSON": "8",
        "TRACKERS_FLIGHTS_WATCHES_PER_PERSON": "4",
        "TRACKERS_FLIGHTS_PRICES_PER_TRIP": "70",
    }


async def test_there_is_a_number_of_everything_that_one_may_have(ada: Traveller) -> None:
    trips = [await ada.plan() for _ in range(8)]
    answer = await ada.ask("POST", "/api/trips", {"origin": "JFK", "destination": "LAX", "departs_on": ada.day()})
    assert (answer.status_code, answer.json()["code"]) == (400, "trip_limit_reached")
    for _ in range(4):
        await ada.watch(trips[0])
    answer = await ada.ask("POST", "/api/watches", {"trip_id": trips[0], "target_price": 1})
    assert (answer.status_code, answer.json()["code"]) == (400, "watch_limit_reached")
    for number in range(70):
        made = await ada.push(trips[0], 1000 + number)
    assert (await ada.push(trips[0], 1069))["id"] == made["id"]  # seen again, which is no other one
    answer = await ada.ask("POST", f"/api/trips/{trips[0]}/prices", {"price": 1})
    assert (answer.status_code, answer.json()["code"]) == (400, "price_limit_reached")
