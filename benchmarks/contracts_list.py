"""A page of 50 contracts of 100,000 live ones beside 500,000 past ones, filtered, counted by type, with its coverage.

The floor runs the least SQL for the same rows and counts on a bare asyncpg connection and leaves them as records.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import uuid4

import msgspec

from app.container import running_app
from benchmarks.common import Result, compared, interleaved, median, spread
from benchmarks.house import House, connect
from trackers.contracts.queries import SUMMARY_COLUMNS
from trackers.contracts.schemas import ContractFilter, ContractSort, ContractType

LIVE: Final = 100_000
PAST: Final = 500_000
ASKED: Final = 6
ROUNDS: Final = 5
AT_LEAST: Final = 0.5
_FILL: Final = (
    f"""
    INSERT INTO contracts (contract_id, region_id, type, status, title, price, collateral, reward, volume,
        days_to_complete, issuer_id, issuer_corporation_id, for_corporation, start_location_id, end_location_id,
        date_issued, date_expired, row_hash, first_seen_at, ended_at, items_state, evaluated, is_ship, ship_type_id,
        ship_quantity, is_blueprint_copy, contains_additional_items)
    SELECT n, 10000002 + n % 5, CASE WHEN n % 6 = 0 THEN 'courier' WHEN n % 31 = 0 THEN 'auction'
                                     ELSE 'item_exchange' END,
           CASE WHEN n <= {LIVE} THEN 'live' WHEN n % 3 = 0 THEN 'gone' ELSE 'expired' END,
           CASE WHEN n % 4 = 0 THEN 'lot ' || n ELSE '' END, (n::bigint * 7919) % 900000 * 1000.0, 0,
           CASE WHEN n % 6 = 0 THEN n % 1000 * 10000 ELSE 0 END, n % 9000, 0, 90000000 + n % 3000, 98000000 + n % 300,
           false, 60003760, 60003760, now() - make_interval(mins => n % 20000),
           now() + make_interval(hours => 1 + n % 400), n, now(), CASE WHEN n > {LIVE} THEN now() END, 'read', true,
           n % 79 = 7, CASE WHEN n % 79 = 7 THEN 500 + n % 40 END, CASE WHEN n % 79 = 7 THEN 1 END, false, false
    FROM generate_series(1, {LIVE + PAST}) n
    """,  # noqa: S608 -- numbers of ours
    f"""
    INSERT INTO contract_items (contract_id, record_id, type_id, quantity, is_included, is_blueprint_copy, runs,
                                material_efficiency, time_efficiency)
    SELECT n, n, 2000 + n % 3000, 1, true, n % 2 = 0, n % 100, n % 11, n % 21 FROM generate_series(1, {LIVE}) n
    """,  # noqa: S608 -- a number of ours
    """
    INSERT INTO esi_types (type_id, name, group_id, published, last_refreshed_at)
    SELECT n, 'Type ' || n, n % 50, true, now() FROM generate_series(1, 5000) n
    """,
    """
    INSERT INTO esi_groups (group_id, name, category_id, refreshed_at)
    SELECT n, 'Group ' || n, 6, now() FROM generate_series(0, 49) n
    """,
    "VACUUM ANALYZE",
)
_PAGE: Final = f"""
SELECT {SUMMARY_COLUMNS} FROM contracts c
LEFT JOIN esi_types t ON t.type_id = c.ship_type_id LEFT JOIN esi_groups g ON g.group_id = t.group_id
"""  # noqa: S608 -- columns of our own
_LIVE: Final = "c.status = 'live' AND c.date_expired > now()"
_BLUEPRINTS: Final = """EXISTS (SELECT FROM contract_items i WHERE i.contract_id = c.contract_id AND i.is_included
    AND i.is_blueprint_copy AND i.runs >= 50 AND i.material_efficiency >= 8)"""
ASKS: Final[dict[str, tuple[ContractFilter, ContractSort, str, str, str]]] = {
    "newest": (ContractFilter(), ContractSort.ISSUED_DOWN, "true", "true", "c.date_issued DESC, c.contract_id DESC"),
    "ships": (
        ContractFilter(is_ship=True, region_id=(10000002, 10000003), max_price=500e6),
        ContractSort.PRICE,
        "c.is_ship AND c.region_id IN (10000002, 10000003) AND c.price <= 500e6",
        "true",
        "c.price, c.contract_id",
    ),
    "blueprints": (
        ContractFilter(blueprint=True, min_runs=50, min_me=8),
        ContractSort.PRICE,
        _BLUEPRINTS,
        "true",
        "c.price, c.contract_id",
    ),
    "couriers": (
        ContractFilter(type=ContractType.COURIER, min_reward=5e6, max_volume=4000.0),
        ContractSort.REWARD_DOWN,
        "c.reward >= 5e6 AND c.volume <= 4000",
        "c.type = 'courier'",
        "c.reward DESC, c.contract_id DESC",
    ),
    "title": (
        ContractFilter(title="LOT 77"),
        ContractSort.PRICE_DOWN,
        "c.title ILIKE '%LOT 77%'",
        "true",
        "c.price DESC, c.contract_id DESC",
    ),
}


async def run(house: House) -> list[Result]:
    database = await house.new_database("bench_contracts_list")
    connection: Any = await connect(database)
    try:
        for statement in _FILL:
            await connection.execute(statement, timeout=150)
        for region in range(10000002, 10000007):
            await connection.execute(
                "INSERT INTO contract_regions (region_id, target_id, followed) VALUES ($1, $2, true)", region, uuid4()
            )
        async with running_app(house.container(house.environ(database))) as container:
            queries = container.contracts.queries()

            def asking(wanted: ContractFilter, sort: ContractSort) -> Callable[[], Awaitable[float]]:
                async def ask() -> float:
                    started = time.perf_counter()
                    for _ in range(ASKED):
                        page = await queries.contracts(wanted, sort=sort)
                        assert len(page.items) == 50 <= page.total
                        assert len(msgspec.json.encode(page)) > 50 * 300
                    return (time.perf_counter() - started) / ASKED * 1000

                return ask

            def bare(where: str, kind: str, order: str) -> Callable[[], Awaitable[float]]:
                async def ask() -> float:
                    started = time.perf_counter()
                    for _ in range(ASKED):
                        rows = await connection.fetch(
                            f"{_PAGE} WHERE {_LIVE} AND {where} AND {kind} ORDER BY {order} LIMIT 50"
                        )
                        counts = await connection.fetch(
                            f"SELECT c.type, count(*) FROM contracts c WHERE {_LIVE} AND {where} GROUP BY c.type"  # noqa: S608 -- fragments of our own
                        )
                        await connection.fetch("SELECT * FROM contract_regions")
                        assert len(rows) == 50
                        assert counts
                    return (time.perf_counter() - started) / ASKED * 1000

                return ask

            contenders: dict[str, Callable[[], Awaitable[float]]] = {}
            for name, (wanted, sort, where, kind, order) in ASKS.items():
                contenders |= {name: asking(wanted, sort), f"{name}_bare": bare(where, kind, order)}
            times = await interleaved(contenders, rounds=ROUNDS, within=90)
    finally:
        await connection.close()
    return [
        compared(
            f"contracts_list_{name}",
            1000 / median(times[name]),
            "pages/s",
            1000 / median(times[f"{name}_bare"]),
            at_least=AT_LEAST,
            note=f"{median(times[name]):.1f} ms, floor {median(times[f'{name}_bare']):.1f}; "
            f"{spread(times[f'{name}_bare'], times[name])}",
        )
        for name in ASKS
    ]
