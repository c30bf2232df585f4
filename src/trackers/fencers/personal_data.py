"""Personal data in fencers and clubs: the ones that a person follows."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from shared.scraping.targets import Targets
from trackers.fencers.links import SubjectKind
from trackers.fencers.repository import TrackedRepository


class TrackedExport(Struct, frozen=True, kw_only=True):
    """A fencer or club that a person follows; registrations are public and not part of the export."""

    upstream_id: int
    page_name: str | None
    name: str | None
    weapons: list[str]
    active: bool
    created_at: datetime


class FencersExport(Struct, frozen=True, kw_only=True):
    fencers: list[TrackedExport]
    clubs: list[TrackedExport]


class FencersPersonalData:
    """Export, erasure and handover of followed fencers and clubs; pages without followers are no longer fetched."""

    name: Final = "fencers"

    def __init__(self, *, tracked: TrackedRepository, targets: Targets) -> None:
        self._tracked = tracked
        self._targets = targets

    async def export(self, user_id: UUID) -> FencersExport:
        exported = {
            kind: msgspec.convert(await self._tracked.everything_of(kind, user_id), list[TrackedExport])
            for kind in SubjectKind
        }
        return FencersExport(fencers=exported[SubjectKind.FENCER], clubs=exported[SubjectKind.CLUB])

    async def erase(self, user_id: UUID) -> None:
        for kind in SubjectKind:
            targets = await self._tracked.targets_of(kind, user_id)
            await self._targets.lock(targets)
            await self._tracked.erase(kind, user_id)
            await self._targets.forget(await self._tracked.unfollowed(kind, targets))

    async def hand_over(self, user_id: UUID, *, to: UUID) -> None:
        """Hand over all; what both accounts follow stays as the destination has it."""
        for kind in SubjectKind:
            await self._targets.lock(await self._tracked.targets_of(kind, user_id))
            await self._tracked.hand_over(kind, user_id, to=to)
