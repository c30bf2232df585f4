"""What leaves the history of prices again."""

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
    """Prices by age."""

    async def remove_old(self, *, before: datetime, limit: int) -> int:
        """Remove prices of what departed before a moment, but the last and those that were told; how many went."""
        result = await self.session.execute(_REMOVE_OLD, {"before": before, "limit": limit})
        return int(result.rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it
