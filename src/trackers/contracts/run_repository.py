"""The runs' SQL: their rows, and the number by which a run that was taken for dead is kept from writing."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from shared.database import Repository, is_locked
from trackers.contracts.errors import FenceHeldError, LostLeaseError

_PATIENTLY: Final = text("SET LOCAL lock_timeout = '2s'")
# Waits for whoever writes right now, so that their transaction is whole before the number is another.
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
    """Runs and the fence."""

    async def open(self, run_id: UUID, *, now: datetime) -> int:
        """Begin a run; its number. Runs that never ended are noted as dead: there is one at a time.

        Raises FenceHeldError where the run before is in the middle of a transaction and does not end it.
        """
        await self.session.execute(_PATIENTLY)
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
        """Keep other runs from beginning until the transaction ends. Raises LostLeaseError where one has."""
        newest = (await self.session.execute(_HELD)).scalar_one_or_none()
        if newest != number:
            raise LostLeaseError(f"run number {newest} has begun, this is number {number}")

    async def close(
        self, run_id: UUID, *, outcome: str, error: str | None, summary: Mapping[str, Any], now: datetime
    ) -> None:
        """Note how a run ended, and what it did."""
        values = {"id": run_id, "outcome": outcome, "error": error, "now": now}
        await self.session.execute(_CLOSE, {**values, "summary": msgspec.json.encode(summary).decode()})

    async def remove_old(self, *, before: datetime, limit: int) -> int:
        """Remove the records of old runs; how many went."""
        result = await self.session.execute(_REMOVE_OLD, {"before": before, "limit": limit})
        return int(result.rowcount)  # type: ignore[attr-defined]  # a DELETE's result has it
