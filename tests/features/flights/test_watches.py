"""features/flights/watches.feature"""

from pathlib import Path

import httpx
from pytest_bdd import given, parsers, scenarios, then, when
from tests.features.flights.conftest import Travel
from tests.waiting import eventually_sync

LEASE = "3"
"""Seconds after which what a dead worker held is free."""

scenarios(str(Path(__file__).parents[3] / "features/flights/watches.feature"))


@then(
    parsers.parse(
        "the watch is active, of {provider:w}, in {currency:w}, {cabin:w}, every {minutes:d} minutes, "
        "with {hours:d} hours of cooldown"
    )
)
def has_defaults(travel: Travel, provider: str, currency: str, cabin: str, minutes: int, hours: int) -> None:
    expected = {
        "is_active": True,
        "provider": provider,
        "currency": currency,
        "cabin_class": cabin,
        "check_interval_minutes": minutes,
        "alert_cooldown_hours": hours,
    }
    assert expected.items() <= travel.watched().items()


@then("it has no fetch and no alert yet")
def never_checked(travel: Travel) -> None:
    assert (travel.answer.json()["last_checked_at"], travel.answer.json()["last_alerted_at"]) == (None, None)


@then(parsers.parse("the answer lists {first:w} and {second:w}"))
def names_providers(travel: Travel, first: str, second: str) -> None:
    assert travel.answer.json()["known"] == [first, second]


@then(parsers.parse("{who:w} has {active:d} active and {inactive:d} inactive watch"))
def are_listed_apart(travel: Travel, who: str, active: int, inactive: int) -> None:
    totals = [travel.people.read(who, f"/api/watches?is_active={word}")["total"] for word in ("true", "false")]
    assert totals == [active, inactive]


@then(parsers.parse("the watch has the price {price:d}"))
def knows_price(travel: Travel, price: int) -> None:
    watch = travel.watched()
    assert watch["price"] == price, watch
    assert watch["last_checked_at"] is not None


@then(parsers.parse("the fetch of the watch has failed: {reason:w}"))
def is_failed(travel: Travel, reason: str) -> None:
    watch = travel.watched()
    assert (watch["status"], watch["reason"]) == ("failed", reason)
    assert watch["error"]


@then("the fetch of the watch is completed without a price")
def knows_no_price(travel: Travel) -> None:
    watch = travel.watched()
    assert (watch["status"], watch["price"]) == ("completed", None)


@then(parsers.parse("its target is {target:d} and its interval {minutes:d} minutes"))
def is_a_watch_for(travel: Travel, target: int, minutes: int) -> None:
    watch = travel.answer.json()
    assert (watch["target_price"], watch["check_interval_minutes"]) == (target, minutes), travel.answer.text


@when(parsers.parse('{who:w} changes its "{name}" to {value:d}'))
def changes_one(travel: Travel, who: str, name: str, value: int) -> None:
    travel.told(who, "PATCH", f"/api/watches/{travel.watches[-1][1]}", {name: value})


@given(parsers.parse("{who:w} has planned a trip that the site fails to answer"))
def has_planned_unanswered(travel: Travel, who: str) -> None:
    back = {"origin": travel.destination, "destination": travel.origin}
    assert travel.plan(who, **back).status_code == httpx.codes.CREATED, travel.answer.text
    travel.shown.append(f"{travel.destination}-{travel.origin}")
    travel.people.service.simulated.flights.show("failed", route=travel.shown[-1])


@then(parsers.parse("the fetch of {who:w}'s watch has failed: {reason:w}"))
def watch_of_is_failed(travel: Travel, who: str, reason: str) -> None:
    (watch,) = [watch for whose, watch in travel.watches if whose == who]
    found = travel.people.read(who, f"/api/watches/{watch}")
    assert (found["status"], found["reason"]) == ("failed", reason)


# ---- a crash ----


@given("the site does not answer searches")
def keeps_waiting(travel: Travel) -> None:
    travel.people.service.simulated.flights.fault("/travel/flights/search*", "hang")


@given("a worker was killed during the fetch")
def worker_killed(travel: Travel) -> None:
    settings = {"TRACKERS_SCRAPE_LEASE": LEASE, "TRACKERS_FLIGHTS_TIMEOUT": "45"}
    worker = travel.people.service.own_worker.process(settings)
    eventually_sync(lambda: travel.asked() == 1, what="the search that never ends")
    worker.kill()
    worker.wait()
    assert travel.watched()["status"] == "in_progress"


@when("the site answers again")
def answers_again(travel: Travel) -> None:
    travel.people.service.simulated.clear_faults()


@when("another worker runs")
def another_worker(travel: Travel) -> None:
    travel.people.service.own_worker.process()


@then(parsers.parse("the watch finally has the price {price:d}"))
def knows_price_in_the_end(travel: Travel, price: int) -> None:
    eventually_sync(lambda: travel.watched()["price"] == price, what="the check is done again")


@then("the site got one request")
def asked_once(travel: Travel) -> None:
    assert travel.asked() == 1


@then("the site got two requests")
def asked_twice(travel: Travel) -> None:
    assert travel.asked() == 2


@then("the site got no request")
def not_asked(travel: Travel) -> None:
    assert travel.asked() == 0
