"""Checks a second of price watches, from dispatch to evaluated and settled in one worker process.

Every page has another price than before, so that every check stores offers, a day's low and a watch's state: the most
that a check does. Beside it a bare loop over the same pages that only fetches and parses; and the figure that a popular
self-hosted price watcher is known for, 65 to 73 checks a second on two cores, which is not run here.
"""

import asyncio
import time
from collections.abc import Iterator
from typing import Any, Final

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport
from tests.upstreams.client import SimulatedSites

from app.container import AppContainer, running_app
from benchmarks.common import Result, compared, cpu_seconds, interleaved, median, spread
from benchmarks.house import House, connect
from benchmarks.watched import SOURCE, searched, watch
from shared.scraping.targets import DISPATCH
from trackers.flights.google_query import search_url
from trackers.flights.parser import parse_page
from trackers.flights.search import ScrapeQuery

SEARCHES: Final = 2_000
ROWS: Final = 30
"""Offers on a page: about 40 kB."""
ROUNDS: Final = 3
WITHIN: Final = 40.0
PATIENCE: Final = 60.0
CONCURRENCY: Final = 50
POPULAR: Final = 73.0
"""Checks a second: the better end of what is said of it."""
AT_LEAST: Final = 5.0

_SETTLED: Final = """
SELECT count(*) FROM scrape_schedule WHERE lease_until IS NULL AND due_at > now() + interval '1 hour'
"""
_CHECKED: Final = """
SELECT (SELECT count(*) FROM scrape_runs WHERE finished_at > $1 AND status = 'completed' AND changed),
       (SELECT count(*) FROM price_watches WHERE (state ->> 'price') IS NOT NULL)
"""


async def run(house: House) -> list[Result]:
    database = await house.new_database("bench_watch_pipeline")
    connection: Any = await connect(database)
    try:
        await watch(connection, searches=SEARCHES, target=1)
        queries = await searched(connection)
        with SimulatedSites.started(flights={"mode": "restless", "rows": ROWS}) as sites:
            environ = house.environ(
                database,
                TRACKERS_FLIGHTS_ENABLED="true",
                TRACKERS_FLIGHTS_GOOGLE_URL=sites.flights.url,
                TRACKERS_FLIGHTS_DELAY="0",
            )
            with house.worker(environ) as worker:
                async with running_app(house.container(environ)) as container:
                    cpu: list[float] = []

                    async def product() -> float:
                        before = cpu_seconds(worker.pid)
                        rate = SEARCHES / await _check_all(connection, container)
                        cpu.append((cpu_seconds(worker.pid) - before) / SEARCHES)
                        return rate

                    async def bare() -> float:
                        seconds = await _bare(sites.flights.url, queries)
                        await _bare(sites.flights.url, queries)  # so that the product meets the other price again
                        return SEARCHES / seconds

                    for _ in range(2):  # the site renders both of its pages of every search
                        await product()
                    await connection.execute("VACUUM ANALYZE")
                    rates = await interleaved({"product": product, "bare": bare}, rounds=ROUNDS, within=WITHIN)
                    sites.clear_requests()
    finally:
        await connection.close()
    return [
        compared(
            "watch_pipeline", median(rates["product"]), "checks/s", POPULAR, at_least=AT_LEAST,
            note=f"{SEARCHES:,} watches, every price another; floor: what a popular price watcher is known for; "
            f"{median(cpu) * 1e6:,.0f} µs of one CPU a check",
        ),
        compared(
            "watch_pipeline_bare", median(rates["product"]), "checks/s", median(rates["bare"]),
            note=f"floor: the same pages fetched and parsed, nothing stored; {spread(rates['product'], rates['bare'])}",
        ),
    ]  # fmt: skip


async def _check_all(connection: Any, container: AppContainer) -> float:
    """Make every search due, wake the dispatcher, and wait until all are settled; seconds."""
    since = await connection.fetchval("SELECT now()")
    await connection.execute("UPDATE scrape_schedule SET due_at = now()")
    started = time.perf_counter()
    await container.queue().enqueue(DISPATCH, SOURCE, job_id=f"{DISPATCH}:{SOURCE}")
    while (settled := await connection.fetchval(_SETTLED)) < SEARCHES:
        if time.perf_counter() - started > PATIENCE:
            raise TimeoutError(f"{settled} of {SEARCHES} checks within {PATIENCE:g} s")
        await asyncio.sleep(0.02)
    seconds = time.perf_counter() - started
    changed, evaluated = await connection.fetchrow(_CHECKED, since)
    assert (changed, evaluated) == (SEARCHES, SEARCHES), f"{changed} changed, {evaluated} evaluated"
    return seconds


async def _bare(base_url: str, queries: list[ScrapeQuery]) -> float:
    transport = AiohttpTransport(
        client=lambda: aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONCURRENCY), cookie_jar=aiohttp.DummyCookieJar()
        )
    )

    async def visit(todo: Iterator[ScrapeQuery]) -> None:
        for query in todo:
            answer = await client.get(search_url(query, base_url=base_url))
            assert parse_page(answer.content, query).cheapest is not None

    async with httpx.AsyncClient(transport=transport, timeout=15, trust_env=False) as client:
        started = time.perf_counter()
        todo = iter(queries)
        await asyncio.gather(*(visit(todo) for _ in range(CONCURRENCY)))
        return time.perf_counter() - started
