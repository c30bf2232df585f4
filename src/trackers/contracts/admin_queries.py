"""Read queries for admins: aggregation runs and rejected rows."""

from typing import Final

from sqlalchemy import text

from shared.database import PooledQueries
from trackers.contracts.coverage import coverage
from trackers.contracts.schemas import RejectedPage, RejectedView, RunPage, RunView

_RUNS: Final = text("""
SELECT id, fence, started_at, finished_at, outcome, error, summary FROM contract_runs
ORDER BY started_at DESC, id DESC LIMIT :limit OFFSET :skip
""")
_RUN_COUNT: Final = text("SELECT count(*) FROM contract_runs")
_REJECTED: Final = text("""
SELECT region_id, nullif(contract_id, 0) AS contract_id, part, reason, sent, first_seen_at, last_seen_at, times
FROM contract_rejects ORDER BY last_seen_at DESC, region_id, contract_id, part LIMIT :limit OFFSET :skip
""")
_REJECTED_COUNT: Final = text("SELECT count(*) FROM contract_rejects")


class ContractAdminQueries:
    """Reads aggregation runs and rejected rows."""

    def __init__(self, reader: PooledQueries) -> None:
        self._reader = reader

    async def runs(self, *, page: int, per_page: int) -> RunPage:
        """A page of aggregation runs, newest first."""
        rows = await self._reader.rows(_RUNS, {"limit": per_page, "skip": (page - 1) * per_page})
        return RunPage(
            items=[RunView(**row) for row in rows],
            page=page,
            per_page=per_page,
            total=await self._reader.value(_RUN_COUNT),
            coverage=await coverage(self._reader),
        )

    async def rejected(self, *, page: int, per_page: int) -> RejectedPage:
        """A page of rejected rows, the last seen first."""
        rows = await self._reader.rows(_REJECTED, {"limit": per_page, "skip": (page - 1) * per_page})
        return RejectedPage(
            items=[RejectedView(**row) for row in rows],
            page=page,
            per_page=per_page,
            total=await self._reader.value(_REJECTED_COUNT),
            coverage=await coverage(self._reader),
        )
