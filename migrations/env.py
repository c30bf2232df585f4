"""Runs migrations on a connection it is given, or on TRACKERS_DATABASE_URL for the alembic command.

Tables are locked for moments only: a migration that cannot have its lock soon gives up instead of holding up everybody.
"""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection, text

from app.models import METADATA
from shared.database import create_engine
from shared.database.advisory_locks import AdvisoryLock, take

LOCK_TIMEOUT = "5s"


def run(connection: Connection) -> None:
    """What is asked for in one transaction: `trackers migrate` asks for one migration at a time.

    The lock is the transaction's, not the session's, so that it holds behind a pooler, too.
    """
    context.configure(connection=connection, target_metadata=METADATA, compare_type=True, compare_server_default=True)
    with context.begin_transaction():
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        # Whoever is at it already is waited for, however long that takes; only locks on tables are not.
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text(f"SELECT {take(AdvisoryLock.MIGRATION)}"))
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
        context.run_migrations()


async def run_on_url(url: str) -> None:
    engine = create_engine(url, pool_size=1, application_name="trackers-migrate")
    async with engine.connect() as connection:
        await connection.run_sync(run)
        await connection.commit()
    await engine.dispose()


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    asyncio.run(run_on_url(os.environ["TRACKERS_DATABASE_URL"]))
