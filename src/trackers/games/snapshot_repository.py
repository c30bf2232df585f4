"""SQL that removes old snapshots."""

from datetime import datetime
from typing import Final

from sqlalchemy import text

from shared.database import Repository
from shared.ids import first_id_of

_REMOVE_OLD: Final = text("""
DELETE FROM game_snapshots WHERE id IN (
    SELECT s.id FROM game_snapshots s
    WHERE s.id < :boundary AND EXISTS (
        SELECT FROM game_snapshots n
        WHERE n.account_id = s.account_id AND n.captured_at >= s.captured_at
          AND (n.captured_at, n.id) > (s.captured_at, s.id)
    )
    ORDER BY s.id LIMIT :limit
)
""")


class SnapshotRepository(Repository):
    """Removes snapshots by age."""

    async def remove_old(self, *, before: datetime, limit: int) -> int:
        """Remove snapshots that were stored before a moment, except the last of each account. Return their number."""
        result = await self.session.execute(_REMOVE_OLD, {"boundary": first_id_of(before), "limit": limit})
        return int(result.rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it
