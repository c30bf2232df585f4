"""What leaves the history of players again."""

from datetime import datetime
from typing import Final

from sqlalchemy import text

from shared.database import Repository

# Up to the last keyframe of then: what comes after a keyframe rests on it.
_REMOVE_OLD: Final = text("""
DELETE FROM hiscore_records r
USING (
    SELECT p.no, old.at
    FROM hiscore_players p
    CROSS JOIN LATERAL (
        SELECT k.at FROM hiscore_records k
        WHERE k.player = p.no AND k.kind = 1 AND k.at <= :before ORDER BY k.at DESC LIMIT 1
    ) AS last
    CROSS JOIN LATERAL (
        SELECT o.at FROM hiscore_records o WHERE o.player = p.no AND o.at < last.at ORDER BY o.at LIMIT :limit
    ) AS old
    LIMIT :limit
) AS gone
WHERE r.player = gone.no AND r.at = gone.at
""")


class RecordRepository(Repository):
    """Records by age."""

    async def remove_old(self, *, before: datetime, limit: int) -> int:
        """Remove records on which no state since a moment rests; how many went."""
        result = await self.session.execute(_REMOVE_OLD, {"before": before, "limit": limit})
        return int(result.rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it
