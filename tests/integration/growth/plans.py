"""What a statement costs, as PostgreSQL counts it: blocks touched, and tables read from end to end; never time."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
import msgspec
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

Statement = tuple[str, tuple[Any, ...]]
MODES: Final = ("force_custom_plan", "force_generic_plan")
"""A statement is planned for its parameters at first, and for any parameters once it has been run a few times."""
_SEQUENTIAL: Final = frozenset({"Seq Scan", "Sample Scan"})


_UNWANTED: Final = ("Rows Removed by Filter", "Rows Removed by Index Recheck", "Rows Removed by Join Filter")
GROWING: Final = frozenset(
    {
        *("scrape_runs_first", "scrape_runs_default", "activity_log", "audit_log", "outbox_events", "digests"),
        *("notified_events", "notification_deliveries", "contracts", "contract_items", "contract_alerts"),
        *(
            "game_snapshots",
            "game_ratings",
            "game_playlist_states",
            "hiscore_records",
            "flight_snapshots",
            "flight_days",
        ),
        *("flight_queries", "price_watches", "price_alerts"),
        *("fencing_registrations", "fencing_listings", "fencing_changes", "fencing_events"),
    }
)
"""Tables that the past makes larger; of others every reading is as small as it was."""


@dataclass(frozen=True)
class Cost:
    """Of all statements of a question together."""

    blocks: int
    """Of tables that grow, and of their indexes."""
    reads: int
    """Rows that were looked at in them, and look-ups that found none."""
    scanned: frozenset[str]
    """Those of them that are read from end to end."""


@contextmanager
def statements_of(engine: AsyncEngine) -> Iterator[list[Statement]]:
    """Every statement that runs on an engine within the block, by the driver or by SQLAlchemy."""
    seen: list[Statement] = []

    def through_sqlalchemy(*arguments: Any) -> None:
        _, _, statement, parameters, *_ = arguments
        seen.append((statement, tuple(parameters)))

    def by_the_driver(query: Any) -> None:
        seen.append((query.query, tuple(query.args)))

    def borrowed(connection: Any, *_: Any) -> None:
        connection.driver_connection.add_query_logger(by_the_driver)

    def given_back(connection: Any, *_: Any) -> None:
        connection.driver_connection.remove_query_logger(by_the_driver)

    event.listen(engine.sync_engine, "before_cursor_execute", through_sqlalchemy)
    event.listen(engine.sync_engine, "checkout", borrowed)
    event.listen(engine.sync_engine, "checkin", given_back)
    try:
        yield seen
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", through_sqlalchemy)
        event.remove(engine.sync_engine, "checkout", borrowed)
        event.remove(engine.sync_engine, "checkin", given_back)


async def cost_of(engine: AsyncEngine, url: str, ask: Callable[[], Awaitable[Any]]) -> dict[str, Cost]:
    """Ask once, and see what each statement that this takes costs, by mode of planning."""
    with statements_of(engine) as seen:
        await ask()
        await asyncio.sleep(0)  # the driver tells of its last statement a moment later
    asked = list(dict.fromkeys((sql, repr(args)) for sql, args in seen if _is_planned(sql)))
    arguments = {(sql, repr(args)): args for sql, args in seen}
    assert asked, "nothing was asked of the database"
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        return {
            mode: _together([await _explained(connection, mode, sql, arguments[sql, key]) for sql, key in asked])
            for mode in MODES
        }
    finally:
        await connection.close()


def _is_planned(sql: str) -> bool:
    """Whether it is one of ours that has a plan; the driver asks the catalogue for types."""
    return "pg_catalog." not in sql and re.match(r"\s*(SELECT|WITH|UPDATE|INSERT|DELETE)\b", sql) is not None


async def _explained(connection: Any, mode: str, sql: str, arguments: tuple[Any, ...]) -> Cost:
    """The second of two runs, each undone: the first one reads catalogues."""
    types = [one.name for one in (await connection.prepare(sql)).get_parameters()]
    literals = [await _literal(connection, kind, value) for kind, value in zip(types, arguments, strict=True)]
    call = f"EXECUTE asked({', '.join(literals)})" if literals else "EXECUTE asked"
    await connection.execute(f"SET plan_cache_mode = {mode}")
    declared = f"({', '.join(types)})" if types else ""
    await connection.execute(f"PREPARE asked{declared} AS {sql}")
    plan: Any = None
    try:
        for _ in range(2):
            transaction = connection.transaction()
            await transaction.start()
            found = await connection.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {call}")
            await transaction.rollback()
            plan = msgspec.json.decode(found)[0]["Plan"]
    finally:
        await connection.execute("DEALLOCATE asked")
    read = [
        node
        for node in _nodes(plan)
        if node.get("Relation Name") in GROWING and node["Node Type"] != "ModifyTable" and node["Actual Loops"]
    ]
    return Cost(
        blocks=sum(node["Shared Hit Blocks"] + node["Shared Read Blocks"] for node in read),
        reads=round(sum(max(1, _rows(node)) * node["Actual Loops"] for node in read)),
        scanned=frozenset(node["Relation Name"] for node in read if node["Node Type"] in _SEQUENTIAL),
    )


async def _literal(connection: Any, kind: str, value: Any) -> str:
    written = await connection.fetchval(f"SELECT quote_nullable(CAST(CAST($1 AS {kind}) AS text))", value)
    return f"CAST({written} AS {kind})"


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


def _rows(node: dict[str, Any]) -> float:
    """Rows looked at in one run of a node, whether or not it wanted them."""
    return float(sum(node.get(name, 0) for name in ("Actual Rows", *_UNWANTED)))


def _together(costs: list[Cost]) -> Cost:
    return Cost(
        blocks=sum(cost.blocks for cost in costs),
        reads=sum(cost.reads for cost in costs),
        scanned=frozenset(table for cost in costs for table in cost.scanned),
    )
