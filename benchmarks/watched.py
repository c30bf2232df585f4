"""Many watched searches at once, by SQL: what the benchmarks of flight prices start from."""

from typing import Any, Final

from trackers.flights.search import ScrapeQuery

SOURCE: Final = "google_flights"
USER: Final = "00000000-0000-7000-8000-000000000001"
LETTERS: Final = 26

# Foreign keys are checked once at the end, in bulk: millions of single checks take longer than all else.
_CHECKED: Final = {
    "scrape_schedule": (
        "fk_scrape_schedule_target_id_scrape_targets",
        "target_id",
        "scrape_targets",
        " ON DELETE CASCADE",
    ),
    "flight_queries": ("fk_flight_queries_target_id_scrape_targets", "target_id", "scrape_targets", ""),
    "price_watches": ("fk_price_watches_trip_id_flight_trips", "trip_id", "flight_trips", " ON DELETE CASCADE"),
}
_FILL: Final = (
    f"INSERT INTO users (id, created_at) VALUES ('{USER}', now())",  # noqa: S608 -- a constant of ours
    """
    CREATE TABLE made AS
    SELECT n, uuidv7() AS target_id, uuidv7() AS query_id, uuidv7() AS trip_id, now()::date + 60 + n / 17576 AS day,
           chr(65 + n / 676 % 26) || chr(65 + n / 26 % 26) || chr(65 + n % 26) AS place
    FROM generate_series(0, {searches} - 1) AS n
    """,
    """
    INSERT INTO scrape_targets (id, source, key, address, interval_seconds, created_at)
    SELECT target_id, 'google_flights', key, key, 21600, now()
    FROM made, LATERAL (SELECT format('google_flights:ZZZ:%s:%s:one-way:1.0.0.0:economy:any:USD', place, day) AS key) k
    """,
    """
    INSERT INTO scrape_schedule (target_id, due_at, priority, source)
    SELECT target_id, now() + interval '10 days' * random() + interval '1 day', 2, 'google_flights' FROM made
    """,
    """
    INSERT INTO flight_trips (id, user_id, origin, destination, departs_on, adults, children, infants_in_seat,
                              infants_on_lap, ends_at, created_at, updated_at)
    SELECT trip_id, '{user}', 'ZZZ', place, day, 1, 0, 0, 0, day + 1, now(), now() FROM made
    """,
    """
    INSERT INTO flight_queries (id, key, target_id, provider, origin, destination, departs_on, travellers, cabin_class,
                                currency, ends_at, created_at)
    SELECT query_id, format('google_flights:ZZZ:%s:%s:one-way:1.0.0.0:economy:any:USD', place, day), target_id,
           'google_flights', 'ZZZ', place, day, 1, 'economy', 'USD', day + 1, now()
    FROM made
    """,
    "INSERT INTO flight_trip_queries (trip_id, query_id) SELECT trip_id, query_id FROM made",
    """
    CREATE TABLE made_watches AS
    SELECT uuidv7() AS id, trip_id, query_id FROM made, generate_series(1, {watches})
    """,
    """
    INSERT INTO price_watches (id, user_id, trip_id, provider, target_price, currency, cabin_class,
                               check_interval_minutes, alert_cooldown_hours, step_percent, median_days, armed_at,
                               created_at, updated_at)
    SELECT id, '{user}', trip_id, 'google_flights', {target}, 'USD', 'economy', 360, 6, 1, 30, now(), now(), now()
    FROM made_watches
    """,
    "INSERT INTO price_watch_queries (watch_id, query_id) SELECT id, query_id FROM made_watches",
    "DROP TABLE made, made_watches",
)


async def watch(connection: Any, *, searches: int, watches: int = 1, target: int = 1) -> None:
    """So many searches, each with so many watches; none is due."""
    for table, (name, _, _, _) in _CHECKED.items():
        await connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    for statement in _FILL:
        await connection.execute(statement.format(searches=searches, watches=watches, target=target, user=USER))
    for table, (name, column, other, then) in _CHECKED.items():
        await connection.execute(
            f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({column}) REFERENCES {other} (id){then}"
        )
    await connection.execute("VACUUM ANALYZE")


async def searched(connection: Any) -> list[ScrapeQuery]:
    """What they search for."""
    return [
        ScrapeQuery.read(row["key"]) for row in await connection.fetch("SELECT key FROM flight_queries ORDER BY key")
    ]
