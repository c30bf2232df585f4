"""features/flights/trips.feature"""

from pathlib import Path

from pytest_bdd import given, parsers, scenarios, then, when
from tests.features.flights.conftest import Travel

scenarios(str(Path(__file__).parents[3] / "features/flights/trips.feature"))


@when(parsers.parse("{who:w} changes the trip to {adults:d} adults and {children:d} child"))
def changes_travellers(travel: Travel, who: str, adults: int, children: int) -> None:
    travel.told(who, "PATCH", f"/api/trips/{travel.trip}", {"adults": adults, "children": children})


@given(parsers.parse("{who:w} has pushed the prices {first:d}, {second:d} and {third:d}"))
def has_pushed(travel: Travel, who: str, first: int, second: int, third: int) -> None:
    for price in (first, second, third):
        pushes(travel, who, price)


@when(parsers.parse("{who:w} pushes the price {price:d}"))
def pushes(travel: Travel, who: str, price: int) -> None:
    travel.told(who, "POST", f"/api/trips/{travel.trip}/prices", {"price": price})


@then("the trip belongs to Ada and has not departed")
def is_hers(travel: Travel) -> None:
    trip = travel.answer.json()
    assert (trip["user_id"], trip["departed"]) == (travel.people.logins["Ada"].user_id, False)
    assert (trip["origin"], trip["departs_on"]) == (travel.origin, travel.day)


@then(parsers.parse("the trip is for {count:d} travellers"))
def is_for(travel: Travel, count: int) -> None:
    trip = travel.people.read("Ada", f"/api/trips/{travel.trip}")
    assert trip["adults"] + trip["children"] == count


@then(parsers.parse("{who:w} has no trips"))
def has_no_trips(travel: Travel, who: str) -> None:
    assert travel.people.read(who, "/api/trips")["total"] == 0


@then(parsers.re(r"the prices of the trip are (?P<prices>[\d, ]+)"))
def has_cost(travel: Travel, prices: str) -> None:
    items = travel.people.read("Ada", f"/api/trips/{travel.trip}/prices")["items"]
    assert [one["price"] for one in items] == [int(price) for price in prices.split(", ")]


@then("all its prices were entered by hand")
def were_typed(travel: Travel) -> None:
    items = travel.people.read("Ada", f"/api/trips/{travel.trip}/prices")["items"]
    assert {(one["origin"], one["provider"]) for one in items} == {("manual", "manual")}


@then(parsers.parse("the lowest daily price is {price:d}"))
def lowest_is(travel: Travel, price: int) -> None:
    (found,) = travel.people.read("Ada", f"/api/trips/{travel.trip}/analysis")["items"]
    assert (found["min"], found["days"]) == (price, 1)
