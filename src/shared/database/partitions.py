"""Tables with monthly partitions: created ahead, removed as a whole once all rows are old (docs/decisions/0021).

The partitions are ranges of UUIDv7 ids, whose first bits are the time. Rows outside every month land in a default
partition, so that no insert fails for lack of a month.
"""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final
from uuid import UUID

import structlog
from msgspec import Struct
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import Clock
from shared.database.advisory_locks import AdvisoryLock, try_to_take
from shared.database.engine import Database, is_locked
from shared.ids import LAST, first_id_of

MONTHS_AHEAD: Final = 3
"""Months whose partitions exist ahead; only if no worker runs for longer, rows land in the default partition."""
LOCK_TIMEOUT: Final = "1s"
"""Longest wait for a lock. Others wait behind it meanwhile, so it is short; the next run tries again."""
MOVED_AT_MOST: Final = 5_000
"""Rows that may move from the default partition into a new month: some 50 ms, for which others wait."""

_PARTS: Final = text("""
SELECT c.relname AS name, pg_get_expr(c.relpartbound, c.oid) AS bound
FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = to_regclass(:table) ORDER BY c.relname
""")
_TRY_LOCK: Final = text(f"SELECT {try_to_take(AdvisoryLock.PARTITIONS)}")
_SET_LOCK_TIMEOUT: Final = text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
_RANGE: Final = re.compile(r"FROM \((MINVALUE|'[^']+')\) TO \((MAXVALUE|'[^']+')\)")
_FIRST: Final = UUID(int=0)
Step = Callable[[AsyncSession], Awaitable[int]]


class Partition(Struct, frozen=True, kw_only=True):
    """A partition of a table: ids from `since` on and before `until`; the default partition has no bounds."""

    name: str
    since: UUID | None = None
    until: UUID | None = None

    @property
    def is_month(self) -> bool:
        """True if it has both bounds: it is neither the default partition nor the former unpartitioned table."""
        return self.since is not None and self.since != _FIRST

    def overlaps(self, since: UUID, until: UUID) -> bool:
        return self.since is not None and self.until is not None and self.since < until and since < self.until


class MonthlyPartitions:
    """The monthly partitions of one table."""

    def __init__(self, *, database: Database, clock: Clock, table: str, kept: str, removable: str) -> None:
        """`kept`: SQL condition of rows that stay, however old they are; `removable`: of rows that may be removed."""
        self._database = database
        self._clock = clock
        self._table = table
        self._kept = kept
        self._removable = removable

    async def parts(self) -> list[Partition]:
        async with self._database.transaction() as session:
            return await self._parts(session)

    async def make_ahead(self) -> int:
        """Create the missing partitions of this month and the next MONTHS_AHEAD; returns the number created.

        Up to MOVED_AT_MOST rows of a month move there from the default partition. With more rows, the month stays in
        the default partition, because moving them would lock everybody out.
        """
        month = _month_of(self._clock.now())
        created = 0
        for _ in range(MONTHS_AHEAD + 1):
            following = _after(month)
            created += await self._carefully(partial(self._make, month=month, following=following))
            month = following
        if created:
            structlog.get_logger(__name__).info("partitions_made", table=self._table, parts=created)
        return created

    async def remove_before(self, before: datetime) -> int:
        """Remove the months that end before a time; returns their number. Kept rows move to the default partition."""
        boundary = first_id_of(before)
        over = [part for part in await self.parts() if part.until is not None and part.until <= boundary]
        removed = sum([await self._carefully(partial(self._remove, part=part)) for part in over])
        if removed:
            structlog.get_logger(__name__).info("partitions_removed", table=self._table, parts=removed)
        return removed

    async def remove_rows(self, session: AsyncSession, before: datetime, limit: int) -> int:
        """Remove old rows from partitions without a month, the oldest of each first; returns their number."""
        parameters = {"boundary": first_id_of(before), "limit": limit}
        removed = 0
        for part in await self._parts(session):
            if part.is_month or removed >= limit:
                continue
            statement = text(f"""
                DELETE FROM {part.name} WHERE id IN (
                    SELECT id FROM {part.name} WHERE id < :boundary AND {self._removable} ORDER BY id LIMIT :limit
                )
            """)  # noqa: S608 -- a name from the catalogue, a condition of our own
            result = await session.execute(statement, {**parameters, "limit": limit - removed})
            removed += int(result.rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it
        return removed

    async def _carefully(self, step: Step) -> int:
        """Change the partitions in a separate transaction; return 0 if a lock is taken: the next run tries again."""
        try:
            async with self._database.transaction() as session:
                if not (await session.execute(_TRY_LOCK)).scalar_one():
                    return 0
                await session.execute(_SET_LOCK_TIMEOUT)
                return await step(session)
        except Exception as error:
            if not is_locked(error):
                raise
            structlog.get_logger(__name__).warning("partition_locked", table=self._table)
            return 0

    async def _make(self, session: AsyncSession, month: datetime, following: datetime) -> int:
        since, until = first_id_of(month), first_id_of(following)
        parts = await self._parts(session)
        if any(part.overlaps(since, until) for part in parts):
            return 0
        default = next((part.name for part in parts if part.until is None), None)
        if default is not None and await self._row_count(session, default, since, until) > MOVED_AT_MOST:
            return 0
        name = f"{self._table}_{month:%Y_%m}"
        # Create it apart and attach it: that locks only the default partition, and not the whole table.
        await session.execute(text(f"CREATE TABLE {name} (LIKE {self._table} INCLUDING ALL)"))
        if default is not None:
            # Lock before moving the rows: a row that is inserted later would keep the month from being attached.
            await session.execute(text(f"LOCK TABLE {default} IN ACCESS EXCLUSIVE MODE"))
            moved = text(f"""
                WITH moved AS (DELETE FROM {default} WHERE id >= :since AND id < :until RETURNING *)
                INSERT INTO {name} SELECT * FROM moved
            """)  # noqa: S608 -- names of our own
            await session.execute(moved, {"since": since, "until": until})
        await session.execute(
            text(f"ALTER TABLE {self._table} ATTACH PARTITION {name} FOR VALUES FROM ('{since}') TO ('{until}')")
        )
        return 1

    async def _row_count(self, session: AsyncSession, part: str, since: UUID, until: UUID) -> int:
        """Number of rows of a month in a partition, counted up to one more than may move."""
        statement = text(f"""
            SELECT count(*) FROM (SELECT FROM {part} WHERE id >= :since AND id < :until LIMIT :limit) AS counted
        """)  # noqa: S608 -- a name from the catalogue
        parameters = {"since": since, "until": until, "limit": MOVED_AT_MOST + 1}
        return int((await session.execute(statement, parameters)).scalar_one())

    async def _remove(self, session: AsyncSession, part: Partition) -> int:
        """Remove a partition and move its kept rows to the default one, in one transaction, so that none is missing."""
        await session.execute(text(f"ALTER TABLE {self._table} DETACH PARTITION {part.name}"))
        await session.execute(
            text(f"INSERT INTO {self._table} SELECT * FROM {part.name} WHERE {self._kept}")  # noqa: S608 -- as above
        )
        await session.execute(text(f"DROP TABLE {part.name}"))
        return 1

    async def _parts(self, session: AsyncSession) -> list[Partition]:
        rows = await session.execute(_PARTS, {"table": self._table})
        return [_part(row.name, row.bound) for row in rows]


def _part(name: str, bound: str) -> Partition:
    match = _RANGE.search(bound)
    if match is None:
        return Partition(name=name)
    since, until = match.groups()
    return Partition(
        name=name,
        since=_FIRST if since == "MINVALUE" else UUID(since.strip("'")),
        until=LAST if until == "MAXVALUE" else UUID(until.strip("'")),
    )


def _month_of(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _after(month: datetime) -> datetime:
    return month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)
