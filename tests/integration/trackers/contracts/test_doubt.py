"""A region that is gone at once, or most of it: believed when a second state of it says so, too."""

from datetime import timedelta

import httpx
from tests.integration.trackers.contracts.market import FORGE, Market


async def bought(market: Market, share: float) -> set[int]:
    """So many go at once."""
    contracts = market.esi.contract_ids()
    gone = contracts[: round(len(contracts) * share)]
    for contract in gone:
        market.esi.remove_contract(contract)
    return set(gone)


async def test_an_empty_region_is_not_believed_at_once_but_by_its_next_state(
    market: Market, bot: httpx.AsyncClient
) -> None:
    await market.look()
    everything = await market.ids()
    assert await bought(market, 1.0) == everything
    await market.look_later()
    assert await market.ids() == everything
    assert (await market.last_run())["outcome"] == "partial"
    (region,) = (await bot.get("/internal/contracts")).json()["coverage"]
    assert not region["complete"]
    assert region["why_incomplete"].startswith("120 of 120 contracts are missing at once, 0 are listed")
    market.esi.turn()
    await market.look_later()
    assert await market.ids("gone") == everything
    region = await market.region()
    assert (region["complete"], region["live"], region["doubted_at"]) == (True, 0, None)
    assert (await market.last_run())["summary"]["contracts_gone"] == 120


async def test_the_same_state_again_confirms_nothing_until_hours_have_passed(market: Market) -> None:
    await market.look()
    await bought(market, 1.0)
    for _ in range(3):
        await market.look_later()
        assert await market.ids("gone") == set(), "a cache may send one bad state again and again"
    market.clock.ahead += timedelta(hours=2)
    await market.look()
    assert len(await market.ids("gone")) == 120


async def test_a_region_that_is_back_was_never_gone(market: Market) -> None:
    await market.look()
    before = await market.rows("SELECT contract_id, xmin::text FROM contracts ORDER BY contract_id")
    market.esi.configure(emptied=True)
    market.esi.turn()
    await market.look_later(TRACKERS_CONTRACTS_BIDS_LIMIT=0)
    assert (await market.region())["doubted_at"] is not None
    market.esi.configure(emptied=False)
    market.esi.turn()
    await market.look_later(TRACKERS_CONTRACTS_BIDS_LIMIT=0)
    assert await market.rows("SELECT contract_id, xmin::text FROM contracts ORDER BY contract_id") == before
    assert await market.value("SELECT count(*) FROM contract_history") == 0
    region = await market.region()
    assert (region["complete"], region["doubted_at"]) == (True, None)


async def test_a_sudden_loss_of_most_is_confirmed_and_a_common_one_is_not_doubted(market: Market) -> None:
    await market.look()
    few = await bought(market, 0.4)
    await market.look_later()
    assert await market.ids("gone") == few
    most = await bought(market, 0.6)
    await market.look_later()
    assert await market.ids("gone") == few
    assert (await market.region())["why_incomplete"].startswith("43 of ")
    also = await bought(market, 0.1)
    await market.look_later()
    assert await market.ids("gone") == few | most | also


async def test_what_ran_out_is_no_reason_to_doubt(market: Market) -> None:
    market.esi.configure(sizes={str(FORGE): 0})
    contracts = [market.esi.add_contract(date_expired="2003-06-01T00:00:00Z") for _ in range(3)]
    await market.look()
    for contract in contracts:
        market.esi.remove_contract(contract)
    await market.look_later()
    assert await market.ids("expired") == set(contracts)
    assert (await market.region())["complete"]
