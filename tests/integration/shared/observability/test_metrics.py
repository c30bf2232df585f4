"""`/metrics`: who may read it, that its numbers are those of what happened, and that reading it costs little."""

import socket
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest
from dependency_injector import providers
from sqlalchemy import TextClause, event, text
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.clock import MovedClock
from tests.conftest import Bench
from tests.integration.shared.observability.conftest import TOKEN, Told, Watched, watched_with
from tests.integration.shared.outbox.conftest import moved
from tests.upstreams.client import SimulatedSites

from app.listening import CannotListenError
from app.worker import WorkerProcess
from shared.database import PooledQueries
from shared.scraping.gauges import SourceGauges
from shared.scraping.pacing import PacingSlot


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}, {"Authorization": f"Bearer {TOKEN} "[:-2]}],
    ids=["none", "wrong", "another scheme", "cut short"],
)
async def test_nobody_reads_metrics_without_the_token(watched: Watched, headers: dict[str, str]) -> None:
    answer = await watched.http.get("/metrics", headers=headers)
    assert answer.status_code == 401
    assert answer.json()["code"] == "unauthenticated"
    assert "trackers_" not in answer.text


async def test_the_token_opens_metrics_in_the_format_of_prometheus(watched: Watched) -> None:
    answer = await watched.scraped()
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert Told(answer.text).value("trackers_ready") == 1.0


async def test_without_a_token_set_there_are_no_metrics(api: Bench) -> None:
    for headers in ({}, {"Authorization": "Bearer "}):
        answer = await api.http.get("/metrics", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "metrics_off")
        assert "TRACKERS_METRICS_TOKEN" in answer.json()["detail"]


async def test_the_numbers_are_those_of_what_was_scraped(watched: Watched, sites: SimulatedSites) -> None:
    await watched.register("auto-watched")
    await watched.register("missing-one")
    await watched.work()
    sent = len(sites.games.requests())
    worker = await watched.told_by_worker()
    assert worker.value("trackers_scrapes_total", source="games", outcome="changed") == 1
    assert worker.value("trackers_scrapes_total", source="games", outcome="not_found") == 1
    assert worker.value("trackers_scrapes_total", source="games", outcome="page_changed") == 0, "the first is a rise"
    assert worker.value("trackers_scrape_duration_seconds_count", source="games") == 2
    answers = {
        status: worker.value("trackers_upstream_requests_total", source="games", status=status)
        for status in worker.labels("trackers_upstream_requests_total", "status")
    }
    assert sum(count or 0 for count in answers.values()) == sent
    assert answers["404"]
    assert worker.value("trackers_jobs_total", name="scraping.scrape", outcome="completed")
    assert worker.value("trackers_database_pool_size") == 10
    house = await watched.told()
    assert house.value("trackers_targets", source="games", state="completed", reason="") == 1
    assert house.value("trackers_targets", source="games", state="failed", reason="not_found") == 1
    assert house.value("trackers_targets_due", source="games") == 0
    assert house.value("trackers_oldest_due_seconds", source="games") == 0


async def test_an_answer_that_never_comes_is_counted_as_none(watched: Watched, sites: SimulatedSites) -> None:
    sites.games.fault("*/profile/*", "reset")
    await watched.register("auto-reset")
    await watched.work()
    worker = await watched.told_by_worker()
    assert worker.value("trackers_upstream_requests_total", source="games", status="error")
    assert worker.value("trackers_scrapes_total", source="games", outcome="unavailable") == 1


async def test_requests_are_counted_by_route_and_never_by_path(watched: Watched) -> None:
    for _ in range(3):
        await watched.http.get(f"/internal/trackers/{uuid4()}")
        await watched.http.get(f"/nowhere/{uuid4()}")
        await watched.http.request(uuid4().hex[:9].upper(), "/health/live")
    told = await watched.told()
    counted = "trackers_http_requests_total"
    assert told.value(counted, method="GET", route="/internal/trackers/{tracker_id}", status="404") == 3
    assert told.value(counted, method="GET", route="unknown", status="404") == 3
    assert "other" in told.labels(counted, "method")
    assert len(told.labels(counted, "method")) <= 3
    assert all(len(route) < 60 and "nowhere" not in route for route in told.labels(counted, "route"))
    seconds = "trackers_http_request_duration_seconds_count"
    assert told.value(seconds, method="GET", route="/internal/trackers/{tracker_id}") == 3


async def test_what_waits_shows_with_its_age(watched: Watched) -> None:
    clock = MovedClock()
    watched.api.clock.override(providers.Object(clock))
    await watched.register("auto-waits")
    clock.ahead = timedelta(minutes=10)
    told = await watched.told()
    assert told.value("trackers_targets_due", source="games") == 1
    assert 600 <= (told.value("trackers_oldest_due_seconds", source="games") or 0) < 900
    assert told.value("trackers_targets", source="games", state="pending", reason="") == 1
    assert told.value("trackers_targets_due", source="hiscores") == 0
    assert (told.value("trackers_outbox_waiting") or 0) >= 1
    assert 600 <= (told.value("trackers_outbox_lag_seconds") or 0) < 900
    assert (told.value("trackers_job_queue_depth") or 0) >= 1
    assert told.value("trackers_workers") == 0
    assert told.value("trackers_part_up", part="workers") == 0


async def test_what_was_given_up_and_what_is_held_is_counted_apart(watched: Watched) -> None:
    await watched.register("auto-held")
    await watched.register("auto-dead")
    await watched.register("auto-due")
    async with watched.api.database().unit_of_work() as session:
        hold = "UPDATE scrape_schedule s SET {} FROM scrape_targets t WHERE t.id = s.target_id AND t.key LIKE '%{}'"
        await session.execute(text(hold.format("lease_until = now() + interval '1 minute'", "auto-held")))
        await session.execute(text(hold.format("due_at = 'infinity'", "auto-dead")))
    told = await watched.told()
    counts = [told.value(f"trackers_targets_{what}", source="games") for what in ("due", "in_progress", "dead")]
    assert counts == [1, 1, 1]


async def test_a_breaker_a_pause_and_the_pace_show(environ: dict[str, str]) -> None:
    paced = {"TRACKERS_METRICS_TOKEN": TOKEN, "TRACKERS_HISCORES_DELAY": "30", "TRACKERS_HISCORES_JITTER": "0"}
    async with watched_with({**environ, **paced}) as watched:
        pacer, games = watched.api.pacer(), watched.api.sources()["games"].policy
        hiscores = watched.api.sources()["hiscores"].policy
        await pacer.failed(games, PacingSlot(at=1, fragile=False), open_now=True, retry_after=60)
        await pacer.slot(hiscores, max_wait=0)
        async with watched.api.database().unit_of_work():
            await watched.api.scraping_repository().pause("fencers", reason=None, now=watched.api.clock().now())
        told = await watched.told()
    states = {
        state: told.value("trackers_breaker_state", source="games", state=state)
        for state in told.labels("trackers_breaker_state", "state")
    }
    assert states == {"open": 1, "closed": 0, "half_open": 0, "unknown": 0}
    assert told.value("trackers_breaker_state", source="hiscores", state="closed") == 1
    assert told.value("trackers_source_delay_seconds", source="hiscores") == 30
    assert 0 < (told.value("trackers_pace_booked_seconds", source="hiscores") or 0) <= 30
    assert told.value("trackers_source_paused", source="fencers") == 1
    assert told.value("trackers_source_paused", source="hiscores") == 0


async def test_a_scraper_that_asks_again_and_again_asks_the_database_once(watched: Watched) -> None:
    await watched.told()
    asked: list[str] = []
    event.listen(watched.api.engine().sync_engine, "checkout", lambda *_: asked.append("a connection"))
    first = await watched.told()
    for _ in range(20):
        await watched.told()
    assert asked == []
    assert first.value("trackers_ready") == 1


async def test_parts_that_are_away_leave_the_rest_of_the_page(environ: dict[str, str]) -> None:
    away = {"TRACKERS_METRICS_TOKEN": TOKEN, "TRACKERS_REDIS_URL": "unix:///nonexistent/redis.sock"}
    async with watched_with({**environ, **away}) as watched:
        told = await watched.told()
    assert told.value("trackers_gauges_read", reader="queue") == 0
    assert told.value("trackers_gauges_read", reader="outbox") == 1
    assert told.value("trackers_part_up", part="redis") == 0
    assert told.value("trackers_part_up", part="database") == 1
    assert told.value("trackers_ready") == 0
    assert told.value("trackers_breaker_state", source="games", state="unknown") == 1
    assert told.value("trackers_job_queue_depth") is None
    assert told.value("trackers_outbox_waiting") is not None


async def test_dead_events_and_late_deliveries_show(watched: Watched) -> None:
    async with watched.api.database().unit_of_work() as session:
        await watched.api.outbox().publish(moved(1))
        await session.execute(text("UPDATE outbox_events SET dead_at = now()"))
        await session.execute(
            text("""
            WITH person AS (INSERT INTO users (id, created_at) VALUES (uuidv7(), now()) RETURNING id),
            kept AS (
                INSERT INTO notified_events (id, event, aggregate, payload, occurred_at, noted_at)
                VALUES (uuidv7(), 'e', 'a:1', '{}', now(), now()) RETURNING id),
            made AS (
                INSERT INTO notification_channels
                       (id, user_id, kind, name, target, shown, host, created_at, verified_at, suspended_at)
                SELECT uuidv7(), id, 'webhook', 'n', '', 's', 'h', now(), now(), CASE WHEN off THEN now() END
                FROM person, (VALUES (true), (false)) AS v (off) RETURNING id, suspended_at),
            due AS (
                INSERT INTO notification_deliveries (id, event_id, channel_id, subject_id, due_at)
                SELECT uuidv7(), kept.id, made.id, uuidv7(),
                       CAST(:now AS timestamptz)
                       - CASE WHEN suspended_at IS NULL THEN interval '7 minutes' ELSE interval '9 days' END
                FROM kept, made)
            INSERT INTO digest_preferences (user_id, period, hour, weekday, time_zone, next_at, created_at)
            SELECT id, 'daily', 7, 1, 'UTC', CAST(:now AS timestamptz) - interval '40 minutes', now() FROM person
            """),
            {"now": watched.api.clock().now()},
        )
    told = await watched.told()
    assert told.value("trackers_outbox_dead") == 1
    assert told.value("trackers_outbox_waiting") == 0
    assert told.value("trackers_deliveries_waiting") == 2
    assert 420 <= (told.value("trackers_deliveries_lag_seconds") or 0) < 600
    assert 2400 <= (told.value("trackers_digests_lag_seconds") or 0) < 2700


async def test_regions_tell_since_when_they_were_not_read_to_their_end(watched: Watched) -> None:
    await watched.follow_regions()
    told = await watched.told()
    age = "trackers_contracts_region_age_seconds"
    assert told.labels(age, "region") == {"10000002", "10000043"}
    assert 7200 <= (told.value(age, region="10000002") or 0) < 7500, "a sweep that broke off makes nothing fresh"
    assert 1200 <= (told.value(age, region="10000043") or 0) < 1500, "nor does being followed"


class HeardReader(PooledQueries):
    """Keeps what it asked."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine)
        self.asked: list[tuple[str, list[Any]]] = []

    def _prepared(self, statement: TextClause, parameters: Mapping[str, Any]) -> tuple[str, list[Any]]:
        self.asked.append(super()._prepared(statement, parameters))
        return self.asked[-1]


async def test_counting_stops_at_its_bound_and_reads_no_more_than_that(watched: Watched) -> None:
    """However many are due: the plan reads by the index of the due, as far as the bound; of targets, a sample."""
    async with watched.api.database().unit_of_work() as session:
        await session.execute(
            text("""
            WITH made AS (
                INSERT INTO scrape_targets (id, source, key, address, interval_seconds, created_at)
                SELECT uuidv7(), 'games', 'k' || n, 'k' || n, 60, now() FROM generate_series(1, 20000) n RETURNING id)
            INSERT INTO scrape_schedule (target_id, due_at, priority, source)
            SELECT id, :now, 2, 'games' FROM made
            """),
            {"now": watched.api.clock().now()},
        )
        await session.execute(text("ANALYZE scrape_targets, scrape_schedule"))
    reader = HeardReader(watched.api.engine())
    gauges = SourceGauges(
        reader,
        sources=watched.api.sources(),
        pacer=watched.api.pacer(),
        clock=watched.api.clock(),
        counted=100,
        sampled_pages=20,
    )
    readings = {(one.gauge.name, *one.labels): one.value for one in await gauges.read()}
    assert readings["trackers_targets_due", "games"] == 100
    assert readings["trackers_targets", "games", "pending", ""] == pytest.approx(20000, rel=0.5)
    assert len(reader.asked) == 4
    for query, arguments in reader.asked:
        async with watched.api.engine().connect() as connection:
            raw = (await connection.get_raw_connection()).driver_connection
            assert raw is not None
            (plan,) = await raw.fetch(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}", *arguments)
        plan = plan[0] if isinstance(plan[0], list) else msgspec.json.decode(plan[0])
        read = [node for node in nodes(plan[0]["Plan"]) if "Relation Name" in node]
        for node in read:
            rows = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            assert rows <= 2_000, (node["Node Type"], node["Relation Name"], rows)


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(inner for part in plan.get("Plans", ()) for inner in nodes(part))]


async def test_a_worker_serves_its_own_counters(environ: dict[str, str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {"TRACKERS_METRICS_TOKEN": TOKEN, "TRACKERS_METRICS_PORT": str(port)}
    async with watched_with({**environ, **own}) as watched:
        worker = WorkerProcess(watched.worker)
        async with worker._metrics(), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            assert (await http.get("/metrics")).status_code == 401
            answer = await http.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
            with pytest.raises(CannotListenError, match="TRACKERS_METRICS_PORT"):
                await worker._metrics().__aenter__()
        told = Told(answer.text)
        assert told.value("trackers_database_pool_size") == 10
        assert told.value("trackers_outbox_waiting") is None  # of the house the API tells, once
