"""What people and bots find: filters, counts, pages, ships and their prices, and how fresh all this is."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from tests.conftest import Bench
from tests.integration.people import People
from tests.integration.trackers.contracts.market import BLUEPRINT, FORGE, MODULE, OTHER_SHIP, SHIP, Market

from trackers.contracts.queries import list_statements
from trackers.contracts.schemas import ContractSort, ContractStatus

PATH = "/internal/contracts"


async def found(bot: httpx.AsyncClient, query: str = "") -> list[int]:
    answer = await bot.get(f"{PATH}?{query}")
    assert answer.status_code == 200, answer.text
    return [item["contract_id"] for item in answer.json()["items"]]


@pytest.fixture
def shop(market: Market) -> dict[str, int]:
    """One of each kind, in a region that holds nothing else."""
    market.esi.configure(sizes={str(FORGE): 0})
    said = {"is_blueprint_copy": True, "runs": 7, "material_efficiency": 10, "time_efficiency": 20}
    copy = {"type_id": BLUEPRINT, **said}
    make = market.esi.add_contract
    return {
        "cheap": make(items=[{"type_id": SHIP}], price=1e6, title="50% off_", issuer_id=77, start_location_id=88),
        "dear": make(items=[{"type_id": SHIP}], price=5e6, title="", end_location_id=88),
        "other": make(items=[{"type_id": OTHER_SHIP}, {"type_id": MODULE}], price=9e6, title="fitted"),
        "copy": make(items=[copy], price=2e6, title="x"),
        "auction": make(type="auction", items=[{"type_id": MODULE}], price=3e6, title=""),
        "courier": make(type="courier", price=0.0, reward=4e6, volume=900.0, collateral=1e9, title=""),
    }


async def test_every_filter_finds_what_it_names(market: Market, bot: httpx.AsyncClient, shop: dict[str, int]) -> None:
    await market.look()
    names = {contract: name for name, contract in shop.items()}

    async def named(query: str) -> set[str]:
        return {names[contract] for contract in await found(bot, query)}

    expected: dict[str, set[str]] = {
        "": set(shop),
        f"region_id={FORGE}": set(shop),
        "region_id=10000043": set(),
        f"region_id=10000043&region_id={FORGE}": set(shop),
        "type=auction": {"auction"},
        f"type_id={MODULE}": {"other", "auction"},
        "group_id=9301": {"copy"},
        f"ship_type_id={SHIP}": {"cheap", "dear"},
        "ship_group_id=9026": {"other"},
        "is_ship=true": {"cheap", "dear", "other"},
        "is_ship=false": {"copy", "auction", "courier"},
        "min_price=3000000": {"dear", "other", "auction"},
        "max_price=2000000&is_ship=true": {"cheap"},
        "title=50%25": {"cheap"},
        "title=%25": {"cheap"},
        "title=_": {"cheap"},
        "title=FIT": {"other"},
        "blueprint=true": {"copy"},
        "min_runs=7": {"copy"},
        "min_runs=8": set(),
        "min_me=10&min_te=20": {"copy"},
        f"min_me=10&type_id={SHIP}": set(),
        "min_reward=4000000": {"courier"},
        "type=courier&max_volume=899": set(),
        "type=courier&max_collateral=1000000000": {"courier"},
        "issuer_id=77": {"cheap"},
        "location_id=88": {"cheap", "dear"},
        "status=gone": set(),
    }
    assert {query: await named(query) for query in expected} == expected


async def test_counts_pages_and_order(market: Market, bot: httpx.AsyncClient, shop: dict[str, int]) -> None:
    await market.look()
    page = (await bot.get(f"{PATH}?sort=-price&per_page=2&page=2")).json()
    assert [item["contract_id"] for item in page["items"]] == [shop["auction"], shop["copy"]]
    assert (page["total"], page["page"], page["per_page"]) == (6, 2, 2)
    assert page["by_type"] == {"item_exchange": 4, "auction": 1, "courier": 1}
    only = (await bot.get(f"{PATH}?type=auction")).json()
    assert (only["total"], only["by_type"]) == (1, page["by_type"])
    for sort in ("issued", "-issued", "expires", "-expires", "price", "-price", "reward", "-reward", "volume"):
        assert set(await found(bot, f"sort={sort}")) == set(shop.values())
    (region,) = page["coverage"]
    assert (region["complete"], region["live"], region["items_unread"]) == (True, 6, 0)
    assert region["swept_at"]
    assert region["next_sweep_at"] > region["swept_at"]


async def test_what_ran_out_is_not_live_though_nobody_swept_since(
    market: Market, bot: httpx.AsyncClient, shop: dict[str, int]
) -> None:
    soon = market.clock.now() + timedelta(minutes=10)
    late = market.esi.add_contract(items=[{"type_id": SHIP}], date_expired=f"{soon:%Y-%m-%dT%H:%M:%SZ}")
    await market.look()
    assert late in await found(bot)
    market.clock.ahead += timedelta(minutes=11)
    assert late not in await found(bot)
    assert await found(bot, "status=expired") == [late]


async def test_ships_on_offer_and_what_they_cost(market: Market, bot: httpx.AsyncClient, shop: dict[str, int]) -> None:
    sold = [market.esi.add_contract(items=[{"type_id": SHIP}], price=price * 1e6) for price in range(1, 12)]
    packed = market.esi.add_contract(items=[{"type_id": SHIP}, {"type_id": MODULE}], price=900e6)
    pair = market.esi.add_contract(items=[{"type_id": SHIP, "quantity": 2}], price=4e6)
    await market.look()
    board = (await bot.get(f"{PATH}/ships")).json()
    (first, second) = board["items"]
    assert (first["type_id"], first["name"], first["group"], first["offers"]) == (SHIP, "Ship 000", "Skiff", 15)
    assert (first["cheapest"], second["cheapest"]) == (1e6, None), "in a bundle a ship has no price of its own"
    assert board["total"] == 2
    assert (await bot.get(f"{PATH}/ships?ship_group_id=9026")).json()["total"] == 1
    for contract in [*sold, packed, pair]:
        market.esi.remove_contract(contract)
    await market.look_later()
    prices = (await bot.get(f"{PATH}/ships/{SHIP}/prices")).json()
    assert (prices["offers"], prices["offers_cheapest"], prices["offers_median"]) == (2, 1e6, 3e6)
    assert prices["sold"] == 12, "what was in a bundle does not count, two at once do, at half the price"
    assert (prices["sold_median"], prices["sold_p10"]) == (5.5e6, pytest.approx(2e6))
    none = (await bot.get(f"{PATH}/ships/{SHIP}/prices?region_id=10000043&days=1")).json()
    assert (none["sold"], none["sold_median"], none["offers"]) == (0, None, 0)


async def test_types_are_found_by_name_and_group(market: Market, bot: httpx.AsyncClient, shop: dict[str, int]) -> None:
    await market.look()
    taxonomy = (await bot.get(f"{PATH}/taxonomy")).json()["items"]
    assert {category["name"] for category in taxonomy} == {"Ship", "Module", "Blueprint"}
    (ships,) = [category for category in taxonomy if category["category_id"] == 6]
    assert {group["name"] for group in ships["groups"]} == {"Skiff", "Cutter"}
    types = (await bot.get(f"{PATH}/types?name=ship+0")).json()["items"]
    assert [(one["type_id"], one["live"]) for one in types] == [(SHIP, 2), (OTHER_SHIP, 1)]
    assert len((await bot.get(f"{PATH}/types?group_id=9025")).json()["items"]) == 1


@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "per_page=1000",
        "min_price=-1",
        "min_price=nan",
        "max_price=inf",
        "max_price=1e400",
        "type=gift",
        "status=sold",
        "sort=title",
        "title=",
        f"title={'x' * 101}",
        "title=%00",
        "type_id=0",
        "type_id=99999999999999999999",
        "region_id=99999999999999999999",
        "region_id=x",
        "issuer_id=9223372036854775808",
        "location_id=-5",
        "min_runs=1.5",
        "min_me=101",
        "is_ship=perhaps",
        "&".join(f"region_id={number}" for number in range(1, 60)),
    ],
)
async def test_odd_questions_are_refused_with_what_is_wrong(bot: httpx.AsyncClient, query: str) -> None:
    answer = await bot.get(f"{PATH}?{query}")
    assert answer.status_code in {400, 422}, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_contracts_that_are_not_there(bot: httpx.AsyncClient) -> None:
    for contract, status in ((1, 404), (2**63 - 1, 404), (2**63, 422), (0, 422), (-1, 422)):
        answer = await bot.get(f"{PATH}/{contract}")
        assert answer.status_code in {status, 400 if status == 422 else status, 404}, (contract, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"


async def test_members_read_what_bots_read_and_a_table_too(
    market: Market, bot: httpx.AsyncClient, shop: dict[str, int], people: People
) -> None:
    await market.look()
    ada = await people.register()
    mine: dict[str, Any] = (await ada.ask("GET", "/api/contracts?sort=price")).json()
    assert mine == (await bot.get(f"{PATH}?sort=price")).json()
    table = await ada.ask("GET", "/api/contracts?sort=price&format=csv")
    assert table.headers["content-type"].startswith("text/csv")
    lines = table.text.strip().split("\r\n")
    assert len(lines) == 7
    assert lines[0].startswith("contract_id,region_id,type,status,title,price")
    assert "ship_name" in lines[0]


async def test_a_page_costs_three_questions(market: Market, bot: httpx.AsyncClient, api: Bench) -> None:
    await market.look()
    asked: list[str] = []
    reader = market.container.reader()
    original = reader.rows

    async def counting(statement: Any, parameters: Any = None) -> Any:
        asked.append(str(statement))
        return await original(statement, parameters)

    market.container.contracts.queries()._reader = _Counting(counting)
    assert (await bot.get(f"{PATH}?per_page=100")).status_code == 200
    assert len(asked) == 3


class _Counting:
    def __init__(self, rows: Any) -> None:
        self.rows = rows


async def test_types_say_how_many_give_one_as_of_the_last_look(
    market: Market, bot: httpx.AsyncClient, shop: dict[str, int]
) -> None:
    market.esi.add_contract(items=[{"type_id": SHIP}, {"type_id": SHIP}])
    market.esi.add_contract(items=[{"type_id": SHIP, "is_included": False}, {"type_id": MODULE}])
    await market.look()

    async def live(name: str) -> int:
        (one,) = (await bot.get(f"{PATH}/types?name={name}")).json()["items"]
        return int(one["live"])

    assert await live("Ship+000") == 3, "a contract that gives it twice counts once, what is asked for does not"
    before = await market.rows("SELECT type_id, xmin::text FROM contract_type_counts ORDER BY type_id")
    market.esi.remove_contract(shop["cheap"])
    market.esi.remove_contract(shop["copy"])
    await market.look_later(TRACKERS_CONTRACTS_BIDS_LIMIT=0)
    assert await live("Ship+000") == 2
    assert await live("Blueprint+000") == 0
    after = await market.rows("SELECT type_id, xmin::text FROM contract_type_counts ORDER BY type_id")
    assert {row["type_id"] for row in before} - {row["type_id"] for row in after} == {BLUEPRINT}
    assert len([row for row in after if row not in before]) == 1, "what is as it was is not written"


@pytest.mark.parametrize("path", ["", "/ships", f"/ships/{SHIP}/prices", "/taxonomy", "/types", "/watches"])
async def test_every_list_says_how_fresh_and_complete_it_is(
    market: Market, people: People, shop: dict[str, int], path: str
) -> None:
    await market.look()
    ada = await people.register()
    (region,) = (await ada.ask("GET", f"/api/contracts{path}")).json()["coverage"]
    assert (region["region_id"], region["complete"], region["live"]) == (FORGE, True, 6)
    assert region["swept_at"]


async def test_lists_of_past_contracts_read_no_more_than_they_show(market: Market) -> None:
    await market.rows(
        "INSERT INTO contracts (contract_id, region_id, type, status, title, price, collateral, reward, volume,"
        " days_to_complete, issuer_id, issuer_corporation_id, for_corporation, date_issued, date_expired, row_hash,"
        " first_seen_at, ended_at, items_state)"
        " SELECT n, 10000002 + n % 50, 'courier',"
        " CASE WHEN n % 9 = 0 THEN 'live' WHEN n % 3 = 0 THEN 'gone' ELSE 'expired' END,"
        " '', n * 7919 % 90000, 0, 0, 0, 0, 1, 2, false, now() - make_interval(mins => n),"
        " now() + make_interval(mins => n), n, now(), now(), 'none' FROM generate_series(1, 20000) n"
    )
    await market.rows("ANALYZE contracts")
    values = {"now": market.clock.now(), "limit": 50, "skip": 0, "region_id": [FORGE]}
    for status in (ContractStatus.GONE, ContractStatus.EXPIRED):
        for sort in (ContractSort.ISSUED_DOWN, ContractSort.PRICE, ContractSort.EXPIRES):
            page, _ = list_statements(frozenset(), status, sort)
            plan = await market.rows(f"EXPLAIN (ANALYZE, FORMAT JSON) {page.text}", **_used(page.text, values))
            assert _rows_read(plan[0]["QUERY PLAN"][0]["Plan"]) <= 500, plan
        _, counts = list_statements(frozenset({"region_id"}), status, ContractSort.PRICE)
        plan = await market.rows(f"EXPLAIN (FORMAT JSON) {counts.text}", **_used(counts.text, values))
        assert "ix_contracts_past_region" in str(plan)
        assert "Seq Scan" not in str(plan)


def _used(statement: str, values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if f":{name}" in statement}


def _rows_read(plan: dict[str, Any]) -> int:
    """Rows that a plan took from tables, whether it kept them or not."""
    below = sum(_rows_read(one) for one in plan.get("Plans", ()))
    if "Relation Name" not in plan:
        return below
    return below + int((plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"])
