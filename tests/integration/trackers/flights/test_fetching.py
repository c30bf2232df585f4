"""From a watch to a price: fetched, kept once, shared by everybody who asks the same, told."""

from datetime import timedelta
from typing import Any

HOURS = timedelta(hours=1)
INSTEAD = {
    "consent": ("blocked", "consent"),
    "to_consent": ("blocked", "consent"),
    "block": ("blocked", "unusual traffic"),
    "to_sorry": ("blocked", "bot check"),
    "failed": ("unavailable", "could not load its results"),
    "other_currency": ("page_changed", "CHF"),
    "other_dates": ("page_changed", "other dates"),
}
Traveller = Any


async def test_a_watch_is_looked_at_and_knows_its_price(ada: Traveller) -> None:
    ada.site.set_price(28_840)
    ada.site.configure(history=60)
    trip = await ada.plan()
    watch = await ada.watch(trip, 20_000)
    made = await ada.told("GET", f"/api/watches/{watch}")
    assert (made["last_checked_at"], made["price"], made["status"]) == (None, None, "pending")
    await ada.look()

    seen = await ada.told("GET", f"/api/watches/{watch}")
    assert (seen["price"], seen["status"], seen["last_alerted_at"]) == (28_840, "completed", None)
    assert seen["last_checked_at"] is not None
    assert seen["url"].startswith("https://www.google.com/travel/flights/search?tfs=")
    prices = await ada.told("GET", f"/api/trips/{trip}/prices")
    assert prices["total"] == len(prices["items"]) == 61
    last = prices["items"][-1]
    expected = {
        "price": 28_840,
        "currency": "USD",
        "cheapest": True,
        "origin": "fetched",
        "airline": "QZ",
        "stops": 0,
    }
    assert expected.items() <= last.items()
    assert last["departs_at"].endswith("T06:00:00+01:00")
    assert last["arrives_at"].endswith("T10:00:00+03:00")
    assert [one["origin"] for one in prices["items"][:60]] == ["history"] * 60


async def test_what_did_not_change_is_seen_again_and_not_stored_again(ada: Traveller) -> None:
    trip = await ada.plan()
    await ada.watch(trip)
    await ada.look(price=40_000)
    await ada.look(7 * HOURS)
    await ada.look(7 * HOURS)
    assert ada.searches() == 3
    (only,) = (await ada.told("GET", f"/api/trips/{trip}/prices"))["items"]
    assert only["seen_at"] > only["captured_at"]
    await ada.look(7 * HOURS, price=41_000)
    assert [one["price"] for one in (await ada.told("GET", f"/api/trips/{trip}/prices"))["items"]] == [40_000, 41_000]


async def test_one_search_is_made_for_everybody_who_asks_the_same_as_often_as_the_most_eager_wants(
    ada: Traveller, ben: Traveller
) -> None:
    for traveller, minutes in ((ada, 720), (ben, 60), (ada, 360)):
        await traveller.watch(await traveller.plan(), check_interval_minutes=minutes)
    await ada.look()
    assert ada.searches() == 1
    (target,) = await ada.rows("SELECT interval_seconds FROM scrape_targets WHERE source = 'google_flights'")
    assert target["interval_seconds"] == 3600
    await ada.look(timedelta(minutes=70))
    assert ada.searches() == 2

    (eager,) = (await ben.told("GET", "/api/watches"))["items"]
    await ben.told("PATCH", f"/api/watches/{eager['id']}", {"is_active": False})
    (target,) = await ada.rows("SELECT interval_seconds FROM scrape_targets WHERE source = 'google_flights'")
    assert target["interval_seconds"] == 21_600


async def test_who_is_more_eager_does_not_wait_for_the_end_of_the_longer_interval(
    ada: Traveller, ben: Traveller
) -> None:
    await ada.watch(await ada.plan(), check_interval_minutes=1440)
    await ada.look()
    ada.clock.ahead += timedelta(minutes=10)
    await ben.watch(await ben.plan(), check_interval_minutes=30)
    await ada.look(timedelta(minutes=35))
    assert ada.searches() == 2


async def test_a_search_that_nobody_watches_rests_until_somebody_asks(ada: Traveller) -> None:
    trip = await ada.plan()
    watch = await ada.watch(trip)
    await ada.look()
    await ada.told("PATCH", f"/api/watches/{watch}", {"is_active": False})
    await ada.look(timedelta(days=3))
    assert ada.searches() == 1
    started = await ada.told("POST", f"/api/watches/{watch}/scrape")
    await ada.work()
    assert ada.searches() == 2
    assert (await ada.told("GET", f"/api/tasks/{started['task_id']}"))["status"] == "completed"


async def test_a_trip_is_scraped_without_a_watch_and_then_left_alone(ada: Traveller) -> None:
    trip = await ada.plan(returns_on=ada.day(67), adults=2, children=1)
    started = await ada.told("POST", f"/api/trips/{trip}/scrape", {"currency": "eur", "cabin_class": "business"})
    assert started["task_ids"] == [started["task_id"]]
    await ada.work()
    (price,) = (await ada.told("GET", f"/api/trips/{trip}/prices"))["items"]
    assert (price["currency"], price["cabin_class"], price["travellers"]) == ("EUR", "business", 3)
    await ada.look(timedelta(days=10))
    assert ada.searches() == 1


async def test_asking_twice_while_a_look_waits_gives_the_same_task(ada: Traveller) -> None:
    watch = await ada.watch(await ada.plan())
    first, second = [(await ada.told("POST", f"/api/watches/{watch}/scrape"))["task_id"] for _ in range(2)]
    assert first == second


async def test_nobody_puts_any_number_of_looks_ahead_of_everybody_elses(ada: Traveller, ben: Traveller) -> None:
    trip = await ada.plan()

    async def scrape(who: Traveller, where: str, currency: str, cabin: str) -> tuple[int, str]:
        answer = await who.ask("POST", f"/api/trips/{where}/scrape", {"currency": currency, "cabin_class": cabin})
        return answer.status_code, answer.json().get("code", "")

    currencies = ("USD", "EUR", "GBP", "CHF", "JPY")
    for cabin in ("economy", "premium_economy", "business", "first"):
        for currency in currencies:
            assert await scrape(ada, trip, currency, cabin) == (202, "")
    assert await scrape(ada, trip, "SEK", "economy") == (429, "too_many_fetches")
    assert await scrape(ada, trip, "EUR", "economy") == (202, "")  # which waits already
    assert await scrape(ben, await ben.plan(), "SEK", "economy") == (202, "")
    await ada.work()
    assert await scrape(ada, trip, "SEK", "business") == (202, "")


async def test_flexible_dates_are_searches_of_their_own_and_the_cheapest_counts(ada: Traveller) -> None:
    ada.site.set_price(50_000)
    ada.site.set_price(31_000, day=ada.day(61))
    trip = await ada.plan(returns_on=ada.day(70))
    watch = await ada.watch(trip, 32_000, flexible_days=2)
    await ada.look()
    assert ada.searches() == 5
    assert await ada.alerts(watch) == [("target", 31_000)]
    (alert,) = (await ada.told("GET", f"/api/watches/{watch}/alerts"))["items"]
    assert (alert["departs_on"], alert["returns_on"]) == (ada.day(61), ada.day(71))
    shown = [
        len((await ada.told("GET", f"/api/trips/{trip}/prices{query}"))["items"]) for query in ("", "?all_dates=true")
    ]
    assert shown == [1, 5]


async def test_the_price_of_a_day_that_is_over_is_not_what_a_watch_knows(ada: Traveller) -> None:
    ada.site.set_price(50_000)
    ada.site.set_price(31_000, day=ada.day(2))
    watch = await ada.watch(await ada.plan(departs_on=ada.day(4)), 1, flexible_days=2)
    await ada.look()
    assert (await ada.told("GET", f"/api/watches/{watch}"))["price"] == 31_000
    ada.clock.ahead += timedelta(days=3, hours=12)
    assert (await ada.told("GET", f"/api/watches/{watch}"))["price"] == 50_000
    assert (await ada.told("GET", "/api/watches"))["items"][0]["price"] == 50_000


async def test_what_comes_instead_of_flights_is_told_apart_and_changes_no_price(ada: Traveller) -> None:
    trip = await ada.plan()
    watch = await ada.watch(trip)
    await ada.look(price=40_000)
    for what, (reason, words) in INSTEAD.items():
        ada.site.show(what)
        await ada.api.container.redis().flushall()  # the host's breaker is another test's subject
        await ada.look(7 * HOURS)
        seen = await ada.told("GET", f"/api/watches/{watch}")
        assert (seen["status"], seen["reason"], seen["price"]) == ("failed", reason, 40_000), what
        assert words in seen["error"], what
    assert (await ada.told("GET", f"/api/trips/{trip}/prices"))["total"] == 1


async def test_a_block_opens_the_hosts_breaker(ada: Traveller) -> None:
    for place in ("LAX", "SEA", "BOS"):
        await ada.watch(await ada.plan(destination=place))
    ada.site.show("block", route="JFK-LAX")
    await ada.work()
    asked = ada.searches()
    await ada.look(7 * HOURS)
    assert ada.searches() == asked


async def test_a_rebuilt_page_is_never_no_flights(ada: Traveller) -> None:
    watch = await ada.watch(await ada.plan())
    ada.site.fault("*/search*", "changed")
    await ada.look()
    seen = await ada.told("GET", f"/api/watches/{watch}")
    assert (seen["status"], seen["reason"]) == ("failed", "page_changed")


async def test_no_flights_is_an_answer(ada: Traveller) -> None:
    watch = await ada.watch(await ada.plan())
    await ada.look(price=40_000)
    ada.site.show("none")
    await ada.look(7 * HOURS)
    seen = await ada.told("GET", f"/api/watches/{watch}")
    assert (seen["status"], seen["price"]) == ("completed", None)
    ada.site.show("flights")
    await ada.look(7 * HOURS)
    assert (await ada.told("GET", f"/api/watches/{watch}"))["price"] == 40_000


async def test_rows_without_a_price_are_kept_and_never_the_cheapest(ada: Traveller) -> None:
    ada.site.configure(rows=3, unpriced=2)
    trip = await ada.plan()
    await ada.watch(trip)
    await ada.look(price=40_000)
    offers = (await ada.told("GET", f"/api/trips/{trip}/prices?all_offers=true"))["items"]
    assert sorted((one["price"] or 0, one["cheapest"]) for one in offers) == [(0, False), (0, False), (40_000, True)]


async def test_yen_have_no_cents(ada: Traveller) -> None:
    watch = await ada.watch(await ada.plan(), 20_000, currency="JPY")
    await ada.look(price=15_000)
    assert (await ada.told("GET", f"/api/watches/{watch}"))["price"] == 15_000
    assert await ada.alerts(watch) == [("target", 15_000)]


async def test_what_departed_is_looked_at_no_more(ada: Traveller) -> None:
    trip = await ada.plan(departs_on=ada.day(2))
    watch = await ada.watch(trip)
    await ada.look(price=40_000)
    ada.clock.ahead += timedelta(days=4)
    await ada.depart()
    await ada.look(timedelta(days=1))
    assert ada.searches() == 1
    assert (await ada.told("GET", f"/api/watches/{watch}"))["is_active"] is False
    assert (await ada.told("GET", f"/api/trips/{trip}"))["departed"] is True
    (ended,) = await ada.events("price_watch.ended")
    assert ended["lowest_price"] == 40_000
    for path, body in ((f"/api/watches/{watch}/scrape", None), (f"/api/trips/{trip}/scrape", {})):
        answer = await ada.ask("POST", path, body)
        assert (answer.status_code, answer.json()["code"]) == (409, "trip_departed")
    again = await ada.ask("PATCH", f"/api/watches/{watch}", {"is_active": True})
    assert (again.status_code, again.json()["code"]) == (409, "trip_departed")


async def test_the_days_after_a_trip_that_departed_are_looked_at_no_more(ada: Traveller) -> None:
    await ada.watch(await ada.plan(departs_on=ada.day(2)), flexible_days=2)
    await ada.look(price=40_000)
    assert ada.searches() == 5
    ada.clock.ahead += timedelta(days=3, hours=12)  # past the day in any zone, and before the end of the last one
    await ada.depart()
    await ada.look(7 * HOURS)
    assert ada.searches() == 5


async def test_a_trip_that_goes_takes_its_searches_along_unless_somebody_else_makes_them(
    ada: Traveller, ben: Traveller
) -> None:
    hers, his = await ada.plan(), await ben.plan()
    await ada.watch(hers)
    await ada.watch(hers, currency="EUR")
    await ben.watch(his)
    await ada.look(price=40_000)
    await ada.told("DELETE", f"/api/trips/{hers}")
    assert (await ada.told("GET", "/api/watches"))["total"] == 0
    left = await ada.rows("SELECT currency FROM flight_queries")
    assert [row["currency"] for row in left] == ["USD"]
    before = ada.searches()
    await ada.look(7 * HOURS)
    assert ada.searches() == before + 1
