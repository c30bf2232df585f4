"""Questions about watches."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from shared.database import Queries
from trackers.contracts.coverage import coverage
from trackers.contracts.errors import WatchNotFound
from trackers.contracts.schemas import ContractFilter, Watch, Watches

_COLUMNS: Final = """
SELECT w.id, w.type_id, w.group_id, coalesce(t.name, g.name) AS name, w.region_id, w.max_price, w.note, w.active,
       w.created_at, (SELECT count(*) FROM contract_alerts a WHERE a.watch_id = w.id) AS alerts
FROM contract_watches w
LEFT JOIN esi_types t ON t.type_id = w.type_id LEFT JOIN esi_groups g ON g.group_id = w.group_id
WHERE w.user_id = :user
"""
_MINE: Final = text(f"{_COLUMNS} ORDER BY w.created_at, w.id")
_ONE: Final = text(f"{_COLUMNS} AND w.id = :id")


class WatchReads:
    """Reads a person's own watches; of others' it knows nothing."""

    def __init__(self, questions: Queries) -> None:
        self._questions = questions

    async def mine(self, user_id: UUID) -> Watches:
        """All of them, the oldest first."""
        items = [Watch(**row) for row in await self._questions.rows(_MINE, {"user": user_id})]
        return Watches(items=items, coverage=await coverage(self._questions))

    async def one(self, user_id: UUID, watch_id: UUID) -> Watch:
        """Raises WatchNotFound."""
        row = await self._questions.row(_ONE, {"user": user_id, "id": watch_id})
        if row is None:
            raise WatchNotFound(watch_id)
        return Watch(**row)

    async def filter_of(self, user_id: UUID, watch_id: UUID) -> ContractFilter:
        """What a watch would find. Raises WatchNotFound."""
        watch = await self.one(user_id, watch_id)
        wanted: dict[str, Any] = {"type_id": watch.type_id, "group_id": watch.group_id, "max_price": watch.max_price}
        return ContractFilter(**wanted, region_id=None if watch.region_id is None else (watch.region_id,))
