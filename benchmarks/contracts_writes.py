"""The database's part of looking at contracts: a first load, a sweep in which one in a hundred is new, and growth.

The floor stores the same rows on one bare asyncpg connection, contracts and items alike by COPY into a temporary table
and an upsert from there, all in one transaction. The product does it within its fence, a batch a transaction, leaves
unchanged rows alone, judges which contract sells a ship, and looks for who waits for it.
"""

import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from msgspec.structs import astuple

from app.container import AppContainer, running_app
from benchmarks.common import Result, compared, interleaved, median, spread
from benchmarks.house import House, connect
from trackers.contracts.parser import Item, Listing
from trackers.contracts.region_repository import RegionRepository
from trackers.contracts.repository import STAGED, ContractRepository, ReadContract
from trackers.contracts.runs import AggregationRun
from trackers.contracts.ships import ship_offered

REGION: Final = 10000002
CONTRACTS: Final = 34_000
ITEMS: Final = 160_000
SHARE: Final = 0.01
SMALL, LARGE = 1_000, 100_000
ROUNDS: Final = 3
SHIP, MODULE = 587, 2_000
AT_LEAST: Final = 0.5
LINEAR: Final = 1.2
NOW: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
_EMPTY: Final = "TRUNCATE contracts, contract_items, contract_history, contract_pages CASCADE"
_ITEM_COLUMNS: Final = ("contract_id", *Item.__struct_fields__)
_STAGE: Final = "CREATE TEMP TABLE IF NOT EXISTS floor_staged (LIKE contracts INCLUDING DEFAULTS) ON COMMIT DELETE ROWS"
_FLOOR_COLUMNS: Final = (*STAGED, "region_id", "status", "first_seen_at", "items_state", "evaluated", "is_ship", "bids")
_UPSERT: Final = f"""
INSERT INTO contracts ({", ".join(_FLOOR_COLUMNS)}) SELECT {", ".join(_FLOOR_COLUMNS)} FROM floor_staged
ON CONFLICT (contract_id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in STAGED[1:])}
"""  # noqa: S608 -- names of our own columns
_STAGE_ITEMS: Final = """
CREATE TEMP TABLE IF NOT EXISTS floor_items (LIKE contract_items INCLUDING DEFAULTS) ON COMMIT DELETE ROWS
"""
_UPSERT_ITEMS: Final = f"""
INSERT INTO contract_items ({", ".join(_ITEM_COLUMNS)}) SELECT {", ".join(_ITEM_COLUMNS)} FROM floor_items
ON CONFLICT (contract_id, record_id) DO UPDATE
SET {", ".join(f"{name} = excluded.{name}" for name in _ITEM_COLUMNS[2:])}
"""  # noqa: S608 -- names of our own columns


def listings(count: int, *, first: int = 1) -> list[Listing]:
    chance = random.Random(first)  # noqa: S311 -- made up, repeatable
    return [
        Listing(
            contract_id=number,
            type="item_exchange",
            date_issued=NOW - timedelta(minutes=number % 20_000),
            date_expired=NOW + timedelta(days=1 + number % 27),
            issuer_id=90_000_000 + number % 3_000,
            issuer_corporation_id=98_000_000 + number % 300,
            title="" if number % 3 else f"lot {number}",
            price=float(chance.randrange(1, 10**9)),
            volume=chance.uniform(0.01, 9_000),
            start_location_id=60_003_760,
            end_location_id=60_003_760,
        )
        for number in range(first, first + count)
    ]


def items(count: int, contracts: Sequence[Listing]) -> dict[int, list[Item]]:
    """Spread over the contracts; one in eighty sells a ship."""
    made: dict[int, list[Item]] = {listing.contract_id: [] for listing in contracts}
    for number in range(count):
        contract = contracts[number % len(contracts)].contract_id
        kind = SHIP if contract % 80 == 0 else MODULE + number % 5_000
        made[contract].append(
            Item(record_id=number + 1, type_id=kind, quantity=1, is_included=True, item_id=number + 1)
        )
    return made


async def run(house: House) -> list[Result]:
    database = await house.new_database("bench_contracts")
    floor: Any = await connect(database)
    try:
        async with running_app(house.container(house.environ(database))) as container:
            await floor.execute(
                "INSERT INTO contract_regions (region_id, target_id, followed) VALUES ($1, $2, true)", REGION, uuid4()
            )
            async with container.contracts.runs().joined() as run_:
                product = Product(container, run_)
                results = [
                    *await _first_load(product, floor),
                    *await _one_percent(product, floor),
                    *await _growth(product, floor),
                ]
    finally:
        await floor.close()
    return results


class Product:
    """What a sweep and its enrichment write, without asking anybody."""

    def __init__(self, container: AppContainer, run_: AggregationRun) -> None:
        settings = container.contracts_settings()
        self._run = run_
        self._alerts = container.contracts.alerts
        self._listings_batch: int = settings.listings_batch
        self._items_batch: int = settings.items_batch

    async def sweep(self, found: Sequence[Listing]) -> None:
        for start in range(0, len(found), self._listings_batch):
            batch = found[start : start + self._listings_batch]
            await self._run.write(lambda s, b=batch: ContractRepository(s).store_listings(REGION, b, now=NOW))  # type: ignore[misc]  # the default binds the batch
        seen = [listing.contract_id for listing in found]
        await self._run.write(lambda s: ContractRepository(s).conclude(REGION, seen=seen, at=NOW, now=NOW))

    async def enrich(self, of: dict[int, list[Item]]) -> None:
        read = [
            ReadContract(
                contract_id=number, items=rows, ship=ship_offered("item_exchange", rows, {SHIP}), evaluated=True
            )
            for number, rows in of.items()
        ]
        for start in range(0, len(read), self._items_batch):
            batch = read[start : start + self._items_batch]

            async def step(session: Any, batch: Sequence[ReadContract] = batch) -> int:
                stored = await ContractRepository(session).store_items(batch)
                told: int = await self._alerts().tell(stored)
                return told

            await self._run.write(step)
        await self._run.write(lambda s: RegionRepository(s).count(REGION))


async def _bare(floor: Any, found: Sequence[Listing], of: dict[int, list[Item]]) -> None:
    async with floor.transaction():
        await floor.execute(_STAGE)
        rows = [(*astuple(one), one.contract_id, REGION, "live", NOW, "read", True, False, 0) for one in found]
        await floor.copy_records_to_table("floor_staged", records=rows, columns=_FLOOR_COLUMNS)
        await floor.execute(_UPSERT)
        if of:
            records = [(number, *astuple(item)) for number, rows_ in of.items() for item in rows_]
            await floor.execute(_STAGE_ITEMS)
            await floor.copy_records_to_table("floor_items", records=records, columns=_ITEM_COLUMNS)
            await floor.execute(_UPSERT_ITEMS)


async def _first_load(product: Product, floor: Any) -> list[Result]:
    found = listings(CONTRACTS)
    of = items(ITEMS, found)

    async def ours() -> float:
        await floor.execute(_EMPTY)
        started = time.perf_counter()
        await product.sweep(found)
        await product.enrich(of)
        return time.perf_counter() - started

    async def bare() -> float:
        await floor.execute(_EMPTY)
        started = time.perf_counter()
        await _bare(floor, found, of)
        return time.perf_counter() - started

    times = await interleaved({"ours": ours, "bare": bare}, rounds=ROUNDS)
    rows = CONTRACTS + ITEMS
    return [_rate("contracts_first_load", rows, "rows/s", times)]


async def _one_percent(product: Product, floor: Any) -> list[Result]:
    """The region again, of which one in a hundred went and as many came; all pages have changed by that."""
    found = listings(CONTRACTS)
    moved = int(CONTRACTS * SHARE)
    first = 10 * CONTRACTS

    async def ours() -> float:
        nonlocal found, first
        found, first = [*listings(moved, first=first), *found[:-moved]], first + moved
        before = await floor.fetchval("SELECT count(*) FROM contracts")
        started = time.perf_counter()
        await product.sweep(found)
        took = time.perf_counter() - started
        assert await floor.fetchval("SELECT count(*) FROM contracts") == before + moved
        assert await floor.fetchval("SELECT count(*) FROM contracts WHERE status = 'live'") == CONTRACTS
        return took

    async def bare() -> float:
        started = time.perf_counter()
        await _bare(floor, found, {})
        return time.perf_counter() - started

    await floor.execute(_EMPTY)
    await product.sweep(found)
    times = await interleaved({"ours": ours, "bare": bare}, rounds=ROUNDS)
    return [_rate("contracts_one_percent_changed", CONTRACTS, "contracts/s", times)]


async def _growth(product: Product, floor: Any) -> list[Result]:
    """A region a hundred times as large takes a hundred times as long: first load, and the same again unchanged."""
    small, large = listings(SMALL), listings(LARGE)

    async def looks(found: Sequence[Listing]) -> float:
        await floor.execute(_EMPTY)
        started = time.perf_counter()
        await product.sweep(found)
        await product.sweep(found)
        return (time.perf_counter() - started) / len(found) * 1e6

    times = await interleaved({"large": lambda: looks(large), "small": lambda: looks(small)}, rounds=ROUNDS)
    return [
        compared(
            "contracts_growth", median(times["large"]), "µs/contract", median(times["small"]), at_most=LINEAR,
            note=f"{LARGE:,} contracts stored and swept again; floor: {SMALL:,}",
        )
    ]  # fmt: skip


def _rate(name: str, rows: int, unit: str, times: dict[str, list[float]]) -> Result:
    return compared(
        name, rows / median(times["ours"]), unit, rows / median(times["bare"]), at_least=AT_LEAST,
        note=f"{median(times['ours']):.2f} s, floor {median(times['bare']):.2f}; "
        f"{spread(times['bare'], times['ours'])}",
    )  # fmt: skip
