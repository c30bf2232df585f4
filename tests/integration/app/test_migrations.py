"""The schema can be made, taken back and made again, and is what the models say."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.conftest import create_database, database_of

from app.embedded import Endpoints
from app.migrations import config, current, downgrade, head, migrate, upgrade
from app.models import METADATA
from shared.database import create_engine, is_locked
from shared.ids import new_id

KEPT = {
    ("flight_queries", "told_failing"),
    *(("game_snapshots", column) for column in ("entered_by", "note", "evidence_url")),
}
"""Columns that no model has any more: the version before uses them, and the next may drop them."""


@pytest.fixture
async def empty(servers: Endpoints) -> AsyncIterator[AsyncConnection]:
    """A connection to a database without anything in it."""
    name = f"t_{uuid4().hex}"
    await create_database(servers, name)
    engine = create_engine(database_of(servers, name), pool_size=1)
    async with engine.connect() as connection:
        yield connection
        await connection.rollback()
    await engine.dispose()


def tables(connection: Connection) -> set[str]:
    """Tables; those that are a part of another do not count."""
    rows = connection.execute(
        text(
            "SELECT relname FROM pg_class"
            " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition"
        )
    )
    return {row.relname for row in rows} - {"alembic_version"}


async def test_up_down_and_up_again(empty: AsyncConnection) -> None:
    await empty.run_sync(upgrade)
    made = await empty.run_sync(tables)
    assert made == set(METADATA.tables)
    await empty.run_sync(downgrade)
    assert await empty.run_sync(tables) == set()
    await empty.run_sync(upgrade)
    assert await empty.run_sync(tables) == made
    assert await empty.run_sync(current) == head()


async def test_the_migrations_make_what_the_models_say(empty: AsyncConnection) -> None:
    await empty.run_sync(upgrade)

    def differences(connection: Connection) -> list[object]:
        whole = tables(connection)
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                "include_name": lambda name, kind, parents: (
                    name in whole if kind == "table" else (parents.get("table_name"), name) not in KEPT
                ),
            },
        )
        return list(compare_metadata(context, METADATA))

    assert await empty.run_sync(differences) == []


COLUMNS = text("""
SELECT c.table_name, c.column_name, c.is_nullable = 'YES' OR c.column_default IS NOT NULL AS may_be_left_out
FROM information_schema.columns c WHERE c.table_schema = 'public'
""")


async def test_a_migration_takes_nothing_away_that_the_version_before_uses_and_asks_nothing_new_of_it(
    empty: AsyncConnection,
) -> None:
    """Both serve on the newer schema for a while: the old one's columns are there, those it cannot know are filled."""
    before: set[tuple[str, str]] = set()
    for script in [*ScriptDirectory.from_config(config()).walk_revisions()][::-1]:
        await empty.run_sync(upgrade, script.revision)
        columns = (await empty.execute(COLUMNS)).all()
        now = {(row.table_name, row.column_name) for row in columns}
        assert before <= now, f"{script.revision} drops {before - now}"
        known = {table for table, _ in before}
        asked = {
            (row.table_name, row.column_name)
            for row in columns
            if row.table_name in known and not row.may_be_left_out and (row.table_name, row.column_name) not in before
        }
        assert not asked, f"{script.revision} wants {asked}"
        before = now
    assert before >= KEPT


@pytest.mark.slow
async def test_a_migration_that_has_no_lock_gives_up_alone_and_is_done_the_next_time(servers: Endpoints) -> None:
    name = f"t_{uuid4().hex}"
    await create_database(servers, name)
    url = database_of(servers, name)
    engine = create_engine(url)
    try:
        async with engine.connect() as migrating, engine.connect() as writing:
            await migrating.run_sync(upgrade, "20261122_fencer_listings")
            await writing.execute(text("LOCK TABLE digests IN ROW EXCLUSIVE MODE"))
            with pytest.raises(DBAPIError) as raised:
                await migrate(url)
            assert is_locked(raised.value)
            assert await migrating.run_sync(current) == "20261122_run_months", "those before it are done"
            await writing.rollback()
        assert await migrate(url) == ("20261122_run_months", head())
    finally:
        await engine.dispose()


@pytest.mark.slow
async def test_two_processes_that_start_together_migrate_once(servers: Endpoints) -> None:
    name = f"t_{uuid4().hex}"
    await create_database(servers, name)
    environ = {**os.environ, "TRACKERS_DATABASE_URL": database_of(servers, name), "TRACKERS_SECRET_KEY": "x" * 40}
    command = [sys.executable, "-m", "app", "migrate"]
    processes = [await asyncio.create_subprocess_exec(*command, env=environ) for _ in range(3)]
    assert [await process.wait() for process in processes] == [0, 0, 0]


RUN = """
INSERT INTO scrape_runs (id, target_id, trigger, status, requested_at)
VALUES (:id, :target, 'request', 'pending', now())
"""
INDEXES_OF_RUNS = text("SELECT count(*) FROM pg_indexes WHERE tablename = 'scrape_runs'")


async def test_runs_of_before_are_there_when_they_lie_in_months_and_when_they_do_no_more(
    empty: AsyncConnection,
) -> None:
    """Old ones, one of today, and one of a clock that was ahead; nothing is asked of any of them but its id."""
    await empty.run_sync(upgrade, "20261122_flights")
    target = uuid4()
    await empty.execute(
        text(
            "INSERT INTO scrape_targets (id, source, key, address, interval_seconds, created_at)"
            " VALUES (:id, 's', 'k', 'a', 60, now())"
        ),
        {"id": target},
    )
    now = (await empty.execute(text("SELECT now()"))).scalar_one()  # the migration cuts the table by this clock
    runs = {new_id(at=now + timedelta(days=days)) for days in (-800, -40, 0, 400)}
    await empty.execute(text(RUN), [{"id": run, "target": target} for run in runs])

    async def there() -> set[UUID]:
        return set((await empty.execute(text("SELECT id FROM scrape_runs"))).scalars())

    indexes = (await empty.execute(INDEXES_OF_RUNS)).scalar_one()
    await empty.run_sync(upgrade)
    assert await there() == runs
    await empty.execute(text(RUN), {"id": new_id(), "target": target})
    everything = await there()
    assert len(everything) == len(runs) + 1
    await empty.run_sync(downgrade, "20261122_flights")
    assert await there() == everything
    assert (await empty.execute(INDEXES_OF_RUNS)).scalar_one() == indexes
    await empty.run_sync(upgrade)
    assert await there() == everything
