"""The API is away for a while: nobody's tries are used up by that, and what fails by itself is still given up."""

from datetime import timedelta
from typing import Any

import pytest
from tests.integration.trackers.contracts.market import FORGE, MODULE, Market
from tests.upstreams.faults import FaultKind

ITEMS = "/contracts/public/items/"


async def look_days_later(market: Market) -> None:
    """The engine's own rest after a failing host is over, too."""
    market.clock.ahead += timedelta(days=1)
    await market.container.pacer().close(market.esi.url.partition("://")[2])
    await market.rows("UPDATE scrape_schedule SET due_at = '2000-01-01', priority = 2")
    await market.look()


@pytest.mark.parametrize(
    ("fault", "options"),
    [
        (FaultKind.STATUS, {"status": 502}),
        (FaultKind.STATUS, {"status": 503}),
        (FaultKind.STATUS, {"status": 504}),
        (FaultKind.RESET, {}),
    ],
)
@pytest.mark.slow
async def test_an_outage_uses_up_no_contracts_tries(market: Market, fault: FaultKind, options: dict[str, Any]) -> None:
    market.esi.configure(sizes={str(FORGE): 0}, error_limit=0)
    contract = market.esi.add_contract(items=[{"type_id": MODULE}])
    away = market.esi.fault(f"{ITEMS}{contract}*", fault, **options)
    for _ in range(6):
        await look_days_later(market)
    row = await market.contract(contract)
    assert (row["items_state"], row["items_tries"]) == ("pending", 0)
    assert row["items_due_at"] > market.clock.now(), "not at once, either"
    assert await market.rows("SELECT 1 FROM contract_rejects") == [], "nothing of this is the contract's fault"
    market.sites.clear_fault(away)
    await look_days_later(market)
    assert (await market.contract(contract))["items_state"] == "read"


async def test_what_the_api_cannot_answer_for_one_contract_is_given_up(market: Market) -> None:
    market.esi.configure(sizes={str(FORGE): 0}, error_limit=0)
    contract = market.esi.add_contract(items=[{"type_id": MODULE}])
    market.esi.fault(f"{ITEMS}{contract}*", FaultKind.STATUS, status=500)
    for _ in range(5):
        await look_days_later(market)
    assert (await market.contract(contract))["items_state"] == "failed"
    assert [row["part"] for row in await market.rows("SELECT part FROM contract_rejects")] == ["items"]
