"""What this process needs, how to tell that it is well, and what to do where it is not: for health and the doctor."""

import asyncio
from collections.abc import Sequence
from typing import Final

from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.migrations import current, head, known_revisions
from shared.jobs.heartbeat import NO_WORKER, Heartbeats
from shared.web.health import HealthChecks, NotWell, Part

POSTGRES_AWAY: Final = "PostgreSQL does not answer: start it or correct TRACKERS_DATABASE_URL"
REDIS_AWAY: Final = "Redis does not answer: start it or correct TRACKERS_REDIS_URL"


def health_checks(engine: AsyncEngine, redis: Redis, heartbeats: Heartbeats) -> HealthChecks:
    """What /health/ready asks. The API answers without a worker, so that one is told of and not required."""

    async def ask_database() -> None:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    async def ask_redis() -> None:
        await redis.ping()

    return HealthChecks(
        {
            "database": Part(ask=ask_database, advice=POSTGRES_AWAY),
            "redis": Part(ask=ask_redis, advice=REDIS_AWAY),
            "migrations": Part(ask=lambda: migrations_are_in(engine), advice=POSTGRES_AWAY),
            "workers": Part(ask=lambda: workers_are_alive(heartbeats), advice=REDIS_AWAY, required=False),
        }
    )


async def migrations_are_in(engine: AsyncEngine) -> str:
    """The revision that the database is at; one that is ahead of this version is well. Raises NotWell.

    An upgrade migrates first and replaces the processes one by one: those of the version before go on meanwhile, and
    migrations are written so that they can.
    """
    wanted, known = await asyncio.to_thread(_revisions)  # read from files the first time
    async with engine.connect() as connection:
        at = await connection.run_sync(current)
    if at == wanted:
        return wanted
    if at is not None and at not in known:
        return f"{at}, which is ahead of this version's {wanted}: fine during an upgrade"
    raise NotWell(f"the database is at {at or 'nothing'}, this version needs {wanted}: run `trackers migrate`")


async def workers_are_alive(heartbeats: Heartbeats) -> Sequence[str]:
    """Who was heard of lately. Raises NotWell where nobody was."""
    alive = await heartbeats.alive()
    if not alive:
        raise NotWell(NO_WORKER)
    return alive


def _revisions() -> tuple[str, frozenset[str]]:
    return head(), known_revisions()
