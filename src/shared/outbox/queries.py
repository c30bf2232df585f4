"""Read queries for the outbox: events by position for bots, state and dead events for admins."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text

from shared.clock import Clock
from shared.database import PooledQueries
from shared.events import EventType, Readers
from shared.ids import LAST
from shared.outbox.models import WAITS
from shared.outbox.schemas import DeadEvent, DeadEvents, Feed, FeedEvent, FeedFilter, OutboxBacklog

SCANNED_AT_ONCE: Final = 50_000
"""Maximum number of positions that one query scans, even if few of them match."""

# One statement, so that the head and the events come from the same snapshot. Once a position is visible, all smaller
# positions are visible, too.
_FEED: Final = """
WITH bounds AS (
    SELECT min(position) AS first, max(position) AS head FROM (
        (SELECT position FROM outbox_events WHERE position > CAST(:after AS bigint) ORDER BY position LIMIT 1)
        UNION ALL
        (SELECT position FROM outbox_events WHERE position IS NOT NULL ORDER BY position DESC LIMIT 1)
    ) AS ends WHERE position > CAST(:after AS bigint)
)
SELECT least(b.head, b.first + CAST(:window AS bigint)) AS looked_through, e.*
FROM bounds b LEFT JOIN LATERAL (
    SELECT position, id, event, aggregate, {owner} AS user_id, payload, occurred_at FROM outbox_events o
    WHERE position > CAST(:after AS bigint) AND position <= least(b.head, b.first + CAST(:window AS bigint))
      AND (CAST(:names AS text[]) IS NULL
           OR event = ANY(CAST(:names AS text[])) OR event ^@ ANY(CAST(:beginnings AS text[])))
      AND ({readable})
    ORDER BY position LIMIT CAST(:limit AS bigint)
) AS e ON true
ORDER BY e.position
"""
_READABLE: Final = "event = ANY(CAST(:readable AS text[]))"
# Keys of guilds read public events, events of their members, and events with one of the guilds in the payload.
_READABLE_IN_GUILDS: Final = """
{readable}
OR event = ANY(CAST(:of_members AS text[])) AND {was_member}
OR event = ANY(CAST(:of_guild AS text[])) AND o.payload ->> 'guild_id' = ANY(CAST(:guild_ids AS text[]))
"""
_HEAD: Final = text("SELECT coalesce(max(position), 0) FROM outbox_events WHERE position IS NOT NULL")
_STANDING: Final = text(f"""
SELECT (SELECT count(*) FROM outbox_events WHERE {WAITS}) AS waiting,
       (SELECT min(occurred_at) FROM outbox_events WHERE {WAITS}) AS oldest,
       (SELECT count(*) FROM outbox_events WHERE dead_at IS NOT NULL) AS dead,
       (SELECT count(*) FROM outbox_events WHERE relayed_at > :since) AS relayed_last_hour
""")  # noqa: S608 -- a constant condition
_DEAD: Final = text("""
SELECT id, event, aggregate, user_id, payload, occurred_at, attempts, dead_at, error
FROM outbox_events WHERE dead_at IS NOT NULL AND id < :before
ORDER BY id DESC LIMIT CAST(:limit AS bigint)
""")


class EventQueries:
    """Reads the outbox.

    `types` are the declared event types; bots cannot read events of other types. `was_member` is an SQL condition on
    `o.user_id`, `o.occurred_at` and `:guild_ids`. The module that owns memberships provides it, so that this one does
    not depend on its tables.
    """

    def __init__(
        self,
        reader: PooledQueries,
        *,
        clock: Clock,
        types: Sequence[EventType],
        was_member: str,
        scanned: int = SCANNED_AT_ONCE,
    ) -> None:
        self._reader = reader
        self._clock = clock
        self._scanned = scanned
        self._names = {
            readers: sorted(type_.name for type_ in types if type_.readers is readers) for readers in Readers
        }
        in_guilds = _READABLE_IN_GUILDS.format(readable=_READABLE, was_member=was_member)
        self._for_all_guilds = text(_FEED.format(readable=_READABLE, owner="o.user_id"))
        self._for_guilds = text(_FEED.format(readable=in_guilds, owner=f"CASE WHEN {was_member} THEN o.user_id END"))

    async def feed(self, filters: FeedFilter, *, after: int, limit: int) -> Feed:
        """Return events after a position, without those that the key may not read; `next_after` skips these, too."""
        names = [name for name in filters.events if not name.endswith(".")]
        beginnings = [name for name in filters.events if name.endswith(".")]
        parameters = {"names": names if filters.events else None, "beginnings": beginnings, **self._readable(filters)}
        statement = self._for_all_guilds if filters.guild_ids is None else self._for_guilds
        rows = await self._reader.rows(
            statement, {**parameters, "after": after, "window": self._scanned, "limit": limit}
        )
        read_through = rows[0].pop("looked_through")
        for row in rows[1:]:
            del row["looked_through"]
        items = [FeedEvent(**row) for row in rows if row["position"] is not None]
        if len(items) == limit:
            return Feed(items=items, next_after=items[-1].position)
        return Feed(items=items, next_after=after if read_through is None else read_through)

    def _readable(self, filters: FeedFilter) -> dict[str, list[str]]:
        """Names of the event types that the key may read, by the condition: always, of members, or of a named guild."""
        names = self._names
        if filters.guild_ids is None:
            return {
                "readable": [name for readers in Readers if readers is not Readers.OWNER for name in names[readers]]
            }
        return {
            "readable": names[Readers.EVERYBODY],
            "of_members": names[Readers.OWNERS_GUILDS],
            "of_guild": names[Readers.NAMED_GUILD],
            "guild_ids": sorted(filters.guild_ids),
        }

    async def head(self) -> int:
        """Position of the newest relayed event; 0 if there is none."""
        return int(await self._reader.value(_HEAD))

    async def standing(self) -> OutboxBacklog:
        now = self._clock.now()
        row = await self._reader.row(_STANDING, {"since": now - timedelta(hours=1)}) or {}
        oldest: datetime | None = row.pop("oldest")
        age = None if oldest is None else max(0.0, (now - oldest).total_seconds())
        return OutboxBacklog(**row, oldest_waiting_seconds=age)

    async def dead(self, *, before: UUID | None, limit: int) -> DeadEvents:
        """Dead events, newest first."""
        rows = await self._reader.rows(_DEAD, {"before": before or LAST, "limit": limit + 1})
        items = [DeadEvent(**row) for row in rows[:limit]]
        return DeadEvents(items=items, next_before=items[-1].id if len(rows) > limit else None)
