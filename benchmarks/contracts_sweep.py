"""Looking at a region over HTTP: every page unchanged beside bare requests for the same, and what a worker holds.

The first is the whole of it, from claim to settled, against a simulated API; its floor asks for the same 34 pages with
the same validators and as many under way, and throws the answers away. No contract may be written by it.
"""

import asyncio
import time
from typing import Any, Final

import aiohttp
from tests.upstreams.client import SimulatedSites

from app.container import AppContainer, running_app
from app.worker import WorkerProcess
from benchmarks.common import Result, compared, interleaved, median, resident_bytes, spread
from benchmarks.house import House, connect
from trackers.contracts.sweep import PAGES_AT_ONCE

REGION: Final = "10000002"
CONTRACTS: Final = 34_000
PAGE: Final = 1_000
LARGE: Final = 100_000
READ: Final = 1_500
"""Contracts of the large region whose items are read while it is watched."""
ROUNDS: Final = 5
AT_LEAST: Final = 0.1
MOST_BYTES: Final = 200_000_000
PATIENCE: Final = 100.0
_DUE: Final = (
    "UPDATE contract_regions SET next_sweep_at = now()",
    "UPDATE scrape_schedule SET due_at = now()",
)


async def run(house: House) -> list[Result]:
    with SimulatedSites.started() as sites:
        sites.contracts.configure(sizes={REGION: CONTRACTS}, page_size=PAGE, error_limit=0)
        return [*await _steady(house, sites), *await _memory(house, sites)]


def _settings(house: House, database: str, sites: SimulatedSites, **more: object) -> dict[str, str]:
    given = {
        "BASE_URL": sites.contracts.url,
        "REGION_IDS": REGION,
        "DELAY": 0,
        "DOWNTIME": "none",
        "BIDS_LIMIT": 0,
        "ITEMS_LIMIT": 1,
        **more,
    }
    return house.environ(database, **{f"TRACKERS_CONTRACTS_{name}": str(value) for name, value in given.items()})


async def _steady(house: House, sites: SimulatedSites) -> list[Result]:
    database = await house.new_database("bench_contracts_sweep")
    environ = _settings(house, database, sites)
    connection: Any = await connect(database)
    try:
        async with running_app(house.container(environ)) as container:
            await container.contracts.follow_job().run()
        await WorkerProcess(house.container(environ)).burst()
        await connection.execute("UPDATE contracts SET items_state = 'read' WHERE items_state = 'pending'")
        written = await connection.fetchval("SELECT max(xmin::text::bigint) FROM contracts")
        etags = {row["page"]: row["etag"] for row in await connection.fetch("SELECT page, etag FROM contract_pages")}
        async with running_app(house.container(environ)) as container, aiohttp.ClientSession() as session:

            async def bare() -> float:
                started = time.perf_counter()
                places = asyncio.Semaphore(PAGES_AT_ONCE)

                async def ask(page: int) -> None:
                    url = f"{sites.contracts.url}/contracts/public/{REGION}?page={page}"
                    async with places, session.get(url, headers={"If-None-Match": etags[page]}) as answer:
                        assert answer.status == 304
                        await answer.read()

                await asyncio.gather(*(ask(page) for page in etags))
                return time.perf_counter() - started

            times = await interleaved({"ours": lambda: _fetch(container, connection), "bare": bare}, rounds=ROUNDS)
        assert await connection.fetchval("SELECT max(xmin::text::bigint) FROM contracts") == written
        runs = await connection.fetch("SELECT summary->>'pages_unchanged' AS n FROM contract_runs ORDER BY started_at")
        assert [row["n"] for row in runs[1:]] == [str(len(etags))] * ROUNDS
    finally:
        await connection.close()
    return [
        compared(
            "contracts_steady_sweep", len(etags) / median(times["ours"]), "pages/s", len(etags) / median(times["bare"]),
            at_least=AT_LEAST,
            note=f"{len(etags)} pages of {CONTRACTS:,} contracts, all 304, no contract written; "
            f"{median(times['ours']) * 1000:.0f} ms with run, lock, fence and stamp, floor "
            f"{median(times['bare']) * 1000:.0f}; {spread(times['bare'], times['ours'])}",
        )
    ]  # fmt: skip


async def _fetch(container: AppContainer, connection: Any) -> float:
    """One look at the region, as a job makes it."""
    for statement in _DUE:
        await connection.execute(statement)
    claims = await _claimed(container)
    started = time.perf_counter()
    assert await container.runner().run("contracts", claims) == 1
    return time.perf_counter() - started


async def _claimed(container: AppContainer) -> list[Any]:
    from datetime import timedelta  # noqa: PLC0415 -- only here

    from shared.scraping.repository import ScrapingRepository  # noqa: PLC0415 -- only here

    now = container.clock().now()
    async with container.database().transaction() as session:
        return list(
            await ScrapingRepository(session).claim_due(
                "contracts", now=now, lease_until=now + timedelta(seconds=60), limit=1
            )
        )


async def _memory(house: House, sites: SimulatedSites) -> list[Result]:
    """The most that a real worker holds while it loads a hundred thousand contracts and reads items."""
    sites.contracts.configure(sizes={REGION: LARGE})
    database = await house.new_database("bench_contracts_memory")
    environ = _settings(house, database, sites, ITEMS_LIMIT=READ)
    async with running_app(house.container(environ)) as container:
        await container.contracts.follow_job().run()
    connection: Any = await connect(database)
    most = 0
    try:
        with house.worker(environ) as worker:
            give_up = time.monotonic() + PATIENCE
            while True:
                most = max(most, resident_bytes(worker.pid))
                live = await connection.fetchval("SELECT sum(live) FROM contract_regions") or 0
                read = await connection.fetchval("SELECT count(*) FROM contracts WHERE items_state = 'read'")
                if live == LARGE and read >= READ:
                    break
                if time.monotonic() > give_up:
                    raise TimeoutError(f"{live} contracts and {read} read within {PATIENCE:g} s")
                await asyncio.sleep(0.05)
    finally:
        await connection.close()
    return [
        compared(
            "contracts_worker_rss", most / 1e6, "MB", MOST_BYTES / 1e6, at_most=1.0,
            note=f"highest while {LARGE:,} contracts came in and the items of {READ:,}; floor: what it may hold",
        )
    ]  # fmt: skip
