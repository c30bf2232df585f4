"""What a record takes, with its indexes, for a year of play; beside three other ways to keep the same.

The layouts hold the same looks: `deltas` is the product's (arrays of what changed, a keyframe every fifty), `arrays`
every value of every record, `jsonb` the same as a document, `rows` a row for each metric that changed.
"""

from typing import Any, Final

import msgspec

from benchmarks.common import Result, compared
from benchmarks.hiscore_players import make_players, played
from benchmarks.house import House, connect

PLAYERS: Final = 12
LARGEST: Final = 400.0
"""Bytes."""

_LAYOUTS: Final = (
    """CREATE TABLE by_arrays (player int, at timestamptz, metrics smallint[], vals bigint[], ranks int[],
                               PRIMARY KEY (player, at))""",
    "CREATE TABLE by_jsonb (player int, at timestamptz, body jsonb, PRIMARY KEY (player, at))",
    """CREATE TABLE by_rows (player int, metric smallint, at timestamptz, val bigint, rank int,
                             PRIMARY KEY (player, metric, at))""",
)


async def run(house: House) -> list[Result]:
    database = await house.new_database("bench_layouts")
    connection: Any = await connect(database)
    try:
        for statement in _LAYOUTS:
            await connection.execute(statement)
        numbers = await make_players(connection, PLAYERS)
        records = 0
        for player in numbers:
            deltas: list[Any] = []
            arrays: list[Any] = []
            documents: list[Any] = []
            rows: list[Any] = []
            for at, verdict in played(player):
                if verdict.record is None:
                    continue
                some, everything = sorted(verdict.recorded), sorted(verdict.entries)
                changed = [verdict.recorded[no] for no in some]
                state = [verdict.entries[no] for no in everything]
                deltas.append(
                    (
                        player, verdict.era, int(verdict.record), at, some,
                        [entry.value for entry in changed], [entry.rank for entry in changed],
                    )
                )  # fmt: skip
                arrays.append(
                    (player, at, everything, [entry.value for entry in state], [entry.rank for entry in state])
                )
                body = {str(no): [entry.value, entry.rank] for no, entry in zip(everything, state, strict=True)}
                documents.append((player, at, msgspec.json.encode(body).decode()))
                moved = verdict.gains if arrays[1:] else verdict.recorded
                rows += [(player, no, at, verdict.entries[no].value, verdict.entries[no].rank) for no in moved]
            records += len(deltas)
            await connection.copy_records_to_table("hiscore_records", records=deltas)
            await connection.copy_records_to_table("by_arrays", records=arrays)
            await connection.copy_records_to_table("by_jsonb", records=documents)
            await connection.copy_records_to_table("by_rows", records=rows)
        tables = {"deltas": "hiscore_records", "arrays": "by_arrays", "jsonb": "by_jsonb", "rows": "by_rows"}
        await connection.execute("VACUUM FULL ANALYZE")
        sizes = {
            name: await connection.fetchval("SELECT pg_total_relation_size($1::text::regclass)", table) / records
            for name, table in tables.items()
        }
    finally:
        await connection.close()
    beside = ", ".join(f"{name} {size:,.0f}" for name, size in sizes.items() if name != "deltas")
    return [
        compared(
            "snapshot_bytes", sizes["deltas"], "B/record", LARGEST, at_most=1.0,
            note=f"{records:,} records of a year of {PLAYERS} players, with indexes; {beside}",
        )
    ]  # fmt: skip
