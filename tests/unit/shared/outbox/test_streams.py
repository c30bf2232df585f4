"""A stream whose events cannot be read."""

import asyncio
from uuid import UUID

import pytest
from structlog.testing import capture_logs
from tests.waiting import LIMIT_S, eventually

from shared.outbox.errors import TooManyStreams
from shared.outbox.schemas import Feed, FeedFilter
from shared.outbox.streams import EventStreams

KEY = UUID(int=1)


class Table:
    """Empty, until it is away."""

    error: Exception | None = None
    asked: int = 0

    async def head(self) -> int:
        return 7

    async def feed(self, wanted: FeedFilter, *, after: int, limit: int) -> Feed:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return Feed(items=[], next_after=after)


class Keys:
    async def stands(self, key_id: UUID) -> bool:
        return True


def streams(table: Table, *, poll_interval: float = 0, heartbeat: float = 0) -> EventStreams:
    return EventStreams(events=table, keys=Keys(), poll_interval=poll_interval, heartbeat=heartbeat, most=1)  # type: ignore[arg-type]  # a fake


async def until_asked(table: Table, times: int) -> None:
    async def asked() -> bool:
        return table.asked >= times

    await eventually(asked, what=f"the table was asked {times} times")


async def test_it_ends_where_the_database_is_away_so_that_the_client_comes_back() -> None:
    table = Table()
    opened = streams(table)
    stream = opened.open(KEY, FeedFilter(), after=None)
    assert [(await anext(stream)).position for _ in range(3)] == [7, 7, 7]
    table.error = ConnectionRefusedError("no server there")
    with capture_logs() as logs:
        assert [said async for said in stream] == []
    assert [line["event"] for line in logs] == ["event_stream_cut"]


async def test_in_silence_nothing_is_said_before_the_heartbeat() -> None:
    table = Table()
    stream = streams(table, heartbeat=3600).open(KEY, FeedFilter(), after=3)
    assert (await anext(stream)).position == 3
    silent = asyncio.ensure_future(anext(stream))
    await until_asked(table, 20)
    assert not silent.done()
    silent.cancel()


async def test_it_ends_at_once_when_the_process_stops() -> None:
    """It does not wait until its next look at the table, which is an hour away."""
    table = Table()
    opened = streams(table, poll_interval=3600, heartbeat=3600)
    stream = opened.open(KEY, FeedFilter(), after=3)
    await anext(stream)
    ending = asyncio.ensure_future(anext(stream))
    await until_asked(table, 1)
    opened.end()
    with pytest.raises(StopAsyncIteration):
        await asyncio.wait_for(ending, LIMIT_S)


async def test_a_bug_is_not_hidden() -> None:
    table = Table()
    table.error = KeyError("position")
    stream = streams(table).open(KEY, FeedFilter(), after=3)
    assert (await anext(stream)).position == 3
    with pytest.raises(KeyError):
        await anext(stream)


def test_one_that_was_left_makes_room_for_another_once() -> None:
    opened = streams(Table())
    stream = opened.open(KEY, FeedFilter(), after=None)
    with pytest.raises(TooManyStreams):
        opened.open(KEY, FeedFilter(), after=None)
    assert opened.count(KEY) == 1
    stream.leave()
    opened.open(KEY, FeedFilter(), after=None)
    stream.leave()
    assert opened.count(KEY) == 1
