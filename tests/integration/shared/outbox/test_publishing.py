"""What is published is there exactly when the change is, once per key, and in the order of writing."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from msgspec import Struct
from tests.integration.shared.outbox.conftest import House, moved

from shared.database import NoUnitOfWorkError
from shared.events import EventType, NewEvent, Readers


class Move(Struct, frozen=True, kw_only=True):
    at: str
    by: int


MOVED = EventType(name="thing.moved", when="In tests.", payload=Move, readers=Readers.EVERYBODY)


async def test_an_event_is_kept_as_it_was_told(house: House) -> None:
    user_id = uuid4()
    told = NewEvent(event=MOVED, aggregate="thing:1", payload=Move(at="home", by=3), user_id=user_id, key="move:1")
    await house.publish(told)
    (row,) = await house.events()
    assert (row["event"], row["aggregate"], row["user_id"], row["key"]) == ("thing.moved", "thing:1", user_id, "move:1")
    assert (row["payload"], row["occurred_at"]) == ({"at": "home", "by": 3}, house.clock.now())
    assert (row["position"], row["relayed_at"], row["attempts"], row["due_at"], row["dead_at"]) == (
        None,
        None,
        0,
        None,
        None,
    )


async def test_what_is_rolled_back_is_not_told(house: House) -> None:
    async def fails() -> None:
        async with house.container.database().unit_of_work():
            await house.container.outbox().publish(moved(1))
            raise LookupError

    with pytest.raises(LookupError):
        await fails()
    assert await house.events() == []
    assert await house.relay() == 0
    assert house.queue.asked == []


async def test_outside_a_unit_of_work_nothing_is_published(house: House) -> None:
    with pytest.raises(NoUnitOfWorkError):
        await house.container.outbox().publish(moved(1))


async def test_nothing_is_published_in_no_statement(house: House) -> None:
    async with house.container.database().unit_of_work() as session:
        await house.container.outbox().publish()
        assert not session.in_transaction()
    assert house.queue.asked == []


async def test_the_relay_is_woken_once_after_the_commit(house: House) -> None:
    async with house.container.database().unit_of_work():
        await house.container.outbox().publish(moved(1), moved(2))
        await house.container.outbox().publish(moved(3))
        assert house.queue.asked == []
    assert house.queue.asked == [("outbox.relay", "outbox.relay")]


async def test_of_several_with_one_key_the_first_is_kept(house: House) -> None:
    await house.publish(moved(1, 1, key="a"), moved(1, 2, key="a"), moved(1, 3), moved(1, 4))
    await house.publish(moved(1, 5, key="a"), moved(1, 6, key="b"))
    assert [row["payload"]["n"] for row in await house.events()] == [1, 3, 4, 6]
    await house.relay()
    await house.publish(moved(1, 7, key="a"))
    assert len(await house.events()) == 4


async def test_of_many_at_once_with_one_key_one_is_kept(house: House) -> None:
    """Whatever they are about, and in whatever order the keys come."""
    keys = [f"key:{n}" for n in range(10)]

    async def write(n: int) -> None:
        told = [moved(key, n, key=key) for key in keys]
        await house.publish(*(told if n % 2 else reversed(told)))

    await asyncio.gather(*(write(n) for n in range(20)))
    rows = await house.events()
    assert sorted(row["key"] for row in rows) == sorted(keys)


async def test_who_writes_about_the_same_thing_later_commits_later(house: House, open_house: Any) -> None:
    """Otherwise the relay could hand on the second event while the first is not in yet."""
    other: House = await open_house()
    async with house.container.database().unit_of_work():
        await house.container.outbox().publish(moved(1, 1), moved(2, 1))
        second = asyncio.create_task(other.publish(moved(2, 2), moved(3, 2)))
        await other.publish(moved(4, 3))
        assert await other.relay() == 1
        assert not second.done()
    await second
    assert await other.relay() == 4
    await house.assert_all_told_once()
    told = [(row["aggregate"], row["payload"]["n"]) for row in await house.events()]
    assert told.index(("thing:2", 1)) < told.index(("thing:2", 2))
