"""Regions that the operator dropped: nobody looks at them, so nothing of them is said to be on offer."""

from typing import Any

import httpx
import pytest
from tests.integration.trackers.contracts.market import DOMAIN, FORGE, MODULE, SHIP, Market

from app.worker import WorkerProcess

PATH = "/internal/contracts"


async def follow(market: Market, *regions: int) -> None:
    """What an operator does by the setting and a restart."""
    market.environ["TRACKERS_CONTRACTS_REGION_IDS"] = ",".join(str(region) for region in regions)
    worker = market.worker()
    async with worker.database().unit_of_work():
        assert await worker.contracts.regions().follow_configured()
        assert not await worker.contracts.regions().follow_configured()
    assert await WorkerProcess(worker).burst() == 0


async def read(bot: httpx.AsyncClient, query: str = "") -> Any:
    answer = await bot.get(f"{PATH}{query}")
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
async def dropped(market: Market) -> int:
    """A ship in a region that is looked at no longer; another region is."""
    market.esi.configure(sizes={str(FORGE): 0, str(DOMAIN): 30})
    contract = market.esi.add_contract(items=[{"type_id": SHIP}], price=1e6)
    await market.look()
    await follow(market, DOMAIN)
    return contract


async def test_what_is_on_offer_there_is_not_said_to_be_live(
    market: Market, bot: httpx.AsyncClient, dropped: int
) -> None:
    page = await read(bot, "?per_page=100")
    assert dropped not in {item["contract_id"] for item in page["items"]}
    assert page["total"] == len(page["items"]) == 30
    assert (await read(bot, f"?region_id={FORGE}"))["items"] == []
    assert SHIP not in {entry["type_id"] for entry in (await read(bot, f"/ships?region_id={FORGE}"))["items"]}
    assert (await read(bot, f"/ships/{SHIP}/prices?region_id={FORGE}"))["offers"] == 0
    (known,) = (await read(bot, "/types?name=Ship+000"))["items"]
    elsewhere = await read(bot, f"?type_id={SHIP}")
    assert known["live"] == elsewhere["total"]


async def test_lists_say_which_regions_are_looked_at_no_longer(
    market: Market, bot: httpx.AsyncClient, dropped: int
) -> None:
    coverage = {region["region_id"]: region for region in (await read(bot))["coverage"]}
    assert {region: shown["followed"] for region, shown in coverage.items()} == {FORGE: False, DOMAIN: True}
    left = coverage[FORGE]
    assert (left["live"], left["complete"], left["next_sweep_at"]) == (0, False, None)
    assert "dropped" in left["why_incomplete"]
    assert left["swept_at"], "how old it is, what is known of it"
    unfollowed = await read(bot, "?status=unfollowed")
    assert [(item["contract_id"], item["status"]) for item in unfollowed["items"]] == [(dropped, "unfollowed")]
    assert (unfollowed["total"], unfollowed["by_type"]) == (1, {"item_exchange": 1})
    detail = await read(bot, f"/{dropped}")
    assert detail["contract"]["status"] == "unfollowed"
    assert [region["followed"] for region in detail["coverage"]] == [False]


async def test_a_region_that_is_looked_at_again_is_live_again(
    market: Market, bot: httpx.AsyncClient, dropped: int
) -> None:
    market.esi.add_contract(items=[{"type_id": MODULE}])
    market.clock.ahead += (await market.region(DOMAIN))["next_sweep_at"] - market.clock.now()
    await follow(market, FORGE, DOMAIN)
    assert (await read(bot, "?status=unfollowed"))["items"] == []
    found = {item["contract_id"] for item in (await read(bot, f"?region_id={FORGE}"))["items"]}
    assert dropped in found
    assert len(found) == 2
    assert [entry["what"] for entry in (await read(bot, f"/{dropped}"))["history"]] == ["first_seen"]


async def test_what_ran_out_there_is_expired_and_not_unknown(
    market: Market, bot: httpx.AsyncClient, dropped: int
) -> None:
    market.clock.ahead += (await market.contract(dropped))["date_expired"] - market.clock.now()
    assert (await read(bot, "?status=unfollowed"))["items"] == []
    expired = (await read(bot, f"?status=expired&region_id={FORGE}"))["items"]
    assert [(item["contract_id"], item["status"]) for item in expired] == [(dropped, "expired")]
