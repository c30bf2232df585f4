"""Transactions that meet: one row is held in their way, so that they wait, and then let go."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import text
from tests.waiting import eventually

from app.container import AppContainer

_WAITING = text("""
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
""")


@asynccontextmanager
async def locked(container: AppContainer, rows: str, **parameters: Any) -> AsyncIterator[None]:
    """Lock the rows `FROM ... WHERE ...` until the block ends."""
    async with container.database().transaction() as session:
        held = await session.execute(text(f"SELECT 1 {rows} FOR UPDATE"), parameters)
        assert held.all(), "there is no such row to lock"
        yield


async def waiting(container: AppContainer, transactions: int) -> None:
    """Return once so many transactions wait for a lock."""

    async def all_wait() -> bool:
        return bool(await container.reader().value(_WAITING) == transactions)

    await eventually(all_wait, what=f"{transactions} transactions wait for a lock")
