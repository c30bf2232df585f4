"""Steps that the features of contracts share: what the market holds, and that the worker looks."""

from collections.abc import Callable, Iterator

import pytest
from pytest_bdd import given, parsers, then, when
from tests.features.contracts.market import Market
from tests.features.service import Service
from tests.features.users.people import People


@pytest.fixture
def people(service: Service, admin_token: Callable[[], str]) -> Iterator[People]:
    made = People(service, admin_token)
    yield made
    made.end()


@pytest.fixture
def market(service: Service, people: People) -> Iterator[Market]:
    yield Market(service, people)
    if service.worker is not None:
        service.worker.rest()


def isk(entered: str) -> float:
    return float(entered.replace(",", ""))


@given(parsers.parse("a market of {size:d} contracts"))
def a_market(market: Market, size: int) -> None:
    market.open(size)


@given(parsers.re(r'a "(?P<name>[^"]+)" for (?P<price>[\d,]+) ISK'), converters={"price": isk})
@when(parsers.re(r'a "(?P<name>[^"]+)" is offered for (?P<price>[\d,]+) ISK'), converters={"price": isk})
def is_offered(market: Market, name: str, price: float) -> None:
    market.offer(name, price)


@given("the worker has run")
@when("the worker runs")
def has_looked(market: Market) -> None:
    market.look()


@when("the worker runs half an hour later")
def has_looked_later(market: Market) -> None:
    market.look(later=True)


@when(parsers.re(r"its price decreases to (?P<price>[\d,]+) ISK"), converters={"price": isk})
def falls(market: Market, price: float) -> None:
    market.esi.change_contract(market.latest, price=price)


@then(parsers.re(r"(?P<count>\d+) contracts? (?:is|are) on offer"), converters={"count": int})
def are_on_offer(market: Market, count: int) -> None:
    assert market.read("Ada", "/api/contracts")["total"] == count


@when("a player buys a contract")
def is_bought(market: Market) -> None:
    market.latest = market.esi.contract_ids()[0]
    market.esi.remove_contract(market.latest)


@then(parsers.re(r'it is refused with (?P<status>\d+) "(?P<code>\w+)"'), converters={"status": int})
def is_refused(people: People, status: int, code: str) -> None:
    people.refused(status, code)
