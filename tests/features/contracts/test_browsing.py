"""features/contracts/browsing.feature"""

import json
from pathlib import Path
from typing import Any, Final

import pytest
from pytest_bdd import given, parsers, scenarios, then, when
from tests.features.contracts.conftest import isk
from tests.features.contracts.market import Market
from tests.upstreams.contracts_universe import FIRST_MODULE, FIRST_SHIP

scenarios(str(Path(__file__).parents[3] / "features/contracts/browsing.feature"))

SHIP: Final = FIRST_SHIP + 3
HOLDINGS: Final[dict[str, list[dict[str, Any]]]] = {
    'a "Ship 003" and a module': [{"type_id": SHIP}, {"type_id": FIRST_MODULE}],
    'a "Ship 003"': [{"type_id": SHIP}],
    '4 of "Ship 003"': [{"type_id": SHIP, "quantity": 4}],
    'a copy of "Ship 003"': [
        {"type_id": SHIP, "is_blueprint_copy": True, "runs": 5, "material_efficiency": 10, "time_efficiency": 20}
    ],
    "a module": [{"type_id": FIRST_MODULE}],
}
"""What contracts hold, in the words of the feature."""


@pytest.fixture
def found() -> list[dict[str, Any]]:
    """What the latest search brought."""
    return []


@given(parsers.parse('a contract that wants a "{name}" in exchange'))
def is_wanted(market: Market, name: str) -> None:
    market.offer(name, 0.0, included=False, reward=5e6)


@when(parsers.re(r'(?P<who>[A-Z]\w+) searches for "(?P<name>[^"]+)", cheapest first'))
def looks_for(market: Market, found: list[dict[str, Any]], who: str, name: str) -> None:
    found += market.read(who, f"/api/contracts?ship_type_id={market.type_of(name)}&sort=price")["items"]


@given(parsers.re(rf"a contract with (?P<what>{'|'.join(HOLDINGS)})$"))
def contract_with(market: Market, what: str) -> None:
    market.latest = market.esi.add_contract(items=HOLDINGS[what], price=1e6, title="")


@then(parsers.re(r"the ship that she finds has (?P<details>\{.+\})"))
def ship_has(market: Market, found: list[dict[str, Any]], details: str) -> None:
    (contract,) = found
    assert (contract["ship"]["type_id"], contract["ship"]["name"]) == (market.type_of("Ship 003"), "Ship 003")
    assert json.loads(details).items() <= contract["ship"].items()


@then("1 contract is on offer, and none sells a ship")
def none_sells_a_ship(market: Market) -> None:
    assert market.read("Ada", "/api/contracts")["total"] == 1
    assert market.read("Ada", "/api/contracts?is_ship=true")["total"] == 0


@when("a visitor without a login searches for contracts")
def looks_without_login(market: Market) -> None:
    market.people.answers = [market.people.send("GET", "/api/contracts")]


@then(
    parsers.re(r"the first contracts that she finds cost (?P<first>[\d,]+) and (?P<second>[\d,]+) ISK"),
    converters={"first": isk, "second": isk},
)
def finds(found: list[dict[str, Any]], first: float, second: float) -> None:
    assert [contract["price"] for contract in found[:2]] == [first, second]
    assert {contract["ship"]["name"] for contract in found} == {"Ship 000"}


@then("she finds nothing")
def finds_nothing(found: list[dict[str, Any]]) -> None:
    assert found == []


@when(
    parsers.re(r"players buy the contracts for (?P<first>[\d,]+) and (?P<second>[\d,]+) ISK"),
    converters={"first": isk, "second": isk},
)
def are_bought(market: Market, first: float, second: float) -> None:
    for contract in market.read("Ada", "/api/contracts")["items"]:
        if contract["price"] in {first, second}:
            market.esi.remove_contract(contract["contract_id"])


@then(
    parsers.re(
        r'the median price of a "(?P<name>[^"]+)" is (?P<offered>[\d,]+) ISK on offer and (?P<sold>[\d,]+) ISK sold'
    ),
    converters={"offered": isk, "sold": isk},
)
def costs(market: Market, name: str, offered: float, sold: float) -> None:
    prices = market.read("Ada", f"/api/contracts/ships/{market.type_of(name)}/prices")
    assert (prices["offers_median"], prices["sold_median"], prices["sold"]) == (offered, sold, 2)


@then("the bot finds the same contracts as Ada")
def finds_the_same(market: Market) -> None:
    page = market.as_bot("/internal/contracts?per_page=100")
    assert len(page["items"]) == 60
    assert page == market.read("Ada", "/api/contracts?per_page=100")
