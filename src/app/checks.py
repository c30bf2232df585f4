"""What this process needs, how to tell that it is well, and what to do where it is not: for health and the doctor."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct
from redis.asyncio import Redis
from sqlalchemy import QueuePool, text
from sqlalchemy.ext.asyncio import AsyncEngine

from app.migrations import current, head, known_revisions
from shared.jobs.heartbeat import NO_WORKER, Heartbeats
from shared.storage import MIN_FREE_BYTES, free_bytes, full_storage
from shared.web.health import HealthChecks, HealthPart, NotWell

_SMALL_MEMORY: Final = text("SET LOCAL work_mem = '64kB'")
_SORT: Final = text(
    "SELECT max(n) FROM (SELECT n FROM generate_series(1, 20000) AS s (n) ORDER BY -n OFFSET 10) AS sorted"
)
POSTGRES_AWAY: Final = "PostgreSQL does not answer: start it or correct TRACKERS_DATABASE_URL"
REDIS_AWAY: Final = "Valkey (or Redis) does not answer: start it or correct TRACKERS_REDIS_URL"


def health_checks(engine: AsyncEngine, redis: Redis, heartbeats: Heartbeats, home: Path) -> HealthChecks:
    """What /health/ready asks. The API answers without a worker, and on a full disk for as long as its servers do."""

    async def ask_database() -> Revisions:
        return await revisions(engine)

    def exhausted() -> str | None:
        pool = engine.pool
        if not isinstance(pool, QueuePool) or pool.checkedout() < pool.size():
            return None
        return (
            f"all {pool.size()} database connections of this process are in use: "
            "see what holds them (pg_stat_activity), or raise TRACKERS_DATABASE_POOL_SIZE"
        )

    async def ask_redis() -> None:
        await redis.ping()

    return HealthChecks(
        {
            "database": HealthPart(
                ask=ask_database, advice=POSTGRES_AWAY, ailing=exhausted, shows={"migrations": migrations_are_in}
            ),
            "redis": HealthPart(ask=ask_redis, advice=REDIS_AWAY),
            "queue": HealthPart(ask=lambda: queue_has_room(redis), advice=REDIS_AWAY, required=False),
            "disk": HealthPart(ask=lambda: disks_have_room(engine, home), advice=POSTGRES_AWAY, required=False),
            "workers": HealthPart(ask=lambda: workers_are_alive(heartbeats), advice=REDIS_AWAY, required=False),
        }
    )


async def disks_have_room(engine: AsyncEngine, home: Path) -> None:
    """Raises NotWell where PostgreSQL cannot write, or hardly anything is free where our own servers live.

    PostgreSQL is asked to sort more than its memory for that holds: then it writes a file, which is gone at once.
    """
    free = free_bytes(home)
    if free is not None and free < MIN_FREE_BYTES:
        raise NotWell(f"{free // 2**20} MB are free under TRACKERS_HOME, too few to go on: make room there")
    try:
        async with engine.connect() as connection:
            await connection.execute(_SMALL_MEMORY)
            await connection.execute(_SORT)
    except Exception as error:
        if (full := full_storage(error)) is not None:
            raise NotWell(full) from error
        raise


async def queue_has_room(redis: Redis) -> None:
    """Raises what Valkey says where its memory or its disk is full: it still answers a ping then."""
    await redis.set("trackers:health", "written", ex=60)


class Revisions(Struct, frozen=True, kw_only=True):
    """Where the database is, and what this version wants and knows."""

    at: str | None
    wanted: str
    known: frozenset[str]


async def revisions(engine: AsyncEngine) -> Revisions:
    """Asks the database, on one connection; whoever gets an answer knows that it answers."""
    wanted, known = await asyncio.to_thread(_revisions)  # read from files the first time
    async with engine.connect() as connection:
        return Revisions(at=await connection.run_sync(current), wanted=wanted, known=known)


def migrations_are_in(found: Revisions) -> str:
    """The revision that the database is at; one that is ahead of this version is well. Raises NotWell.

    An upgrade migrates first and replaces the processes one by one: those of the version before go on meanwhile, and
    migrations are written so that they can.
    """
    at = found.at
    if at == found.wanted:
        return at
    if at is not None and at not in found.known:
        return f"{at}, which is ahead of this version's {found.wanted}: fine during an upgrade"
    raise NotWell(f"the database is at {at or 'nothing'}, this version needs {found.wanted}: run `trackers migrate`")


async def workers_are_alive(heartbeats: Heartbeats) -> Sequence[str]:
    """Who was heard of lately. Raises NotWell where nobody was."""
    alive = await heartbeats.alive()
    if not alive:
        raise NotWell(NO_WORKER)
    return alive


def _revisions() -> tuple[str, frozenset[str]]:
    return head(), known_revisions()
