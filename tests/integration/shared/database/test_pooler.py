"""Behind a pooler in transaction mode: every transaction may meet another connection of the server."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from app.migrations import migrate, require_schema
from shared.database import PooledQueries, create_engine

WHO = text("SELECT CAST(:who AS text) AS who")
NAMED = text("SELECT count(*) AS named FROM pg_prepared_statements")
TIMEOUT = text("SELECT current_setting('statement_timeout') AS timeout")


async def _named(engine: AsyncEngine) -> int:
    """Statements that stay prepared on the one connection, after questions in either way."""
    async with AsyncSession(engine) as session:
        assert (await session.execute(WHO, {"who": "a session"})).scalar() == "a session"
        await session.commit()
    reader = PooledQueries(engine)
    assert await reader.value(WHO, {"who": "a reader"}) == "a reader"
    async with AsyncSession(engine) as session:
        named = (await session.execute(NAMED)).scalar_one()
    return int(named)


async def test_nothing_stays_prepared_that_another_connection_would_miss(database_url: str) -> None:
    pooled = create_engine(database_url, pool_size=1, pooler=True)
    direct = create_engine(database_url, pool_size=1)
    try:
        assert await _named(pooled) == 0
        assert await _named(direct) > 0
    finally:
        await pooled.dispose()
        await direct.dispose()


async def test_nothing_is_asked_at_connecting_that_a_pooler_refuses(database_url: str) -> None:
    pooled = create_engine(database_url, pool_size=1, statement_timeout=7, pooler=True)
    direct = create_engine(database_url, pool_size=1, statement_timeout=7)
    try:
        assert await PooledQueries(direct).value(TIMEOUT) == "7s"
        assert await PooledQueries(pooled).value(TIMEOUT) == "0"  # the role's, which has none here
    finally:
        await pooled.dispose()
        await direct.dispose()


async def test_the_schema_is_brought_up_and_looked_at_through_a_pooler(database_url: str) -> None:
    before, after = await migrate(database_url, pooler=True)
    assert before == after
    await require_schema(database_url, pooler=True)
