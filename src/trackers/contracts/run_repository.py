"""SQL of runs: their rows, and the number that stops a run that was presumed dead from writing."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.database import Repository, is_locked
from trackers.contracts.errors import FenceHeldError, LostLeaseError

_LOCK_TIMEOUT: Final = text("SET LOCAL lock_timeout = '2s'")
# Waits for the transaction of the current run, so that it commits before the number changes.
_NEXT: Final = text("""
INSERT INTO contract_fence AS f (name, number) VALUES ('aggregation', 1)
ON CONFLICT (name) DO UPDATE SET number = f.number + 1
RETURNING number
""")
_OVERTAKEN: Final = text("""
UPDATE contract_runs SET outcome = 'died', finished_at = :now WHERE outcome IS NULL
""")
_OPEN: Final = text("""
INSERT INTO contract_runs (id, fence, started_at, summary) VALUES (:id, :fence, :now, '{}')
""")
_HELD: Final = text("SELECT number FROM contract_fence WHERE name = 'aggregation' FOR SHARE")
_CLOSE: Final = text("""
UPDATE contract_runs SET finished_at = :now, outcome = :outcome, error = :error, summary = CAST(:summary AS jsonb)
WHERE id = :id
""")
_REMOVE_OLD: Final = text("""
DELETE FROM contract_runs WHERE id IN (SELECT id FROM contract_runs WHERE started_at < :before LIMIT :limit)
""")


class RunRepository(Repository):
    """Reads and writes runs and the fence."""

    async def open(self, run_id: UUID, *, now: datetime) -> int:
        """Begin a run and return its number. Runs that never ended are marked as died, since only one runs at a time.

        Raises FenceHeldError if a transaction of the previous run stays open for more than 2 seconds.
        """
        await self.session.execute(_LOCK_TIMEOUT)
        try:
            number = (await self.session.execute(_NEXT)).scalar_one()
        except DBAPIError as error:
            if is_locked(error):
                raise FenceHeldError from error
            raise
        fence = int(number)
        await self.session.execute(_OVERTAKEN, {"now": now})
        await self.session.execute(_OPEN, {"id": run_id, "fence": fence, "now": now})
        return fence

    async def check_fence(self, number: int) -> None:
        """Prevent new runs until the transaction ends. Raises LostLeaseError if another run has already begun."""
        newest = (await self.session.execute(_HELD)).scalar_one_or_none()
        if newest != number:
            raise LostLeaseError(f"run number {newest} has begun, this is number {number}")

    async def close(
        self, run_id: UUID, *, outcome: str, error: str | None, summary: Mapping[str, Any], now: datetime
    ) -> None:
        """Store the outcome and the summary of a run."""
        values = {"id": run_id, "outcome": outcome, "error": error, "now": now}
        await self.session.execute(_CLOSE, {**values, "summary": msgspec.json.encode(summary).decode()})

    async def remove_old(self, *, before: datetime, limit: int) -> int:
        """Delete the records of old runs; return their number."""
        result = await self.session.execute(_REMOVE_OLD, {"before": before, "limit": limit})
        return int(result.rowcount)  # type: ignore[attr-defined]  # the result of a DELETE has it
