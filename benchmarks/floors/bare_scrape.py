"""Floor of `scrape_pipeline`: one loop that gets, decodes and writes, and keeps nothing in order.

The same HTTP client as the product's, 50 requests under way, the same typed decode, one bulk write per 100 results.
A line on stdin makes a round; a line on stdout says what it took.
"""

import asyncio
import gc
import sys
import time
from collections.abc import Iterator
from typing import Any

import aiohttp
import asyncpg
import httpx
import msgspec
import uvloop
from httpx_aiohttp import AiohttpTransport

from benchmarks.followed import paths
from trackers.games.parser import Profile, parse_profile

CONCURRENCY = 50
BATCH = 100

CREATE = "CREATE TABLE IF NOT EXISTS bare_results (path text, season text, seen_at timestamptz, playlist_states jsonb)"
WRITE = """
INSERT INTO bare_results
SELECT * FROM json_to_recordset($1::json) AS x (path text, season text, seen_at timestamptz, playlist_states jsonb)
"""


class Loop:
    def __init__(self, client: httpx.AsyncClient, pool: Any, urls: list[str]) -> None:
        self._client = client
        self._pool = pool
        self._urls = urls
        self._results: list[tuple[str, Profile]] = []

    async def round(self) -> float:
        """Seconds that every URL took once."""
        started = time.perf_counter()
        todo = iter(self._urls)
        await asyncio.gather(*(self._visit(todo) for _ in range(CONCURRENCY)))
        await self._write()
        return time.perf_counter() - started

    async def _visit(self, todo: Iterator[str]) -> None:
        for url in todo:
            response = await self._client.get(url)
            assert response.status_code == 200
            self._results.append((url, parse_profile(response.content)))
            if len(self._results) >= BATCH:
                await self._write()

    async def _write(self) -> None:
        results, self._results = self._results, []
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        rows = [
            {"path": path, "season": profile.current_season, "seen_at": now, "playlist_states": profile.playlists}
            for path, profile in results
        ]
        if rows:
            await self._pool.execute(WRITE, msgspec.json.encode(rows).decode())


async def main(database: str, site: str, count: int) -> None:
    pool = await asyncpg.create_pool(database, min_size=1, max_size=5)
    await pool.execute(CREATE)
    transport = AiohttpTransport(
        client=lambda: aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONCURRENCY, keepalive_timeout=30), cookie_jar=aiohttp.DummyCookieJar()
        )
    )
    async with httpx.AsyncClient(
        transport=transport, headers={"Accept-Encoding": "gzip, deflate"}, timeout=15, trust_env=False
    ) as client:
        loop = Loop(client, pool, [f"{site}{path}" for path in paths(count)])
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        while await asyncio.to_thread(sys.stdin.readline):
            cpu = time.process_time()
            seconds = await loop.round()
            sys.stdout.write(f'{{"seconds": {seconds}, "cpu": {time.process_time() - cpu}}}\n')
            sys.stdout.flush()
    await pool.close()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
