"""The schema can be made, taken back and made again, and is what the models say."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection
from tests.conftest import create_database, database_of

from app.embedded import Endpoints
from app.migrations import current, downgrade, head, upgrade
from app.models import METADATA
from shared.database import create_engine
from shared.ids import new_id


@pytest.fixture
async def empty(servers: Endpoints) -> AsyncIterator[AsyncConnection]:
    """A connection to a database without anything in it; nothing is committed."""
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
                "include_name": lambda name, kind, _parents: kind != "table" or name in whole,
            },
        )
        return list(compare_metadata(context, METADATA))

    assert await empty.run_sync(differences) == []


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
    now = datetime.now(UTC)
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
