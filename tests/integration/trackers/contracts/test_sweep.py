"""What a sweep writes, what it leaves alone, and when it may say that a contract is gone."""

import json
from datetime import timedelta

import httpx
import pytest
from tests.integration.trackers.contracts.market import FORGE, Market

from app.worker import WorkerProcess


async def test_every_contract_of_every_page_is_stored(market: Market) -> None:
    assert await market.look() == 0
    assert await market.ids() == set(market.esi.contract_ids())
    region = await market.region()
    assert region["complete"]
    assert region["pages"] == 3
    run = await market.last_run()
    assert run["outcome"] == "completed"
    assert run["summary"]["pages"] == 3
    assert run["summary"]["contracts_new"] == 120
    assert run["summary"]["by_status"]["200"] >= 3


async def test_nothing_is_asked_for_before_the_api_has_something_newer(market: Market) -> None:
    await market.look()
    market.sites.clear_requests()
    await market.look()
    assert market.asked("/contracts/public/1") == []


async def test_pages_that_did_not_change_cost_one_stamp_and_no_row(market: Market) -> None:
    await market.look()
    before = await market.rows("SELECT contract_id, xmin::text FROM contracts ORDER BY contract_id")
    await market.look_later(TRACKERS_CONTRACTS_BIDS_LIMIT=0)
    run = await market.last_run()
    assert run["summary"]["pages_unchanged"] == 3
    assert run["summary"]["listings"] == 0
    assert await market.rows("SELECT contract_id, xmin::text FROM contracts ORDER BY contract_id") == before
    assert (await market.region())["complete"]


async def test_a_contract_on_an_unchanged_page_is_not_taken_for_gone(market: Market) -> None:
    await market.look()
    last_of_all = market.esi.contract_ids()[-1]
    market.esi.remove_contract(last_of_all)
    await market.look_later()
    run = await market.last_run()
    assert run["summary"]["pages_unchanged"] == 2
    assert await market.ids("gone") == {last_of_all}
    assert len(await market.ids()) == 119


async def test_unchanged_rows_of_a_changed_page_are_not_rewritten(market: Market) -> None:
    await market.look()
    before = {row["contract_id"]: row["xmin"] for row in await market.rows("SELECT contract_id, xmin FROM contracts")}
    new = market.esi.add_contract(items=[{"type_id": 62_001}])
    await market.look_later(TRACKERS_CONTRACTS_BIDS_LIMIT=0)
    after = {row["contract_id"]: row["xmin"] for row in await market.rows("SELECT contract_id, xmin FROM contracts")}
    assert {one for one in after if after[one] != before.get(one)} == {new}


async def test_what_is_missing_before_its_time_is_gone_and_after_it_expired(
    market: Market, bot: httpx.AsyncClient
) -> None:
    early = market.esi.add_contract()
    late = market.esi.add_contract(date_expired="2003-06-01T00:00:00Z", date_issued="2003-05-20T00:00:00Z")
    await market.look()
    market.esi.remove_contract(early)
    market.esi.remove_contract(late)
    await market.look_later()
    assert (await market.contract(early))["status"] == "gone"
    assert (await market.contract(late))["status"] == "expired"
    detail = (await bot.get(f"/internal/contracts/{early}")).json()
    assert [entry["what"] for entry in detail["history"]] == ["first_seen", "gone"]


async def test_a_contract_that_comes_back_is_live_again(market: Market, bot: httpx.AsyncClient) -> None:
    contract = market.esi.add_contract(price=5_000.0)
    await market.look()
    row = await market.contract(contract)
    market.esi.remove_contract(contract)
    await market.look_later()
    assert (await market.contract(contract))["status"] == "gone"
    raw = {
        "contract_id": contract,
        "type": "item_exchange",
        "date_issued": row["date_issued"].isoformat(),
        "date_expired": row["date_expired"].isoformat(),
        "issuer_id": 1,
        "issuer_corporation_id": 2,
        "price": 4_000.0,
    }
    market.esi.spoil(contract, json.dumps(raw))
    await market.look_later()
    again = await market.contract(contract)
    assert (again["status"], again["ended_at"], again["price"]) == ("live", None, 4_000.0)
    history = (await bot.get(f"/internal/contracts/{contract}")).json()["history"]
    assert [entry["what"] for entry in history] == ["first_seen", "gone", "returned"]


async def test_a_change_is_kept_with_what_was_before_and_leaves_the_items_alone(
    market: Market, bot: httpx.AsyncClient
) -> None:
    contract = market.esi.add_contract(items=[{"type_id": 61_000}], price=7e6, title="mine")
    await market.look()
    market.esi.change_contract(contract, price=6e6)
    await market.look_later()
    row = await market.contract(contract)
    assert (row["price"], row["items_state"], row["is_ship"], row["ship_type_id"]) == (6e6, "read", True, 61_000)
    history = (await bot.get(f"/internal/contracts/{contract}")).json()["history"]
    assert [(entry["what"], entry["details"]) for entry in history[1:]] == [("changed", {"price": [7e6, 6e6]})]


async def test_a_generation_that_turns_over_in_the_middle_is_swept_anew_once(market: Market) -> None:
    market.esi.configure(turn_after=2)
    await market.look()
    assert (await market.region())["complete"]
    assert await market.ids() == set(market.esi.contract_ids())


async def test_a_sweep_that_is_torn_twice_says_nothing_of_what_is_missing(market: Market) -> None:
    await market.look()
    gone = market.esi.contract_ids()[0]
    market.esi.remove_contract(gone)
    market.esi.configure(turn_after=2, turning=True)
    await market.look_later()
    region = await market.region()
    assert not region["complete"]
    assert region["next_sweep_at"] > market.clock.now()
    assert await market.ids("gone") == set()
    market.esi.configure(turn_after=None)
    await market.look_later()
    assert gone in await market.ids("gone")
    assert await market.ids() == set(market.esi.contract_ids())


async def test_a_page_that_is_not_there_any_more_makes_a_sweep_incomplete(
    market: Market, bot: httpx.AsyncClient
) -> None:
    await market.look()
    gone = market.esi.contract_ids()[0]
    market.esi.remove_contract(gone)
    missing = market.esi.fault("*page=3", "missing")
    await market.look_later()
    region = await market.region()
    assert not region["complete"]
    assert "page 3" in region["why_incomplete"]
    assert gone in await market.ids()
    run = await market.last_run()
    assert (run["outcome"], run["summary"]["regions_incomplete"]) == ("partial", [FORGE])
    coverage = (await bot.get("/internal/contracts")).json()["coverage"]
    assert [(one["complete"], one["name"]) for one in coverage] == [(False, "The Forge")]
    market.sites.clear_fault(missing)
    await market.look_later()
    assert gone in await market.ids("gone")
    assert (await market.region())["complete"]


async def test_rows_that_are_sent_twice_are_stored_once(market: Market) -> None:
    market.esi.configure(duplicates=True)
    assert await market.look() == 0
    assert len(await market.ids()) == 120
    assert (await market.region())["complete"]


async def test_a_poisonous_row_harms_only_itself_and_is_shown_to_the_admin(market: Market) -> None:
    poisoned = market.esi.contract_ids()[60]
    market.esi.spoil(poisoned, json.dumps({"contract_id": poisoned, "type": None}))
    assert await market.look() == 0
    assert await market.ids() == set(market.esi.contract_ids()) - {poisoned}
    (rejected,) = await market.rows("SELECT * FROM contract_rejects")
    assert (rejected["contract_id"], rejected["part"]) == (poisoned, "listing")
    assert (await market.last_run())["summary"]["rejected"] == 1
    assert (await market.region())["complete"]


async def test_a_contract_that_turns_poisonous_is_not_gone(market: Market) -> None:
    await market.look()
    poisoned = market.esi.contract_ids()[60]
    market.esi.spoil(poisoned, json.dumps({"contract_id": poisoned, "price": "a lot"}))
    await market.look_later()
    assert poisoned in await market.ids()


async def test_where_a_row_has_no_number_nothing_is_said_to_be_missing(market: Market) -> None:
    await market.look()
    contract = market.esi.contract_ids()[5]
    market.esi.spoil(contract, '{"contract_id": "?"}')
    await market.look_later()
    assert contract in await market.ids()
    assert not (await market.region())["complete"]


async def test_a_row_that_the_database_refuses_is_found_among_its_batch(market: Market) -> None:
    await market.follow()
    await market.rows("ALTER TABLE contracts ADD CONSTRAINT no_luck CHECK (price <> 13)")
    unlucky = market.esi.add_contract(price=13.0)
    assert await market.look() == 0
    assert await market.ids() == set(market.esi.contract_ids()) - {unlucky}
    (rejected,) = await market.rows("SELECT contract_id, reason FROM contract_rejects")
    assert rejected["contract_id"] == unlucky
    assert "no_luck" in rejected["reason"]
    assert (await market.region())["complete"]


async def test_a_changed_api_is_told_and_changes_nothing(market: Market) -> None:
    await market.look()
    market.esi.fault("/contracts/public/10000002*", "changed")
    market.esi.turn()
    await market.look_later()
    assert len(await market.ids()) == 120
    (status,) = await market.rows("SELECT last_reason FROM scrape_targets WHERE source = 'contracts'")
    assert status["last_reason"] == "page_changed"


async def test_a_firewalls_page_is_no_word_of_the_api(market: Market) -> None:
    market.esi.fault("/contracts/public/items/*", "blocked")
    await market.look()
    assert await market.value("SELECT count(*) FROM contracts WHERE items_state = 'gone'") == 0
    (status,) = await market.rows("SELECT last_reason FROM scrape_targets WHERE source = 'contracts'")
    assert status["last_reason"] == "blocked"


async def test_a_region_that_the_api_does_not_know_fails_alone(market: Market) -> None:
    market.environ["TRACKERS_CONTRACTS_REGION_IDS"] = "10000002,10000099"
    worker = market.worker()
    async with worker.database().unit_of_work():
        await worker.contracts.regions().follow_configured()
    assert await WorkerProcess(worker).burst() == 0
    reasons = {
        row["key"]: row["last_reason"] for row in await market.rows("SELECT key, last_reason FROM scrape_targets")
    }
    assert reasons == {"10000002": None, "10000099": "not_found"}
    assert len(await market.ids()) == 120


async def test_lost_answers_are_asked_for_again(market: Market) -> None:
    market.esi.fault("*page=2", "reset", count=3)
    assert await market.look() == 0
    assert (await market.region())["complete"]
    assert (await market.last_run())["summary"]["by_status"]["no answer"] >= 1


async def test_an_empty_body_is_no_empty_region(market: Market) -> None:
    await market.look()
    market.esi.fault("/contracts/public/10000002*", "empty")
    market.esi.turn()
    await market.look_later()
    assert len(await market.ids()) == 120
    assert await market.ids("gone") == set()


async def test_what_left_is_gone_though_the_sweep_that_began_anew_saw_only_unchanged_pages(market: Market) -> None:
    await market.look()
    gone = market.esi.contract_ids()[0]
    market.esi.remove_contract(gone)
    market.esi.add_contract()  # so that only the first page is another
    market.esi.fault("*page=3", "missing", count=1)
    await market.look_later()
    assert (await market.region())["complete"]
    assert await market.ids("gone") == {gone}


async def test_an_older_state_than_the_last_one_says_nothing_of_what_is_missing(market: Market) -> None:
    await market.look()
    contract = market.esi.contract_ids()[0]
    market.esi.remove_contract(contract)
    now = market.clock.now()
    await market.rows("UPDATE contract_regions SET generation = :at", at=now + timedelta(minutes=5))
    await market.look_later()
    assert await market.ids("gone") == set(), "a copy of before it was issued"
    assert not (await market.region())["complete"]
    await market.rows("UPDATE contract_regions SET generation = :at", at=now - timedelta(minutes=5))
    await market.look_later()
    assert await market.ids("gone") == {contract}
    assert (await market.region())["complete"]


async def test_an_auction_that_comes_back_is_read_again(market: Market) -> None:
    market.esi.configure(sizes={str(FORGE): 0})
    auction = market.esi.add_contract(type="auction", items=[{"type_id": 62_000}])
    market.esi.add_contract(type="courier")  # so that the region is never empty
    market.esi.answer_with(f"items:{auction}", 404)
    await market.look()
    row = await market.contract(auction)
    assert row["items_state"] == "gone"
    market.esi.remove_contract(auction)
    await market.look_later()
    assert (await market.contract(auction))["status"] == "gone"
    raw = {
        "contract_id": auction,
        "type": "auction",
        "date_issued": row["date_issued"].isoformat(),
        "date_expired": row["date_expired"].isoformat(),
        "issuer_id": 1,
        "issuer_corporation_id": 2,
    }
    market.esi.answer_with(f"items:{auction}")
    market.esi.add_bid(auction, 2e6)
    market.esi.add_contract()
    market.esi.spoil(auction, json.dumps(raw))
    await market.look_later()
    again = await market.contract(auction)
    assert (again["status"], again["items_state"], again["bids"]) == ("live", "read", 1)


async def test_pages_that_do_not_say_of_when_they_are_say_nothing_of_what_is_missing(market: Market) -> None:
    await market.look()
    gone = market.esi.contract_ids()[0]
    market.esi.remove_contract(gone)
    market.esi.configure(last_modified=False, turn_after=1)
    await market.look_later()
    assert not (await market.region())["complete"]
    assert await market.ids("gone") == set()
    market.esi.configure(last_modified=True)
    await market.look_later()
    assert gone in await market.ids("gone")


async def test_a_page_more_is_seen_though_the_first_did_not_change_and_does_not_say(market: Market) -> None:
    market.esi.configure(sizes={str(FORGE): 100}, x_pages_on_304=False)
    await market.look()
    row = await market.contract(market.esi.contract_ids()[0])
    added = 999_000_001
    raw = {
        "contract_id": added,
        "type": "courier",
        "date_issued": row["date_issued"].isoformat(),
        "date_expired": row["date_expired"].isoformat(),
        "issuer_id": 1,
        "issuer_corporation_id": 2,
    }
    market.esi.spoil(added, json.dumps(raw))
    await market.look_later()
    assert added in await market.ids()
    assert (await market.region())["complete"]


async def test_a_row_that_met_a_deadlock_is_not_taken_for_poison(market: Market) -> None:
    market.esi.configure(sizes={str(FORGE): 0})
    await market.follow()
    await market.rows(
        "CREATE FUNCTION no_luck() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END $$"
    )
    await market.rows("CREATE TRIGGER no_luck BEFORE INSERT ON contracts FOR EACH ROW EXECUTE FUNCTION no_luck()")
    unlucky = market.esi.add_contract()
    await market.look()
    assert await market.rows("SELECT 1 FROM contract_rejects") == []
    await market.rows("DROP TRIGGER no_luck ON contracts")
    await market.look_later()
    assert await market.ids() == {unlucky}


@pytest.mark.parametrize("cached", [None, -600])
async def test_where_the_api_does_not_say_how_long_it_caches_it_is_asked_after_half_an_hour(
    market: Market, cached: int | None
) -> None:
    market.esi.configure(cache_seconds=cached)
    await market.look()
    wait = (await market.region())["next_sweep_at"] - market.clock.now()
    assert timedelta(minutes=29) < wait <= timedelta(minutes=30, seconds=5)
