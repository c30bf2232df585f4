"""The API with a token for its metrics, and a worker whose counters can be read."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text
from tests.application import application, transport
from tests.conftest import container_of

from app.container import AppContainer
from app.worker import WorkerProcess

TOKEN = "a token for tests that scrape"
LINK = "https://rocketleague.tracker.network/rocket-league/profile/epic/{}/overview"


class Told:
    """What a page says, by name and labels."""

    def __init__(self, page: str) -> None:
        self.samples = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(page)
            for sample in family.samples
        }

    def value(self, sample: str, /, **labels: str) -> float | None:
        return self.samples.get((sample, frozenset(labels.items())))

    def labels(self, name: str, label: str) -> set[str]:
        return {dict(labels)[label] for found, labels in self.samples if found == name}


@dataclass
class Watched:
    """An installation whose metrics are read."""

    api: AppContainer
    worker: AppContainer
    http: httpx.AsyncClient

    async def scraped(self, **headers: str) -> httpx.Response:
        return await self.http.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"} | headers)

    async def told(self) -> Told:
        answer = await self.scraped()
        assert answer.status_code == 200, answer.text
        return Told(answer.text)

    async def told_by_worker(self) -> Told:
        return Told((await self.worker.own_metrics_page().read(TOKEN)).decode())

    async def register(self, handle: str) -> dict[str, Any]:
        body = {"user_id": "281474976710656001", "url": LINK.format(handle)}
        answer = await self.http.post("/internal/trackers/add", json=body)
        assert answer.is_success, answer.text
        registered: dict[str, Any] = answer.json()
        return registered

    async def follow_regions(self) -> None:
        """One whose last sweep broke off, one that never was read, and one that is not looked at any more."""
        async with self.api.database().unit_of_work() as session:
            await session.execute(
                text("""
                WITH made AS (
                    INSERT INTO scrape_targets (id, source, key, address, interval_seconds, created_at)
                    SELECT uuidv7(), 'contracts', r, r, 300, CAST(:now AS timestamptz) - interval '20 minutes'
                    FROM unnest(ARRAY['10000002', '10000043', '10000030']) r RETURNING id, key)
                INSERT INTO contract_regions (region_id, target_id, followed, swept_at, complete_at)
                SELECT key::bigint, id, key <> '10000030',
                       CASE WHEN key <> '10000043' THEN CAST(:now AS timestamptz) - interval '1 minute' END,
                       CASE WHEN key <> '10000043' THEN CAST(:now AS timestamptz) - interval '2 hours' END
                FROM made
                """),
                {"now": self.api.clock().now()},
            )

    async def work(self) -> None:
        assert await WorkerProcess(self.worker).burst() == 0


@asynccontextmanager
async def watched_with(environ: Mapping[str, str]) -> AsyncIterator[Watched]:
    api, worker = container_of(dict(environ)), container_of(dict(environ))
    async with api.database().unit_of_work():
        key = (await api.users.keys().create("test bot", ["trackers"])).text
    asked = transport(application(api))
    headers = {"X-API-Key": str(key)}
    try:
        async with httpx.AsyncClient(transport=asked, base_url="http://test", headers=headers) as http:
            yield Watched(api, worker, http)
    finally:
        for container in (api, worker):
            await container.database().close()
            await container.redis().aclose()
            await container.clients().close()


@pytest.fixture
async def watched(environ: dict[str, str]) -> AsyncIterator[Watched]:
    async with watched_with({**environ, "TRACKERS_METRICS_TOKEN": TOKEN}) as made:
        yield made
