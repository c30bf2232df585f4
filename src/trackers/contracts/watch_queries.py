"""Read queries for watches."""

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
    """Reads the watches of one person."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries

    async def mine(self, user_id: UUID) -> Watches:
        """All watches of a person, oldest first, with the coverage of the regions."""
        items = [Watch(**row) for row in await self._queries.rows(_MINE, {"user": user_id})]
        return Watches(items=items, coverage=await coverage(self._queries))

    async def one(self, user_id: UUID, watch_id: UUID) -> Watch:
        """A watch of a person. Raises WatchNotFound."""
        row = await self._queries.row(_ONE, {"user": user_id, "id": watch_id})
        if row is None:
            raise WatchNotFound(watch_id)
        return Watch(**row)

    async def filter_of(self, user_id: UUID, watch_id: UUID) -> ContractFilter:
        """Filter for the contracts that match a watch. Raises WatchNotFound."""
        watch = await self.one(user_id, watch_id)
        criteria: dict[str, Any] = {"type_id": watch.type_id, "group_id": watch.group_id, "max_price": watch.max_price}
        return ContractFilter(**criteria, region_id=None if watch.region_id is None else (watch.region_id,))
