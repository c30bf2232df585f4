"""The schema can be made, taken back and made again, and is what the models say."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from uuid import uuid4

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
    rows = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
    return {row.tablename for row in rows} - {"alembic_version"}


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
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return list(compare_metadata(context, METADATA))

    assert await empty.run_sync(differences) == []


async def test_two_processes_that_start_together_migrate_once(servers: Endpoints) -> None:
    name = f"t_{uuid4().hex}"
    await create_database(servers, name)
    environ = {**os.environ, "TRACKERS_DATABASE_URL": database_of(servers, name), "TRACKERS_SECRET_KEY": "x" * 40}
    command = [sys.executable, "-m", "app", "migrate"]
    processes = [await asyncio.create_subprocess_exec(*command, env=environ) for _ in range(3)]
    assert [await process.wait() for process in processes] == [0, 0, 0]
