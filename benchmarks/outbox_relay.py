"""Events a second: published in transactions of 100, then relayed to one cheap handler.

Floor: the same transactions on the same table with bare asyncpg: INSERTs of 100 rows, UPDATEs of 500, and no locks,
keys, handlers or wake-up.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final
from uuid import UUID

import msgspec
from dependency_injector import providers

from app.container import AppContainer, running_app
from benchmarks.common import Result, compared, interleaved, median, rounded, spread
from benchmarks.house import House, connect
from shared.events import Event, EventType, NewEvent, Readers
from shared.outbox.relay import BATCH

EVENTS: Final = 20_000
A_TRANSACTION: Final = 100
THINGS: Final = 5_000
TURNS: Final = 7
AT_LEAST: Final = 0.5


class Rating(msgspec.Struct, frozen=True, kw_only=True):
    """As large as what a change of one playlist writes."""

    playlist: str = "11"
    rating_before: int = 1204
    rating: int = 1251
    rank: str = "Diamond III"
    new_peak: bool = True


RATED: Final = EventType(
    name="game_account.changed", when="In this benchmark.", payload=Rating, readers=Readers.ALL_GUILDS
)
PAYLOAD: Final = Rating()

_INSERT: Final = """
INSERT INTO outbox_events (id, event, aggregate, payload, user_id, occurred_at)
SELECT uuidv7(), 'game_account.changed', aggregate, payload, CAST($3 AS uuid), now()
FROM unnest($1::text[], $2::jsonb[]) AS told (aggregate, payload)
"""
_UPDATE: Final = """
UPDATE outbox_events e SET relayed_at = now(), position = nextval('outbox_positions')
FROM (SELECT id FROM outbox_events WHERE relayed_at IS NULL AND dead_at IS NULL ORDER BY seq LIMIT $1) AS due
WHERE e.id = due.id
RETURNING e.id, e.event, e.aggregate, e.payload, e.user_id, e.occurred_at
"""
_SOMEBODY: Final = UUID(int=7)
Turn = tuple[float, float]
"""Seconds to publish, and to relay."""


class Counting:
    """A cheap handler."""

    name = "counting"
    events = frozenset({"game_account.changed"})

    def __init__(self) -> None:
        self.count = 0

    async def handle(self, events: Sequence[Event]) -> None:
        self.count += len(events)


async def run(house: House) -> list[Result]:
    url = await house.new_database("bench_outbox")
    connection: Any = await connect(url)
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=str, decoder=msgspec.json.decode)
    container = house.container(house.environ(url))
    handler = Counting()
    container.events.handlers.override(providers.Object([handler]))
    try:
        async with running_app(container):
            turns = await interleaved(
                {
                    "ours": _turn(connection, lambda: _publish(container), lambda: _relay(container, handler)),
                    "floor": _turn(connection, lambda: _insert(connection), lambda: _update(connection)),
                },
                rounds=1 + TURNS,
            )
    finally:
        await connection.close()
    results = []
    for number, name in enumerate(("published", "relayed")):
        ours, floor = ([EVENTS / turn[number] for turn in turns[who][1:]] for who in ("ours", "floor"))
        size = (A_TRANSACTION, BATCH)[number]
        results.append(
            compared(
                f"outbox_{name}", median(ours), "events/s", median(floor),
                note=f"{EVENTS:,} events, {size} to a transaction; floor: bare asyncpg; {spread(ours, floor)}",
            )
        )  # fmt: skip
    ours, floor = ([EVENTS / sum(turn) for turn in turns[who][1:]] for who in ("ours", "floor"))
    results.append(
        compared(
            "outbox_relay", median(ours), "events/s", median(floor), at_least=AT_LEAST,
            note=f"published and relayed, one connection; best {rounded(max(ours)):g}; {spread(ours, floor)}",
        )
    )  # fmt: skip
    return results


def _turn(
    connection: Any, publish: Callable[[], Awaitable[None]], relay: Callable[[], Awaitable[None]]
) -> Callable[[], Awaitable[Turn]]:
    """All events published, then all relayed, on a table as it is after a while: emptied, vacuumed, analyzed."""

    async def turn() -> Turn:
        await connection.execute("DELETE FROM outbox_events")
        await connection.execute("VACUUM ANALYZE outbox_events")
        started = time.perf_counter()
        await publish()
        published = time.perf_counter()
        await relay()
        relayed = time.perf_counter()
        assert await connection.fetchval("SELECT count(*) FROM outbox_events WHERE position > 0") == EVENTS
        return published - started, relayed - published

    return turn


async def _publish(container: AppContainer) -> None:
    for start in range(0, EVENTS, A_TRANSACTION):
        async with container.database().unit_of_work():
            await container.outbox().publish(
                *(
                    NewEvent(
                        event=RATED,
                        aggregate=f"game_account:{number % THINGS}",
                        payload=PAYLOAD,
                        user_id=_SOMEBODY,
                    )
                    for number in range(start, start + A_TRANSACTION)
                )
            )


async def _relay(container: AppContainer, handler: Counting) -> None:
    handler.count = 0
    while handler.count < EVENTS:
        assert await container.events.relay().run()


async def _insert(connection: Any) -> None:
    for start in range(0, EVENTS, A_TRANSACTION):
        numbers = range(start, start + A_TRANSACTION)
        payloads = [msgspec.json.encode(PAYLOAD).decode() for _ in numbers]
        aggregates = [f"game_account:{number % THINGS}" for number in numbers]
        async with connection.transaction():
            await connection.execute(_INSERT, aggregates, payloads, _SOMEBODY)


async def _update(connection: Any) -> None:
    relayed = True
    while relayed:
        async with connection.transaction():
            relayed = bool(await connection.fetch(_UPDATE, BATCH))
