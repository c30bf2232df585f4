"""SQL of the retention of prices."""

from datetime import datetime
from typing import Final

from sqlalchemy import text

from shared.database import Repository

_REMOVE_OLD: Final = text("""
DELETE FROM flight_snapshots WHERE id IN (
    SELECT s.id FROM flight_queries q JOIN flight_snapshots s ON s.query_id = q.id
    WHERE q.ends_at < :before AND s.id IS DISTINCT FROM q.snapshot_id
      AND NOT EXISTS (SELECT FROM price_alerts a WHERE a.snapshot_id = s.id)
    LIMIT :limit
)
""")


class PriceRetentionRepository(Repository):
    """Removes old prices."""

    async def remove_old(self, *, before: datetime, limit: int) -> int:
        """Remove up to `limit` prices of departures before a time; return their number.

        The latest price of each search and the prices of alerts stay.
        """
        result = await self.session.execute(_REMOVE_OLD, {"before": before, "limit": limit})
        return int(result.rowcount)  # type: ignore[attr-defined]  # the result of a DELETE has `rowcount`
