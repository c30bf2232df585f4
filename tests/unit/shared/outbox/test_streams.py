"""A stream whose events cannot be read."""

from uuid import UUID

import pytest
from structlog.testing import capture_logs

from shared.outbox.errors import TooManyStreams
from shared.outbox.schemas import Feed, FeedFilter
from shared.outbox.streams import EventStreams

KEY = UUID(int=1)


class Table:
    """Empty, until it is away."""

    error: Exception | None = None

    async def head(self) -> int:
        return 7

    async def feed(self, wanted: FeedFilter, *, after: int, limit: int) -> Feed:
        if self.error is not None:
            raise self.error
        return Feed(items=[], next_after=after)


class Keys:
    async def stands(self, key_id: UUID) -> bool:
        return True


def streams(table: Table) -> EventStreams:
    return EventStreams(events=table, keys=Keys(), look=0, heartbeat=0, most=1)  # type: ignore[arg-type]  # a fake


async def test_it_ends_where_the_database_is_away_so_that_the_client_comes_back() -> None:
    table = Table()
    opened = streams(table)
    stream = opened.open(KEY, FeedFilter(), after=None)
    assert [(await anext(stream)).position for _ in range(3)] == [7, 7, 7]
    table.error = ConnectionRefusedError("no server there")
    with capture_logs() as logs:
        assert [said async for said in stream] == []
    assert [line["event"] for line in logs] == ["event_stream_cut"]


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
