"""Manual snapshots as personal data: they stay with their author, even if the tracker gets another owner."""

from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from trackers.games.manual_repository import ManualSnapshotRepository
from trackers.games.manual_schemas import GuildReview, ManualPlaylist


class ManualSnapshotExport(Struct, frozen=True, kw_only=True):
    """A manual snapshot with the reviews of guilds."""

    id: UUID
    game: str
    platform: str
    identifier: str
    display: str
    season: str
    captured_at: datetime
    entered_at: datetime
    note: str
    evidence_url: str | None
    playlists: list[ManualPlaylist]
    reviews: list[GuildReview]


class ManualSnapshotsPersonalData:
    """A person's manual snapshots. Comes before the trackers, because their accounts may be erased with them."""

    name: Final = "manual_snapshots"

    def __init__(self, *, manual: ManualSnapshotRepository) -> None:
        self._manual = manual

    async def export(self, user_id: UUID) -> list[ManualSnapshotExport]:
        return msgspec.convert(await self._manual.everything_of(user_id), list[ManualSnapshotExport])

    async def erase(self, user_id: UUID) -> None:
        await self._manual.remove_of(user_id)

    async def hand_over(self, user_id: UUID, *, to: UUID) -> None:
        await self._manual.hand_over(user_id, to=to)
