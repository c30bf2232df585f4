"""Scheduled processing while workers, queue and everything else go away."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from dependency_injector import providers
from tests.clock import FixedClock
from tests.integration.faults.harness import FOLLOWED, MUCH_LONGER_THAN_A_TEST, Round, Stage, eventually

from shared.clock import SystemClock
from shared.ids import new_id
from shared.web.identity import BotIdentity

GUILD = "81384788765712384"
BOT = BotIdentity(key_id=new_id(), name="a bot", scopes=frozenset({"trackers"}))


async def schedule(stage: Stage, *, due: timedelta = timedelta(0)) -> UUID:
    """Have everybody's trackers processed: all are in one guild. Asked for an hour ago, for a moment that has come.

    `due`: how long ago it was to begin.
    """
    await stage.rows(
        "INSERT INTO guilds (id, name, created_at, updated_at) VALUES ($1, 'Comets', now(), now())"
        " ON CONFLICT DO NOTHING",
        GUILD,
    )
    await stage.rows(
        "INSERT INTO guild_members (guild_id, user_id, admin, joined_at, confirmed_by)"
        " SELECT $1, id, false, now(), 'operator' FROM users"
        " ON CONFLICT DO NOTHING",
        GUILD,
    )
    now = SystemClock().now()  # real date: the workers are processes
    async with stage.engine() as container:
        container.clock.override(providers.Object(FixedClock(now - timedelta(hours=1))))
        async with container.database().unit_of_work():
            made = await container.games.schedules().schedule_processing(GUILD, now - due, {}, asker=BOT)
    made_id: UUID = made.id
    return made_id


async def seen_from(stage: Stage) -> Round:
    """What is visited from now on."""
    log = stage.sites.requests()
    began = await stage.value("SELECT clock_timestamp()")
    return Round(began=began, played={}, tasks=[], request=log[-1].number if log else 0)


async def standing(stage: Stage, schedule_id: UUID) -> Any:
    (row,) = await stage.rows("SELECT * FROM game_schedules WHERE id = $1", schedule_id)
    return row


async def over(stage: Stage, schedule_id: UUID) -> Any:
    """The schedule, once it is."""

    async def ended() -> bool:
        return bool((await standing(stage, schedule_id))["status"] != "PENDING")

    await eventually(ended, "the schedule is over", stage.workers)
    return await standing(stage, schedule_id)


async def assert_processed_once(stage: Stage, the: Round, schedule_id: UUID) -> None:
    """Each account has one run, the schedule began once and was told of once."""
    row = await over(stage, schedule_id)
    assert (row["status"], row["reason"]) == ("COMPLETED", None)
    report = await stage.rows(
        "SELECT (report->>'total')::int AS total, (report->>'ok')::int AS ok,"
        " (report->>'unchanged')::int AS unchanged FROM game_schedules WHERE id = $1",
        schedule_id,
    )
    assert (report[0]["total"], report[0]["ok"] + report[0]["unchanged"]) == (FOLLOWED, FOLLOWED)
    runs = "SELECT count(*) FROM scrape_runs WHERE trigger = 'request' AND requested_at >= $1"
    assert await stage.value(runs, the.began) == FOLLOWED
    told = "SELECT count(*) FROM outbox_events WHERE event = 'processing.finished' AND aggregate = $1"
    assert await stage.value(told, f"schedule:{schedule_id}") == 1
    assert sum(worker.said("processing_began") for worker in stage.workers) == 1
    await stage.assert_nothing_under_way()


async def test_two_workers_begin_a_schedule_once(stage: Stage) -> None:
    for worker in [stage.worker(TRACKERS_SCRAPE_LEASE=MUCH_LONGER_THAN_A_TEST) for _ in range(2)]:
        await stage.ready(worker)
    the = await seen_from(stage)
    schedule_id = await schedule(stage)
    await assert_processed_once(stage, the, schedule_id)
    assert set(stage.visits(the).values()) == {1}
    assert len(stage.visits(the)) == FOLLOWED


async def test_a_worker_killed_in_the_middle_loses_nothing(stage: Stage) -> None:
    stage.sites.fault("*/profile/*", "latency", ms=150)
    victim = await stage.ready(stage.worker())
    the = await seen_from(stage)
    schedule_id = await schedule(stage)
    await stage.in_the_middle_of(the, share=0.3)
    victim.kill()
    row = await standing(stage, schedule_id)
    assert (row["status"], row["under_way"]) == ("PENDING", True)
    stage.worker()
    await assert_processed_once(stage, the, schedule_id)


async def test_a_queue_that_is_emptied_in_the_middle_loses_nothing(stage: Stage) -> None:
    stage.sites.fault("*/profile/*", "latency", ms=150)
    await stage.ready(stage.worker())
    the = await seen_from(stage)
    schedule_id = await schedule(stage)
    await stage.in_the_middle_of(the, share=0.1)
    with stage.servers.redis() as redis:
        redis.flushall()
    await assert_processed_once(stage, the, schedule_id)


async def test_the_database_restarted_in_the_middle_loses_nothing(stage: Stage) -> None:
    stage.sites.fault("*/profile/*", "latency", ms=150)
    await stage.ready(stage.worker())
    the = await seen_from(stage)
    schedule_id = await schedule(stage)
    await stage.in_the_middle_of(the, share=0.1)
    await stage.servers.crash_postgres()
    await assert_processed_once(stage, the, schedule_id)


async def test_due_while_nothing_ran_it_begins_late(stage: Stage) -> None:
    the = await seen_from(stage)
    schedule_id = await schedule(stage, due=timedelta(seconds=1))
    stage.worker()
    await assert_processed_once(stage, the, schedule_id)


async def test_due_too_long_ago_it_was_missed_and_does_not_wait_for_ever(stage: Stage) -> None:
    the = await seen_from(stage)
    schedule_id = await schedule(stage, due=timedelta(seconds=1))
    for worker in [stage.worker(TRACKERS_GAMES_SCHEDULE_GRACE="0.5") for _ in range(2)]:
        await stage.ready(worker)
    row = await over(stage, schedule_id)
    assert (row["status"], row["reason"]) == ("FAILED", "missed")
    assert not stage.visits(the)
    assert await stage.value("SELECT count(*) FROM outbox_events WHERE event = 'processing.finished'") == 1
