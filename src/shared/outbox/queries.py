"""Questions about events: what bots read by position, and how the outbox stands."""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from shared.clock import Clock
from shared.database import Reader
from shared.ids import LAST
from shared.outbox.models import WAITS
from shared.outbox.schemas import DeadEvent, DeadEvents, Feed, FeedEvent, FeedFilter, OutboxStanding

SCANNED_AT_ONCE: Final = 50_000
"""Positions that one question looks through at most, however few of them it wants."""

# One statement, so that the head is of the same moment as the events. A position that is seen has all before it.
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
    SELECT position, id, event, aggregate, user_id, payload, occurred_at FROM outbox_events
    WHERE position > CAST(:after AS bigint) AND position <= least(b.head, b.first + CAST(:window AS bigint))
      AND (CAST(:names AS text[]) IS NULL
           OR event = ANY(CAST(:names AS text[])) OR event ^@ ANY(CAST(:beginnings AS text[])))
      {visible}
    ORDER BY position LIMIT CAST(:limit AS bigint)
) AS e ON true
ORDER BY e.position
"""
_HEAD: Final = text("SELECT coalesce(max(position), 0) FROM outbox_events WHERE position IS NOT NULL")
_STANDING: Final = text(f"""
SELECT (SELECT count(*) FROM outbox_events WHERE {WAITS}) AS waiting,
       (SELECT min(occurred_at) FROM outbox_events WHERE {WAITS}) AS oldest,
       (SELECT count(*) FROM outbox_events WHERE dead_at IS NOT NULL) AS dead,
       (SELECT count(*) FROM outbox_events WHERE relayed_at > :since) AS relayed_last_hour
""")  # noqa: S608 -- our own condition
_DEAD: Final = text("""
SELECT id, event, aggregate, user_id, payload, occurred_at, attempts, dead_at, error
FROM outbox_events WHERE dead_at IS NOT NULL AND id < :before
ORDER BY id DESC LIMIT CAST(:limit AS bigint)
""")


class EventQueries:
    """Reads the outbox.

    `membership`: a condition in SQL on `user_id` and `:guild_ids` that whoever knows members gives; so a guild of any
    size is one statement, and no table of people is named here.
    """

    def __init__(self, reader: Reader, *, clock: Clock, membership: str, scanned: int = SCANNED_AT_ONCE) -> None:
        self._reader = reader
        self._clock = clock
        self._scanned = scanned
        self._everything = text(_FEED.format(visible=""))
        self._of_members = text(_FEED.format(visible=f"AND {membership}"))

    async def feed(self, wanted: FeedFilter, *, after: int, limit: int) -> Feed:
        """Events after a position; `next_after` passes over those that are not wanted."""
        statement = self._everything if wanted.guild_ids is None else self._of_members
        rows = await self._reader.rows(
            statement, {**_parameters(wanted), "after": after, "window": self._scanned, "limit": limit}
        )
        looked_through = rows[0].pop("looked_through")
        for row in rows[1:]:
            del row["looked_through"]
        items = [FeedEvent(**row) for row in rows if row["position"] is not None]
        if len(items) == limit:
            return Feed(items=items, next_after=items[-1].position)
        return Feed(items=items, next_after=after if looked_through is None else looked_through)

    async def head(self) -> int:
        """The position of the event relayed last; 0 where none was, or none is kept."""
        return int(await self._reader.value(_HEAD))

    async def standing(self) -> OutboxStanding:
        now = self._clock.now()
        row = await self._reader.row(_STANDING, {"since": now - timedelta(hours=1)}) or {}
        oldest: datetime | None = row.pop("oldest")
        age = None if oldest is None else max(0.0, (now - oldest).total_seconds())
        return OutboxStanding(**row, oldest_waiting_seconds=age)

    async def dead(self, *, before: UUID | None, limit: int) -> DeadEvents:
        """Events that are not tried any more, the newest first."""
        rows = await self._reader.rows(_DEAD, {"before": before or LAST, "limit": limit + 1})
        items = [DeadEvent(**row) for row in rows[:limit]]
        return DeadEvents(items=items, next_before=items[-1].id if len(rows) > limit else None)


def _parameters(wanted: FeedFilter) -> dict[str, Any]:
    names = [name for name in wanted.events if not name.endswith(".")]
    beginnings = [name for name in wanted.events if name.endswith(".")]
    return {
        "names": names if wanted.events else None,
        "beginnings": beginnings,
        **({} if wanted.guild_ids is None else {"guild_ids": sorted(wanted.guild_ids)}),
    }
