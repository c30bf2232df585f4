"""features/contracts/watching.feature"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from pytest_bdd import given, parsers, scenarios, then, when
from tests.features.contracts.conftest import isk
from tests.features.contracts.market import Market

scenarios(str(Path(__file__).parents[3] / "features/contracts/watching.feature"))

WATCHES = "/api/contracts/watches"
PRICED: dict[str, Callable[[str], object]] = {"price": isk}


def wait_for(market: Market, who: str, name: str, price: float) -> httpx.Response:
    if who not in market.people.logins:
        assert market.people.register(who).status_code == httpx.codes.CREATED
    wanted: dict[str, Any] = {"type_id": market.type_of(name), "max_price": price}
    return market.people.ask(who, "POST", WATCHES, wanted)


@given(parsers.re(r'(?P<who>[A-Z]\w+) watches for "(?P<name>[^"]+)" up to (?P<price>[\d,]+) ISK'), converters=PRICED)
def waits_for(market: Market, who: str, name: str, price: float) -> None:
    answer = wait_for(market, who, name, price)
    assert answer.status_code == httpx.codes.CREATED, answer.text
    market.watches[who] = answer.json()["id"]


@when(parsers.re(r"(?P<who>[A-Z]\w+) watches for the same type again"))
def waits_again(market: Market, who: str) -> None:
    market.people.answers = [wait_for(market, who, "Ship 000", 5.0)]


@given(parsers.re(r"(?P<who>[A-Z]\w+) switches the watch off"))
def switches_off(market: Market, who: str) -> None:
    answer = market.people.ask(who, "PATCH", f"{WATCHES}/{market.watches[who]}", {"active": False})
    assert answer.status_code == httpx.codes.OK, answer.text


@when(parsers.re(r'a "(?P<name>[^"]+)" is offered that expired a minute ago'))
def ran_out(market: Market, name: str) -> None:
    market.offer(name, 1.0, date_expired=market.ago(1))


@when(parsers.re(r"(?P<who>[A-Z]\w+) requests that watch"))
def asks_for(market: Market, who: str) -> None:
    assert market.people.register(who).status_code == httpx.codes.CREATED
    (watch,) = market.watches.values()
    market.people.answers = [market.people.ask(who, "GET", f"{WATCHES}/{watch}")]


@then(parsers.re(r"(?P<who>[A-Z]\w+) was notified of (?P<count>\d+) contracts?"), converters={"count": int})
def was_told(market: Market, who: str, count: int) -> None:
    assert market.people.read(who, f"{WATCHES}/{market.watches[who]}")["alerts"] == count
