"""Redis and PostgreSQL that crash and come back, or forget, while workers are at work."""

from tests.integration.faults.harness import FOLLOWED, MUCH_LONGER_THAN_A_TEST, Stage


async def test_a_worker_survives_a_crash_of_redis(stage: Stage) -> None:
    """What it held goes back at once: the lease is not waited for."""
    stage.sites.fault("*/profile/*", "latency", ms=150)
    worker = await stage.ready(stage.worker(TRACKERS_SCRAPE_LEASE=MUCH_LONGER_THAN_A_TEST))
    the = await stage.begin_round()
    await stage.in_the_middle_of(the)
    await stage.servers.crash_redis()
    await stage.end_of(the)
    await stage.assert_settled_once(the)
    assert worker.alive


async def test_a_queue_that_was_lost_delays_the_work_until_the_leases_run_out(stage: Stage) -> None:
    worker = await stage.ready(stage.worker())
    worker.pause()
    the = await stage.begin_round()
    async with stage.engine() as engine:
        assert await engine.dispatcher().dispatch_all() == FOLLOWED
    with stage.servers.redis() as redis:
        redis.flushall()
    worker.go_on()
    await stage.end_of(the)
    await stage.assert_settled_once(the)
    assert worker.alive


async def test_results_wait_for_a_postgresql_that_crashed(stage: Stage) -> None:
    """What was fetched is recorded when the server is back, and not asked for again."""
    stage.sites.fault("*/profile/*", "latency", ms=150)
    worker = await stage.ready(stage.worker(TRACKERS_SCRAPE_LEASE=MUCH_LONGER_THAN_A_TEST))
    the = await stage.begin_round()
    await stage.in_the_middle_of(the)
    while not worker.said("database_away"):
        await stage.servers.crash_postgres()
    await stage.end_of(the)
    await stage.assert_settled_once(the)
    assert worker.alive
    assert set(stage.visits(the).values()) == {1}


async def test_a_job_that_begins_while_postgresql_is_away_waits_for_it(stage: Stage) -> None:
    worker = await stage.ready(stage.worker())
    worker.pause()
    the = await stage.begin_round()
    async with stage.engine(TRACKERS_SCRAPE_LEASE=MUCH_LONGER_THAN_A_TEST) as engine:
        assert await engine.dispatcher().dispatch_all() == FOLLOWED
    await stage.servers.crash_postgres(meanwhile=worker.go_on)
    await stage.end_of(the)
    await stage.assert_settled_once(the)
