"""Export, handover and erasure of a person's watches and alerts."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from trackers.contracts.watch_repository import WatchRepository


class ExportedAlert(Struct, frozen=True, kw_only=True):
    contract_id: int
    alerted_at: datetime


class WatchExport(Struct, frozen=True, kw_only=True):
    """A watch with all its alerts."""

    id: UUID
    type_id: int | None
    group_id: int | None
    region_id: int | None
    max_price: float | None
    note: str | None
    active: bool
    created_at: datetime
    alerts: list[ExportedAlert]


class ContractsPersonalData:
    """A person's watches. Issuers are not included: they are characters that the game publishes, not accounts."""

    name: Final = "contract_watches"

    def __init__(self, *, watches: WatchRepository) -> None:
        self._watches = watches

    async def export(self, user_id: UUID) -> list[WatchExport]:
        return msgspec.convert(await self._watches.all_of(user_id), list[WatchExport])

    async def erase(self, user_id: UUID) -> None:
        await self._watches.erase(user_id)

    async def hand_over(self, user_id: UUID, *, to: UUID) -> None:
        """Move watches to another account and merge duplicates. All are kept above the limit, but none can be added."""
        await self._watches.lock(user_id, to)
        await self._watches.hand_over(user_id, to=to)
