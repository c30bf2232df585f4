"""Histories of ten thousand prices: the API's answer, 500 of them that keep the line's shape, beside the bare SQL.

Bare SQL is what answers the same without sampling: the statement that selects the columns of the answer, on asyncpg,
its rows fetched and nothing made of them. In turns, in one process, on one connection each.
"""

import time
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from app.container import running_app
from benchmarks.common import Result, compared, interleaved, median, spread
from benchmarks.house import House, connect
from shared.web.identity import PersonIdentity, Role

SNAPSHOTS: Final = 10_000
POINTS: Final = 500
ROUNDS: Final = 15
A_ROUND: Final = 5
AT_LEAST: Final = 0.5

_FILL: Final = (
    "INSERT INTO users (id, created_at) VALUES ('{user}', now())",
    """
    INSERT INTO flight_trips (id, user_id, origin, destination, departs_on, adults, children, infants_in_seat,
                              infants_on_lap, ends_at, created_at, updated_at)
    VALUES ('{trip}', '{user}', 'JFK', 'LAX', now()::date + 90, 1, 0, 0, 0, now() + interval '90 days', now(), now())
    """,
    """
    INSERT INTO flight_queries (id, key, provider, origin, destination, departs_on, travellers, cabin_class, currency,
                                ends_at, created_at)
    SELECT '{query}', format('google_flights:JFK:LAX:%s:one-way:1.0.0.0:economy:any:USD', departs_on),
           'google_flights', 'JFK', 'LAX', departs_on, 1, 'economy', 'USD', ends_at, now() FROM flight_trips
    """,
    "INSERT INTO flight_trip_queries (trip_id, query_id) VALUES ('{trip}', '{query}')",
    """
    INSERT INTO flight_snapshots (id, query_id, captured_at, seen_at, price, currency, cheapest, origin, airline,
                                  airline_name, stops, departs_at, departs_offset, arrives_at, arrives_offset,
                                  duration_minutes, reference, run_id)
    SELECT uuidv7(), '{query}', at, at,
           20000 + (n::bigint * 7919 + offer * 104729) % 9000, 'USD', offer = 1, 'fetched', 'QZ',
           'Quartz Air', 0, at + interval '90 days', 60, at + interval '90 days 6 hours', -300, 360, 'QZ100', uuidv7()
    FROM generate_series(1, {count}) AS n, generate_series(1, 3) AS offer,
         LATERAL (SELECT now() - n * interval '1 hour' AS at) moment
    """,
    "VACUUM ANALYZE flight_snapshots",
)
_BARE: Final = """
SELECT s.id, q.provider, q.departs_on, q.returns_on, q.cabin_class, q.travellers, s.captured_at, s.seen_at, s.price,
       s.currency, s.cheapest, s.suspect, s.origin, s.airline, s.airline_name, s.stops, s.departs_at, s.departs_offset,
       s.arrives_at, s.arrives_offset, s.duration_minutes, s.reference
FROM flight_snapshots s JOIN flight_queries q ON q.id = s.query_id
WHERE s.query_id = $1 AND s.cheapest ORDER BY s.captured_at, s.id
"""
_NARROW: Final = """
SELECT captured_at, price FROM flight_snapshots WHERE query_id = $1 AND cheapest ORDER BY captured_at, id
"""
USER, TRIP, QUERY = UUID(int=1), UUID(int=2), UUID(int=3)
ASKER: Final = PersonIdentity(
    user_id=USER, role=Role.USER, session_id=USER, token_id="x",  # noqa: S106 -- no secret
    expires_at=datetime(9999, 1, 1, tzinfo=UTC),
)  # fmt: skip


async def fill(connection: Any, snapshots: int) -> None:
    """A trip of USER's, and so many looks at what it costs."""
    for statement in _FILL:
        await connection.execute(statement.format(user=USER, trip=TRIP, query=QUERY, count=snapshots))


async def run(house: House) -> list[Result]:
    url = await house.new_database("bench_price_history")
    connection: Any = await connect(url)
    try:
        await fill(connection, SNAPSHOTS)
        async with running_app(house.container(house.environ(url))) as container:
            reads = container.flights.price_queries()

            async def product() -> float:
                async def ask() -> None:
                    found = await reads.get_prices(ASKER, TRIP, points=POINTS)
                    assert found.total == SNAPSHOTS
                    assert POINTS * 9 // 10 <= len(found.items) <= POINTS

                return await _rate(ask)

            async def bare() -> float:
                async def ask() -> None:
                    assert len(await connection.fetch(_BARE, QUERY)) == SNAPSHOTS

                return await _rate(ask)

            async def narrow() -> float:
                async def ask() -> None:
                    assert len(await connection.fetch(_NARROW, QUERY)) == SNAPSHOTS

                return await _rate(ask)

            contenders = {"product": product, "bare": bare, "narrow": narrow}
            for contender in contenders.values():
                await contender()
            rates = await interleaved(contenders, rounds=ROUNDS)
    finally:
        await connection.close()
    return [
        compared(
            "price_history", median(rates["product"]), "answers/s", median(rates["bare"]), at_least=AT_LEAST,
            note=f"{POINTS} of {SNAPSHOTS:,} prices, sampled; floor: the same columns of all of them, bare; "
            f"{spread(rates['product'], rates['bare'])}",
        ),
        compared(
            "price_history_narrow", median(rates["product"]), "answers/s", median(rates["narrow"]), at_least=AT_LEAST,
            note="floor: times and prices alone of all of them, bare; "
            f"{spread(rates['product'], rates['narrow'])}",
        ),
    ]  # fmt: skip


async def _rate(ask: Any) -> float:
    """Answers a second, of some one after the other."""
    started = time.perf_counter()
    for _ in range(A_ROUND):
        await ask()
    return A_ROUND / (time.perf_counter() - started)
