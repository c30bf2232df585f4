"""Every event is handled once and in order, whoever relays and wherever that is cut off."""

import asyncio
import os
import random
import signal
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from structlog.testing import capture_logs
from tests.integration.shared.outbox.conftest import House, Tracer, happened, moved
from tests.integration.shared.outbox.dying_relay import STEPS
from tests.waiting import LIMIT_S, eventually

from shared.database import connection_was_lost
from shared.outbox.relay import TRIES, Relay

ROOT = Path(__file__).parents[4]


async def ids(house: House, aggregate: str) -> list[UUID]:
    return [row["id"] for row in await house.events() if row["aggregate"] == aggregate]


def in_batches_of(house: House, size: int) -> Relay:
    container = house.container
    return Relay(
        database=container.database(),
        repository=container.outbox_repository,
        handlers=container.events.handlers,
        activity=container.activity,
        clock=house.clock,
        batch=size,
    )


async def test_each_handler_hears_what_it_wants_to(house: House) -> None:
    house.handlers.append(Tracer(house.container, name="other", events=frozenset({"thing.moved", "thing.gone"})))
    gone = happened("thing.gone")
    ignored = happened("thing.kept")
    await house.publish(moved(1), gone, ignored, moved(2))
    assert await house.relay() == 4
    first, second, third, last = [row["id"] for row in await house.events()]
    assert await house.traces() == [first, last]
    assert await house.traces("other") == [first, second, last]
    assert all(row["relayed_at"] == house.clock.now() for row in await house.events())
    assert third not in await house.traces("other")
    assert await house.relay() == 0


async def test_twenty_writers_at_once_keep_the_order_of_each_thing(house: House, open_house: Any) -> None:
    """While two relays are at work, and writers take their time between writing and committing."""
    other: House = await open_house()
    rng = random.Random(4)  # noqa: S311 -- the same turns in every run
    done = asyncio.Event()

    async def write(number: int) -> None:
        for n in range(10):
            things = rng.sample(range(5), 3)
            async with house.container.database().unit_of_work():
                await house.container.outbox().publish(*(moved(thing, number * 100 + n) for thing in things))
                await asyncio.sleep(rng.random() * 0.01)  # writers take their time before they commit

    async def relay(relay: Relay) -> None:
        while not done.is_set():
            await relay.run()
            await asyncio.sleep(0.001)  # writers come to their turn between two rounds

    relays = [asyncio.create_task(relay(in_batches_of(one, 7))) for one in (house, other)]
    await asyncio.gather(*(write(number) for number in range(20)))
    done.set()
    await asyncio.gather(*relays)
    await house.relay()
    assert len(await house.events()) == 600
    await house.assert_all_told_once()


async def test_of_two_relays_one_works(house: House, open_house: Any) -> None:
    other: House = await open_house()
    await house.publish(*(moved(n % 10, n) for n in range(300)))
    relayed = await asyncio.gather(*(in_batches_of(one, 20).run() for one in (house, other, house, other)))
    assert sum(relayed) == 300
    await house.assert_all_told_once()


async def test_a_second_relay_returns_at_once(house: House, open_house: Any) -> None:
    other: House = await open_house()
    await house.publish(moved(1))
    async with house.container.database().unit_of_work():
        assert await house.container.outbox_repository().try_lock()
        assert await asyncio.wait_for(other.relay(), LIMIT_S) == 0  # the lock is held meanwhile
    assert await other.relay() == 1


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.slow
async def test_a_relay_killed_anywhere_loses_and_repeats_nothing(
    house: House, environ: dict[str, str], step: str
) -> None:
    house.handlers[:] = [Tracer(house.container, name="first"), Tracer(house.container, name="second")]
    await house.publish(*(moved(n % 3, n) for n in range(30)))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.integration.shared.outbox.dying_relay",
        step,
        cwd=ROOT,
        env={**os.environ, **environ},
        start_new_session=True,
    )
    assert await asyncio.wait_for(process.wait(), LIMIT_S) == -signal.SIGKILL
    done = step == "after the commit"
    assert len(await house.traces("first")) == (30 if done else 0)
    if done:
        assert await house.relay() == 0
    else:
        assert await eventually(house.relay, what="the server has noticed the death") == 30
    await house.publish(moved(1, 30), moved(2, 31))
    assert await house.relay() == 2
    await house.assert_all_told_once(handlers=("first", "second"))


async def test_a_relay_cancelled_at_work_leaves_nothing_behind(house: House) -> None:
    await house.publish(moved(1))

    def first() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()

    house.tracer.first = first
    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(house.container.events.relay().run())
    (row,) = await house.events()
    assert (row["relayed_at"], row["attempts"], await house.traces()) == (None, 0, [])


async def test_a_poisonous_event_holds_up_its_own_thing_only(house: House) -> None:
    await house.publish(*(moved(n % 3, n) for n in range(12)))
    poison = (await ids(house, "thing:1"))[1]
    house.tracer.fails_over.add(poison)
    assert await house.relay() == 9
    rows = {row["id"]: row for row in await house.events()}
    held = (await ids(house, "thing:1"))[1:]
    assert {id_ for id_, row in rows.items() if row["relayed_at"] is None} == set(held)
    assert (rows[poison]["attempts"], rows[poison]["due_at"]) == (1, house.clock.now() + timedelta(seconds=5))
    assert rows[poison]["error"] == f"ValueError: cannot handle {rows[poison]['payload']}"
    assert [rows[id_]["attempts"] for id_ in held[1:]] == [0, 0]
    await house.publish(moved(1, 99), moved(2, 99))
    assert await house.relay() == 1
    house.tracer.fails_over.clear()
    assert await house.relay() == 0
    house.clock.advance(timedelta(seconds=5))
    assert await house.relay() == 4
    await house.assert_all_told_once()
    assert [row["error"] for row in await house.events()] == [None] * 14


async def test_one_that_fails_too_often_is_dead_and_the_later_ones_go_on(house: House) -> None:
    user_id = UUID(int=7)
    await house.publish(moved(1, 1, user_id=user_id), moved(1, 2))
    poison, later = await ids(house, "thing:1")
    house.tracer.fails_over.add(poison)
    with capture_logs() as logs:
        for _ in range(TRIES):
            assert await house.traces() == []
            await house.relay()
            house.clock.advance(timedelta(seconds=300))
    assert await house.traces() == [later]
    dead, _ = await house.events()
    assert (dead["attempts"], dead["relayed_at"], dead["position"], dead["due_at"]) == (TRIES, None, None, None)
    assert dead["dead_at"] == house.clock.now() - timedelta(seconds=300)
    assert "cannot handle" in dead["error"]
    (line,) = [line for line in logs if line["event"] == "event_dead"]
    assert (line["log_level"], line["event_id"], line["attempts"]) == ("error", str(poison), TRIES)
    (happened,) = await house.rows("SELECT * FROM activity_log WHERE event = 'outbox.event_dead'")
    assert (happened["subject"], happened["subject_id"], happened["user_id"]) == ("event", str(poison), user_id)
    assert happened["details"]["aggregate"] == "thing:1"


async def test_when_every_event_fails_each_is_tried_once_a_rest(house: House) -> None:
    await house.publish(*(moved(n, n) for n in range(20)))
    house.tracer.fails_over = {row["id"] for row in await house.events()}
    assert await house.relay() == 0
    assert await house.relay() == 0
    assert [row["attempts"] for row in await house.events()] == [1] * 20
    house.tracer.fails_over.clear()
    house.clock.advance(timedelta(seconds=5))
    assert await house.relay() == 20


async def test_a_transaction_that_cannot_commit_counts_as_failed(house: House) -> None:
    """Constraints that are checked at the end speak up there."""
    await house.container.standalone_writer().execute(
        text("ALTER TABLE traces ADD CONSTRAINT once UNIQUE (event_id) DEFERRABLE INITIALLY DEFERRED")
    )
    await house.publish(moved(1, 1), moved(2, 2))
    first, second = [row["id"] for row in await house.events()]
    await house.container.standalone_writer().execute(
        text("INSERT INTO traces (handler, event_id) VALUES ('before', :id)"), {"id": first}
    )
    assert await house.relay() == 1
    assert await house.traces() == [second]
    refused, relayed = await house.events()
    assert (refused["attempts"], relayed["attempts"]) == (1, 0)


async def test_while_the_database_is_away_nothing_is_counted(house: House) -> None:
    await house.publish(moved(1, 1))

    async def cut() -> None:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        await house.container.reader().rows(text(f"{others} AND pid <> pg_backend_pid()"))

    await asyncio.gather(house.relay(), cut(), return_exceptions=True)
    house.clock.advance(timedelta(seconds=5))
    try:
        await house.relay()
    except DBAPIError as error:  # on a connection of whose end the driver has not heard to the last
        assert connection_was_lost(error)  # noqa: PT017 -- it may also go well
    await house.relay()
    await house.assert_all_told_once()


async def test_a_handler_may_publish(house: House) -> None:
    class Echo:
        name = "echo"
        events = frozenset({"thing.moved"})

        async def handle(self, events: Any) -> None:
            await house.container.outbox().publish(*(happened("thing.grew", event.aggregate) for event in events))

    house.handlers[:] = [Echo()]
    await house.publish(moved(1), moved(2))
    assert await house.relay() == 4
    assert [row["event"] for row in await house.events()] == ["thing.moved"] * 2 + ["thing.grew"] * 2


async def test_the_relay_and_the_removal_run_by_themselves(house: House) -> None:
    jobs = {job.name: job for job in house.container.jobs()}
    await house.publish(moved(1))
    assert jobs["outbox.relay_waiting"].seconds == frozenset(range(60))
    assert await jobs["outbox.relay"].run() == 1
    assert await jobs["outbox.relay_waiting"].run() == 0
    assert jobs["outbox.remove_old_events"].minutes is not None


async def test_old_events_go_but_never_those_that_wait(house: House, open_house: Any) -> None:
    await house.publish(moved(1, 1), moved(2, 2))
    await house.relay()
    await house.publish(moved(1, 3), moved(2, 4))
    dying, _ = [row["id"] for row in await house.events()][2:]
    house.tracer.fails_over.add(dying)
    for _ in range(TRIES):
        await house.relay()
        house.clock.advance(timedelta(seconds=300))
    await house.publish(moved(3, 5))
    house.clock.advance(timedelta(days=30) - timedelta(seconds=300 * TRIES))
    retention = house.container.events.retention()
    assert await retention.remove_old() == 0
    house.clock.advance(timedelta(seconds=1))
    assert await retention.remove_old() == 2 + 1
    assert await retention.remove_old() == 0
    house.clock.advance(timedelta(days=1))
    assert await retention.remove_old() == 1  # the dead one
    (waiting,) = await house.events()
    assert waiting["payload"] == {"n": 5}


async def test_what_is_held_about_a_person_is_shown_handed_over_and_erased(house: House) -> None:
    ada, bob = UUID(int=1), UUID(int=2)
    await house.publish(moved(1, 1, user_id=ada), moved(2, 2, user_id=bob), moved(3, 3))
    await house.relay()
    await house.publish(moved(1, 4, user_id=ada))
    async with house.container.database().unit_of_work():
        data = house.container.events.personal_data()
        assert data.name == "events"
        assert [told.payload["n"] for told in await data.export(ada)] == [1, 4]
        await data.hand_over(bob, to=ada)
        assert [told.payload["n"] for told in await data.export(ada)] == [1, 2, 4]
        await data.erase(ada)
    assert [row["payload"]["n"] for row in await house.events()] == [3]
    assert await house.relay() == 0
