"""Visits that take longer than a lease: held on to while they are under way, taken away from who is gone."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from dependency_injector import providers
from sqlalchemy import text
from tests.conftest import container_of
from tests.waiting import eventually

from app.container import AppContainer
from shared.scraping.dispatch import SourceRegistry
from shared.scraping.fetch_context import FetchContext, Postponed
from shared.scraping.observation import Observation
from shared.scraping.policy import Policy
from shared.scraping.repository import Lease, ScrapingRepository
from shared.scraping.source import Source
from shared.scraping.target import Target

LEASE = 1.0


class SlowSource(Source[str]):
    """A visit lasts until the test lets it go on."""

    name = "slow"

    def __init__(self) -> None:
        self.policy = Policy(host="slow.example", delay=0.0, batch_size=10, max_fetch_seconds=60.0)
        self.goes_on = asyncio.Event()
        self.begun = asyncio.Event()
        self.recorded: list[str] = []
        self.ended: list[str] = []
        self.refused: Exception | None = None
        self.next_fetch_at: datetime | None = None

    async def collect(self, target: Target, context: FetchContext) -> str:
        if self.refused is not None:
            raise self.refused
        self.begun.set()
        try:
            await self.goes_on.wait()
        finally:
            self.ended.append(target.key)
        context.next_fetch_at = self.next_fetch_at
        return target.key

    async def record(self, observations: Sequence[Observation[str]]) -> set[UUID]:
        self.recorded += [observation.value for observation in observations]
        return set()


class Stage:
    def __init__(self, container: AppContainer, source: SlowSource) -> None:
        self.container = container
        self.source = source

    async def follow(self, *keys: str) -> None:
        async with self.container.database().unit_of_work():
            await self.container.targets().track("slow", {key: key for key in keys}, interval=timedelta(days=1))

    async def claim(self) -> list[Lease]:
        """What a worker is sent; it is taken from the engine's own claim."""
        now = self.container.clock().now()
        async with self.container.database().transaction() as session:
            return await ScrapingRepository(session).claim_due(
                "slow", now=now, lease_until=now + timedelta(seconds=LEASE), limit=10
            )

    async def rows(self, statement: str) -> list[dict[str, Any]]:
        return await self.container.reader().rows(text(statement))

    async def leases(self) -> list[datetime]:
        rows = await self.rows("SELECT lease_until FROM scrape_schedule WHERE lease_until IS NOT NULL")
        return [row["lease_until"] for row in rows]

    async def until_lease_is_after(self, moment: datetime) -> None:
        async def moved() -> bool:
            leases = await self.leases()
            return bool(leases) and min(leases) > moment

        await eventually(moved, what="the lease is renewed")


@pytest.fixture
async def stage(environ: dict[str, str]) -> AsyncIterator[Stage]:
    container = container_of({**environ, "TRACKERS_SCRAPE_LEASE": str(LEASE)})
    source = SlowSource()
    container.sources.override(providers.Object(SourceRegistry([source])))
    yield Stage(container, source)
    await container.database().close()
    await container.redis().aclose()


async def test_a_lease_is_renewed_as_long_as_the_visit_lasts(stage: Stage) -> None:
    await stage.follow("a", "b")
    claims = await stage.claim()
    working = asyncio.create_task(stage.container.runner().run("slow", claims))
    await stage.until_lease_is_after(claims[0].lease_until + timedelta(seconds=2 * LEASE))
    assert await stage.container.dispatcher().reclaim_expired_leases() == 0
    assert await stage.container.runner().run("slow", claims) == 0, "a job that runs twice holds nothing"
    stage.source.goes_on.set()
    assert await working == 2
    assert sorted(stage.source.recorded) == ["a", "b"]
    rows = await stage.rows(
        "SELECT s.attempt, s.lease_until, t.last_status FROM scrape_schedule s"
        " JOIN scrape_targets t ON t.id = s.target_id"
    )
    assert [tuple(row.values()) for row in rows] == [(0, None, "completed")] * 2


async def test_a_lease_that_nobody_renews_any_more_runs_out(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    await stage.follow("a")
    claims = await stage.claim()
    working = asyncio.create_task(stage.container.runner().run("slow", claims))
    await stage.until_lease_is_after(claims[0].lease_until)

    async def gone(*_: object, **__: object) -> None:
        raise asyncio.CancelledError

    # As by kill -9: nothing is given back on the way out.
    monkeypatch.setattr(stage.container.runner(), "_release", gone)
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working
    (renewed,) = await stage.leases()

    async def taken_back() -> bool:
        return await stage.container.dispatcher().reclaim_expired_leases() > 0

    await eventually(taken_back, what="the lease runs out")
    assert stage.container.clock().now() >= renewed
    assert await stage.leases() == []
    assert stage.source.recorded == []


async def test_a_visit_whose_target_was_taken_away_is_ended_and_nothing_of_it_recorded(stage: Stage) -> None:
    await stage.follow("a", "b")
    claims = await stage.claim()
    working = asyncio.create_task(stage.container.runner().run("slow", claims))
    await stage.source.begun.wait()
    taken = claims[0]
    await stage.container.standalone_writer().execute(
        text("UPDATE scrape_schedule SET run_id = uuidv7() WHERE target_id = :id"), {"id": taken.target_id}
    )

    async def ended() -> bool:
        return bool(stage.source.ended)

    await eventually(ended, what="the visit is ended")
    (lost,) = stage.source.ended
    stage.source.goes_on.set()
    assert await working == 1
    assert stage.source.recorded == [key for key in ("a", "b") if key != lost]


async def test_a_stopped_job_gives_back_what_it_held_by_the_renewed_lease(stage: Stage) -> None:
    await stage.follow("a")
    claims = await stage.claim()
    working = asyncio.create_task(stage.container.runner().run("slow", claims))
    await stage.until_lease_is_after(claims[0].lease_until)
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working
    assert await stage.leases() == []
    (row,) = await stage.rows("SELECT attempt FROM scrape_schedule")
    assert row["attempt"] == 0


async def test_what_cannot_be_looked_at_now_goes_back_and_has_not_failed(stage: Stage) -> None:
    await stage.follow("a")
    stage.source.refused = Postponed("closed on Sundays", seconds=3600.0)
    assert await stage.container.runner().run("slow", await stage.claim()) == 0
    (row,) = await stage.rows(
        "SELECT s.due_at, s.attempt, t.failures, t.last_status FROM scrape_schedule s"
        " JOIN scrape_targets t ON t.id = s.target_id"
    )
    assert (row["attempt"], row["failures"], row["last_status"]) == (0, 0, None)
    assert row["due_at"] > stage.container.clock().now() + timedelta(minutes=55)


async def test_a_site_that_says_when_it_has_something_newer_is_looked_at_then(stage: Stage) -> None:
    await stage.follow("a")
    stage.source.next_fetch_at = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
    stage.source.goes_on.set()
    assert await stage.container.runner().run("slow", await stage.claim()) == 1
    (row,) = await stage.rows("SELECT due_at FROM scrape_schedule")
    assert row["due_at"] == stage.source.next_fetch_at
