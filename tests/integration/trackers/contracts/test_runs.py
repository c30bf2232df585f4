"""One run at a time, and what becomes of it when something is taken away from under it."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from tests.integration.trackers.contracts.market import DOMAIN, FORGE, Market
from tests.waiting import eventually

from app.container import AppContainer
from app.worker import WorkerProcess
from shared.scraping.fetch_context import Postponed
from trackers.contracts.errors import DatabaseAwayError, LostLeaseError
from trackers.contracts.run_lock import KEY
from trackers.contracts.run_repository import RunRepository
from trackers.contracts.runs import AggregationRuns

LIFETIME = 3
"""Seconds of a lease that is extended three times in them."""


async def closed(*containers: AppContainer) -> None:
    for container in containers:
        await container.database().close()
        await container.redis().aclose()
        await container.clients().close()


async def test_of_two_runs_started_at_once_exactly_one_runs(market: Market) -> None:
    first, second = market.worker(), market.worker()
    inside = 0
    other_refused = asyncio.Event()

    async def begin(worker: AppContainer) -> bool:
        nonlocal inside
        try:
            async with worker.contracts.runs().joined():
                inside += 1
                assert inside == 1
                await other_refused.wait()
                inside -= 1
        except Postponed:
            other_refused.set()
            return False
        return True

    assert sorted(await asyncio.gather(begin(first), begin(second))) == [False, True]
    assert [run["outcome"] for run in await market.runs()] == ["completed"]
    assert await begin(second), "the lock was released"
    await closed(first, second)


async def test_regions_that_are_due_together_are_one_run(market: Market) -> None:
    market.esi.configure(sizes={str(FORGE): 60, str(DOMAIN): 60})
    market.environ["TRACKERS_CONTRACTS_REGION_IDS"] = f"{FORGE},{DOMAIN}"
    worker = market.worker()
    async with worker.database().unit_of_work():
        await worker.contracts.regions().follow_configured()
    assert await WorkerProcess(worker).burst() == 0
    (run,) = await market.runs()
    assert run["summary"]["regions"] == 2
    assert len(await market.ids()) == 120


async def test_without_the_store_of_the_lock_nothing_runs(market: Market, capsys: pytest.CaptureFixture[str]) -> None:
    class AwayRedis:
        def register_script(self, script: str) -> object:
            return script

        async def set(self, *args: object, **kwargs: object) -> None:
            raise RedisConnectionError("refused")

    worker = market.worker()
    runs = worker.contracts.runs()
    runs._redis = AwayRedis()
    with pytest.raises(Postponed):
        async with runs.joined():
            pytest.fail("ran without a lock")
    said = capsys.readouterr().out
    assert "run_lock_unreachable" in said
    assert "critical" in said
    assert await market.runs() == []
    await closed(worker)


async def test_a_stolen_lease_ends_the_run_and_nothing_more_is_written(market: Market, redis_url: str) -> None:
    worker = market.worker(TRACKERS_CONTRACTS_LOCK_LIFETIME=1)

    async def robbed() -> None:
        async with worker.contracts.runs().joined() as run, Redis.from_url(redis_url) as redis:
            await redis.set(KEY, "somebody else")

            async def never() -> bool:
                run.check()
                return False

            await eventually(never, what="the check raises")

    with pytest.raises(LostLeaseError):
        await robbed()
    assert [one["outcome"] for one in await market.runs()] == ["lost_lease"]
    async with Redis.from_url(redis_url) as redis:
        assert await redis.get(KEY) == b"somebody else", "what is not ours is not released"
    await closed(worker)


async def test_who_was_overtaken_commits_nothing(market: Market) -> None:
    worker = market.worker()
    async with worker.contracts.runs().joined() as run:
        async with market.container.database().transaction() as session:
            await RunRepository(session).open(uuid4(), now=market.clock.now())

        async def step(session: object) -> None:
            pytest.fail("wrote behind the fence")

        with pytest.raises(LostLeaseError):
            await run.write(step)
    await closed(worker)


async def test_a_new_run_waits_for_the_transaction_of_the_old_one(market: Market) -> None:
    worker = market.worker()
    async with worker.contracts.runs().joined() as run:
        began, goes_on = asyncio.Event(), asyncio.Event()

        async def step(session: object) -> str:
            began.set()
            await goes_on.wait()
            return "written"

        writing = asyncio.create_task(run.write(step))
        await began.wait()

        async def overtake() -> None:
            async with market.container.database().transaction() as session:
                await RunRepository(session).open(uuid4(), now=market.clock.now())

        overtaking = asyncio.create_task(overtake())
        await market.somebody_waits()
        assert not overtaking.done()
        goes_on.set()
        assert await writing == "written"
        await overtaking
    await closed(worker)


async def test_who_is_held_up_in_a_transaction_keeps_others_out_until_the_server_ends_it(market: Market) -> None:
    held_up, other = market.container.database(), market.worker()
    async with held_up.transaction() as session:
        number = await RunRepository(session).open(uuid4(), now=market.clock.now())
    async with held_up.transaction() as session:
        await RunRepository(session).check_fence(number)
        with pytest.raises(Postponed, match="still writing"):
            async with other.contracts.runs().joined():
                pytest.fail("began beside a transaction of the run before")
    async with other.contracts.runs().joined():
        pass
    await closed(other)


async def test_a_heartbeat_outlives_the_lease_again_and_again(market: Market) -> None:
    worker = market.worker(TRACKERS_CONTRACTS_LOCK_LIFETIME=LIFETIME)
    runs = worker.contracts.runs()
    async with runs.joined() as run:
        first = runs._lease._good_until

        async def outlived() -> bool:
            run.check()
            return bool(runs._lease._good_until > first + LIFETIME)

        await eventually(outlived, what="the lease is good for longer than it lasts")
    await closed(worker)


async def test_a_failing_release_hides_nothing(market: Market, capsys: pytest.CaptureFixture[str]) -> None:
    worker = market.worker()
    runs = worker.contracts.runs()

    async def refuse(**_: object) -> None:
        raise RedisConnectionError("refused")

    async def fail() -> None:
        async with runs.joined():
            runs._lease._release = refuse
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert "run_lock_not_released" in capsys.readouterr().out
    assert [one["outcome"] for one in await market.runs()] == ["failed"]
    await closed(worker)


async def test_a_database_that_stays_away_ends_the_run_and_lets_go_of_the_lock(
    market: Market, redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    worker = market.worker()
    runs = AggregationRuns(
        database=worker.database(), redis=worker.redis(), clock=market.clock, lifetime=15.0, patience=0.5
    )
    tries = 0

    async def step(session: object) -> None:
        nonlocal tries
        tries += 1
        raise ConnectionResetError

    async def write() -> None:
        async with runs.joined() as run:
            await run.write(step)

    with pytest.raises(DatabaseAwayError):
        await write()
    assert tries > 1
    assert [one["outcome"] for one in await market.runs()] == ["database_away"]
    assert "critical" in capsys.readouterr().out
    async with Redis.from_url(redis_url) as redis:
        assert await redis.get(KEY) is None
    await closed(worker)


async def test_a_run_that_was_never_heard_of_again_is_noted_by_the_next(market: Market) -> None:
    async with market.container.database().transaction() as session:
        await RunRepository(session).open(uuid4(), now=market.clock.now() - timedelta(hours=1))
    await market.look()
    assert [run["outcome"] for run in await market.runs()] == ["died", "completed"]


async def test_every_line_of_a_run_names_it(market: Market, capsys: pytest.CaptureFixture[str]) -> None:
    market.esi.configure(sizes={str(FORGE): 10})
    await market.look()
    run = str((await market.last_run())["id"])
    said = capsys.readouterr().out.splitlines()
    for line in ("run_started", "region_swept", "run_ended", "run_lock_released"):
        (shown,) = [one for one in said if line in one]
        assert run in shown


async def test_in_the_error_limit_everything_stops_and_goes_on_afterwards(market: Market) -> None:
    market.esi.configure(sizes={str(FORGE): 0}, error_limit=30, error_window=2)
    gone = [market.esi.add_contract(items=[{"type_id": 62_000}], turn=False) for _ in range(60)]
    market.esi.turn()
    for contract in gone:
        market.esi.answer_with(f"items:{contract}", 404)
    assert await market.look() == 0
    refused = [one for one in market.esi.requests() if one.status == 420]
    assert refused == [], "the floor keeps us from ever being refused"
    assert 10 <= len([one for one in market.esi.requests() if one.status == 404]) <= 10 + 15
    assert (await market.last_run())["outcome"] == "partial"
    assert await market.value("SELECT count(*) FROM contracts WHERE items_state = 'gone'") >= 10


async def test_failures_of_the_api_are_counted_against_its_budget_too(market: Market) -> None:
    market.esi.configure(sizes={str(FORGE): 0}, error_limit=30, error_window=60)
    for _ in range(60):
        market.esi.add_contract(items=[{"type_id": 62_000}], turn=False)
    market.esi.turn()
    market.esi.fault("/contracts/public/items/*", "latency", ms=20)
    await market.follow()
    broken = asyncio.create_task(market.look(TRACKERS_CONTRACTS_CONCURRENCY=2))

    async def reading() -> bool:
        return bool(market.asked("/contracts/public/items/"))

    await eventually(reading, what="items are read")
    market.esi.configure(downtime=True)
    await broken
    statuses = [one.status for one in market.esi.requests()]
    assert 503 in statuses
    assert 420 not in statuses


async def test_a_refusal_lets_the_host_rest_as_long_as_it_says(market: Market) -> None:
    market.esi.configure(tokens=4)
    await market.look()
    assert len([one for one in market.esi.requests() if one.status == 429]) <= 15
    (target,) = await market.rows("SELECT last_reason FROM scrape_targets WHERE source = 'contracts'")
    assert target["last_reason"] == "throttled"
    rest = await market.container.pacer().cooldown_of(market.esi.url.partition("://")[2])
    assert rest is not None
    assert rest <= 2
    assert await market.container.dispatcher().dispatch("contracts") == 0


async def test_in_the_daily_restart_nothing_is_asked(market: Market) -> None:
    now = market.clock.now()
    begins, ends = now - timedelta(minutes=5), now + timedelta(minutes=5)
    await market.look(TRACKERS_CONTRACTS_DOWNTIME=f"{begins:%H:%M}-{ends:%H:%M}")
    assert market.esi.requests() == []
    due = await market.value("SELECT due_at FROM scrape_schedule s JOIN scrape_targets t ON t.id = s.target_id")
    assert timedelta(minutes=3) < due - now < timedelta(minutes=7)
    assert await market.runs() == []


async def test_old_runs_and_contracts_that_ended_long_ago_are_removed(market: Market) -> None:
    ended = market.esi.add_contract(items=[{"type_id": 62_000}])
    await market.look()
    market.esi.remove_contract(ended)
    await market.look_later()
    market.clock.ahead += timedelta(days=200)
    assert await market.container.contracts.retention().remove_old() == 3
    assert await market.value("SELECT count(*) FROM contract_items WHERE contract_id = :id", id=ended) == 0
    assert len(await market.ids()) == 120


async def test_contracts_of_a_region_that_was_dropped_are_removed_once_they_ran_out_long_ago(market: Market) -> None:
    await market.look()
    market.clock.ahead += timedelta(days=300)
    assert await market.container.contracts.retention().remove_old() == 1, "an old run; a sweep will end the contracts"
    market.environ["TRACKERS_CONTRACTS_REGION_IDS"] = str(DOMAIN)
    worker = market.worker()
    async with worker.database().unit_of_work():
        await worker.contracts.regions().follow_configured()
    assert await worker.contracts.retention().remove_old() == 121, "with the region itself"
    assert await market.value("SELECT count(*) FROM contract_items") == 0
    assert [row["region_id"] for row in await market.rows("SELECT region_id FROM contract_regions")] == [DOMAIN]
    await closed(worker)


async def test_beginning_a_run_and_listing_runs_do_not_read_those_of_months(market: Market) -> None:
    await market.rows(
        "INSERT INTO contract_runs (id, fence, started_at, finished_at, outcome, summary)"
        " SELECT uuidv7(), 1, now() - make_interval(mins => n), now(), 'completed', '{}'"
        " FROM generate_series(1, 20000) n"
    )
    await market.rows("ANALYZE contract_runs")
    for statement in (
        "UPDATE contract_runs SET outcome = 'died' WHERE outcome IS NULL",
        "SELECT * FROM contract_runs ORDER BY started_at DESC, id DESC LIMIT 50",
        "SELECT id FROM contract_runs WHERE started_at < now() - interval '90 days' LIMIT 2000",
    ):
        plan = "\n".join(row["QUERY PLAN"] for row in await market.rows(f"EXPLAIN {statement}"))
        assert "Seq Scan" not in plan, plan
