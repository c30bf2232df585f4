"""Items, ships, types and bids: what is read once, what again, and what is left for later."""

from datetime import timedelta

import httpx
from tests.integration.trackers.contracts.market import BLUEPRINT, DOMAIN, FORGE, MODULE, SHIP, Market

from app.worker import WorkerProcess


async def test_items_are_read_once_with_all_their_pages(market: Market) -> None:
    market.esi.configure(sizes={str(FORGE): 0}, items_page_size=20)
    contract = market.esi.add_contract(items=[{"type_id": MODULE + number} for number in range(45)])
    await market.look()
    assert await market.value("SELECT count(*) FROM contract_items WHERE contract_id = :id", id=contract) == 45
    assert len(market.asked(f"/contracts/public/items/{contract}")) == 3
    market.sites.clear_requests()
    await market.look_later()
    assert market.asked("/contracts/public/items/") == []


async def test_a_ship_is_found_and_what_it_comes_with(market: Market) -> None:
    market.esi.configure(sizes={str(FORGE): 0})
    sold = market.esi.add_contract(items=[{"type_id": MODULE}, {"type_id": SHIP, "quantity": 3}], price=9e6)
    wanted = market.esi.add_contract(items=[{"type_id": SHIP, "is_included": False}], price=0.0, reward=5e6)
    courier = market.esi.add_contract(type="courier", reward=1e6)
    await market.look()
    row = await market.contract(sold)
    assert (row["is_ship"], row["ship_type_id"], row["ship_quantity"]) == (True, SHIP, 3)
    assert row["contains_additional_items"]
    assert not (await market.contract(wanted))["is_ship"]
    assert (await market.contract(courier))["items_state"] == "none"
    assert market.asked(f"/contracts/public/items/{courier}") == []


async def test_the_operators_groups_of_ships_hold(market: Market) -> None:
    market.esi.configure(sizes={str(FORGE): 0})
    contract = market.esi.add_contract(items=[{"type_id": MODULE}])
    await market.look(TRACKERS_CONTRACTS_SHIP_GROUP_IDS=9101)
    assert (await market.contract(contract))["ship_type_id"] == MODULE
    assert market.asked("/universe/categories/6") == []


async def test_what_ended_meanwhile_has_no_items_and_is_left_to_the_sweep(market: Market) -> None:
    market.esi.configure(sizes={str(FORGE): 0})
    statuses = (204, 403, 404)
    contracts = [market.esi.add_contract(items=[{"type_id": MODULE}]) for _ in statuses]
    for contract, status in zip(contracts, statuses, strict=True):
        market.esi.answer_with(f"items:{contract}", status)
    await market.look()
    for contract in contracts:
        row = await market.contract(contract)
        assert (row["items_state"], row["status"]) == ("gone", "live")
    assert (await market.last_run())["summary"]["items_gone"] == 3


async def test_the_newest_and_most_valuable_come_first_and_the_rest_the_next_time(market: Market) -> None:
    market.esi.configure(sizes={str(FORGE): 0})
    today, yesterday = market.clock.now(), market.clock.now() - timedelta(days=1)
    old = market.esi.add_contract(price=9e9, date_issued=f"{yesterday:%Y-%m-%dT00:00:01Z}")
    cheap = market.esi.add_contract(price=1.0, date_issued=f"{today:%Y-%m-%dT00:00:00Z}")
    dear = market.esi.add_contract(price=2e9, date_issued=f"{today:%Y-%m-%dT00:00:00Z}")
    read = []
    await market.look(TRACKERS_CONTRACTS_ITEMS_LIMIT=1)
    for _ in range(3):
        rows = await market.rows("SELECT contract_id FROM contracts WHERE items_state = 'read'")
        read += [row["contract_id"] for row in rows if row["contract_id"] not in read]
        market.clock.ahead += timedelta(seconds=5)
        await market.look(TRACKERS_CONTRACTS_ITEMS_LIMIT=1)
    assert read == [dear, cheap, old]
    assert len(market.asked("/contracts/public/10000002")) == 1, "the region itself is fresh"


async def test_items_that_cannot_be_read_are_tried_later_and_given_up_at_last(market: Market) -> None:
    market.esi.configure(sizes={str(FORGE): 0}, error_limit=0)
    contract = market.esi.add_contract(items=[{"type_id": MODULE}])
    other = market.esi.add_contract(items=[{"type_id": MODULE}])
    market.esi.fault(f"/contracts/public/items/{contract}*", "changed")
    await market.look()
    assert (await market.contract(other))["items_state"] == "read"
    assert (await market.contract(contract))["items_state"] == "pending"
    for _ in range(4):
        market.clock.ahead += timedelta(days=1)
        await market.look()
    assert (await market.contract(contract))["items_state"] == "failed"
    (rejected,) = await market.rows("SELECT contract_id, part, times FROM contract_rejects")
    assert (rejected["contract_id"], rejected["part"], rejected["times"]) == (contract, "items", 5)


async def test_types_are_asked_for_once_and_again_after_thirty_days_a_few_a_run(market: Market) -> None:
    market.esi.configure(sizes={str(FORGE): 0})
    market.esi.add_contract(items=[{"type_id": MODULE + number} for number in range(5)])
    await market.look()
    assert len(market.asked("/universe/types/")) == 5
    market.sites.clear_requests()
    market.esi.add_contract(items=[{"type_id": MODULE}])
    await market.look_later()
    assert market.asked("/universe/types/") == []
    market.clock.ahead += timedelta(days=31)
    await market.look(TRACKERS_CONTRACTS_TYPES_LIMIT=2)
    assert len(market.asked("/universe/types/")) == 2
    assert (await market.last_run())["summary"]["types_refreshed"] == 2


async def test_a_type_that_cannot_be_refreshed_is_not_chosen_again_at_once(market: Market) -> None:
    market.esi.configure(sizes={str(FORGE): 0}, error_limit=0)
    market.esi.add_contract(items=[{"type_id": SHIP}])
    await market.look()
    market.esi.answer_with(f"types:{SHIP}", 500)
    market.clock.ahead += timedelta(days=31)
    await market.look()
    (known,) = await market.rows("SELECT name, group_id, failures, last_refreshed_at FROM esi_types")
    assert (known["name"], known["failures"]) == ("Ship 000", 1)
    assert known["group_id"] is not None
    assert (await market.last_run())["summary"]["types_failed"] == 1
    market.sites.clear_requests()
    await market.look_later()
    assert market.asked("/universe/types/") == []


async def test_a_ship_of_a_type_that_did_not_answer_is_found_later(market: Market) -> None:
    market.esi.configure(sizes={str(FORGE): 0}, error_limit=0)
    contract = market.esi.add_contract(items=[{"type_id": SHIP}])
    market.esi.answer_with(f"types:{SHIP}", 500)
    await market.look()
    row = await market.contract(contract)
    assert (row["items_state"], row["evaluated"], row["is_ship"]) == ("read", False, False)
    market.esi.answer_with(f"types:{SHIP}")
    market.clock.ahead += timedelta(hours=2)
    await market.look()
    row = await market.contract(contract)
    assert (row["evaluated"], row["is_ship"], row["ship_type_id"]) == (True, True, SHIP)


async def test_a_type_that_the_api_does_not_know_is_no_ship(market: Market) -> None:
    market.esi.configure(sizes={str(FORGE): 0})
    contract = market.esi.add_contract(items=[{"type_id": 99_999}])
    await market.look()
    assert (await market.contract(contract))["evaluated"]
    market.sites.clear_requests()
    await market.look_later()
    assert market.asked("/universe/types/") == []


async def test_bids_are_looked_at_on_their_own_schedule(market: Market, bot: httpx.AsyncClient) -> None:
    market.esi.configure(sizes={str(FORGE): 0})
    auction = market.esi.add_contract(type="auction", items=[{"type_id": SHIP}], price=1e6)
    await market.look()
    market.esi.add_bid(auction, 2e6)
    market.esi.add_bid(auction, 3e6)
    market.sites.clear_requests()
    await market.look()
    assert market.asked("/contracts/public/bids/") == []
    await market.look_later()
    row = await market.contract(auction)
    assert (row["bids"], row["highest_bid"], row["is_ship"]) == (2, 3e6, True)
    detail = (await bot.get(f"/internal/contracts/{auction}")).json()
    assert [bid["amount"] for bid in detail["bids"]] == [3e6, 2e6]


async def test_rows_sent_twice_and_blueprints_are_stored_as_they_are(market: Market, bot: httpx.AsyncClient) -> None:
    market.esi.configure(sizes={str(FORGE): 0}, duplicates=True)
    copy = {
        "type_id": BLUEPRINT,
        "is_blueprint_copy": True,
        "runs": 7,
        "material_efficiency": 10,
        "time_efficiency": 20,
    }
    contract = market.esi.add_contract(items=[copy])
    await market.look()
    detail = (await bot.get(f"/internal/contracts/{contract}")).json()
    (item,) = detail["items"]
    assert (item["runs"], item["material_efficiency"], item["time_efficiency"]) == (7, 10, 20)
    assert item["name"] == "Blueprint 000"


async def test_bids_that_came_before_the_api_refused_are_kept(market: Market) -> None:
    market.esi.configure(sizes={str(FORGE): 0})
    auctions = [market.esi.add_contract(type="auction", items=[{"type_id": MODULE}]) for _ in range(8)]
    await market.look()
    for auction in auctions:
        market.esi.add_bid(auction, 1e6)
    market.esi.fault(f"/contracts/public/bids/{auctions[-1]}*", "latency", ms=300)
    market.esi.fault(f"/contracts/public/bids/{auctions[-1]}*", "blocked")
    await market.look_later()
    assert (await market.last_run())["outcome"] == "partial"
    assert await market.value("SELECT count(*) FROM contracts WHERE bids = 1") == 7


async def test_where_no_bids_are_read_a_region_is_not_due_for_them(market: Market) -> None:
    market.esi.configure(sizes={str(FORGE): 0})
    market.esi.add_contract(type="auction", items=[{"type_id": MODULE}])
    await market.look(TRACKERS_CONTRACTS_BIDS_LIMIT=0)
    due = await market.value("SELECT due_at FROM scrape_schedule s JOIN scrape_targets t ON t.id = s.target_id")
    assert due - market.clock.now() > timedelta(minutes=20)


async def test_types_that_never_answer_do_not_keep_others_from_being_refreshed(market: Market) -> None:
    market.esi.configure(sizes={str(FORGE): 0}, error_limit=0)
    market.esi.add_contract(items=[{"type_id": MODULE + number} for number in range(12)])
    await market.look()
    for number in range(6):
        market.esi.answer_with(f"types:{MODULE + number}", 500)
    await market.rows(
        "UPDATE esi_types SET last_refreshed_at = last_refreshed_at - interval '1 day' WHERE type_id < :id",
        id=MODULE + 6,
    )
    market.clock.ahead += timedelta(days=31)
    for _ in range(4):
        await market.look_later(TRACKERS_CONTRACTS_TYPES_LIMIT=6)
    assert await market.value("SELECT count(*) FROM esi_types WHERE failures = 1") == 6
    fresh = "SELECT count(*) FROM esi_types WHERE failures = 0 AND last_refreshed_at > :since"
    assert await market.value(fresh, since=market.clock.now() - timedelta(days=1)) == 6


async def test_groups_and_categories_that_did_not_answer_are_asked_for_by_a_later_run(market: Market) -> None:
    market.esi.configure(sizes={str(FORGE): 0}, error_limit=0)
    market.esi.add_contract(items=[{"type_id": MODULE}, {"type_id": BLUEPRINT}])
    market.esi.answer_with("groups:9101", 500)
    market.esi.answer_with("categories:9", 500)
    await market.look()
    assert await market.value("SELECT count(*) FROM esi_groups") == 1
    market.esi.answer_with("groups:9101")
    market.esi.answer_with("categories:9")
    await market.look_later()
    assert await market.value("SELECT count(*) FROM esi_groups g JOIN esi_categories k USING (category_id)") == 2
    market.sites.clear_requests()
    await market.look_later()
    assert market.asked("/universe/") == []


async def test_a_type_in_two_regions_is_asked_for_once(market: Market) -> None:
    market.esi.configure(sizes={str(FORGE): 0, str(DOMAIN): 0})
    market.environ["TRACKERS_CONTRACTS_REGION_IDS"] = f"{FORGE},{DOMAIN}"
    for region in (FORGE, DOMAIN):
        market.esi.add_contract(region, items=[{"type_id": MODULE + number} for number in range(5)])
    market.esi.fault("/universe/*", "latency", ms=100)
    worker = market.worker()
    async with worker.database().unit_of_work():
        await worker.contracts.regions().follow_configured()
    assert await WorkerProcess(worker).burst() == 0
    assert len(market.asked("/universe/types/")) == 5
    assert len(market.asked("/universe/categories/6")) == 1


async def test_bids_are_read_with_all_their_pages(market: Market) -> None:
    market.esi.configure(sizes={str(FORGE): 0}, items_page_size=20)
    auction = market.esi.add_contract(type="auction", items=[{"type_id": MODULE}])
    for number in range(45):
        market.esi.add_bid(auction, 1e6 + number)
    await market.look()
    row = await market.contract(auction)
    assert (row["bids"], row["highest_bid"]) == (45, 1e6 + 44)
