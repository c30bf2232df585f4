"""Checks of the parts that a process needs, with advice for each, for `/health/ready` and `trackers doctor`."""

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
    """The checks of /health/ready. Workers, disk and queue are not required: the API can answer without them."""

    async def ask_database() -> Revisions:
        return await revisions(engine)

    def exhausted() -> str | None:
        pool = engine.pool
        if not isinstance(pool, QueuePool) or pool.checkedout() < pool.size():
            return None
        return (
            f"all {pool.size()} database connections of this process are in use: "
            "find out what uses them (pg_stat_activity), or raise TRACKERS_DATABASE_POOL_SIZE"
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
    """Raise NotWell if PostgreSQL cannot write, or TRACKERS_HOME has less than MIN_FREE_BYTES free.

    PostgreSQL gets a sort that exceeds its work_mem, so that it writes a temporary file.
    """
    free = free_bytes(home)
    if free is not None and free < MIN_FREE_BYTES:
        raise NotWell(f"only {free // 2**20} MB are free under TRACKERS_HOME, which is not enough: make room there")
    try:
        async with engine.connect() as connection:
            await connection.execute(_SMALL_MEMORY)
            await connection.execute(_SORT)
    except Exception as error:
        if (full := full_storage(error)) is not None:
            raise NotWell(full) from error
        raise


async def queue_has_room(redis: Redis) -> None:
    """Write a key. Raises Valkey's error if its memory or its disk is full; a ping would not show that."""
    await redis.set("trackers:health", "written", ex=60)


class Revisions(Struct, frozen=True, kw_only=True):
    """The revision of the database, and the revisions that this version needs and knows."""

    at: str | None
    wanted: str
    known: frozenset[str]


async def revisions(engine: AsyncEngine) -> Revisions:
    """Read the revision of the database on one connection, which also proves that the database answers."""
    wanted, known = await asyncio.to_thread(_revisions)  # the first call reads files
    async with engine.connect() as connection:
        return Revisions(at=await connection.run_sync(current), wanted=wanted, known=known)


def migrations_are_in(state: Revisions) -> str:
    """The revision of the database. Raises NotWell if it is behind this version; a newer revision is fine.

    An upgrade migrates first and then replaces the processes one by one. Processes of the previous version continue to
    run meanwhile, and migrations are compatible with them.
    """
    at = state.at
    if at == state.wanted:
        return at
    if at is not None and at not in state.known:
        return f"{at}, which is ahead of this version's {state.wanted}: fine during an upgrade"
    raise NotWell(
        f"the database is at {at or 'no revision'}, this version needs {state.wanted}: run `trackers migrate`"
    )


async def workers_are_alive(heartbeats: Heartbeats) -> Sequence[str]:
    """Names of the workers with a recent heartbeat. Raises NotWell if there are none."""
    alive = await heartbeats.alive()
    if not alive:
        raise NotWell(NO_WORKER)
    return alive


def _revisions() -> tuple[str, frozenset[str]]:
    return head(), known_revisions()
